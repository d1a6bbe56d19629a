/**
 * Runtime errors: which open the overlay, which only count, and when they are history.
 */
// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Failures } from "../src/failures.js";
import { ReactTools, componentStack } from "../src/react.js";

function failures() {
  /** @type {any[]} */ const sent = [];
  /** @type {{messages: string[], open: boolean}[]} */ const shown = [];
  const subject = new Failures(
    (message) => sent.push(message),
    (diagnostics, open) => shown.push({ messages: diagnostics.map(({ message }) => message), open }),
  );
  return { subject, sent, shown };
}

describe("Failures", () => {
  test("what the page does not survive opens the overlay, the rest counts", () => {
    const { subject, sent, shown } = failures();
    subject.add(new Error("click"), "", "survived");
    subject.add(new Error("render"), "    at App", "emptied");
    assert.deepEqual(shown, [{ messages: ["click"], open: false }, { messages: ["render", "click"], open: true }]);
    assert.deepEqual(sent.map(({ type, id, component_stack }) => [type, id, component_stack]), [["runtime_error", 1, ""], ["runtime_error", 2, "    at App"]]);
  });

  test("the same error again is kept once and told each time", () => {
    const { subject, sent, shown } = failures();
    const error = new Error("again");
    for (const _ of [1, 2, 3]) subject.add(error, "", "survived");
    assert.equal(sent.length, 3);
    assert.deepEqual(shown, [{ messages: ["again"], open: false }]);
  });

  test("a good update clears what failed before it and nothing that it brought", () => {
    const { subject, shown } = failures();
    subject.add(new Error("before"), "", "survived");
    subject.begin();
    subject.add(new Error("from the update"), "", "emptied");
    subject.recovered(false);
    assert.deepEqual(shown.at(-1), { messages: ["from the update"], open: false });
  });

  test("a page without its content says why until it has it again", () => {
    const { subject, shown } = failures();
    subject.add(new Error("handler"), "", "survived");
    subject.add(new Error("module"), "", "stopped");
    subject.add(new Error("render"), "", "emptied");
    subject.begin();
    subject.recovered(true);
    assert.deepEqual(shown.at(-1)?.messages, ["render"]);
    subject.begin();
    subject.recovered(false);
    assert.deepEqual(shown.at(-1)?.messages, []);
  });

  test("the sources replace what the browser said, unless it is history", () => {
    const { subject, shown } = failures();
    /** @type {any} */
    const diagnostic = { file: "src/App.tsx", line: 3, column: 9, message: "mapped", frame: "> 3 | x", severity: "error", code: "runtime_error" };
    subject.add(new Error("raw"), "", "emptied");
    subject.traced({ id: 1, diagnostic, stack: "Error: raw\n    at App (src/App.tsx:3:9)", component_stack: "" });
    assert.deepEqual(shown.at(-1), { messages: ["mapped"], open: false });
    subject.begin();
    subject.recovered(false);
    const { length } = shown;
    subject.traced({ id: 1, diagnostic, stack: "", component_stack: "" });
    assert.equal(shown.length, length);
  });
});

describe("React's hook", () => {
  const root = (/** @type {unknown} */ element) => ({ current: { memoizedState: { element } } });
  const hook = () => ({ injected: 0, commits: 0, inject() { return (this.injected += 1); }, onCommitFiberRoot() { this.commits += 1; } });

  test("a root that an error emptied is lost until it shows something or is unmounted", () => {
    const global = /** @type {any} */ (hook());
    const tools = new ReactTools(global, () => undefined);
    const one = root(null);
    global.onCommitFiberRoot(1, one, 0, true);
    assert.equal(tools.lostRoots.size, 1);
    global.onCommitFiberRoot(1, one, 0, false);
    assert.equal(tools.lostRoots.size, 0);
    global.onCommitFiberRoot(1, root({}), 0, true);
    assert.equal(tools.lostRoots.size, 0, "an error boundary shows something");
    assert.equal(global.commits, 3);
  });

  test("component stacks name components, their wrappers and the places of their elements", () => {
    const app = { type: function App() {}, return: null, _debugStack: { stack: "Error: react-stack-top-frame\n    at exports.jsxDEV (http://a/@vendor/1.js:1:2)\n    at runtime.jsxDEV (http://a/@live/client.js?v=1:3:4)\n    at http://a/src/main.tsx?seq=1:4:5" } };
    const memo = { type: { type: { render: function Inner() {} } }, return: /** @type {any} */ (app) };
    const host = { type: "p", return: { type: Symbol("fragment"), return: memo } };
    assert.equal(componentStack(/** @type {any} */ (host)), "    at p\n    at Inner\n    at App (http://a/src/main.tsx?seq=1:4:5)");
    const global = /** @type {any} */ (hook());
    const tools = new ReactTools(global, () => undefined);
    assert.equal(tools.componentStack(), "");
    global.inject({ getCurrentFiber: () => host });
    assert.match(tools.componentStack(), /^ {4}at p\n/);
  });
});

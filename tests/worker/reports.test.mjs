// @ts-check
/**
 * What previews report, in workerd: console lines and errors by the app's sources, in the log and on editors'
 * sockets, within their rates; and how updates went, in numbers.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack();
  at = platform(stack);
});
after(() => stack?.stop());

/** @param {string} type */
const is = (type) => (/** @type {any} */ message) => message.type === type;
/** @param {string} app @param {string} [query] */
const logs = async (app, query = "") => (await at.api("GET", `/v1/apps/${app}/logs${query}`)).json;
/** @param {string} app */
const metrics = async (app) => (await at.api("GET", `/v1/apps/${app}/metrics/hmr`)).json;

/** Line and column, from 1, of a text's first `needle`. @param {string} text @param {string} needle */
function placeOf(text, needle) {
  const index = text.indexOf(needle);
  assert.ok(index >= 0, `${needle} is not in ${text}`);
  const lines = text.slice(0, index).split("\n");
  return `${lines.length}:${/** @type {string} */ (lines.at(-1)).length + 1}`;
}

/** An app, an editor and a viewer of it that have heard what there was. @param {string} slug @param {Record<string, string>} [files] */
async function watched(slug, files = page("0")) {
  const made = await at.app(slug, files);
  const editor = await at.editor(slug);
  await editor.until(is("presence"));
  const viewer = await at.watch(slug, made.seq);
  const { viewer: { id } } = await editor.until(is("viewer_joined"));
  await viewer.until(is("connected"));
  const close = () => [editor, viewer].forEach((socket) => socket.close());
  return { made, editor, viewer, id, close };
}

describe("the log", () => {
  test("has every line as it came, newest first, by level and page by page", async () => {
    const { editor, viewer, id, close } = await watched("lines");
    assert.deepEqual(await logs("lines"), { logs: [], cursor: null });
    const levels = ["debug", "log", "info", "warn", "error"];
    for (const level of levels) viewer.send({ type: "console", level, args: [level, "äöü", "{\"a\":1}"] });
    viewer.send({ type: "runtime_error", message: "boom", stack: "Error: boom" });
    const heard = [];
    while (heard.length < 6) heard.push(await editor.next());
    const list = await logs("lines");
    assert.deepEqual(list, { logs: heard.toReversed(), cursor: null });
    const { at: when, ...line } = heard[3];
    assert.ok(Math.abs(when - Date.now()) < 60_000);
    assert.deepEqual(line, { type: "console", id: 4, viewer: id, level: "warn", args: ["warn", "äöü", "{\"a\":1}"], dropped: 0 });

    const ids = (/** @type {any} */ page) => page.logs.map((/** @type {any} */ entry) => entry.id);
    assert.deepEqual(ids(await logs("lines", "?level=warn")), [6, 5, 4]);
    assert.deepEqual(ids(await logs("lines", "?level=log")), [6, 5, 4, 3, 2]);
    const first = await logs("lines", "?limit=4");
    assert.deepEqual([ids(first), first.cursor], [[6, 5, 4, 3], "3"]);
    const rest = await logs("lines", `?limit=4&cursor=${first.cursor}`);
    assert.deepEqual([ids(rest), rest.cursor], [[2, 1], null]);
    for (const query of ["?level=loud", "?limit=0", "?limit=101", "?cursor=x", "?lines=1"]) {
      const refused = await at.api("GET", `/v1/apps/lines/logs${query}`);
      assert.deepEqual([refused.status, refused.json.code], [422, "invalid_parameter"], query);
    }
    assert.equal((await at.api("GET", "/v1/apps/none/logs")).json.code, "app_not_found");
    close();
  });

  test("keeps 8 KiB of a line and of each text of an error", async () => {
    const { editor, viewer, close } = await watched("long");
    const fits = "x".repeat(8 * 1024 - 4);
    viewer.send({ type: "console", level: "log", args: [fits, "four", "gone"] });
    assert.deepEqual((await editor.next()).args, [fits, "four"]);
    viewer.send({ type: "console", level: "log", args: [`${fits}fours`] });
    const [cut] = (await editor.next()).args;
    assert.ok(cut.endsWith("xf…") && Buffer.byteLength(cut) === 8 * 1024);
    const long = "ü".repeat(10_000);
    viewer.send({ type: "runtime_error", message: long, stack: long, component_stack: long });
    const error = await editor.next();
    for (const text of [error.diagnostic.message, error.stack, error.component_stack]) {
      assert.ok(text.endsWith("ü…") && Buffer.byteLength(text) <= 8 * 1024 && Buffer.byteLength(text) > 8 * 1024 - 4);
    }
    close();
  });

  test("takes 60 lines of a viewer at once; what is over its rate is counted, not kept", async () => {
    const { editor, viewer, close } = await watched("flood");
    const quiet = await at.watch("flood");
    await editor.until(is("viewer_joined"));
    const sent = 1_000;
    for (let n = 0; n < sent; n++) viewer.send({ type: "console", level: "log", args: [`${n}`] });
    await viewer.drain();
    quiet.send({ type: "console", level: "log", args: ["quiet"] });
    const heard = [];
    for (let line = await editor.next(); line.args[0] !== "quiet"; line = await editor.next()) heard.push(line);
    assert.deepEqual(heard.slice(0, 60).map(({ args }) => Number(args[0])), Array.from({ length: 60 }, (_, n) => n));
    // The rest of a flood goes at one line each 100 ms, each saying how many were dropped before it.
    const kept = heard.length;
    viewer.close();
    const left = await editor.until(is("viewer_left"));
    const dropped = heard.reduce((sum, line) => sum + line.dropped, left.dropped);
    assert.ok(kept >= 60 && kept < sent, `${kept} kept`);
    assert.equal(kept + dropped, sent, "every line is accounted for");
    quiet.close();
    editor.close();
  });
});

describe("places in stacks", () => {
  const source = [
    'import { type Greeting, greet } from "./greet";', "", "// lines that are not in the generated code", "interface Unused { a: string }",
    "export function App(greeting: Greeting) {", '  if (!greeting) throw new RangeError("boom");', "  return greet(greeting);", "}", "App(null as never);", "",
  ].join("\n");
  const files = { ...page("0"), "src/main.ts": source, "src/greet.ts": "export type Greeting = string;\n/* a comment */\nexport const greet = (who: Greeting): string => { throw new TypeError(who); };\n" };
  const origin = (/** @type {string} */ app) => `http://${app}--live.${stack.baseDomain}`;

  test("of a page's registry are those of the sources, with a code frame", async () => {
    const { made, editor, viewer, id, close } = await watched("traced", files);
    const registry = (await at.visit("traced--live", `/@live/registry.js?seq=${made.seq}`)).text;
    const url = `${origin("traced")}/@live/registry.js?seq=${made.seq}`;
    const [thrown, called] = [placeOf(registry, "new RangeError"), placeOf(registry, "new TypeError")];
    const trace = (/** @type {string} */ a, /** @type {string} */ b) => `RangeError: boom\n    at App (${a})\n    at async b (${b})\n    at https://cdn.test/src/main.ts?seq=1:6:9\n    at native`;
    viewer.send({ type: "runtime_error", id: 5, message: "boom", stack: trace(`${url}:${thrown}`, `${url}:${called}`), component_stack: `\n    at App (${url}:${thrown})` });
    const error = await editor.next();
    const [inMain, inGreet] = [`src/main.ts:${placeOf(source, "new RangeError")}`, `src/greet.ts:${placeOf(files["src/greet.ts"], "new TypeError")}`];
    assert.equal(error.stack, trace(inMain, inGreet));
    assert.equal(error.component_stack, `\n    at App (${inMain})`);
    const { file, line, column, message, frame, severity, code } = error.diagnostic;
    assert.deepEqual([`${file}:${line}:${column}`, message, severity, code], [inMain, "boom", "error", "runtime_error"]);
    assert.match(frame, /^> 6 \|   if \(!greeting\) throw new RangeError\("boom"\);\n\s+\| {24}\^/m);
    assert.equal(error.viewer, id);
    const told = await viewer.next();
    assert.deepEqual(told, { type: "runtime_error_traced", id: 5, diagnostic: error.diagnostic, stack: error.stack, component_stack: error.component_stack });

    viewer.send({ type: "runtime_error", message: "boom", stack: `App@${url}:${thrown}` });
    assert.equal((await editor.next()).stack, `App@${inMain}`, "as Firefox writes it");
    assert.deepEqual(await viewer.drain(), [], "nobody asked");
    viewer.send({ type: "console", level: "error", args: [`RangeError: boom\n    at App (${url}:${thrown})`, "plain"] });
    assert.deepEqual((await editor.next()).args, [`RangeError: boom\n    at App (${inMain})`, "plain"]);
    close();
  });

  test("of an update are those of the source as it was then, or stay as they are", async () => {
    const { made, editor, viewer, close } = await watched("moving", files);
    await at.visit("moving--live", "/@live/registry.js");
    const oldRegistry = (await at.visit("moving--live", "/@live/registry.js")).text;
    const edited = source.replace("// lines", "// one more line\n// lines").replace("boom", "bang");
    await at.write("moving", { "src/main.ts": edited });
    const update = await viewer.until(is("update"));
    // As the live client evaluates it.
    const evaluated = `(${update.modules[0].code}\n)`;
    const frame = (/** @type {string} */ path, /** @type {string} */ place) => `at App (${origin("moving")}${path}:${place})`;
    const report = async (/** @type {string} */ stack) => {
      viewer.send({ type: "runtime_error", message: "bang", stack });
      return (await editor.until(is("runtime_error"))).stack;
    };
    const inUpdate = frame(`/src/main.ts?seq=${update.seq}`, placeOf(evaluated, "new RangeError"));
    assert.equal(await report(inUpdate), `at App (src/main.ts:${placeOf(edited, "new RangeError")})`);
    // A page that was loaded before the edit runs the old module until it has the update; the map is the new one's.
    const inRegistry = (/** @type {string} */ needle) => frame(`/@live/registry.js?seq=${made.seq}`, placeOf(oldRegistry, needle));
    assert.equal(await report(inRegistry("new RangeError")), inRegistry("new RangeError"));
    assert.equal(await report(inRegistry("new TypeError")), `at App (src/greet.ts:${placeOf(files["src/greet.ts"], "new TypeError")})`, "the other module is as it was");
    // Lines that move without the code changing bring no update, and their places follow.
    const moved = edited.replace("// one more", "// two\n// more");
    assert.equal((await at.write("moving", { "src/main.ts": moved })).seq, update.seq);
    assert.equal(await report(inUpdate), `at App (src/main.ts:${placeOf(moved, "new RangeError")})`);
    // What does not compile leaves the last good module running.
    await at.write("moving", { "src/main.ts": "const broken = (\n" });
    assert.equal(await report(inUpdate), `at App (src/main.ts:${placeOf(moved, "new RangeError")})`);
    for (const stack of [frame("/src/none.ts?seq=1", "1:1"), frame("/src/main.ts?seq=99999999999999999999", "1:1"), frame(`/src/main.ts?seq=${update.seq}`, "99999:1"), frame("/@vendor/abc.js", "1:1"), frame("/@live/registry.js?seq=999", "1:1")]) {
      assert.equal(await report(stack), stack);
    }
    close();
  });

});

describe("how updates went", () => {
  const idle = { count: 0, p50: null, p95: null, p99: null };

  test("is nothing at first, and is asked without parameters", async () => {
    await at.app("idle", page("0"));
    const { hour, day } = await metrics("idle");
    const { from, updates, ...rest } = hour;
    assert.equal(updates, 1, "the first files are an update");
    assert.ok(Date.now() - from <= 3_600_000 && from % 60_000 === 0);
    assert.deepEqual([rest.hot, rest.reloads, rest.failed, rest.apply_ms, rest.latency_ms], [0, 0, 0, idle, idle]);
    assert.ok(Date.now() - day.from <= 86_400_000 && day.from < from);
    assert.equal((await at.api("GET", "/v1/apps/idle/metrics/hmr?hour=1")).json.code, "invalid_parameter");
    assert.equal((await at.api("GET", "/v1/apps/none/metrics/hmr")).json.code, "app_not_found");
  });

  test("counts updates, and what each viewer says of them", async () => {
    const { made, editor, viewer, close } = await watched("counted");
    for (let n = 1; n <= 20; n++) {
      const { seq } = await at.write("counted", { "src/main.ts": `export const edit = ${n};\n` });
      const outcome = n === 7 ? "reload" : n === 9 ? "failed" : "hot";
      viewer.send({ type: "applied", seq, ms: n, outcome });
      await editor.until(is("applied"));
    }
    const { hour, day } = await metrics("counted");
    assert.deepEqual([hour.updates, hour.hot, hour.reloads, hour.failed], [21, 18, 1, 1]);
    assert.deepEqual([hour.compile_ms.count, hour.broadcast_ms.count, hour.apply_ms.count, hour.latency_ms.count], [21, 21, 18, 18]);
    for (const [found, exact] of [[hour.apply_ms.p50, 11], [hour.apply_ms.p95, 20], [hour.apply_ms.p99, 20]]) {
      assert.ok(Math.abs(found - exact) <= exact * 0.05 + 0.01, `${found} for ${exact}`);
    }
    assert.deepEqual({ ...day, from: 0 }, { ...hour, from: 0 });

    // What a viewer gets by replay says nothing about how long an edit takes.
    const late = await at.watch("counted", made.seq);
    await late.drain();
    late.send({ type: "applied", seq: made.seq + 20, ms: 3, outcome: "hot" });
    assert.equal((await editor.until(is("applied"))).latency_ms, null);
    assert.deepEqual([(await metrics("counted")).hour.hot, (await metrics("counted")).hour.latency_ms.count], [19, 18]);
    late.close();
    close();
  });
});

test("all of it outlives a restart, and the log holds 1,000 entries", async () => {
  const files = { ...page("0"), "src/greet.ts": "type Who = string;\nexport const greet = (who: Who) => who;\n", "src/main.ts": 'import { greet } from "./greet";\n\nexport const main = (who: string) => { throw new RangeError(greet(who)); };\n' };
  const { made, editor, viewer, close } = await watched("ring", files);
  const registry = (await at.visit("ring--live", "/@live/registry.js")).text;
  const { seq } = await at.write("ring", { "src/greet.ts": "export const greet = (who: string) => `${who}`;\n" });
  viewer.send({ type: "applied", seq, ms: 2, outcome: "hot" });
  await editor.until(is("applied"));
  const counted = await metrics("ring");
  close();
  // A room takes 500 reports at once and a viewer 60: twenty viewers say far more, and after a restart again.
  const fill = async () => {
    const viewers = await Promise.all(Array.from({ length: 20 }, () => at.watch("ring")));
    for (const viewer of viewers) for (let n = 0; n < 60; n++) viewer.send({ type: "console", level: "info", args: ["x"] });
    await Promise.all(viewers.map((viewer) => viewer.drain()));
    for (const viewer of viewers) viewer.close();
    return (await logs("ring", "?limit=1")).logs[0].id;
  };
  const first = await fill();
  assert.ok(first >= 500 && first < 900, `${first} of 1200 taken`);

  await stack.restart();
  const { hour } = await metrics("ring");
  assert.deepEqual([hour.updates, hour.hot, hour.apply_ms], [2, 1, counted.hour.apply_ms]);
  const back = await at.watch("ring", made.seq);
  await back.until(is("update"));
  const trace = `at main (http://ring--live.${stack.baseDomain}/@live/registry.js?seq=${made.seq}:${placeOf(registry, "new RangeError")})`;
  back.send({ type: "runtime_error", id: 1, message: "boom", stack: trace });
  assert.equal((await back.until(is("runtime_error_traced"))).stack, `at main (src/main.ts:${placeOf(files["src/main.ts"], "new RangeError")})`);
  back.close();

  assert.ok((await fill()) >= 1_000);
  // One by one, each when the room's rate allows it, until the first entries must be gone.
  const last = await at.editor("ring");
  await last.until(is("presence"));
  for (let newest = 0; newest <= 1_001; newest = (await logs("ring", "?limit=1")).logs[0].id) {
    const one = await at.watch("ring");
    one.send({ type: "console", level: "info", args: ["last"] });
    await one.drain();
    one.close();
    await last.until(is("viewer_left"));
  }
  const seen = [];
  let cursor = "";
  do {
    const list = await logs("ring", `?limit=100${cursor && `&cursor=${cursor}`}`);
    seen.push(...list.logs.map((/** @type {any} */ entry) => entry.id));
    cursor = list.cursor;
  } while (cursor);
  assert.deepEqual(seen, Array.from({ length: 1_000 }, (_, index) => seen[0] - index));
  last.close();
});

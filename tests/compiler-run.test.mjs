/**
 * What the compiler prints, run: records of real files in the live client's registry.
 *
 * The snapshots beside the compiler say what the code looks like; this says what it does.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Registry } from "../worker-shims/live-client/src/registry.js";

const root = fileURLToPath(new URL("..", import.meta.url));
/** @type {string} */ let folder;
/** @type {string} */ let compiler;

before(() => {
  execFileSync("cargo", ["build", "--quiet", "--workspace", "--example", "compile"], { cwd: root });
  compiler = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/examples/compile");
  folder = mkdtempSync(join(tmpdir(), "hotplate-compiler-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** @param {string} id @param {string} text */
function compile(id, text) {
  const file = join(folder, "source");
  writeFileSync(file, text);
  const { artifact, diagnostics } = JSON.parse(execFileSync(compiler, [file, id], { encoding: "utf8" }));
  assert.deepEqual(diagnostics, [], id);
  return artifact;
}

/**
 * Compiles files and evaluates one of them; specifiers are the other files' ids, or names under /packages.
 * @param {Record<string, string>} files @param {string} entry
 */
async function run(files, entry) {
  /** @type {any[]} */ const registered = [];
  const registry = new Registry({
    origin: "http://app.test",
    meta: () => ({ url: "http://app.test/", env: { MODE: "development" }, hot: undefined }),
    style: () => {},
    signature: () => (/** @type {unknown} */ type) => type,
    evaluated: (instance) => void registered.push(...instance.components),
    fetch: () => null,
    native: (url) => import(url),
  });
  for (const [id, text] of Object.entries(files)) {
    const artifact = compile(id, text);
    /** @type {string[]} */ const specifiers = artifact.imports.map((/** @type {any} */ found) => found.specifier);
    const deps = Object.fromEntries(specifiers.map((found) => [found, found in files ? found : `/packages/${found}.js`]));
    registry.define(id, (0, eval)(`(${artifact.code})`), deps);
  }
  const module = registry.module(entry);
  registry.link(module);
  await registry.evaluate(module);
  return { exports: /** @type {any} */ (module.namespace), registered };
}

test("bindings are live and calls pass no receiver", async () => {
  const { exports } = await run(
    {
      "/count.ts": "export let count: number = 0; export function add() { count++; return this; }",
      "/main.ts": `import { count, add } from "/count.ts"; import * as all from "/count.ts";
        export const seen = [count, add(), add?.(), (add)(), count, all.count];`,
    },
    "/main.ts",
  );
  assert.deepEqual(exports.seen, [0, undefined, undefined, undefined, 3, 3]);
});

test("functions are callable in import cycles before their module evaluates", async () => {
  const { exports } = await run(
    {
      "/even.js": 'import odd from "/odd.js"; export function even(n) { return n === 0 || odd(n - 1); } export const four = even(4);',
      "/odd.js": 'import { even } from "/even.js"; export default function (n) { return n !== 0 && even(n - 1); }\nexport const three = even(3);',
    },
    "/even.js",
  );
  assert.equal(exports.four, true);
});

test("default exports are called default, and names may be any string", async () => {
  const { exports } = await run(
    {
      "/arrow.js": "export default () => 1; const x = 2; export { x as 'a b', x as __proto__ };",
      "/function.js": "export default function () {}",
      "/class.js": "export default class {}",
      "/main.js": `import arrow, { "a b" as ab, __proto__ as proto } from "/arrow.js"; import fn from "/function.js"; import Class from "/class.js";
        export { default as again } from "/arrow.js"; export * from "/arrow.js"; export * as ns from "/arrow.js";
        export const names = [arrow.name, fn.name, Class.name, ab, proto];`,
    },
    "/main.js",
  );
  assert.deepEqual(exports.names, ["default", "default", "default", 2, 2]);
  assert.equal(exports.again(), 1);
  assert.equal(exports["a b"], 2);
  assert.equal(exports.ns["a b"], 2);
});

test("top-level await holds back importers", async () => {
  const { exports } = await run(
    {
      "/data.js": "export const data = await Promise.resolve(7); for await (const x of [1]) globalThis.hotplateSeen = x;",
      "/main.js": 'import { data } from "/data.js"; export const twice = data * 2;',
    },
    "/main.js",
  );
  assert.equal(exports.twice, 14);
});

test("CommonJS, JSON and dynamic imports meet ES modules", async () => {
  const { exports } = await run(
    {
      "npm:dep@1.0.0/index.js": "if (process.env.NODE_ENV === 'production') { throw 1 } else { exports.mode = 'dev'; exports.self = this === exports; }",
      "/data.json": '{ "version": "1.2", "__proto__": 1 }',
      "/lazy.ts": "export default 'late' as string;",
      "/main.ts": `import dep, { mode } from "npm:dep@1.0.0/index.js"; import data, { version } from "/data.json";
        export const all = [mode, dep.self, version, Object.keys(data)]; export const lazy = import("/lazy.ts");`,
    },
    "/main.ts",
  );
  assert.deepEqual(exports.all, ["dev", true, "1.2", ["version", "__proto__"]]);
  assert.equal((await exports.lazy).default, "late");
});

test("components register for Fast Refresh under their names", async () => {
  const { exports, registered } = await run(
    {
      "/packages/react/jsx-dev-runtime.js": "export const jsxDEV = (type, props) => ({ type, props });",
      "/app.tsx": "export const App = ({ a }: { a: number }) => <p title='x'>{a}</p>; function Inner() { return <App a={1} />; }",
    },
    "/app.tsx",
  );
  assert.deepEqual(registered.map(([, name]) => name), ["App", "Inner"]);
  assert.deepEqual(exports.App({ a: 5 }), { type: "p", props: { title: "x", children: 5 } });
});

test("source maps lead from the record to the file", () => {
  const text = 'import { go } from "./go";\n\nexport const é = (x: number): string => {\n  return go(x, "ü", marker);\n};\n';
  const { code, map } = compile("/src/map.ts", text);
  const lines = code.split("\n");
  const line = lines.findIndex((/** @type {string} */ found) => found.includes("marker"));
  const found = new SourceMap(JSON.parse(map)).findEntry(line, lines[line].indexOf("marker"));
  assert.ok("originalSource" in found);
  assert.deepEqual([found.originalSource, found.originalLine, found.originalColumn], ["/src/map.ts", 3, 20]);
});

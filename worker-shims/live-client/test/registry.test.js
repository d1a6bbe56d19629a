/** The registry's semantics: what ECMAScript and esbuild's CommonJS interop say about modules. */
// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { World, cjs, esm, style } from "./world.js";

describe("ES modules", () => {
  test("run after what they import, each once", () => {
    const world = new World().define({
      "/a": esm({ imports: ["/b", "/c"], body: 'log("a")' }),
      "/b": esm({ imports: ["/d"], body: 'log("b")' }),
      "/c": esm({ imports: ["/d"], body: 'log("c")' }),
      "/d": esm({ body: 'log("d")' }),
    });
    world.run("/a");
    assert.deepEqual(world.log, ["d", "b", "c", "a"]);
  });

  test("bindings are live", () => {
    const world = new World().define({
      "/a": esm({ imports: ["/b"], body: "log(_0.n); (0, _0.inc)(); log(_0.n)" }),
      "/b": esm({ exports: { n: "n", inc: "inc" }, head: "function inc() { n++; }", body: "" }).replace('"use strict";', '"use strict"; let n = 1;'),
    });
    world.run("/a");
    assert.deepEqual(world.log, [1, 2]);
  });

  test("functions of a module in a cycle are callable before it is evaluated", () => {
    const world = new World().define({
      "/a": esm({ imports: ["/b"], exports: { hoisted: "hoisted", late: "late" }, body: 'function hoisted() { return "early"; } const late = 1;' }),
      "/b": esm({ imports: ["/a"], body: 'log((0, _0.hoisted)()); try { _0.late } catch (e) { log(e.name) }' }),
    });
    world.run("/a");
    assert.deepEqual(world.log, ["early", "ReferenceError"]);
  });

  test("a module that imports itself sees its own namespace", () => {
    const world = new World().define({ "/a": esm({ imports: ["/a"], exports: { x: "x" }, body: "const x = 1; log(_0.x)" }) });
    world.run("/a");
    assert.deepEqual(world.log, [1]);
  });

  test("namespaces look like namespaces", () => {
    const world = new World().define({ "/a": esm({ exports: { zeta: "1", alpha: "2", default: "3" } }) });
    const namespace = world.run("/a");
    assert.deepEqual(Object.keys(namespace), ["alpha", "default", "zeta"]);
    assert.equal(Object.prototype.toString.call(namespace), "[object Module]");
    assert.equal(Object.getPrototypeOf(namespace), null);
    assert.throws(() => {
      namespace.alpha = 1;
    }, TypeError);
  });

  test("an error is kept: the module does not run again", () => {
    const world = new World().define({ "/a": esm({ body: 'log("run"); throw new Error("no")' }), "/b": esm({ imports: ["/a"], body: 'log("b")' }) });
    assert.throws(() => world.run("/b"), /no/);
    assert.throws(() => world.run("/a"), /no/);
    assert.throws(() => world.run("/b"), /no/);
    assert.deepEqual(world.log, ["run"]);
  });

  test("a missing module is named with its importer, and nothing has run", () => {
    const world = new World().define({ "/a": esm({ imports: ["/b", "/gone"] }), "/b": esm({ body: 'log("b")' }) });
    assert.throws(() => world.run("/a"), { code: "MODULE_NOT_FOUND", message: /'\/gone'.*\/a/ });
    assert.deepEqual(world.log, []);
    world.define({ "/gone": esm({ body: 'log("there")' }) });
    world.run("/a");
    assert.deepEqual(world.log, ["b", "there"]);
  });

  test("the first definition of an id wins", () => {
    const world = new World().define({ "npm:x": esm({ exports: { v: "1" } }) }).define({ "npm:x": esm({ exports: { v: "2" } }) });
    assert.equal(world.run("npm:x").v, 1);
  });

  test("aliases lead to what the vendor chunk defines", () => {
    const world = new World().define({ "/a": esm({ imports: ["npm:react"], body: "log(_0.v)" }), "npm:react@19/index.js": esm({ exports: { v: "19" } }) });
    assert.equal(world.registry.alias("npm:react", "npm:react@19/index.js"), false);
    world.run("/a");
    assert.deepEqual(world.log, [19]);
    assert.equal(world.registry.alias("npm:react", "npm:react@19/index.js"), false);
    assert.equal(world.registry.alias("npm:react", "npm:react@20/index.js"), true);
  });

  test("modules at a URL are the browser's", async () => {
    const world = new World().define({ "/a": esm({ imports: ["https://esm.test/x"], body: "log(_0.default, _0.named); log(_0.named)" }) });
    await world.run("/a");
    assert.deepEqual(world.log, ["native https://esm.test/x", 1]);
  });

  test("import.meta and assets", () => {
    const world = new World().define({
      "/src/a.js": [esm({ body: 'log(h.meta.url); log(h.meta === h.meta); log(h.asset("./x.svg").href); log(h.asset("./y.svg").href); log(h.asset("./z.svg").href)' }), { "./x.svg": "/src/x.svg", "./y.svg": "/y.svg?v=1" }],
      "/src/x.svg": esm({ exports: { default: '"/src/x.svg?v=abc"' } }),
    });
    world.run("/src/a.js");
    assert.deepEqual(world.log, ["http://app.test/src/a.js", true, "http://app.test/src/x.svg?v=abc", "http://app.test/y.svg?v=1", "http://app.test/src/z.svg"]);
  });

  test("style sheets execute in order, before their importer, sheets they import first", () => {
    const world = new World().define({
      "/a": esm({ imports: ["/one.module.css", "/two.css"], body: "log(_0.card); log(_0.default.card); log(Object.keys(_1.default))" }),
      "/one.module.css": [style({ card: "card_x", "a-b": "a_b" }), {}],
      "/two.css": [style({}, { imports: ["./z.css", "./a.css", "./gone.css"] }), { "./a.css": "/a.css", "./z.css": "/z.css", "./image.png": "/image.png" }],
      "/a.css": style(), "/z.css": style(),
    });
    for (const id of ["/one.module.css", "/two.css", "/a.css", "/z.css"]) world.registry.css(id, `text of ${id}`);
    world.run("/a");
    assert.deepEqual(world.log, ["card_x", "card_x", []]);
    assert.deepEqual(world.styles, ["/one.module.css", "/z.css", "/a.css", "/two.css"].map((id) => `mount ${id} text of ${id}`));
  });

  test("composed class names come from other sheets, in chains and in cycles", () => {
    const world = new World().define({
      "/main": esm({ imports: ["/a.module.css"], body: "log(_0.card); log(_0.default.plain)" }),
      "/a.module.css": [style({ card: "card_a own", plain: "plain_a" }, { imports: ["./b"], composes: { card: [["./b", "mid"], ["./b", "gone"]] } }), { "./b": "/b.module.css" }],
      "/b.module.css": [style({ mid: "mid_b", last: "last_b" }, { imports: ["./a"], composes: { mid: [["./a", "plain"], ["./a", "card"]] } }), { "./a": "/a.module.css" }],
    });
    world.run("/main");
    assert.deepEqual(world.log, ["card_a own mid_b plain_a", "plain_a"]);
  });

  test("files of packages get their URLs in a sheet where it executes", () => {
    const world = new World().define({
      "/a.css": [style(), { "pkg/x.png": "npm:pkg/x.png?url" }],
      "npm:pkg/x.png?url": esm({ exports: { default: '"data:image/png,x"' } }),
    });
    world.registry.css("/a.css", 'a{b:url("__hotplate_asset__(pkg/x.png)__") url("__hotplate_asset__(other/y.png)__")}');
    world.run("/a.css");
    assert.deepEqual(world.styles, ['mount /a.css a{b:url("data:image/png,x") url("other/y.png")}']);
  });
});

describe("export *", () => {
  const one = esm({ exports: { x: '"one"', only: "1", default: "0" } });
  const two = esm({ exports: { x: '"two"', other: "2" } });

  test("brings every name but default", () => {
    const world = new World().define({ "/a": esm({ stars: ["/one"] }), "/one": one });
    assert.deepEqual({ ...world.run("/a") }, { only: 1, x: "one" });
  });

  test("loses to the module's own export", () => {
    const world = new World().define({ "/a": esm({ stars: ["/one"], exports: { x: '"own"' } }), "/one": one });
    assert.equal(world.run("/a").x, "own");
  });

  test("drops names that two modules bring", () => {
    const world = new World().define({ "/a": esm({ stars: ["/one", "/two"] }), "/one": one, "/two": two });
    assert.deepEqual({ ...world.run("/a") }, { only: 1, other: 2 });
  });

  test("keeps a name that both take from one place", () => {
    const world = new World().define({
      "/a": esm({ stars: ["/b", "/c"] }),
      "/b": esm({ stars: ["/one"] }),
      "/c": esm({ stars: ["/one"] }),
      "/one": one,
    });
    assert.equal(world.run("/a").x, "one");
  });

  test("keeps a name that both re-export from one place", () => {
    const again = esm({ imports: ["/one"], exports: { x: "_0.x" } });
    const world = new World().define({ "/a": esm({ stars: ["/b", "/c"] }), "/b": again, "/c": again, "/one": one });
    assert.equal(world.run("/a").x, "one");
  });

  test("prefers the nearer explicit export over the farther star", () => {
    const world = new World().define({
      "/a": esm({ stars: ["/b"] }),
      "/b": esm({ stars: ["/one"], exports: { x: '"b"' } }),
      "/one": one,
    });
    assert.equal(world.run("/a").x, "b");
  });

  test("works in cycles", () => {
    const world = new World().define({
      "/a": esm({ stars: ["/b"], exports: { a: "1" } }),
      "/b": esm({ stars: ["/a"], exports: { b: "2" } }),
    });
    assert.deepEqual({ ...world.run("/a") }, { a: 1, b: 2 });
    assert.deepEqual({ ...world.run("/b") }, { a: 1, b: 2 });
  });

  test("brings the names of CommonJS", () => {
    const world = new World().define({ "/a": esm({ stars: ["/c"], exports: { own: "1" } }), "/c": cjs("exports.__esModule = true; exports.x = 1; exports.default = 2") });
    assert.deepEqual({ ...world.run("/a") }, { own: 1, x: 1 });
  });
});

describe("top-level await", () => {
  test("holds up importers and nobody else", async () => {
    const world = new World().define({
      "/a": esm({ imports: ["/slow", "/quick"], body: 'log("a " + _0.v)' }),
      "/slow": esm({ async: true, exports: { v: "v" }, body: 'log("slow starts"); const v = await Promise.resolve(7); log("slow ends");' }),
      "/quick": esm({ body: 'log("quick")' }),
    });
    await world.run("/a");
    assert.deepEqual(world.log, ["slow starts", "quick", "slow ends", "a 7"]);
  });

  test("holds up importers of importers", async () => {
    const world = new World().define({
      "/a": esm({ imports: ["/b"], body: 'log("a")' }),
      "/b": esm({ imports: ["/c"], body: 'log("b")' }),
      "/c": esm({ async: true, body: 'await null; log("c")' }),
    });
    await world.run("/a");
    assert.deepEqual(world.log, ["c", "b", "a"]);
  });

  test("in a cycle holds up who comes from outside", async () => {
    const world = new World().define({
      "/main": esm({ imports: ["/a", "/outside"], body: 'log("main")' }),
      "/a": esm({ async: true, imports: ["/b"], body: 'await null; log("a")' }),
      "/b": esm({ imports: ["/a"], body: 'log("b")' }),
      "/outside": esm({ imports: ["/b"], body: 'log("outside")' }),
    });
    await world.run("/main");
    assert.deepEqual(world.log, ["b", "a", "outside", "main"]);
  });

  test("rejects importers with its error", async () => {
    const world = new World().define({
      "/a": esm({ imports: ["/b"], body: 'log("a")' }),
      "/b": esm({ async: true, body: 'await null; throw new Error("late")' }),
    });
    await assert.rejects(async () => world.run("/a"), /late/);
    await assert.rejects(async () => world.run("/a"), /late/);
    assert.deepEqual(world.log, []);
  });
});

describe("dynamic import", () => {
  test("gives the namespace, once evaluated", async () => {
    const world = new World().define({ "/a": esm({ body: 'h.dynamicImport("/b").then((m) => log(m.x))' }), "/b": esm({ exports: { x: "1" } }) });
    const a = world.run("/a");
    assert.ok(a);
    await Promise.resolve().then(() => world.registry.import(/** @type {any} */ (world.registry.module("/a").instance), "/b"));
    assert.deepEqual(world.log, [1]);
  });

  test("leaves specifiers that nobody knew to the browser", async () => {
    const world = new World().define({ "/src/a": esm({}) });
    world.run("/src/a");
    const instance = /** @type {any} */ (world.registry.module("/src/a").instance);
    assert.equal((/** @type {any} */ (await world.registry.import(instance, "./z.js"))).default, "native http://app.test/src/z.js");
  });

  test("loads the chunk that defines the module", async () => {
    const world = new World().define({ "/a": esm({ body: 'h.meta.load = h.dynamicImport("/b")' }) });
    world.chunks["/b"] = async () => world.define({ "/b": esm({ exports: { x: "5" } }) });
    world.run("/a");
    const instance = /** @type {any} */ (world.registry.module("/a").instance);
    assert.equal((/** @type {any} */ (await world.registry.import(instance, "/b"))).x, 5);
  });
});

describe("CommonJS", () => {
  test("sees what is there in a cycle, and runs once", () => {
    const world = new World().define({
      "/a": cjs('exports.early = 1; const b = require("/b"); exports.late = b.saw'),
      "/b": cjs('const a = require("/a"); log(Object.keys(a)); exports.saw = a.early'),
    });
    world.define({ "/m": esm({ imports: ["/a"], body: "log(_0.late)" }) }).run("/m");
    assert.deepEqual(world.log, [["early"], 1]);
  });

  test("is dropped when it throws, and tried again", () => {
    const world = new World().define({
      "/a": cjs('for (let i = 0; i < 2; i++) try { log(require("/b")) } catch (e) { log(e.message) }'),
      "/b": cjs('globalThis.__tries = (globalThis.__tries ?? 0) + 1; if (globalThis.__tries === 1) throw new Error("first"); module.exports = "fine"'),
    });
    world.define({ "/m": esm({ imports: ["/a"] }) }).run("/m");
    assert.deepEqual(world.log, ["first", "fine"]);
  });

  test("`this` is exports; module, require.resolve are there", () => {
    const world = new World().define({ "/a": cjs('log(this === exports); log(module.id); log(require.resolve("/b")); log(module.loaded)'), "/b": cjs("") });
    world.define({ "/m": esm({ imports: ["/a"] }) }).run("/m");
    assert.deepEqual(world.log, [true, "/a", "/b", false]);
  });

  test("an optional require that fails can be caught by its code", () => {
    const world = new World().define({ "/a": cjs('try { require("optional") } catch (e) { log(e.code) }') });
    world.define({ "/m": esm({ imports: ["/a"] }) }).run("/m");
    assert.deepEqual(world.log, ["MODULE_NOT_FOUND"]);
  });
});

describe("import of CommonJS, by edge", () => {
  const compiled = 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = "d"; exports.x = 1;';
  /** @type {[name: string, body: string, node: boolean, expected: {default: unknown, x?: unknown}][]} */
  const cases = [
    ["plain object", "exports.x = 1", false, { default: { x: 1 }, x: 1 }],
    ["plain object, Node", "exports.x = 1", true, { default: { x: 1 }, x: 1 }],
    ["compiled", compiled, false, { default: "d", x: 1 }],
    ["compiled, Node", compiled, true, { default: { default: "d", x: 1 }, x: 1 }],
    ["__esModule without default", "exports.__esModule = true; exports.x = 1", false, { default: { __esModule: true, x: 1 }, x: 1 }],
    ["own default without __esModule", 'exports.default = "d"; exports.x = 1', false, { default: { default: "d", x: 1 }, x: 1 }],
    ["string", 'module.exports = "s"', false, { default: "s" }],
    ["null", "module.exports = null", false, { default: null }],
    ["undefined default of compiled", "exports.__esModule = true; exports.default = undefined", false, { default: undefined }],
  ];
  for (const [name, body, node, expected] of cases) {
    test(name, () => {
      const world = new World().define({
        "/m": [esm({ imports: ["/c"], body: "log(_0.default); log(_0.x)" }), { "/c": node ? ["/c", "node"] : "/c" }],
        "/c": cjs(body),
      });
      world.run("/m");
      assert.deepEqual(world.log, [expected.default, expected.x]);
    });
  }

  test("both kinds of edge live side by side", () => {
    const world = new World().define({
      "/m": esm({ imports: ["/one", "/two"] }),
      "/one": [esm({ imports: ["/c"], body: "log(_0.default)" }), { "/c": ["/c", "node"] }],
      "/two": esm({ imports: ["/c"], body: "log(_0.default)" }),
      "/c": cjs(compiled),
    });
    world.run("/m");
    assert.deepEqual(world.log, [{ default: "d", x: 1 }, "d"]);
  });

  test("a function that is module.exports, with its properties", () => {
    const world = new World().define({ "/m": esm({ imports: ["/c"], body: "log((0, _0.default)()); log(_0.helper)" }), "/c": cjs("module.exports = function () { return 7 }; module.exports.helper = 8") });
    world.run("/m");
    assert.deepEqual(world.log, [7, 8]);
  });

  test("methods of an instance that is module.exports", () => {
    const world = new World().define({ "/m": esm({ imports: ["/c"], body: "log(_0.hello())" }), "/c": cjs("module.exports = new (class { hello() { return 'hi' } })()") });
    world.run("/m");
    assert.deepEqual(world.log, ["hi"]);
  });

  test("values that change later are read live", () => {
    const world = new World().define({ "/m": esm({ imports: ["/c"], body: "_0.set(2); log(_0.n)" }), "/c": cjs("exports.n = 1; exports.set = (v) => { exports.n = v }") });
    world.run("/m");
    assert.deepEqual(world.log, [2]);
  });
});

describe("require of ES modules", () => {
  /** @type {[name: string, id: string, code: string, check: string, expected: unknown][]} */
  const cases = [
    ["a namespace that says __esModule", "/e.js", esm({ exports: { default: "1", x: "2" } }), "[r.__esModule, r.default, r.x, Object.keys(r)]", [true, 1, 2, ["default", "x"]]],
    ["JSON is its value", "/e.json", esm({ exports: { default: "({ a: 1 })", a: "1" } }), "r", { a: 1 }],
    ["an asset is its URL", "/e.svg", esm({ exports: { default: '"/e.svg?v=1"' } }), "r", "/e.svg?v=1"],
    ["the export named module.exports", "/e.js", esm({ exports: { "module.exports": '"whole"', x: "1" } }), "r", "whole"],
    ["a style sheet is its names", "/e.module.css", style({ card: "c1" }), "r", { card: "c1" }],
  ];
  for (const [name, id, code, check, expected] of cases) {
    test(name, () => {
      const world = new World().define({ "/m": esm({ imports: ["/c"] }), "/c": cjs(`const r = require("${id}"); log(${check})`), [id]: code });
      world.run("/m");
      assert.deepEqual(world.log[0], expected);
    });
  }

  test("JSON is its value under the short ids of releases too", () => {
    const world = new World().define({
      "/m": esm({ imports: ["/c"] }),
      "/c": [cjs('log(require("./list.json"))'), { "./list.json": "b7" }],
      b7: esm({ exports: { default: "[1, 2]" } }),
    });
    world.run("/m");
    assert.deepEqual(world.log, [[1, 2]]);
  });

  test("gives the same object twice", () => {
    const world = new World().define({ "/m": esm({ imports: ["/c"] }), "/c": cjs('log(require("/e.js") === require("/e.js"))'), "/e.js": esm({ exports: { x: "1" } }) });
    world.run("/m");
    assert.deepEqual(world.log, [true]);
  });

  test("is refused for modules that await", async () => {
    const world = new World().define({
      "/m": esm({ imports: ["/c"] }),
      "/c": cjs('try { require("/e.js") } catch (e) { log(e.code) }'),
      "/e.js": esm({ async: true, body: "await null" }),
    });
    await world.run("/m");
    assert.deepEqual(world.log, ["ERR_REQUIRE_ASYNC_MODULE"]);
  });

  test("in a cycle gives what is there", () => {
    const world = new World().define({
      "/e.js": esm({ imports: ["/c"], exports: { f: "f" }, body: "function f() { return 1 } log(_0.default)" }),
      "/c": cjs('const e = require("/e.js"); module.exports = e.f()'),
    });
    world.run("/e.js");
    assert.deepEqual(world.log, [1]);
  });

  test("works inside ES modules", () => {
    const world = new World().define({ "/m": esm({ body: 'log(h.require("/c").x)' }), "/c": cjs("exports.x = 3") });
    world.run("/m");
    assert.deepEqual(world.log, [3]);
  });
});

describe("patterns", () => {
  const pages = { "/home": esm({ exports: { default: "'home'", name: "'h'" }, body: 'log("home")' }), "/about": esm({ exports: { default: "'about'" }, body: 'log("about")' }) };

  test("lazy matches are functions that import", async () => {
    const world = new World().define({
      ...pages,
      "/a": [esm({ exports: { all: "all", names: "names" }, body: 'const all = h.glob(0, false); const names = h.glob(0, false, "default"); log("a")' }), { "glob:0:./home.js": "/home", "glob:0:./about.js": "/about", "glob:10:./no.js": "/none", "./other.js": "/about" }],
    });
    const { all, names } = world.run("/a");
    assert.deepEqual([Object.keys(all).sort(), world.drain()], [["./about.js", "./home.js"], ["a"]]);
    assert.equal((await all["./home.js"]()).name, "h");
    assert.equal(await names["./about.js"](), "about");
    assert.deepEqual(world.drain(), ["home", "about"]);
  });

  test("eager matches run before", () => {
    const world = new World().define({
      ...pages,
      "/a": [esm({ body: 'log(h.glob(1, true)["./home.js"].name, h.glob(1, true, "default"))' }).replace("imports:", "eager: [1], imports:"), { "glob:1:./home.js": "/home", "glob:1:./about.js": "/about" }],
    });
    world.run("/a");
    assert.deepEqual(world.log, ["home", "about", "h"]);
  });
});

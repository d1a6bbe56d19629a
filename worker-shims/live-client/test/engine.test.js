/** The engine: where updates go, in which order modules run again, and what happens when one throws. */
// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { World, esm, style } from "./world.js";

/** A module that logs and, with `accept`, accepts itself. @param {string} name @param {string[]} imports @param {string} [hot] */
const mod = (name, imports = [], hot = "") => esm({ imports, exports: { name: JSON.stringify(name) }, body: `log(${JSON.stringify(name)}); ${hot}` });
const ACCEPT = "h.meta.hot.accept();";
/** @param {string} name @param {string} text @param {string[]} [imports] */
const component = (name, text, imports = []) =>
  esm({ imports, refresh: true, exports: { [name]: name }, head: `function ${name}() { return ${text} }`, body: `log(${JSON.stringify(name)}); h.register(${name}, "${name}");` });

describe("propagation", () => {
  /** @type {[name: string, modules: Record<string, string>, changed: string[], expected: string[] | "reload"][]} */
  const cases = [
    ["an accepted module runs alone", { "/m": mod("m", ["/a"]), "/a": mod("a", [], ACCEPT) }, ["/a"], ["a"]],
    ["the closest accepting importer stops it, in order", { "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT), "/b": mod("b", ["/c"]), "/c": mod("c") }, ["/c"], ["c", "b", "a"]],
    ["a diamond runs each once, dependencies first", { "/m": mod("m", ["/a"]), "/a": mod("a", ["/l", "/r"], ACCEPT), "/l": mod("l", ["/d"]), "/r": mod("r", ["/d"]), "/d": mod("d") }, ["/d"], ["d", "l", "r", "a"]],
    ["all inverse dependencies that accept", { "/m": mod("m", ["/a", "/b", "/x"]), "/a": mod("a", ["/d"], ACCEPT), "/b": mod("b", ["/d"], ACCEPT), "/d": mod("d"), "/x": mod("x") }, ["/d"], ["d", "a", "b"]],
    ["an entry that does not accept reloads", { "/m": mod("m", ["/a"]), "/a": mod("a") }, ["/a"], "reload"],
    ["one path to the entry is enough to reload", { "/m": mod("m", ["/a", "/d"]), "/a": mod("a", ["/d"], ACCEPT), "/d": mod("d") }, ["/d"], "reload"],
    ["an entry that accepts runs again", { "/m": mod("m", ["/a"], ACCEPT), "/a": mod("a") }, ["/a"], ["a", "m"]],
    ["several changes are one batch", { "/m": mod("m", ["/p"]), "/p": mod("p", ["/a", "/b"], ACCEPT), "/a": mod("a", ["/b"]), "/b": mod("b") }, ["/a", "/b"], ["b", "a", "p"]],
    ["a cycle that accepts somewhere", { "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT), "/b": mod("b", ["/a"]) }, ["/b"], ["b", "a"]],
    ["a cycle nobody accepts reloads", { "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"]), "/b": mod("b", ["/a"]) }, ["/b"], "reload"],
    ["the URL of a worker passes Fast Refresh by", { "/m": mod("m", ["/a"]), "/a": component("App", "1", ["/w.ts?worker_file"]), "/w.ts?worker_file": mod("w") }, ["/w.ts?worker_file"], "reload"],
    ["the URL of a worker stops at who accepts it", { "/m": mod("m", ["/a"]), "/a": mod("a", ["/w.ts?worker_file"], ACCEPT), "/w.ts?worker_file": mod("w") }, ["/w.ts?worker_file"], ["w", "a"]],
    ["the accepting module in a cycle runs alone", { "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT), "/b": mod("b", ["/a"]) }, ["/a"], ["a"]],
  ];
  for (const [name, modules, changed, expected] of cases) {
    test(name, async () => {
      const world = new World().define(modules);
      world.run("/m");
      world.drain();
      const result = await world.update(Object.fromEntries(changed.map((id) => [id, `${modules[id]} /* 2 */`])));
      if (expected === "reload") return assert.equal(result.outcome, "reload");
      assert.equal(result.outcome, "hot");
      assert.deepEqual(world.drain(), expected);
      return undefined;
    });
  }

  test("a module that never ran is only defined", async () => {
    const world = new World().define({ "/m": mod("m") });
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/new": mod("new") })).outcome, "hot");
    assert.deepEqual(world.drain(), []);
  });

  test("a new import runs before its importer", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], ACCEPT) });
    world.run("/m");
    world.drain();
    await world.update({ "/new": mod("new"), "/a": mod("a2", ["/new"], ACCEPT) });
    assert.deepEqual(world.drain(), ["new", "a2"]);
  });

  test("an import that is gone no longer propagates", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT), "/b": mod("b") });
    world.run("/m");
    await world.update({ "/a": mod("a2", [], ACCEPT) });
    world.drain();
    assert.equal((await world.update({ "/b": mod("b2") })).outcome, "hot");
    assert.deepEqual(world.drain(), []);
  });

  test("a module stops accepting, then starts again", async () => {
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": mod("p", ["/a"], ACCEPT), "/a": mod("a", [], ACCEPT) });
    world.run("/m");
    world.drain();
    await world.update({ "/a": mod("a2") });
    assert.deepEqual(world.drain(), ["a2"], "the version that runs accepts");
    await world.update({ "/a": mod("a3", [], ACCEPT) });
    assert.deepEqual(world.drain(), ["a3", "p"], "the version that runs does not");
    await world.update({ "/a": mod("a4", [], ACCEPT) });
    assert.deepEqual(world.drain(), ["a4"]);
  });

  test("importers read the new values through the bindings they have", async () => {
    const world = new World().define({ "/m": esm({ imports: ["/a"], exports: { read: "() => _0.name" } }), "/a": mod("a", [], ACCEPT) });
    const main = world.run("/m");
    const namespace = world.registry.module("/a").namespace;
    await world.update({ "/a": mod("a2", [], ACCEPT) });
    assert.equal(main.read(), "a2");
    assert.equal(world.registry.module("/a").namespace, namespace);
  });

  test("export * shows names that come and go", async () => {
    const world = new World().define({ "/m": esm({ imports: ["/s"], exports: { names: "() => Object.keys(_0)" } }), "/s": esm({ stars: ["/a"] }), "/a": esm({ exports: { x: "1" }, body: ACCEPT }) });
    const main = world.run("/m");
    await world.update({ "/a": esm({ exports: { y: "1", z: "2" }, body: ACCEPT }) });
    assert.deepEqual(main.names(), ["y", "z"]);
  });

  test("dynamic importers are importers", async () => {
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": mod("p", [], `${ACCEPT} h.dynamicImport("/d");`), "/d": mod("d") });
    world.run("/m");
    await world.registry.import(/** @type {any} */ (world.registry.module("/p").instance), "/d");
    world.drain();
    assert.equal((await world.update({ "/d": mod("d2") })).outcome, "hot");
    await world.registry.import(/** @type {any} */ (world.registry.module("/p").instance), "/d");
    assert.deepEqual(world.drain(), ["p", "d2"]);
  });

  test("an update that changes nothing runs nothing", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], ACCEPT) });
    world.run("/m");
    await world.update({ "/a": mod("a2", [], ACCEPT) });
    world.drain();
    await world.update({ "/a": mod("a2", [], ACCEPT) });
    assert.deepEqual(world.drain(), []);
  });

  test("modules with top-level await are waited for", async () => {
    const slow = (/** @type {string} */ name) => esm({ async: true, exports: { name: JSON.stringify(name) }, body: `await null; log(${JSON.stringify(name)});` });
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/slow"], ACCEPT), "/slow": slow("slow") });
    await world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/slow": slow("slow2") })).outcome, "hot");
    assert.deepEqual(world.drain(), ["slow2", "a"]);
  });
});

describe("import.meta.hot", () => {
  test("accept(callback) gets the new module", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], "h.meta.hot.accept((m) => log(['callback', m.name]));") });
    world.run("/m");
    world.drain();
    await world.update({ "/a": mod("a2") });
    assert.deepEqual(world.drain(), ["a2", ["callback", "a2"]]);
  });

  test("accept(dependency, callback) does not run the importer again", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"], 'h.meta.hot.accept("/a", (m) => log(["callback", m.name, _0.name]));'), "/a": mod("a") });
    world.run("/m");
    world.drain();
    await world.update({ "/a": mod("a2") });
    assert.deepEqual(world.drain(), ["a2", ["callback", "a2", "a2"]]);
  });

  test("accept(dependencies, callback) gets the changed ones in their places", async () => {
    const world = new World().define({ "/m": mod("m", ["/a", "/b"], 'h.meta.hot.accept(["/a", "/b"], (ms) => log(ms.map((m) => m?.name)));'), "/a": mod("a"), "/b": mod("b") });
    world.run("/m");
    world.drain();
    await world.update({ "/b": mod("b2") });
    assert.deepEqual(world.drain(), ["b2", [undefined, "b2"]]);
    await world.update({ "/a": mod("a2"), "/b": mod("b3") });
    assert.deepEqual(world.drain(), ["a2", "b3", ["a2", "b3"]]);
  });

  test("a dependency's dependency reaches who accepts it", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"], 'h.meta.hot.accept("/a", () => log("callback"));'), "/a": mod("a", ["/b"]), "/b": mod("b") });
    world.run("/m");
    world.drain();
    await world.update({ "/b": mod("b2") });
    assert.deepEqual(world.drain(), ["b2", "a", "callback"]);
  });

  test("accept of something else is refused", () => {
    const world = new World().define({ "/m": mod("m", [], "h.meta.hot.accept(7)") });
    assert.throws(() => world.run("/m"), TypeError);
  });

  test("dispose runs before the new code, importers first, and data stays", async () => {
    const hot = (/** @type {string} */ n) => `log("data " + h.meta.hot.data.from); h.meta.hot.dispose((d) => { d.from = "${n}"; log("dispose ${n}") });`;
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT + hot("a")), "/b": mod("b", [], hot("b")) });
    world.run("/m");
    world.drain();
    await world.update({ "/b": mod("b2", [], hot("b2")) });
    assert.deepEqual(world.drain(), ["dispose a", "dispose b", "b2", "data b", "a", "data a"]);
  });

  test("prune runs when a module leaves the app; its style goes", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/b", "/b.css"], ACCEPT), "/b": mod("b", [], 'h.meta.hot.dispose(() => log("dispose")); h.meta.hot.prune(() => log("prune"));'), "/b.css": style() });
    world.run("/m");
    world.drain();
    await world.update({ "/a": mod("a2", [], ACCEPT) }, { removed: ["/b", "/b.css"] });
    assert.deepEqual(world.drain(), ["a2", "dispose", "prune"]);
    assert.deepEqual(world.styles.slice(1), ["remove /b", "remove /b.css"]);
  });

  test("a module that leaves and comes back runs anew", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT), "/b": mod("b") });
    world.run("/m");
    await world.update({ "/a": mod("a2", [], ACCEPT) }, { removed: ["/b"] });
    world.drain();
    await world.update({ "/b": mod("b2"), "/a": mod("a3", ["/b"], ACCEPT) });
    assert.deepEqual(world.drain(), ["b2", "a3"]);
  });

  test("acceptExports stops updates while nothing else is read", async () => {
    const a = (/** @type {string} */ n) => esm({ exports: { used: JSON.stringify(n), other: "1" }, body: `log("${n}"); h.meta.hot.acceptExports(["other"], (m) => log(["callback", m.used]));` });
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": esm({ imports: ["/a"], exports: { read: "() => _0.used" }, body: `log("p"); ${ACCEPT}` }), "/a": a("a") });
    world.run("/m");
    world.drain();
    await world.update({ "/a": a("a2") });
    assert.deepEqual(world.drain(), ["a2", ["callback", "a2"]], "nobody has read `used`");
    world.registry.module("/p").namespace.read();
    await world.update({ "/a": a("a3") });
    assert.deepEqual(world.drain(), ["a3", "p", ["callback", "a3"]], "somebody has");
  });

  test("acceptExports of all exports accepts the module", async () => {
    const a = esm({ exports: { x: "1" }, body: 'log("a"); h.meta.hot.acceptExports("x");' });
    const world = new World().define({ "/m": esm({ imports: ["/a"], body: "_0.x" }), "/a": a });
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/a": `${a} ` })).outcome, "hot");
    assert.deepEqual(world.drain(), ["a"]);
  });

  test("events: on, off, send; listeners end with their module", async () => {
    const listen = 'h.meta.hot.on("ping", (d) => log(["ping", d])); const once = () => { log("once"); h.meta.hot.off("ping", once) }; h.meta.hot.on("ping", once); h.meta.hot.send("hello", { a: 1 });';
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], ACCEPT + listen) });
    world.run("/m");
    world.drain();
    world.engine.events.emit("ping", 1);
    world.engine.events.emit("ping", 2);
    assert.deepEqual(world.drain(), [["ping", 1], "once", ["ping", 2]]);
    await world.update({ "/a": mod("a2", [], 'h.meta.hot.on("ping", () => log("new"));') });
    world.drain();
    world.engine.events.emit("ping", 3);
    assert.deepEqual(world.drain(), ["new"]);
    assert.deepEqual(world.sent, [{ event: "hello", data: { a: 1 } }]);
  });

  test("Vite's events around an update", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"], '["beforeUpdate", "afterUpdate", "beforePrune"].forEach((e) => h.meta.hot.on("vite:" + e, (p) => log([e, p.updates?.[0].path ?? p.paths])));'), "/a": mod("a", [], ACCEPT) });
    world.run("/m");
    world.drain();
    await world.update({ "/a": mod("a2", [], ACCEPT) }, { removed: ["/x"] });
    assert.deepEqual(world.drain(), [["beforeUpdate", "/a"], "a2", ["afterUpdate", "/a"], ["beforePrune", ["/x"]]]);
  });
});

describe("invalidate", () => {
  const give = "h.meta.hot.accept(() => h.meta.hot.invalidate('no'));";

  test("goes on to the importers", async () => {
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": mod("p", ["/a"], ACCEPT), "/a": mod("a", [], give) });
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/a": mod("a2", [], give) })).outcome, "hot");
    assert.deepEqual(world.drain(), ["a2", "p"], "the callback of the execution before, as in Vite");
    await world.update({ "/a": mod("a3", [], "h.meta.hot.accept(); h.meta.hot.invalidate();") });
    assert.deepEqual(world.drain(), ["a3", "p"]);
  });

  const now = "h.meta.hot.accept(); if (h.meta.hot.data.again) h.meta.hot.invalidate(); h.meta.hot.data.again = true;";
  test("on the entry reloads", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], now) });
    world.run("/m");
    assert.equal((await world.update({ "/a": mod("a2", [], now) })).outcome, "reload");
  });

  test("that returns to its origin reloads instead of running for ever", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], now), "/b": mod("b", ["/a"], now) });
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/b": mod("b2", ["/a"], now) })).outcome, "reload");
  });

  test("in a cycle is handled by an importer that accepts", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", ["/b"], ACCEPT), "/b": mod("b", ["/a"], now) });
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/b": mod("b2", ["/a"], now) })).outcome, "hot");
    assert.deepEqual(world.drain(), ["b2", "a"]);
  });

  test("of two changed modules does not take one for the other's origin", async () => {
    const world = new World().define({ "/m": mod("m", ["/top"]), "/top": mod("top", ["/q"], ACCEPT), "/q": mod("q", ["/p"], now), "/p": mod("p", [], now) });
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/p": mod("p2", [], now), "/q": mod("q2", ["/p"], now) })).outcome, "hot");
  });

  test("outside of a batch asks for one", async () => {
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": mod("p", ["/a"], ACCEPT), "/a": esm({ exports: { later: "() => h.meta.hot.invalidate()" } }) });
    world.run("/m");
    world.drain();
    world.registry.module("/a").namespace.later();
    assert.equal(world.wakes, 1);
    await world.engine.apply({ seq: 0, modules: [], removed: [], css: [] });
    assert.deepEqual(world.drain(), ["p"]);
  });
});

describe("an update that throws", () => {
  const modules = { "/m": mod("m", ["/p"]), "/p": esm({ imports: ["/a"], exports: { read: "() => _0.name" }, body: `log("p"); ${ACCEPT}` }), "/a": mod("a") };
  /** @type {[name: string, update: Record<string, string>][]} */
  const cases = [
    ["in the changed module", { "/a": esm({ exports: { name: '"bad"' }, body: 'throw new Error("boom")' }) }],
    ["in its importer", { "/a": mod("a2"), "/p": esm({ imports: ["/a"], body: 'throw new Error("boom")' }) }],
    ["later, asynchronously", { "/a": esm({ async: true, exports: { name: '"bad"' }, body: 'await null; throw new Error("boom")' }) }],
    ["for want of a module", { "/a": mod("a2", ["/gone"]) }],
    ["in the parser", { "/a": "{ kind: " }],
  ];
  for (const [name, update] of cases) {
    test(`${name}: the last good one keeps running, and the next update is whole`, async () => {
      const world = new World().define(modules);
      world.run("/m");
      const { read } = world.registry.module("/p").namespace;
      const { namespace } = world.registry.module("/p");
      assert.equal((await world.update(update)).outcome, "failed");
      assert.equal(read(), "a");
      assert.equal(namespace.read(), "a");
      world.drain();
      const fixed = { "/a": mod("a3"), ...("/p" in update ? { "/p": modules["/p"] } : {}) };
      assert.equal((await world.update(fixed)).outcome, "hot");
      assert.deepEqual(world.drain(), ["a3", "p"]);
      assert.equal(namespace.read(), "a3");
    });
  }

  test("is tried again with the next update, whatever that changes", async () => {
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": mod("p", ["/a", "/b"], ACCEPT), "/a": mod("a", ["/b"]), "/b": esm({ exports: { f: "1" } }) });
    world.run("/m");
    const a2 = esm({ imports: ["/b"], body: 'log("a2"); (0, _0.f)();' });
    assert.equal((await world.update({ "/a": a2 })).outcome, "failed");
    world.drain();
    assert.equal((await world.update({ "/b": esm({ exports: { f: "() => 1" } }) })).outcome, "hot");
    assert.deepEqual(world.drain(), ["a2", "p"]);
  });

  test("disposes of nothing when a module is missing", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], `${ACCEPT} h.meta.hot.dispose(() => log("dispose"));`) });
    world.run("/m");
    world.drain();
    await world.update({ "/a": mod("a2", ["/gone"]) });
    assert.deepEqual(world.drain(), []);
  });

  test("an accept callback that throws is a failure, with the new code in place", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], 'h.meta.hot.accept(() => { throw new Error("callback") });') });
    world.run("/m");
    const result = await world.update({ "/a": mod("a2") });
    assert.equal(result.outcome, "failed");
    assert.equal(world.registry.module("/a").namespace.name, "a2");
  });

  test("a dispose handler that throws is reported and stops nothing", async () => {
    const world = new World().define({ "/m": mod("m", ["/a"]), "/a": mod("a", [], `${ACCEPT} h.meta.hot.dispose(() => { throw new Error("dispose") });`) });
    world.run("/m");
    assert.equal((await world.update({ "/a": mod("a2") })).outcome, "hot");
    assert.equal(world.reported.length, 1);
  });
});

describe("Fast Refresh", () => {
  const app = { "/m": esm({ imports: ["/App"] }), "/App": component("App", "1", ["/Button"]), "/Button": component("Button", "1") };

  test("a module that registers components is a boundary; one refresh per batch", async () => {
    const world = new World().define(app);
    world.run("/m");
    world.drain();
    assert.equal((await world.update({ "/Button": component("Button", "2"), "/App": component("App", "2", ["/Button"]) })).outcome, "hot");
    assert.deepEqual(world.drain(), ["Button", "App"]);
    assert.equal(world.refresh.performed, 1);
  });

  test("every component export is registered, first by export and then by name", () => {
    const world = new World().define(app);
    world.run("/m");
    assert.deepEqual(world.refresh.registered, ["/Button export Button", "/Button Button", "/App export App", "/App App"]);
  });

  const mixed = (/** @type {string} */ size) => esm({ refresh: true, exports: { Button: "Button", size }, head: "function Button() {}", body: 'log("Button"); h.register(Button, "Button")' });
  const reader = (/** @type {string} */ read) => esm({ imports: ["/Button"], refresh: true, exports: { App: "App" }, head: "function App() {}", body: `log("App"); ${read}; h.register(App, "App")` });
  /** @type {[name: string, before: string, after: string, read: string, runs: string[]][]} */
  const beside = [
    ["that is the same primitive", "1", "1", "_0.size", ["Button"]],
    ["that is another primitive", "1", "2", "_0.size", ["Button", "App"]],
    ["that is equal data", '({ a: [1, { b: "c" }] })', '({ a: [1, { b: "c" }] })', "_0.size", ["Button"]],
    ["that is other data", '({ a: [1, { b: "c" }] })', '({ a: [1, { b: "d" }] })', "_0.size", ["Button", "App"]],
    ["that is a new function", "buttonSize", "buttonSize2", "_0.size", ["Button", "App"]],
    ["that nobody read", "buttonSize", "buttonSize2", "", ["Button"]],
    ["that is an object of components", "({ Item: Button })", "({ Item: Button })", "_0.size", ["Button"]],
    ["that is another instance", "new Map()", "new Map()", "_0.size", ["Button", "App"]],
  ];
  for (const [name, before, after, read, runs] of beside) {
    test(`beside a component an export ${name} runs ${runs.join(" and ")}`, async () => {
      const value = (/** @type {string} */ text) => text.replace(/buttonSize\d?/, "() => 1");
      const world = new World().define({ "/m": esm({ imports: ["/App"] }), "/App": reader(read), "/Button": mixed(value(before)) });
      world.run("/m");
      world.drain();
      const text = after === before ? `${value(after)} ` : value(after);
      assert.equal((await world.update({ "/Button": `${mixed(text)}// edited` })).outcome, "hot");
      assert.deepEqual(world.drain(), runs);
    });
  }

  test("a component that goes by another name is the same for its importers", async () => {
    const world = new World().define(app);
    world.run("/m");
    world.drain();
    await world.update({ "/Button": esm({ refresh: true, exports: { Button: "Other" }, head: "function Other() {}", body: 'log("Button"); h.register(Other, "Other")' }) });
    assert.deepEqual(world.drain(), ["Button"]);
  });

  /** @type {[name: string, update: string][]} */
  const incompatible = [
    ["a new export", esm({ refresh: true, exports: { Button: "Button", Other: "Other" }, head: "function Button() {} function Other() {}", body: 'log("Button"); h.register(Button, "Button"); h.register(Other, "Other")' })],
    ["an export that is gone", esm({ refresh: true, exports: { Other: "Other" }, head: "function Other() {}", body: 'log("Button"); h.register(Other, "Other")' })],
    ["an export that is no component any more", esm({ refresh: true, exports: { Button: "3" }, head: "function Inner() {}", body: 'log("Button"); h.register(Inner, "Inner")' })],
  ];
  for (const [name, update] of incompatible) {
    test(`${name} runs the importers again`, async () => {
      const world = new World().define({ ...app, "/App": reader("_0.Button") });
      world.run("/m");
      world.drain();
      assert.equal((await world.update({ "/Button": update })).outcome, "hot");
      assert.deepEqual(world.drain(), ["Button", "App"]);
      assert.equal(world.refresh.performed, 1);
    });
  }

  test("nothing is refreshed when a module throws", async () => {
    const world = new World().define(app);
    world.run("/m");
    await world.update({ "/Button": esm({ refresh: true, body: "throw new Error('x')" }) });
    assert.equal(world.refresh.performed, 0);
  });
});

describe("style sheets", () => {
  test("new text goes to the sheet and runs nothing", async () => {
    const world = new World().define({ "/m": mod("m", ["/a.css"]), "/a.css": style() });
    world.run("/m");
    world.drain();
    const result = await world.update({ "/a.css": style() }, { css: { "/a.css": "b{}" } });
    assert.equal(result.outcome, "hot");
    assert.deepEqual(world.drain(), []);
    assert.deepEqual(world.styles, ["mount /a.css ", "update /a.css b{}"]);
  });

  test("what a sheet imports is nobody's business but the page's", async () => {
    const world = new World().define({ "/m": mod("m", ["/a.css"]), "/a.css": style() });
    const entry = world.run("/m");
    assert.ok(entry);
    world.drain();
    const result = await world.update(
      { "/a.css": [style({}, { imports: ["./b"] }), { "./b": "/b.css" }], "/b.css": style() },
      { css: { "/a.css": "a{}", "/b.css": "b{}" } },
    );
    assert.equal(result.outcome, "hot");
    assert.deepEqual(world.drain(), []);
    assert.deepEqual(world.styles.slice(-2), ["mount /b.css b{}", "mount /a.css a{}"]);
  });

  test("new class names reach importers", async () => {
    const world = new World().define({ "/m": mod("m", ["/p"]), "/p": esm({ imports: ["/a.module.css"], body: `log(_0.default.card); ${ACCEPT}` }), "/a.module.css": style({ card: "c1" }) });
    world.run("/m");
    world.drain();
    await world.update({ "/a.module.css": style({ card: "c2" }) }, { css: { "/a.module.css": ".c2{}" } });
    assert.deepEqual(world.drain(), ["c2"]);
  });
});

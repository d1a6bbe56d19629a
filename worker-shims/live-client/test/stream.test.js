/** Order of updates and the life of a page around them: vendor chunks, starts that fail, reloads. */
// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Page } from "../src/page.js";
import { Stream, merge } from "../src/stream.js";
import { World, esm } from "./world.js";

/** @param {number} seq @param {Record<string, string>} [modules] @param {{vendor?: string, removed?: string[], deps?: any}} [more] @returns {any} */
const update = (seq, modules = {}, { vendor, removed = [] } = {}) => ({
  type: "update", seq, from: seq, to: seq + 1, vendor, removed, css: [],
  modules: Object.entries(modules).map(([id, code]) => ({ id, code, deps: new World().deps(code) })),
});

describe("Stream", () => {
  /** @type {[seq: number, place: string][]} */
  const cases = [[6, "next"], [5, "known"], [1, "known"], [7, "gap"], [100, "gap"]];
  for (const [seq, place] of cases) {
    test(`after 5, ${seq} is ${place}`, () => {
      const stream = new Stream(5);
      assert.equal(stream.receive(seq), place);
      assert.equal(stream.seq, place === "next" ? 6 : 5);
    });
  }

  /** @type {[name: string, loaded: string[], needs: (string | undefined)[], taken: number[]][]} */
  const queues = [
    ["everything when the chunk is there", ["k"], ["k", "k"], [1, 2]],
    ["nothing while it is not", ["k"], ["new", "new"], []],
    ["what stands before the chunk that is missing", ["k"], ["k", "new"], [1]],
    ["everything up to an update that goes back to a loaded chunk", ["k"], ["new", "new", "k"], [1, 2, 3]],
    ["updates that need no chunk", [], [undefined], [1]],
  ];
  for (const [name, loaded, needs, taken] of queues) {
    test(`takes ${name}`, () => {
      const stream = new Stream(0);
      for (const key of loaded) stream.vendorLoaded(key);
      needs.forEach((vendor, i) => stream.push(update(i + 1, {}, { vendor }), 0));
      assert.deepEqual(stream.take()?.updates.map(({ seq }) => seq) ?? [], taken);
      assert.equal(stream.waiting, needs.length - taken.length);
    });
  }

  test("merged updates do what they do one after the other", () => {
    const batch = merge([
      update(1, { "/a": "1", "/b": "1" }),
      update(2, { "/a": "2" }, { removed: ["/b", "/c"] }),
      update(3, { "/c": "3" }),
    ]);
    assert.deepEqual(batch.modules.map(({ id, code }) => [id, code]), [["/a", "2"], ["/c", "3"]]);
    assert.deepEqual(batch.removed, ["/b"]);
    assert.equal(batch.seq, 3);
  });
});

/** A page whose shell writes down what it is told. @param {{seq?: number, stream?: number}} [configuration] */
function page({ seq = 5, stream } = {}) {
  const world = new World();
  /** @type {any[]} */
  const calls = [];
  /** @type {Map<string, {resolve: () => void, reject: (e: Error) => void}>} */
  const scripts = new Map();
  /** @type {(() => void)[]} */
  const waiters = [];
  const subject = new Page(world.registry, world.engine, {
    script: (url) => new Promise((resolve, reject) => scripts.set(url, { resolve, reject })),
    connect: () => calls.push("connect"),
    resync: () => calls.push("resync"),
    inOrder: () => {},
    send: (message) => calls.push(["send", message.type === "applied" ? `${message.seq} ${message.outcome}` : message.type]),
    diagnose: (source, diagnostics) => calls.push(["diagnose", source, diagnostics.length]),
    warn: (warnings) => calls.push(["warn", ...warnings.map(({ code }) => code)]),
    failure: (error) => {
      calls.push(["failure", String(error)]);
      waiters.splice(0).forEach((go) => go());
    },
    traced: ({ id }) => calls.push(["traced", id]),
    installing: (message) => calls.push(["installing", message]),
    begin: () => {},
    recovered: () => calls.push("recovered"),
    busy: () => {},
    started: () => {},
    pictures: () => null,
    applied: () => waiters.splice(0).forEach((go) => go()),
    reload: (reason) => calls.push(["reload", reason]),
    now: () => 0,
  });
  subject.configure({ app: "demo", seq, stream, revision: 0, registry: "/registry.js", vendor: null, env: {} });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { world, calls, scripts, subject, settled };
}

describe("Page", () => {
  const hot = "h.meta.hot.accept();";

  test("connects when the registry is there and runs the entries", async () => {
    const { world, calls, subject, settled } = page();
    world.define({ "/m": esm({ body: 'log("m")' }) });
    subject.start("/m");
    assert.deepEqual(calls, []);
    subject.loaded({ seq: 3, vendor: null });
    await settled();
    assert.deepEqual(world.log, ["m"]);
    assert.deepEqual(calls, ["connect"]);
    assert.equal(subject.seq, 3);
  });

  test("waits for the vendor chunk that the registry needs", async () => {
    const { world, calls, scripts, subject, settled } = page();
    world.define({ "/m": esm({ imports: ["npm:x"], body: "log(_0.v)" }) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: "k" });
    subject.receive({ type: "vendor", state: { phase: "installing", key: "k", message: "installing 1 package" } });
    await settled();
    assert.deepEqual(world.log, []);
    subject.receive({ type: "vendor", state: { phase: "ready", key: "k", url: "/v.js" } });
    world.define({ "npm:x": esm({ exports: { v: "1" } }) });
    scripts.get("/v.js")?.resolve();
    await settled();
    assert.deepEqual(world.log, [1]);
    assert.deepEqual(calls.filter(([kind]) => kind === "installing"), [["installing", "installing 1 package"], ["installing", null]]);
  });

  test("holds updates for their chunk and applies them as one batch", async () => {
    const { world, calls, scripts, subject, settled } = page();
    world.define({ "/m": esm({ imports: ["/a"] }), "/a": esm({ body: hot }) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: null });
    await settled();
    subject.receive(update(1, { "/a": esm({ imports: ["npm:x"], body: `log("one"); ${hot}` }) }, { vendor: "k" }));
    subject.receive(update(2, { "/a": esm({ imports: ["npm:x"], body: `log("two " + _0.v); ${hot}` }) }, { vendor: "k" }));
    await settled();
    assert.deepEqual(world.log, []);
    subject.receive({ type: "vendor", state: { phase: "ready", key: "k", url: "/v.js" } });
    world.define({ "npm:x": esm({ exports: { v: "1" } }) });
    scripts.get("/v.js")?.resolve();
    await settled();
    assert.deepEqual(world.log, ["two 1"]);
    assert.deepEqual(calls.filter(([kind]) => kind === "send").map(([, what]) => what), ["1 hot", "2 hot"]);
  });

  test("goes on when a chunk fails and a later update needs a loaded one", async () => {
    const { world, calls, subject, settled } = page();
    world.define({ "/m": esm({ imports: ["/a"] }), "/a": esm({ body: hot }) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: null });
    await settled();
    subject.receive(update(1, { "/a": esm({ imports: ["npm:bad"], body: 'log("one")' }) }, { vendor: "bad" }));
    subject.receive({ type: "vendor", state: { phase: "failed", key: "bad", diagnostics: [/** @type {any} */ ({ message: "no such package" })] } });
    await settled();
    assert.deepEqual(world.log, []);
    subject.receive(update(2, { "/a": esm({ body: `log("two"); ${hot}` }) }));
    await settled();
    assert.deepEqual(world.log, ["two"]);
    assert.ok(calls.some((call) => call[0] === "diagnose" && call[1] === "vendor" && call[2] === 1));
  });

  test("says once what a chunk is said to lack", async () => {
    const { calls, subject, settled } = page();
    const state = { phase: /** @type {const} */ ("ready"), key: "k", url: "/v.js", warnings: [/** @type {any} */ ({ code: "lockfile_not_read" })] };
    subject.receive({ type: "vendor", state });
    subject.receive({ type: "vendor", state });
    await settled();
    assert.deepEqual(calls.filter((call) => call[0] === "warn"), [["warn", "lockfile_not_read"]]);
  });

  test("asks again over a gap, ignores what it knows", async () => {
    const { calls, subject, settled } = page();
    subject.loaded({ seq: 5, vendor: null });
    subject.receive(update(5));
    subject.receive(update(8));
    await settled();
    assert.deepEqual(calls, ["connect", "resync"]);
    assert.equal(subject.seq, 5);
  });

  test("starts from what the page has, when the registry is newer", () => {
    const { calls, subject } = page({ seq: 3 });
    subject.loaded({ seq: 5, vendor: null });
    assert.equal(subject.seq, 3, "what came between is asked for: the page itself may have changed");
    subject.receive({ type: "reload", seq: 4, reason: "index.html changed" });
    assert.ok(calls.some(([kind]) => kind === "reload"));
  });

  test("leaves the registry of another app of the same name", () => {
    const { calls, subject } = page({ stream: 1 });
    subject.loaded({ seq: 5, stream: 2, vendor: null });
    assert.deepEqual(calls, [["reload", "this is another app of the same name"]]);
  });

  test("asks for the registry again with each connection until it has it", async () => {
    const { world, calls, scripts, subject, settled } = page();
    world.define({ "/m": esm({ body: 'log("m")' }) });
    subject.start("/m");
    for (const _ of [1, 2]) {
      scripts.get("/registry.js")?.reject(new Error("refused"));
      await settled();
      assert.equal(calls.at(-1), "resync");
      scripts.delete("/registry.js");
      subject.receive({ type: "connected", seq: 6, revision: 6 });
      assert.ok(scripts.has("/registry.js"));
    }
    subject.receive(update(6));
    subject.loaded({ seq: 6, vendor: null });
    scripts.get("/registry.js")?.resolve();
    await settled();
    assert.deepEqual(world.log, ["m"]);
    assert.deepEqual(calls.at(-1), "recovered");
    assert.ok(!calls.some(([kind]) => kind === "reload"));
    assert.equal(subject.seq, 5, "the dropped update is replayed");
  });

  test("asks for a vendor chunk again that could not be loaded", async () => {
    const { calls, scripts, subject, settled } = page();
    subject.loaded({ seq: 5, vendor: "k" });
    const ready = { type: /** @type {const} */ ("vendor"), state: { phase: /** @type {const} */ ("ready"), key: "k", url: "/v.js" } };
    subject.receive(ready);
    scripts.get("/v.js")?.reject(new Error("cut"));
    await settled();
    assert.ok(calls.includes("resync"));
    scripts.delete("/v.js");
    subject.receive(ready);
    assert.ok(scripts.has("/v.js"));
  });

  test("forgets errors of the build that may have gone while it was away", () => {
    const { calls, subject } = page();
    subject.loaded({ seq: 5, vendor: null });
    subject.receive({ type: "connected", seq: 7, revision: 7 });
    assert.deepEqual(calls.at(-1), ["diagnose", "build", 0]);
  });

  test("loads anew when the engine itself fails", async () => {
    const { world, calls, subject, settled } = page();
    subject.loaded({ seq: 5, vendor: null });
    world.engine.apply = () => Promise.reject(new Error("defect"));
    subject.receive(update(6));
    await settled();
    assert.deepEqual(calls.at(-1), ["reload", "an update could not be applied"]);
  });

  test("an entry that lacks a module starts once the module comes, without a reload", async () => {
    const { world, calls, subject, settled } = page();
    world.define({ "/m": esm({ imports: ["/a"], body: 'log("m")' }) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: null });
    await settled();
    assert.match(calls.find(([kind]) => kind === "failure")?.[1], /\/a/);
    subject.receive(update(1, { "/a": esm({ body: 'log("a")' }) }));
    await settled();
    assert.deepEqual(world.log, ["a", "m"]);
    assert.ok(!calls.some(([kind]) => kind === "reload"));
  });

  test("an entry that threw is started anew by a reload", async () => {
    const { world, calls, subject, settled } = page();
    world.define({ "/m": esm({ body: 'throw new Error("no")' }) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: null });
    await settled();
    subject.receive(update(1, { "/m": esm({}) }));
    await settled();
    assert.deepEqual(calls.slice(-2), [["send", "1 reload"], ["reload", "the page did not start"]]);
  });

  /** @type {[name: string, message: any, reloads: boolean][]} */
  const reloads = [
    ["a reload out of the stream", { type: "reload", reason: "r" }, true],
    ["the next in the stream", { type: "reload", seq: 6, reason: "r" }, true],
    ["one it has seen", { type: "reload", seq: 5, reason: "r" }, false],
    ["a room that has forgotten", { type: "connected", seq: 4, revision: 1 }, true],
    ["a room that is ahead", { type: "connected", seq: 9, revision: 1 }, false],
  ];
  for (const [name, message, expected] of reloads) {
    test(`${expected ? "reloads" : "stays"}: ${name}`, () => {
      const { calls, subject } = page();
      subject.loaded({ seq: 5, vendor: null });
      subject.receive(message);
      assert.equal(calls.some(([kind]) => kind === "reload"), expected);
    });
  }

  test("reloads when running code means another version now", async () => {
    const { world, calls, scripts, subject, settled } = page();
    world.registry.alias("npm:x", "npm:x@1");
    world.define({ "/m": esm({ imports: ["npm:x"] }), "npm:x@1": esm({}) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: null });
    await settled();
    subject.receive({ type: "vendor", state: { phase: "ready", key: "k", url: "/v.js" } });
    if (world.registry.alias("npm:x", "npm:x@2")) subject.moved("npm:x");
    scripts.get("/v.js")?.resolve();
    await settled();
    assert.deepEqual(calls.at(-1), ["reload", "npm:x is another version now"]);
  });

  test("custom events reach modules", async () => {
    const { world, subject, settled } = page();
    world.define({ "/m": esm({ body: 'h.meta.hot.on("theme", (d) => log(d));' }) });
    subject.start("/m");
    subject.loaded({ seq: 0, vendor: null });
    await settled();
    subject.receive({ type: "custom", event: "theme", data: { dark: true } });
    assert.deepEqual(world.log, [{ dark: true }]);
  });
});

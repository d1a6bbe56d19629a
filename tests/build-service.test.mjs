// @ts-check
/**
 * The build service as a program of its own: its configuration, its secret, vendor chunks of real
 * packages that are executed here, what is refused, and how it ends. What operators see is in `operators.test.mjs`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Registry } from "../worker-shims/live-client/src/registry.js";
import { SECRET, TOKEN, ask, job, listening, run, state, tidy } from "./build-service/program.mjs";

/** @type {Awaited<ReturnType<typeof listening>>} */ let service;
before(async () => {
  service = await listening();
});
after(async () => {
  service?.child.kill("SIGTERM");
  await service?.ended;
  tidy();
});

/** @param {string} path @param {RequestInit} [init] */
const call = (path, init) => ask(service.base, path, init);

/** The events of a vendor request. @param {Record<string, string>} dependencies @param {string[]} specifiers @param {object} [more] */
async function vendor(dependencies, specifiers, more = {}) {
  const answer = await call("/v1/vendor", { method: "POST", body: JSON.stringify({ dependencies, specifiers, mode: "development", ...more }) });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/x-ndjson");
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line));
}

/** Runs a chunk and then one of its modules. @param {string} code @param {string} id @param {object} [globals] */
async function execute(code, id, globals = {}) {
  const registry = new Registry({
    origin: "http://app.test",
    meta: () => ({ url: "http://app.test/", env: {}, hot: undefined }),
    style: () => {}, register: () => {}, signature: () => (/** @type {unknown} */ type) => type, evaluated: () => {}, fetch: () => null,
    native: (url) => import(url),
  });
  const page = { define: registry.define.bind(registry), css: registry.css.bind(registry), alias: registry.alias.bind(registry) };
  const names = Object.keys(globals);
  new Function("__hotplate__", ...names, code)(page, ...Object.values(globals));
  registry.define("/main.js", { kind: "esm", imports: [id], *run(/** @type {any} */ h) { const it = h.import(id); h.export({ it: () => it }); yield; } }, { [id]: `npm:${id}` });
  const module = registry.module("/main.js");
  registry.link(module);
  await registry.evaluate(module);
  return /** @type {any} */ (module.namespace).it;
}

/** @param {any[]} events */
function ready(events) {
  const last = events.at(-1);
  assert.equal(last.event, "ready", JSON.stringify(last).slice(0, 2_000));
  return last;
}

describe("the start", () => {
  /** @type {[string, Record<string, string | undefined>, RegExp][]} */
  const problems = [
    ["a missing secret", { BUILD_SERVICE_SECRET: undefined }, /BUILD_SERVICE_SECRET is not set/],
    ["a port that is none", { BUILD_SERVICE_PORT: "http" }, /BUILD_SERVICE_PORT is `http`: a port number/],
    ["an address that is none", { CLOUDFLARE_API_BASE: "localhost" }, /CLOUDFLARE_API_BASE is `localhost`/],
    ["npm that is not there", { PATH: "/nowhere" }, /npm cannot be run/],
    ["an address that is no IP address", { BUILD_SERVICE_HOST: "everywhere" }, /BUILD_SERVICE_HOST is `everywhere`: an IP address/],
    ["a protocol that spans are not sent by", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`/],
    ["a folder that cannot be", { HOTPLATE_STATE: "/dev/null/x" }, /HOTPLATE_STATE cannot be used/],
  ];
  for (const [what, changes, message] of problems) {
    test(`${what} ends it with one line that says so`, async () => {
      const { stderr, ended } = run(changes);
      assert.deepEqual(await ended, { code: 1, signal: null });
      const lines = (await stderr).trim().split("\n");
      assert.equal(lines.length, 1);
      assert.match(lines[0], message);
      assert.ok(!lines[0].includes(TOKEN) && !lines[0].includes(SECRET));
    });
  }

  test("a port in use is said", async () => {
    const { stderr, ended } = run({ BUILD_SERVICE_PORT: new URL(service.base).port });
    assert.equal((await ended).code, 1);
    assert.match(await stderr, /^build service cannot start: port \d+ cannot be used/);
  });

  for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT"])) {
    test(`${signal} ends it in peace`, async () => {
      const { child, ended } = await listening({ HOTPLATE_STATE: join(state, signal) });
      child.kill(signal);
      assert.deepEqual(await ended, { code: 0, signal: null });
    });
  }
});

describe("requests", () => {
  /** @type {[string, string, RequestInit, number, string][]} */
  const refused = [
    ["no secret", "/v1/vendor", { method: "POST", headers: { authorization: "" } }, 401, "unauthorized"],
    ["another secret", "/v1/builds", { method: "POST", headers: { authorization: "Bearer x" } }, 401, "unauthorized"],
    ["another method", "/v1/vendor", { method: "GET" }, 405, "method_not_allowed"],
    ["another path", "/v1/none", { method: "POST" }, 404, "not_found"],
    ["no JSON", "/v1/vendor", { method: "POST", body: "{" }, 400, "malformed_json"],
    ["another shape", "/v1/vendor", { method: "POST", body: '{"dependencies":1}' }, 422, "invalid_body"],
    ["another shape of a job", "/v1/builds", { method: "POST", body: "{}" }, 422, "invalid_body"],
  ];
  for (const [what, path, init, status, code] of refused) {
    test(`${what} is a problem with a code`, async () => {
      const answer = await call(path, init);
      assert.deepEqual([answer.status, (await answer.json()).code], [status, code]);
    });
  }

  test("health needs no secret", async () => {
    assert.deepEqual(await (await fetch(`${service.base}/healthz`)).json(), { ok: true });
  });
});

describe("builds", () => {
  test("one that takes too long fails, and gives signs of life until then", async () => {
    // Whoever has the contents does not answer.
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (silent.address());
    const hasty = await listening({ BUILD_TIMEOUT_MS: "300", HOTPLATE_STATE: join(state, "hasty") });
    try {
      const answer = await ask(hasty.base, "/v1/builds", { method: "POST", body: JSON.stringify(job(port)) });
      const events = (await answer.text()).trim().split("\n").map((line) => JSON.parse(line));
      assert.equal(events[0].event, "working");
      const { event, stage, code, message } = events.at(-1);
      assert.deepEqual([event, stage, code, message], ["failed", "building", "build_timeout", "The build took more than 0.3 s"]);
    } finally {
      hasty.child.kill("SIGTERM");
      await hasty.ended;
      silent.closeAllConnections();
      silent.close();
    }
  });
});

describe("vendor chunks", () => {
  test("react renders from its chunk, and the chunk is kept", async () => {
    const dependencies = { react: "19.3.1", "react-dom": "19.3.1" };
    const specifiers = ["react", "react-dom/server.browser", "react/jsx-runtime"];
    const events = await vendor(dependencies, specifiers);
    assert.deepEqual(events.map(({ event }) => event), [...events.slice(1).map(() => "progress"), "ready"]);
    assert.ok(events.length > 1, "progress is told");
    const { code, hash } = ready(events);
    // React's server keeps a channel open, which would keep this process running.
    const channel = new MessageChannel();
    const { renderToString } = await execute(code, "react-dom/server.browser", { MessageChannel: function () { return channel; } });
    const { createElement } = await execute(code, "react");
    assert.equal(renderToString(createElement("b", null, "hot")), "<b>hot</b>");
    channel.port1.close();

    const again = await vendor(dependencies, specifiers);
    assert.deepEqual(again.map(({ event, hash: same }) => [event, same]), [["ready", hash]]);
    const production = ready(await vendor(dependencies, specifiers, { mode: "production" }));
    assert.notEqual(production.hash, hash);
    assert.ok(production.code.length < code.length, "production conditions and minified");
  });

  test("one installation serves all who ask at once", async () => {
    const folders = () => readdirSync(join(state, "build-service", "packages")).filter((name) => !name.startsWith(".")).length;
    const known = folders();
    const all = await Promise.all(Array.from({ length: 5 }, () => vendor({ nanoid: "5.1.6" }, ["nanoid"])));
    assert.equal(new Set(all.map((events) => ready(events).hash)).size, 1);
    assert.equal(folders(), known + 1);
    const { nanoid } = await execute(ready(all[0]).code, "nanoid", { crypto: globalThis.crypto });
    assert.match(nanoid(), /^[\w-]{21}$/);
  });

  test("what a package imports of packages that the app names is there, although the app never imports it", async () => {
    // use-sync-external-store has react as a peer.
    const { code } = ready(await vendor({ react: "19.3.1", "use-sync-external-store": "1.6.0" }, ["use-sync-external-store/shim"]));
    assert.equal(typeof (await execute(code, "use-sync-external-store/shim")).useSyncExternalStore, "function");
  });

  /** @type {[string, Record<string, string>, string[], string, RegExp][]} */
  const failures = [
    ["an unknown package", { "@hotplate-tests/no-such-package": "1.0.0" }, ["@hotplate-tests/no-such-package"], "dependency_not_found", /@hotplate-tests\/no-such-package/],
    ["an unknown version", { ms: "^99.0.0" }, ["ms"], "dependency_version_not_found", /`ms` with `\^99\.0\.0`/],
    ["a conflict of versions", { react: "18.3.1", "react-dom": "19.3.1" }, ["react", "react-dom"], "dependency_conflict", /react@"\^19\.3\.1" from react-dom@19\.3\.1.*react@18\.3\.1/],
    ["an unknown file of a package", { ms: "2.1.3" }, ["ms/none"], "unresolved_import", /ms\/none/],
    ["a package that is not among the dependencies", { ms: "2.1.3" }, ["nanoid"], "dependency_missing", /nanoid/],
    ["a repository", { ms: "github:vercel/ms" }, ["ms"], "dependency_refused", /`ms`/],
    ["a folder", { ms: "file:../../etc" }, ["ms"], "dependency_refused", /`ms`/],
    ["an archive's address", { ms: "https://example.com/ms.tgz" }, ["ms"], "dependency_refused", /`ms`/],
  ];
  for (const [what, dependencies, specifiers, code, message] of failures) {
    test(`${what} fails with a diagnostic that names it`, async () => {
      const last = (await vendor(dependencies, specifiers)).at(-1);
      assert.equal(last.event, "failed");
      assert.equal(last.diagnostics[0].code, code, JSON.stringify(last.diagnostics));
      assert.match(last.diagnostics[0].message, message);
    });
  }
});

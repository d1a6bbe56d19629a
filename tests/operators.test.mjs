// @ts-check
/**
 * What operators see of the build service: readiness, metrics, log lines and spans of a build, and how it stops while
 * one is at work. The collector takes what OpenTelemetry's exporter sends over HTTP.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { SECRET, TOKEN, ask, job, listening, state, tidy } from "./build-service/program.mjs";

/** A server of this test. @param {import("node:http").RequestListener} answer */
async function serve(answer) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @type {any[]} */ const exported = [];
/** @type {Awaited<ReturnType<typeof serve>>} */ let collector;
/** Has no file that a build asks for. @type {Awaited<ReturnType<typeof serve>>} */ let contents;
before(async () => {
  collector = await serve(async (request, response) => {
    assert.equal(`${request.method} ${request.url} ${request.headers["content-type"]}`, "POST /v1/traces application/json");
    exported.push(await json(request));
    response.setHeader("content-type", "application/json").end("{}");
  });
  contents = await serve((_, response) => response.writeHead(500).end());
});
after(() => {
  collector?.close();
  contents?.close();
  tidy();
});

/** @param {string} base @param {object} [more] */
async function build(base, more) {
  const answer = await ask(base, "/v1/builds", { method: "POST", body: JSON.stringify(job(contents.port, more)) });
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line));
}

/** @param {any[]} attributes of a span, as OTLP has them */
const values = (attributes) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test("a build is counted, logged and traced, and tells no secret", async () => {
  const service = await listening({ LOG_FORMAT: "json", OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
  assert.equal((await build(service.base, { secrets: { API_KEY: "a secret of the app" } })).at(-1).code, "content_unavailable");
  assert.equal((await build(service.base, { deployment_id: "1k3v9x2m4q7a", files: [{ path: "../x", hash: "a".repeat(64), size: 1 }] })).at(-1).code, "invalid_path");

  const answer = await fetch(`${service.base}/metrics`);
  assert.equal(answer.headers.get("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  const metrics = await answer.text();
  for (const line of [
    'hotplate_builds_total{outcome="content_unavailable"} 1', 'hotplate_builds_total{outcome="invalid_path"} 1',
    "hotplate_builds_running 0", "hotplate_builds_waiting 0", 'hotplate_build_stage_seconds_count{stage="waiting"} 2',
    'hotplate_build_stage_seconds_count{stage="contents"} 1', 'hotplate_artifacts_total{from="compiler"} 0',
  ]) {
    assert.ok(metrics.split("\n").includes(line), `${line}\n${metrics}`);
  }
  assert.match(metrics, /^process_resident_memory_bytes [1-9]\d+$/m);
  assert.ok(metrics.endsWith("# EOF\n"));
  assert.ok(!metrics.includes("demo"), "no label names a tenant");

  service.child.kill("SIGTERM");
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  const log = await service.stderr;
  const lines = log.trim().split("\n").map((line) => JSON.parse(line));
  const failed = lines.find(({ message, code }) => message === "build failed" && code === "content_unavailable");
  assert.deepEqual([failed?.level, failed?.spans], ["INFO", [{ name: "build", app: "demo", deployment: "0k3v9x2m4q7a", revision: 1 }]], log);

  const resource = exported[0].resourceSpans[0].resource;
  assert.equal(values(resource.attributes)["service.name"], "hotplate-build-service");
  const spans = exported.flatMap(({ resourceSpans }) => resourceSpans.flatMap((/** @type {any} */ of) => of.scopeSpans.flatMap((/** @type {any} */ scope) => scope.spans)));
  const [first, second] = spans.filter(({ name }) => name === "build");
  assert.deepEqual([first, second].map((span) => values(span?.attributes).deployment), ["0k3v9x2m4q7a", "1k3v9x2m4q7a"]);
  const stages = spans.filter(({ parentSpanId, traceId }) => parentSpanId === first.spanId && traceId === first.traceId);
  assert.deepEqual(stages.map(({ name }) => name), ["waiting", "contents"]);
  for (const told of [log, metrics, JSON.stringify(exported)]) {
    for (const secret of [SECRET, TOKEN, "a secret of the app"]) assert.ok(!told.includes(secret));
  }
});

test("a collector that is gone stops nothing", async () => {
  const service = await listening({ HOTPLATE_STATE: join(state, "unheard"), OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  assert.equal((await build(service.base)).at(-1).event, "failed");
  service.child.kill("SIGTERM");
  assert.deepEqual(await service.ended, { code: 0, signal: null });
});

test("it is ready as long as it can write", async () => {
  const folder = join(state, "lost");
  const service = await listening({ HOTPLATE_STATE: folder });
  const ready = async () => {
    const answer = await fetch(`${service.base}/readyz`);
    return [answer.status, (await answer.json()).problems.map((/** @type {string} */ problem) => problem.split(":")[0])];
  };
  assert.deepEqual(await ready(), [200, []]);
  rmSync(join(folder, "build-service"), { recursive: true });
  assert.deepEqual(await ready(), [503, ["HOTPLATE_STATE cannot be written to"]]);
  mkdirSync(join(folder, "build-service"));
  assert.deepEqual(await ready(), [200, []]);
  service.child.kill("SIGTERM");
  await service.ended;
});

test("a build at work is finished after the signal, and nothing new is taken", async () => {
  /** @type {(answer: import("node:http").ServerResponse) => void} */ let asked = () => {};
  const held = /** @type {Promise<import("node:http").ServerResponse>} */ (new Promise((resolve) => (asked = resolve)));
  const source = await serve((_, response) => asked(response));
  const service = await listening({ HOTPLATE_STATE: join(state, "stopping") });
  const answer = ask(service.base, "/v1/builds", { method: "POST", body: JSON.stringify(job(source.port)) });
  const response = await held;
  assert.equal((await fetch(`${service.base}/readyz`)).status, 200);
  service.child.kill("SIGTERM");
  const refused = async () => {
    for (;;) {
      try {
        await (await fetch(`${service.base}/readyz`, { headers: { connection: "close" } })).text();
      } catch {
        return;
      }
    }
  };
  await refused();
  response.writeHead(500).end();
  const events = (await (await answer).text()).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([events.at(-1).event, events.at(-1).code], ["failed", "content_unavailable"]);
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  source.close();
});

test("a build that outlasts the pause is cut off", async () => {
  const source = await serve(() => {});
  const service = await listening({ HOTPLATE_STATE: join(state, "impatient"), STOP_TIMEOUT_MS: "50" });
  const answer = await ask(service.base, "/v1/builds", { method: "POST", body: JSON.stringify(job(source.port)) });
  service.child.kill("SIGTERM");
  await assert.rejects(answer.text());
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  source.close();
});

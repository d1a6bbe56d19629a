// @ts-check
/**
 * Every step of a deployment meets every fault: the build service refuses, dies, falls silent, is cut
 * off or talks nonsense; the API answers errors, limits, garbage, late or not at all; D1 refuses; the
 * Worker restarts. Each cell must end `deployed` and serve the new bytes, or `failed` with the reason
 * that is true, and then production shows what it showed.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { freePorts } from "../../worker-shims/local/configuration.mjs";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { openDatabase, refuse } from "./database.mjs";
import { gate, hold } from "./gate.mjs";
import { page, platform } from "./platform.mjs";

const APP = "faulty";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
/** @type {Awaited<ReturnType<typeof gate>>} */ let service;
/** @type {Awaited<ReturnType<typeof gate>>} */ let api;
/** What production shows: the deployment and its text. */
let shown = { id: "", text: "" };
let cells = 0;

before(async () => {
  const [port, buildPort] = await freePorts();
  [service, api] = [await gate(buildPort), await gate(port)];
  const env = { CLOUDFLARE_API_TIMEOUT_MS: "1000" };
  stack = await startStack({ port, buildPort, between: { buildService: service.url, api: api.url, env } });
  at = platform(stack);
  await at.app(APP, page("start"));
  shown = { id: (await at.deploy(APP)).id, text: "# start\n" };
});
afterEach(() => {
  service.reset();
  api.reset();
});
after(async () => {
  service?.close();
  api?.close();
  await stack?.stop();
  console.log(`${cells} cells of step and fault`);
});

/** @param {string} id */
const read = async (id) => (await at.api("GET", `/v1/apps/${APP}/deployments/${id}`)).json;

/** A new revision, asked for. @param {Record<string, string>} [files] */
async function ask(files = {}) {
  cells += 1;
  const text = `revision of cell ${cells}`;
  await at.write(APP, { ...page(text), ...files });
  const answer = await at.api("POST", `/v1/apps/${APP}/deployments`, { json: {} });
  assert.equal(answer.status, 202, answer.text);
  return { id: answer.json.id, text: `# ${text}\n` };
}

/**
 * Waits for the end and checks it: `null` means deployed, anything else is the error.
 * @param {{id: string, text: string}} asked @param {{stage: string, code: string} | null} expected
 */
async function ends({ id, text }, expected) {
  const events = await at.events(APP, id);
  const told = JSON.stringify(events);
  const { state, error, active } = await read(id);
  assert.deepEqual(error && { stage: error.stage, code: error.code }, expected, told);
  assert.equal(state, expected ? "failed" : "deployed", told);
  assert.equal(active, !expected);
  if (expected) assert.ok(error.message.length > 10, "a reason in words");
  else shown = { id, text };
  assert.ok(!told.includes(stack.apiToken), "the token is in no event");
  const visit = await at.visit(APP, "/robots.txt");
  assert.deepEqual([visit.status, visit.text], [200, shown.text]);
  assert.equal((await at.api("GET", `/v1/apps/${APP}`)).json.active_deployment, shown.id);
}

/** Only the first time. @template T @param {T} fate @param {(...args: any[]) => boolean} [matches] */
function once(fate, matches = () => true) {
  let met = false;
  return (/** @type {any[]} */ ...args) => {
    if (met || !matches(...args)) return "pass";
    met = true;
    return fate;
  };
}

/** @param {{path: string}} call */
const isBuild = ({ path }) => path === "/v1/builds";

// ── the Worker asks the build service ──

/** @type {[string, any, boolean, {stage: string, code: string} | null][]} fault, fate, lasting, end */
const REQUESTS = [
  ["refuses the connection once", "cut", false, null],
  ["takes the job and loses the answer", "cut after", false, null],
  ["answers 503 once", { status: 503, body: "busy" }, false, null],
  ["answers 503 always", { status: 503, body: "busy" }, true, { stage: "building", code: "build_service_refused" }],
  ["refuses the connection always", "cut", true, { stage: "building", code: "build_service_unreachable" }],
  ["does not know the secret", { status: 401, body: "{}" }, false, { stage: "building", code: "build_service_refused" }],
  ["answers with a page", { status: 200, body: "<html>\n" }, false, null],
  ["answers with pages always", { status: 200, body: "<html>\n" }, true, { stage: "building", code: "build_interrupted" }],
  ["answers nothing", { status: 200, body: "" }, false, null],
  ["falls silent", "hang", false, null],
];
for (const [what, fate, lasting, end] of REQUESTS) {
  test(`the build service ${what}`, async () => {
    const matches = (/** @type {any} */ call) => isBuild(call);
    service.set({ request: lasting ? (call) => (isBuild(call) ? fate : "pass") : once(fate, matches) });
    await ends(await ask(), end);
  });
}

// ── what it says is lost on the way ──

/** @type {[string, (line: any) => boolean][]} */
const LINES = [
  ["the first sign of life", ({ event }) => event === "working"],
  ["a log line", ({ event }) => event === "log"],
  ["the built bundle", ({ event }) => event === "built"],
  ["a call of the upload", ({ event, message }) => event === "log" && /assets-upload-session/.test(message)],
  ["the upload", ({ event }) => event === "uploaded"],
];
/** @type {[string, any][]} */
const LINE_FATES = [
  ["cut", "cut"],
  ["garbled", { text: '{"event":"bu\n' }],
  ["told in a wrong order", { text: '{"event":"uploaded","upload_ms":1}\n' }],
];
for (const [moment, matches] of LINES) {
  for (const [what, fate] of LINE_FATES) {
    // Said where it belongs, it is what it is.
    if (what === "told in a wrong order" && !["the first sign of life", "a log line"].includes(moment)) continue;
    test(`${moment} is ${what}`, async () => {
      service.set({ line: once(fate, matches) });
      await ends(await ask(), what === "told in a wrong order" ? { stage: "building", code: "internal" } : null);
    });
  }
  test(`the build service is killed at ${moment}`, async () => {
    const point = hold();
    let first = true;
    service.set({
      async line(line) {
        if (first && matches(line)) {
          first = false;
          await point.stop();
        }
        return "pass";
      },
    });
    const asked = await ask();
    await point.arrival;
    noTokenInLogs();
    await stack.killBuildService();
    point.release();
    await stack.startBuildService();
    await ends(asked, null);
  });
}

test("the stream is cut every time", async () => {
  service.set({ line: ({ event }) => (event === "built" ? "cut" : "pass") });
  await ends(await ask(), { stage: "building", code: "build_interrupted" });
});

// ── the build service asks the API ──

/** @type {[string, RegExp][]} */
const STEPS = [
  ["the session", /^POST .*\/assets-upload-session$/],
  ["the files", /^POST .*\/assets\/upload\?base64=true$/],
  ["the script", /^PUT .*\/scripts\/[^/]+$/],
];
const FAILED = { stage: "deploying", code: "upload_failed" };
const LIMITED = (/** @type {number} */ seconds) => ({ status: 429, headers: { "retry-after": String(seconds) }, body: '{"success":false,"errors":[{"code":971,"message":"slow down"}]}' });
const DOWN = { status: 500, body: '{"success":false,"errors":[{"code":10013,"message":"An unknown error has occurred."}]}' };
/** @type {[string, any, boolean, {stage: string, code: string} | null][]} fault, fate, lasting, end */
const ANSWERS = [
  ["is cut once", "cut", false, null],
  ["loses its answer once", "cut after", false, null],
  ["answers 500 once", DOWN, false, null],
  ["answers 500 always", DOWN, true, FAILED],
  ["answers 429 once", LIMITED(0), false, null],
  ["answers 429 always", LIMITED(0), true, FAILED],
  ["answers a gateway's page once", { status: 502, body: "<html>" }, false, null],
  ["answers garbage", { status: 200, body: "<html>" }, false, FAILED],
  ["answers success without a result", { status: 200, body: '{"success":true,"result":null}' }, false, FAILED],
  ["answers too late once", "hang", false, null],
  ["refuses the token and quotes it", "quote", false, FAILED],
];
for (const [step, pattern] of STEPS) {
  const matches = (/** @type {{method: string, path: string}} */ { method, path }) => pattern.test(`${method} ${path}`);
  for (const [what, fate, lasting, end] of ANSWERS) {
    test(`${step}: the API ${what}`, async () => {
      const quoted = fate === "quote" ? { status: 403, body: JSON.stringify({ success: false, errors: [{ code: 9109, message: `no access with ${stack.apiToken}` }] }) } : fate;
      api.set({ request: lasting ? (call) => (matches(call) ? quoted : "pass") : once(quoted, matches) });
      const asked = await ask();
      await ends(asked, end);
      if (fate === "quote") assert.match((await read(asked.id)).error.message, /no access with \*\*\*\*/);
    });
  }
}

test("the API asks for a longer pause than a build waits: it fails at once, and so does the next", async () => {
  api.set({ request: once(LIMITED(3600), ({ path }) => /scripts/.test(path)) });
  await ends(await ask(), FAILED);
  api.reset();
  await ends(await ask(), FAILED);
  assert.deepEqual(api.calls().filter((call) => /scripts/.test(call)), [], "the second one did not even ask");
  noTokenInLogs();
  await stack.killBuildService();
  await stack.startBuildService();
});

test("the API says that the script is there, and it is not: production stays", async () => {
  const told = { status: 200, body: '{"success":true,"result":{"id":"x","etag":"e"}}' };
  api.set({ request: ({ method }) => (method === "PUT" ? told : "pass") });
  await ends(await ask(), { stage: "verifying", code: "verify_failed" });
});

test("every call of an upload stands in the deployment's events, with status and time", async () => {
  const asked = await ask();
  const lines = (await at.events(APP, asked.id)).map(({ message }) => message ?? "").filter((line) => /workers/.test(line));
  const script = `/workers/dispatch/namespaces/hotplate/scripts/${APP}-${asked.id}`;
  assert.equal(lines.length, 3, lines.join("\n"));
  for (const [line, call] of /** @type {[string, string][]} */ ([[lines[0], `POST ${script}/assets-upload-session: 200`], [lines[1], "POST /workers/assets/upload: 201"], [lines[2], `PUT ${script}: 200`]])) {
    assert.ok(line.startsWith(`${call} in `) && / ms$/.test(line), line);
  }
  await ends(asked, null);
});

// ── the Worker's own parts ──

/** Waits until the Worker has met a refusal of D1. @param {number} before refusals so far */
async function refusedAfter(before) {
  while (refusals() <= before) await new Promise(setImmediate);
}
const refusals = () => readFileSync(join(stack.logs, "worker.log"), "utf8").split("refused by the test").length;

/** @param {(db: ReturnType<typeof openDatabase>) => Promise<void>} work */
async function withDatabase(work) {
  const db = openDatabase(stack.state);
  try {
    await work(db);
  } finally {
    db.close();
  }
}

const BROKEN = { "src/main.ts": "const = ;\n" };
/** @type {[string, Record<string, string>, {stage: string, code: string} | null][]} */
const MOVES = [
  ["building", {}, null],
  ["deploying", {}, null],
  ["deployed", {}, null],
  ["failed", BROKEN, { stage: "building", code: "build_failed" }],
];
for (const [state, files, end] of MOVES) {
  test(`D1 refuses the move to ${state} once`, () => withDatabase(async (db) => {
    const before = refusals();
    const allow = refuse(db, state);
    const asked = await ask(files);
    await refusedAfter(before);
    allow();
    await ends(asked, end);
  }));
}

test("D1 refuses the last move every time: the reason is that", () => withDatabase(async (db) => {
  const allow = refuse(db, "deployed");
  const asked = await ask();
  await at.events(APP, asked.id);
  allow();
  await ends(asked, { stage: "verifying", code: "platform_unavailable" });
}));

for (const moment of ["working", "built", "uploaded"]) {
  test(`everything dies at ${moment}: the sweep finds it`, () => withDatabase(async (db) => {
    const point = hold();
    let first = true;
    service.set({
      async line(line) {
        if (first && line.event === moment) {
          first = false;
          await point.stop();
        }
        return "pass";
      },
    });
    const asked = await ask();
    await point.arrival;
    noTokenInLogs();
    await Promise.all([stack.killWorker(), stack.killBuildService()]);
    point.release();
    await Promise.all([stack.startWorker(), stack.startBuildService()]);
    // A minute passes.
    db.prepare("UPDATE deployments SET lease_until = 1 WHERE id = ? AND state IN ('building', 'deploying')").run(asked.id);
    await stack.sweep();
    await ends(asked, null);
  }));
}

test("a message that comes twice builds once", async () => {
  const asked = await ask();
  const again = await at.api("POST", `/v1/apps/${APP}/deployments`, { json: {} });
  await stack.sweep();
  assert.equal(again.json.id, asked.id);
  await ends(asked, null);
  await stack.sweep();
  assert.equal(service.calls().filter((call) => call === "POST /v1/builds").length, 1);
});

test("nothing is left unfinished", () => withDatabase(async (db) => {
  await stack.sweep();
  const open = db.prepare("SELECT id, state FROM deployments WHERE state NOT IN ('deployed', 'failed')").all();
  assert.deepEqual(open, []);
  noTokenInLogs();
}));

function noTokenInLogs() {
  for (const file of ["build-service.log", "worker.log"]) {
    assert.ok(!readFileSync(join(stack.logs, file), "utf8").includes(stack.apiToken), `the token is in ${file}`);
  }
}

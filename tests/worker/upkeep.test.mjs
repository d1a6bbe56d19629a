// @ts-check
/**
 * How deployments make way for each other, end early and are cleared away: superseding, cancelling,
 * back-pressure, the sweep, retention, pins and the history of the active pointer. Between the parts
 * stand gates, so that a deployment can be held at a step.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { freePorts } from "../../worker-shims/local/configuration.mjs";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { keysOfKv, openDatabase } from "./database.mjs";
import { gate, hold } from "./gate.mjs";
import { page, platform } from "./platform.mjs";

const RETAINED = 2;
const MOST_BYTES = 50_000;
/** What one build may hold. */
const MEMORY_BYTES = 2_000_000;

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
/** @type {Awaited<ReturnType<typeof gate>>} */ let service;
before(async () => {
  const [port, buildPort] = await freePorts();
  service = await gate(buildPort);
  stack = await startStack({ port, buildPort, between: { buildService: service.url, env: { BUILD_MEMORY_BYTES: String(MEMORY_BYTES) } }, vars: { RETAIN_DEPLOYMENTS: String(RETAINED), MAX_BUNDLE_BYTES: String(MOST_BYTES) } });
  at = platform(stack);
});
beforeEach(() => service.reset());
after(async () => {
  service?.close();
  await stack?.stop();
});

/** @param {string} app @param {object} [json] */
const ask = (app, json = {}) => at.api("POST", `/v1/apps/${app}/deployments`, { json });
/** @param {string} app @param {string} id */
const read = async (app, id) => (await at.api("GET", `/v1/apps/${app}/deployments/${id}`)).json;
/** @param {string} app @param {string} id */
const states = async (app, id) => (await at.events(app, id)).filter(({ event }) => event === "state").map(({ state }) => state);
const builds = () => service.calls().filter((call) => call === "POST /v1/builds").length;

/** Holds the app's next deployment at the first thing the build service says. @param {string} [event] */
function holdAt(event = "working") {
  const moment = hold();
  let first = true;
  service.set({
    async line(line) {
      if (first && line.event === event) {
        first = false;
        await moment.stop();
      }
      return "pass";
    },
  });
  return moment;
}

/** An app with `count` revisions. @param {string} slug @param {number} count */
async function revisions(slug, count) {
  await at.app(slug, page("1"));
  for (let n = 2; n <= count; n += 1) await at.write(slug, { "src/main.ts": `document.title = "${n}";\n` });
}

test("a newer revision takes the place of one that waits; one build at a time", async () => {
  await revisions("queue", 3);
  const moment = holdAt();
  const one = (await ask("queue", { revision: 1 })).json;
  await moment.arrival;
  const two = (await ask("queue", { revision: 2 })).json;
  assert.equal(two.state, "pending", "it waits for the first one");
  const three = (await ask("queue", { revision: 3 })).json;
  assert.deepEqual(await states("queue", two.id), ["pending", "superseded"]);
  assert.deepEqual([(await read("queue", one.id)).state, (await read("queue", three.id)).state, builds()], ["building", "pending", 1]);
  moment.release();
  assert.deepEqual(await states("queue", one.id), ["pending", "building", "deploying", "deployed"]);
  assert.deepEqual(await states("queue", three.id), ["pending", "building", "deploying", "deployed"]);
  assert.equal(builds(), 2);
  assert.equal((await at.api("GET", "/v1/apps/queue")).json.active_deployment, three.id);
  assert.equal((await read("queue", two.id)).error, null);
});

test("a waiting and a building deployment are cancelled; one that uploads is not", async () => {
  await revisions("stop", 2);
  const moment = holdAt();
  const one = (await ask("stop", { revision: 2 })).json;
  await moment.arrival;
  const waiting = (await ask("stop", { revision: 1 })).json;
  const cancel = (/** @type {string} */ id) => at.api("POST", `/v1/apps/stop/deployments/${id}/cancel`);
  for (const { id } of [waiting, one]) {
    const answer = await cancel(id);
    assert.deepEqual([answer.status, answer.json.state], [200, "cancelled"], answer.text);
    assert.equal((await cancel(id)).status, 200, "twice is once");
  }
  moment.release();
  assert.deepEqual(await states("stop", one.id), ["pending", "building", "cancelled"]);

  const late = holdAt("uploaded");
  const again = (await ask("stop")).json;
  assert.notEqual(again.id, one.id, "a cancelled deployment makes room for another try");
  await late.arrival;
  const answer = await cancel(again.id);
  assert.deepEqual([answer.status, answer.json.code], [409, "cancel_too_late"]);
  late.release();
  assert.equal((await states("stop", again.id)).at(-1), "deployed");
  assert.equal((await cancel(again.id)).status, 409);
  assert.equal((await cancel("000000000000")).status, 404);
});

test("too many that wait are refused for a while, and apps do not wait for each other's queue", async () => {
  await revisions("many", 7);
  await at.app("other", page("other"));
  const moment = holdAt();
  const first = (await ask("many", { revision: 7 })).json;
  await moment.arrival;
  const waiting = [];
  for (const revision of [6, 5, 4, 3, 2]) waiting.push((await ask("many", { revision })).json);
  const refused = await ask("many", { revision: 1 });
  assert.deepEqual([refused.status, refused.json.code], [429, "rate_limited"]);
  assert.match(String(refused.headers["retry-after"]), /^[1-9]\d*$/);
  assert.equal((await ask("many", { revision: 6 })).json.id, waiting[0].id, "one that waits already is no new one");
  const other = (await ask("other")).json;
  moment.release();
  await at.events("other", other.id);
  const ends = await Promise.all([first, ...waiting].map(({ id }) => states("many", id)));
  assert.deepEqual(ends.map((all) => all.at(-1)), Array(6).fill("deployed"));
  const { deployed_at } = await read("other", other.id);
  const later = await Promise.all(waiting.map(async ({ id }) => (await read("many", id)).deployed_at > deployed_at));
  assert.ok(later.filter(Boolean).length >= 4, "the other app's deployment went between");
  assert.equal((await ask("many", { revision: 1 })).status, 202);
});

test("the sweep puts back what lost its message or its consumer; three times, then it fails with the reason", async () => {
  await at.app("lost", page("lost"));
  const moment = holdAt();
  const { id } = (await ask("lost")).json;
  await moment.arrival;
  // Both parts die; the queue's messages die with them.
  await Promise.all([stack.killWorker(), stack.killBuildService()]);
  moment.release();
  await Promise.all([stack.startWorker(), stack.startBuildService()]);
  assert.equal((await read("lost", id)).state, "building");
  await stack.sweep();
  assert.equal((await read("lost", id)).state, "building", "its lease has not run out");
  const db = openDatabase(stack.state);
  try {
    db.prepare("UPDATE deployments SET lease_until = 1 WHERE id = ?").run(id);
    service.reset();
    await stack.sweep();
    assert.deepEqual(await states("lost", id), ["pending", "building", "building", "deploying", "deployed"]);

    await at.write("lost", page("again"));
    const dead = (await ask("lost")).json;
    await at.events("lost", dead.id);
    db.prepare("UPDATE deployments SET state = 'building', attempt = 3, lease_until = 1 WHERE id = ?").run(dead.id);
    await stack.sweep();
    assert.equal((await states("lost", dead.id)).at(-1), "failed");
    assert.deepEqual((({ stage, code }) => ({ stage, code }))((await read("lost", dead.id)).error), { stage: "building", code: "lease_lost" });
  } finally {
    db.close();
  }
});

test("a build that would take too much memory fails, whether by modules or by files", async () => {
  const text = "x".repeat(MEMORY_BYTES);
  await at.app("hungry", page("hungry"));
  for (const [path, source] of [["public/large.txt", text], ["src/main.ts", `export const text = ${JSON.stringify(text)};\n`]]) {
    await at.write("hungry", { [path]: source });
    const { state, error } = await at.deploy("hungry");
    assert.deepEqual([state, error.stage, error.code], ["failed", "building", "build_memory_exceeded"], path);
    assert.equal(error.message, `The build needs more than ${MEMORY_BYTES} bytes for its modules and files`);
    await at.write("hungry", { ...page("hungry"), "public/large.txt": "small" });
  }
  assert.equal((await at.deploy("hungry")).state, "deployed");
});

test("a bundle over the limit fails with what makes it large", async () => {
  const large = `export const text = ${JSON.stringify("x".repeat(MOST_BYTES))};\n`;
  await at.app("large", { ...page("large"), "src/large.ts": large, "src/main.ts": 'import { text } from "./large";\ndocument.title = text;\n' });
  const { state, error, bundle } = await at.deploy("large");
  assert.deepEqual([state, error.stage, error.code, bundle], ["failed", "building", "bundle_too_large", null]);
  assert.match(error.message, new RegExp(`^The bundle has \\d{5} bytes; at most ${MOST_BYTES} are allowed. The largest: modules /src/large.ts \\d{5}, /src/main.ts \\d+$`));
  assert.equal((await at.visit("large", "/")).json.code, "nothing_deployed");
  await at.write("large", { "src/large.ts": 'export const text = "small";\n' });
  assert.equal((await at.deploy("large")).state, "deployed");
});

test("retention keeps the newest, the active and the pinned ones; the others are gone for good", async () => {
  await revisions("kept", 5);
  const all = [];
  for (const revision of [1, 2, 3, 4, 5]) all.push(await at.deploy("kept", { revision }));
  const [first, second, third, fourth, fifth] = all.map(({ id }) => id);
  const pin = (/** @type {string} */ id, /** @type {unknown} */ pinned) => at.api("PATCH", `/v1/apps/kept/deployments/${id}`, { json: { pinned } });
  assert.deepEqual([(await pin(second, true)).json.pinned, (await pin(second, 1)).status], [true, 422]);
  assert.equal((await at.api("PATCH", `/v1/apps/kept/deployments/${second}`, { json: { pined: true } })).json.code, "unknown_field");
  assert.equal((await at.api("POST", `/v1/apps/kept/deployments/${first}/activate`)).status, 200);
  const maps = (/** @type {string} */ id) => keysOfKv(stack.state, `map/kept-${id}/`).length;
  for (const id of [first, second, third, fourth, fifth]) assert.equal(maps(id), 1, "one script, one map");
  await stack.sweep();

  const removed = async () => (await at.api("GET", "/v1/apps/kept/deployments")).json.deployments.filter((/** @type {any} */ it) => it.removed_at !== null).map((/** @type {any} */ it) => it.id);
  assert.deepEqual(await removed(), [third]);
  for (const id of [first, second, fourth, fifth]) assert.equal((await at.visit(`kept--${id}`, "/robots.txt")).status, 200);
  const program = await at.visit(`kept--${third}`, "/");
  assert.deepEqual([program.status, program.json.code], [410, "deployment_gone"]);
  const person = await at.visit(`kept--${third}`, "/", { "sec-fetch-mode": "navigate" });
  assert.match(person.text, /<h1>.*removed/);
  const script = await fetch(`${stack.base}/client/v4/accounts/local/workers/dispatch/namespaces/hotplate/scripts/kept-${third}`, { headers: { authorization: `Bearer ${stack.apiToken}` } });
  assert.equal(script.status, 404, "its script left the namespace");
  assert.equal(maps(third), 0, "its maps went with it");
  assert.equal(maps(first), 1);
  assert.equal((await at.api("GET", `/v1/apps/kept/deployments/${third}/maps/assets/index.js.map`)).json.code, "deployment_gone");

  for (const answer of [await at.api("POST", `/v1/apps/kept/deployments/${third}/activate`), await pin(third, true)]) {
    assert.deepEqual([answer.status, answer.json.code], [410, "deployment_gone"]);
  }
  assert.equal((await at.api("POST", `/v1/apps/kept/deployments/${fourth}/activate`)).status, 200);
  const back = await at.api("POST", "/v1/apps/kept/rollback");
  assert.deepEqual(back.json, { active: first, previous: fourth });

  const anew = await at.deploy("kept", { revision: 3 });
  assert.deepEqual([anew.state, anew.id === third], ["deployed", false], "its revision can be deployed again");
  await stack.sweep();
  assert.deepEqual(await removed(), [fourth, third, first], "second is pinned, fifth and the new, active one are the newest");
});

test("a rollback to what retention removed is refused", async () => {
  await revisions("back", 4);
  const ids = [];
  for (const revision of [1, 2, 3, 4]) ids.push((await at.deploy("back", { revision })).id);
  const rollback = () => at.api("POST", "/v1/apps/back/rollback");
  for (const active of [ids[2], ids[1]]) assert.equal((await rollback()).json.active, active);
  await stack.sweep();
  const refused = await rollback();
  assert.deepEqual([refused.status, refused.json.code], [410, "deployment_gone"]);
  assert.equal((await at.api("GET", "/v1/apps/back")).json.active_deployment, ids[1]);
  assert.equal((await at.visit("back", "/robots.txt")).status, 200);
});

test("the history of the pointer tells who, when, from and to", async () => {
  const db = openDatabase(stack.state);
  const { createHash } = await import("node:crypto");
  try {
    db.prepare("INSERT INTO api_tokens (id, hash, name, created_at) VALUES ('t1', ?, 'ci', 1)").run(createHash("sha256").update("token-of-ci").digest("hex"));
  } finally {
    db.close();
  }
  await revisions("history", 2);
  const one = await at.deploy("history", { revision: 1 });
  const two = await at.deploy("history", { revision: 2 });
  const back = await at.api("POST", "/v1/apps/history/rollback", { token: "token-of-ci" });
  assert.equal(back.status, 200, back.text);
  const { json } = await at.api("GET", "/v1/apps/history/activations");
  assert.deepEqual(json.activations.map((/** @type {any} */ { at: _, ...rest }) => rest), [
    { active: one.id, previous: two.id, cause: "rollback", by: "ci" },
    { active: two.id, previous: one.id, cause: "deploy", by: "admin" },
    { active: one.id, previous: null, cause: "deploy", by: "admin" },
  ]);
  for (const { at: when } of json.activations) assert.ok(Number.isInteger(when) && when >= one.created_at);
  const page1 = (await at.api("GET", "/v1/apps/history/activations?limit=2")).json;
  const page2 = (await at.api("GET", `/v1/apps/history/activations?limit=2&cursor=${page1.cursor}`)).json;
  assert.deepEqual([...page1.activations, ...page2.activations], json.activations);
  assert.equal((await at.api("GET", "/v1/apps/none/activations")).status, 404);
});

test("a deleted app's scripts leave the namespace with the next sweep", async () => {
  await at.app("scrap", page("scrap"));
  const { id } = await at.deploy("scrap");
  const script = async () => (await fetch(`${stack.base}/client/v4/accounts/local/workers/dispatch/namespaces/hotplate/scripts/scrap-${id}`, { headers: { authorization: `Bearer ${stack.apiToken}` } })).status;
  await at.api("DELETE", "/v1/apps/scrap");
  assert.equal(await script(), 200);
  service.set({ request: ({ path }) => (path === "/v1/removals" ? { status: 503 } : "pass") });
  await stack.sweep();
  assert.equal(await script(), 200, "the build service did not answer");
  const db = openDatabase(stack.state);
  try {
    db.exec("UPDATE removals SET due_at = 1");
  } finally {
    db.close();
  }
  service.reset();
  await stack.sweep();
  assert.equal(await script(), 404);
});

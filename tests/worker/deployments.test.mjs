// @ts-check
/**
 * Deployments from request to visit, in real parts: queue, build service, dispatch namespace,
 * active pointer; and what broken builds and repeated requests get.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack({ demo: false });
  at = platform(stack);
});
after(() => stack?.stop());

/** The code that a host serves. @param {string} label */
async function code(label) {
  const html = await at.visit(label, "/", { accept: "text/html" });
  assert.equal(html.status, 200, html.text);
  const src = /<script[^>]+src="([^"]+)"/.exec(html.text)?.[1];
  assert.ok(src, html.text);
  return (await at.visit(label, src)).text;
}

test("a deployment goes through its states and is served", async () => {
  await at.app("ship", page("first"));
  const asked = await at.api("POST", "/v1/apps/ship/deployments", { json: { message: "go" } });
  assert.equal(asked.status, 202, asked.text);
  assert.match(asked.json.id, /^[0-9a-hjkmnp-tv-z]{12}$/);
  assert.equal(asked.json.url, `http://ship--${asked.json.id}.${stack.baseDomain}/`);

  const events = await at.events("ship", asked.json.id);
  const states = events.filter((event) => event.event === "state").map((event) => event.state);
  assert.deepEqual(states, ["pending", "building", "deploying", "deployed"]);

  const { json } = await at.api("GET", `/v1/apps/ship/deployments/${asked.json.id}`);
  assert.equal(json.state, "deployed");
  assert.equal(json.message, "go");
  assert.equal(json.active, true);
  assert.equal(json.error, null);
  for (const [name, ms] of Object.entries(json.timings)) assert.ok(Number.isInteger(ms) && ms >= 0, name);
  assert.ok(json.bundle.bytes > 0 && json.bundle.chunks.length > 0);
  assert.ok(json.deployed_at >= json.created_at);

  assert.match(await code("ship"), /first/);
  assert.match(await code(`ship--${json.id}`), /first/);
  assert.equal((await at.visit("ship", "/robots.txt")).text, "# first\n");
  assert.equal((await at.api("GET", "/v1/apps/ship")).json.active_deployment, json.id);
});

test("a deployment's source maps are for its owner's token alone, and nobody else puts any", async () => {
  await at.app("owner", page("mine"));
  await at.app("other", page("theirs"));
  const { id, bundle } = await at.deploy("owner");
  const script = bundle.chunks.find((/** @type {{file: string}} */ { file }) => file.endsWith(".js")).file;
  const maps = (/** @type {string} */ app) => `/v1/apps/${app}/deployments/${id}`;
  const map = await at.api("GET", `${maps("owner")}/maps/${script}.map`);
  assert.equal(map.status, 200, map.text);
  assert.deepEqual([map.json.version, map.json.sources, map.json.sourcesContent], [3, ["src/main.ts"], [page("mine")["src/main.ts"]]]);
  for (const [method, path, options, code] of /** @type {const} */ ([
    ["GET", `${maps("other")}/maps/${script}.map`, {}, "deployment_not_found"],
    ["GET", `${maps("owner")}/maps/${script}`, {}, "map_not_found"],
    ["GET", `${maps("owner")}/maps/assets/none.js.map`, {}, "map_not_found"],
    ["GET", `${maps("owner")}/maps/..%2f${script}.map`, {}, "invalid_path"],
    ["POST", `${maps("other")}/trace`, { json: { stack: "" } }, "deployment_not_found"],
    ["POST", `${maps("owner")}/trace`, { json: { stack: "", stak: "" } }, "unknown_field"],
    ["POST", `${maps("owner")}/trace`, { json: {} }, "invalid_body"],
    ["PUT", `/internal${maps("owner")}/maps/${script}.map`, { json: {} }, "unauthorized"],
    ["PUT", `/internal${maps("owner")}/maps/${script}.map`, { json: {}, token: stack.buildSecret }, "deployment_not_ready"],
  ])) {
    const answer = await at.api(method, path, options);
    assert.equal(answer.json?.code, code, `${method} ${path}: ${answer.status} ${answer.text}`);
  }
  const foreign = "Error: x\n    at https://elsewhere.test/assets/none.js:1:1";
  assert.deepEqual((await at.api("POST", `${maps("owner")}/trace`, { json: { stack: foreign } })).json, { stack: foreign, diagnostic: null });
});

test("the same revision again is the same deployment", async () => {
  await at.app("same", page("x"));
  const [one, two] = await Promise.all([at.deploy("same"), at.deploy("same", { revision: 1 })]);
  assert.equal(one.id, two.id);
  const list = (await at.api("GET", "/v1/apps/same/deployments")).json;
  assert.equal(list.deployments.length, 1);
});

test("public values are constants of the release; other values make another deployment of the revision", async () => {
  await at.app("values", { ...page("x"), "src/main.ts": "document.title = import.meta.env.VITE_NAME ?? 'nobody';\n", ".env.production": "VITE_NAME=from the file\n" });
  const one = await at.deploy("values");
  assert.match(await code("values"), /"from the file"/);
  await at.api("PUT", "/v1/apps/values/env", { json: { vars: { VITE_NAME: "from the API" } } });
  const two = await at.deploy("values");
  assert.notEqual(two.id, one.id);
  assert.equal(two.revision, one.revision);
  assert.match(await code("values"), /"from the API"/);
  assert.match(await code(`values--${one.id}`), /"from the file"/);
});

test("an idempotency key stands for one request", async () => {
  await at.app("keyed", page("x"));
  const headers = { "idempotency-key": "k1" };
  const url = "/v1/apps/keyed/deployments";
  const one = await at.api("POST", url, { headers, json: {} });
  await at.events("keyed", one.json.id);
  await at.write("keyed", page("y"));
  const two = await at.api("POST", url, { headers, json: {} });
  assert.equal(two.json.id, one.json.id, "although the tree has moved on");
  const other = await at.api("POST", url, { headers, json: { message: "other" } });
  assert.deepEqual([other.status, other.json.code], [409, "idempotency_conflict"]);
});

test("rollback and activation move the pointer, old addresses stay", async () => {
  await at.app("moves", page("one"));
  const one = await at.deploy("moves");
  const none = await at.api("POST", "/v1/apps/moves/rollback");
  assert.deepEqual([none.status, none.json.code], [409, "no_previous_deployment"]);
  await at.write("moves", page("two"));
  const two = await at.deploy("moves");
  assert.match(await code("moves"), /two/);

  const back = await at.api("POST", "/v1/apps/moves/rollback");
  assert.deepEqual(back.json, { active: one.id, previous: two.id });
  assert.match(await code("moves"), /one/);
  assert.match(await code(`moves--${two.id}`), /two/);

  const forth = await at.api("POST", `/v1/apps/moves/deployments/${two.id}/activate`);
  assert.deepEqual(forth.json, { active: two.id, previous: one.id });
  assert.match(await code("moves"), /two/);
});

test("a build error fails with its diagnostics and leaves production alone; fixed, it deploys", async () => {
  await at.app("broken", page("good"));
  const good = await at.deploy("broken");
  await at.write("broken", { "src/main.ts": "const = ;\n" });
  const bad = await at.deploy("broken");
  assert.equal(bad.state, "failed");
  assert.equal(bad.error.stage, "building");
  assert.equal(bad.error.diagnostics[0].file, "src/main.ts");
  assert.ok(bad.error.diagnostics[0].line >= 1 && bad.error.diagnostics[0].frame.includes("const"));
  assert.equal((await at.api("GET", "/v1/apps/broken")).json.active_deployment, good.id);
  assert.match(await code("broken"), /good/);
  const refused = await at.api("POST", `/v1/apps/broken/deployments/${bad.id}/activate`);
  assert.deepEqual([refused.status, refused.json.code], [409, "deployment_not_ready"]);

  const again = await at.api("POST", "/v1/apps/broken/deployments", { json: {} });
  assert.notEqual(again.json.id, bad.id, "a failed deployment makes room for another try");
  await at.events("broken", again.json.id);
  await at.write("broken", page("better"));
  assert.equal((await at.deploy("broken")).state, "deployed");
});

test("what cannot be deployed, and what belongs to others", async () => {
  await at.api("POST", "/v1/apps", { json: { slug: "empty" } });
  const refuse = async (/** @type {string} */ method, /** @type {string} */ path, /** @type {number} */ status, /** @type {string} */ name, json = undefined) => {
    const answer = await at.api(method, path, json && { json });
    assert.deepEqual([answer.status, answer.json?.code], [status, name], `${method} ${path}`);
  };
  await refuse("POST", "/v1/apps/empty/deployments", 404, "revision_not_found", {});
  await at.app("mine", page("mine"));
  const mine = await at.deploy("mine");
  await refuse("POST", "/v1/apps/mine/deployments", 404, "revision_not_found", { revision: 9 });
  await refuse("POST", "/v1/apps/mine/deployments", 422, "unknown_field", { rev: 1 });
  await refuse("POST", "/v1/apps/none/deployments", 404, "app_not_found", {});
  await refuse("GET", `/v1/apps/empty/deployments/${mine.id}`, 404, "deployment_not_found");
  await refuse("GET", `/v1/apps/empty/deployments/${mine.id}/events`, 404, "deployment_not_found");
  await refuse("POST", `/v1/apps/empty/deployments/${mine.id}/activate`, 404, "deployment_not_found");
  await refuse("GET", "/v1/apps/mine/deployments/000000000000", 404, "deployment_not_found");
});

// @ts-check
/**
 * Apps with a server of their own. Each folder of `tests/fixtures/servers` is an app; its `expected.json`
 * has the secrets that it is given, what it is asked and what it answers, what its build warns of, or why it
 * cannot be built.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { ROOT } from "../../worker-shims/local/places.mjs";
import { platform } from "./platform.mjs";

/**
 * @typedef {{ask: string, headers?: Record<string, string>, body?: string, status: number, json?: unknown, text?: string, contains?: string, answers?: Record<string, string>}} Exchange
 * @typedef {{secrets?: Record<string, string>, removed?: string[], requests?: Exchange[], warnings?: string[], diagnostics?: {code: string, file: string, line: number}[]}} Expected
 */

const FIXTURES = join(ROOT, "tests", "fixtures", "servers");
const PAGE = "<!doctype html><title>servers</title><p>page</p>";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack({ demo: false });
  at = platform(stack);
});
after(() => stack?.stop());

/** @param {string} name @param {Expected} expected */
async function create(name, { secrets = {}, removed = [] }) {
  const folder = join(FIXTURES, name);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const writes = files.filter((path) => path !== "expected.json").map((path) => ({ path, base64: readFileSync(join(folder, path)).toString("base64") }));
  assert.equal((await at.api("POST", "/v1/apps", { json: { slug: name } })).status, 201);
  const edited = await at.api("PATCH", `/v1/apps/${name}/files`, { json: { writes: [{ path: "index.html", content: PAGE }, ...writes] } });
  assert.equal(edited.status, 200, edited.text);
  for (const change of [secrets, Object.fromEntries(removed.map((secret) => [secret, null]))]) {
    if (Object.keys(change).length === 0) continue;
    const answer = await at.api("PUT", `/v1/apps/${name}/env`, { json: { secrets: change } });
    assert.equal(answer.status, 200, answer.text);
  }
}

/** @param {string} label @param {Exchange} exchange */
async function exchange(label, { ask, headers, body, status, json, text, contains, answers = {} }) {
  const [method, path] = ask.split(" ");
  const answer = await at.ask(method, label, path, { headers, body });
  assert.equal(answer.status, status, `${label}: ${ask}: ${answer.text}`);
  if (json !== undefined) assert.deepEqual(answer.json, json, `${label}: ${ask}`);
  if (text !== undefined) assert.equal(answer.text, text, `${label}: ${ask}`);
  if (contains !== undefined) assert.ok(answer.text.includes(contains), `${label}: ${ask}: ${answer.text}`);
  for (const [name, value] of Object.entries(answers)) assert.equal(answer.headers[name], value, `${label}: ${ask}: ${name}`);
}

for (const name of readdirSync(FIXTURES).sort()) {
  describe(name, () => {
    /** @type {Expected} */
    const expected = JSON.parse(readFileSync(join(FIXTURES, name, "expected.json"), "utf8"));
    const { requests = [], warnings = [], diagnostics } = expected;
    before(() => create(name, expected));

    test("deployed", async () => {
      const deployment = await at.deploy(name);
      if (diagnostics) {
        assert.deepEqual([deployment.state, deployment.error?.code], ["failed", "build_failed"]);
        const told = deployment.error.diagnostics.map((/** @type {any} */ { code, file, line }) => ({ code, file, line }));
        assert.deepEqual(told, diagnostics, JSON.stringify(deployment.error, null, 1));
        return;
      }
      assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error, null, 1));
      assert.ok(deployment.bundle.server.bytes > deployment.bundle.server.gzip_bytes);
      const lines = (await at.events(name, deployment.id)).map((event) => event.message).filter((line) => line?.startsWith("warning: "));
      assert.deepEqual(lines, warnings.map((line) => `warning: ${line}`));
      for (const one of requests) await exchange(name, one);
    });

    test("in the preview", async () => {
      if (diagnostics) {
        const { status, json } = await at.ask("POST", `${name}--live`, "/api", { body: "" });
        assert.deepEqual([status, json.code], [500, "server_build_failed"]);
        const [{ file, line }] = diagnostics;
        assert.ok(json.detail.startsWith(line > 0 ? `${file}:${line}:` : file), json.detail);
        return;
      }
      for (const one of requests) await exchange(`${name}--live`, one);
    });
  });
}

test("secrets are known to the server and nobody else", async () => {
  const first = "v-first-of-the-test", second = "v-second-of-the-test";
  const url = "/v1/apps/quiet/env";
  await at.app("quiet", { "index.html": PAGE, "worker/index.js": "export default { fetch: (_, env) => new Response(env.API_KEY ?? 'none') };" });
  const set = await at.api("PUT", url, { json: { vars: { VITE_A: "1" }, secrets: { API_KEY: first, OTHER: first } } });
  assert.deepEqual(set.json, { vars: { VITE_A: "1" }, secrets: ["API_KEY", "OTHER"] });
  const one = await at.deploy("quiet");
  assert.equal((await at.visit("quiet", "/api")).text, first);

  await at.api("PUT", url, { json: { secrets: { API_KEY: first } } });
  assert.equal((await at.deploy("quiet")).id, one.id, "the same secrets are the same deployment");
  await at.api("PUT", url, { json: { secrets: { API_KEY: second } } });
  assert.deepEqual((await at.api("GET", url)).json, { vars: { VITE_A: "1" }, secrets: ["API_KEY", "OTHER"] });
  const two = await at.deploy("quiet");
  assert.notEqual(two.id, one.id);
  assert.equal((await at.visit("quiet", "/api")).text, second);
  assert.equal((await at.visit(`quiet--${one.id}`, "/api")).text, first, "a deployment keeps its own");
  await at.api("PUT", url, { json: { secrets: { API_KEY: null } } });
  assert.deepEqual((await at.api("GET", url)).json.secrets, ["OTHER"]);
  await at.deploy("quiet");
  assert.equal((await at.visit("quiet", "/api")).text, "none");

  const told = [await at.events("quiet", one.id), await at.events("quiet", two.id), (await at.api("GET", "/v1/apps/quiet/deployments")).json];
  const database = join(stack.state, "worker", "v3", "d1");
  const files = [stack.logs, database].flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  assert.ok(files.some((file) => file.startsWith(database)));
  for (const value of [first, second]) {
    assert.ok(!JSON.stringify(told).includes(value), "in an answer");
    for (const file of files) assert.ok(!readFileSync(file).includes(value), file);
  }
});

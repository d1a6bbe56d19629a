// @ts-check
/**
 * Apps with a server of their own. Each folder of `tests/fixtures/servers` is an app; its `expected.json`
 * has what the app is asked and what it answers, what its build warns of, or why it cannot be built.
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
 * @typedef {{requests?: Exchange[], warnings?: string[], diagnostics?: {code: string, file: string, line: number}[]}} Expected
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

/** @param {string} name */
async function create(name) {
  const folder = join(FIXTURES, name);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const writes = files.filter((path) => path !== "expected.json").map((path) => ({ path, base64: readFileSync(join(folder, path)).toString("base64") }));
  assert.equal((await at.api("POST", "/v1/apps", { json: { slug: name } })).status, 201);
  const edited = await at.api("PATCH", `/v1/apps/${name}/files`, { json: { writes: [{ path: "index.html", content: PAGE }, ...writes] } });
  assert.equal(edited.status, 200, edited.text);
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
    const { requests = [], warnings = [], diagnostics } = JSON.parse(readFileSync(join(FIXTURES, name, "expected.json"), "utf8"));
    before(() => create(name));

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
  });
}

// @ts-check
/**
 * Production and deployment hosts: what each host answers, the pages and problems of hosts that have
 * nothing, and what does not pass between platform and tenant code.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
/** @type {any} */ let deployed;
before(async () => {
  stack = await startStack({ demo: false });
  at = platform(stack);
  await at.app("host", page("hello"));
  deployed = await at.deploy("host");
  await at.app("bare", page("bare"));
});
after(() => stack?.stop());

test("hosts without anything to serve say what is missing", async () => {
  for (const [label, code] of [
    ["none", "app_not_found"],
    ["bare", "nothing_deployed"],
    ["none--live", "app_not_found"],
    ["host--000000000000", "deployment_not_found"],
    [`bare--${deployed.id}`, "deployment_not_found"],
    ["a.b", "app_not_found"],
    ["a--b--c", "app_not_found"],
  ]) {
    const program = await at.visit(label, "/");
    assert.deepEqual([program.status, program.json?.code], [404, code], label);
    const person = await at.visit(label, "/", { "sec-fetch-mode": "navigate", accept: "text/html" });
    assert.equal(person.status, 404, label);
    assert.match(person.headers["content-type"] ?? "", /^text\/html/);
    assert.match(person.text, /<h1>/);
  }
});

test("error pages escape what came from the request", async () => {
  const answer = await at.visit("<script>alert(1)</script>", "/", { accept: "text/html" });
  assert.doesNotMatch(answer.text, /<script>alert/);
});

test("production answers with status, type and length of the app", async () => {
  const html = await at.visit("host", "/");
  assert.equal(html.status, 200);
  assert.match(html.headers["content-type"] ?? "", /^text\/html/);
  const robots = await at.visit("host", "/robots.txt");
  assert.equal(robots.text, "# hello\n");
  const head = await at.ask("HEAD", "host", "/robots.txt");
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("host names do not mind their case", async () => {
  assert.equal((await at.visit("HOST", "/robots.txt")).text, "# hello\n");
});

test("deleted apps are no longer served", async () => {
  await at.app("gone", page("gone"));
  const { id } = await at.deploy("gone");
  assert.equal((await at.visit("gone", "/robots.txt")).status, 200);
  await at.api("DELETE", "/v1/apps/gone");
  assert.equal((await at.visit("gone", "/robots.txt")).status, 404);
  assert.equal((await at.visit(`gone--${id}`, "/robots.txt")).status, 404);
});

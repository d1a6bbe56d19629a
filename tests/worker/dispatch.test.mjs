// @ts-check
/**
 * Production and deployment hosts: what each host answers, the pages and problems of hosts that have
 * nothing, and what does not pass between platform and tenant code.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
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

test("what is named by its content is kept for ever, pages are asked for again", async () => {
  const html = await at.visit("host", "/");
  const script = /<script[^>]+src="([^"]+)"/.exec(html.text)?.[1] ?? "";
  assert.match(script, /^\/assets\//);
  const immutable = /^public, max-age=31536000, immutable$/;
  const code = await at.visit("host", script);
  assert.match(String(code.headers["cache-control"]), immutable);
  for (const path of ["/", "/robots.txt", "/deep/link"]) {
    assert.match(String((await at.visit("host", path, { accept: "text/html" })).headers["cache-control"]), /max-age=0, must-revalidate/, path);
  }
  for (const path of ["/", script]) {
    const { etag } = (await at.visit("host", path)).headers;
    assert.ok(etag, path);
    const again = await at.visit("host", path, { "if-none-match": etag });
    assert.deepEqual([again.status, again.text], [304, ""], path);
    assert.equal((await at.visit("host", path, { "if-none-match": '"other"' })).status, 200);
    const head = await at.ask("HEAD", "host", path);
    assert.deepEqual([head.status, head.text, head.headers.etag], [200, "", etag], path);
  }
});

test("a missing file is not the page of the app; a missing page is", async () => {
  const missing = await at.visit("host", "/assets/index-00000000.js", { "sec-fetch-mode": "no-cors", accept: "*/*" });
  assert.deepEqual([missing.status, missing.json.code], [404, "file_not_found"]);
  assert.equal(missing.headers["cache-control"], "no-store");
  const there = await at.visit("host", "/users/jane.doe", { "sec-fetch-mode": "navigate" });
  assert.equal(there.status, 200);
  assert.match(String(there.headers["cache-control"]), /must-revalidate/);
  assert.equal((await at.visit("host", "/users/42")).status, 200);
});

test("parts of a file", async () => {
  const whole = "# hello\n";
  const { etag = "" } = (await at.visit("host", "/robots.txt")).headers;
  /** @type {[Record<string, string>, number, string, string | undefined][]} */
  const cases = [
    [{ range: "bytes=2-4" }, 206, "hel", "bytes 2-4/8"],
    [{ range: "bytes=-3" }, 206, "lo\n", "bytes 5-7/8"],
    [{ range: "bytes=0-" }, 206, whole, "bytes 0-7/8"],
    [{ range: "bytes=8-" }, 416, "", "bytes */8"],
    [{ range: "bytes=0-1,3-4" }, 200, whole, undefined],
    [{ range: "bytes=2-4", "if-range": etag }, 206, "hel", "bytes 2-4/8"],
    [{ range: "bytes=2-4", "if-range": '"old"' }, 200, whole, undefined],
  ];
  for (const [headers, status, text, range] of cases) {
    const answer = await at.visit("host", "/robots.txt", headers);
    assert.deepEqual([answer.status, answer.text, answer.headers["content-range"]], [status, text, range], JSON.stringify(headers));
  }
  assert.equal((await at.visit("host", "/robots.txt")).headers["accept-ranges"], "bytes");
});

test("an app's own header rules hold, and are not served", async () => {
  await at.app("rules", { ...page("rules"), "public/_headers": "/robots.txt\n  X-Own: yes\n/assets/*\n  Cache-Control: no-cache\n" });
  await at.deploy("rules");
  assert.equal((await at.visit("rules", "/robots.txt")).headers["x-own"], "yes");
  assert.equal((await at.visit("rules", "/")).headers["x-own"], undefined);
  const script = /<script[^>]+src="([^"]+)"/.exec((await at.visit("rules", "/")).text)?.[1] ?? "";
  assert.equal((await at.visit("rules", script)).headers["cache-control"], "no-cache", "they come last");
  assert.doesNotMatch((await at.visit("rules", "/_headers")).text, /X-Own/);
});

test("text travels compressed to those who accept it", async () => {
  const long = "compress me ".repeat(500);
  await at.app("long", { ...page("long"), "public/long.txt": long });
  await at.deploy("long");
  const plain = await at.visit("long", "/long.txt");
  assert.deepEqual([plain.headers["content-encoding"], plain.text, plain.headers.vary], [undefined, long, "accept-encoding"]);
  const answer = await at.visit("long", "/long.txt", { "accept-encoding": "gzip, br" });
  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.ok(answer.bytes.length < long.length / 10);
  assert.equal(gunzipSync(answer.bytes).toString(), long);
  const again = await at.visit("long", "/long.txt", { "accept-encoding": "gzip", "if-none-match": String(answer.headers.etag) });
  assert.equal(again.status, 304);
});

test("an exception of the app's Worker is its owner's to read, not the visitor's", async () => {
  await at.app("throws", { ...page("fine"), "worker/index.js": "export default { fetch() { throw new Error('secret detail of the app'); } };" });
  const { id } = await at.deploy("throws");
  assert.equal((await at.visit("throws", "/")).status, 200, "files need no code");
  for (const headers of /** @type {Record<string, string>[]} */ ([{}, { accept: "text/html" }])) {
    const answer = await at.visit("throws", "/api", headers);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /secret detail/);
  }
  const told = (await at.events("throws", id)).filter(({ message }) => /secret detail of the app/.test(message ?? ""));
  assert.equal(told.length, 1, "once in a while");
});

test("a switch of production is seen by everybody within half a second", async () => {
  await at.app("switch", page("one"));
  await at.deploy("switch");
  await at.write("switch", page("two"));
  await at.deploy("switch");
  const seen = () => Promise.all(Array.from({ length: 50 }, async () => (await at.visit("switch", "/robots.txt")).text));
  assert.deepEqual(new Set(await seen()), new Set(["# two\n"]));
  await at.api("POST", "/v1/apps/switch/rollback");
  assert.deepEqual(new Set(await seen()), new Set(["# one\n"]));
});

/**
 * What the stand-in runs: code with its bindings, module types and limits, and assets as Cloudflare
 * serves them. In real workerd, through the same upload API that a deployment uses.
 */
// @ts-check
import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { ESM, MAIN, answering, startNamespace } from "./namespace/stand.mjs";

/** @type {Awaited<ReturnType<typeof startNamespace>>} */
let ns;
before(async () => { ns = await startNamespace(); });
after(() => ns.stop());

const HTML = "text/html; charset=utf-8";
/** @type {Record<string, [string, string]>} */
const SITE = {
  "/index.html": [HTML, "<h1>home</h1>"],
  "/about.html": [HTML, "<h1>about</h1>"],
  "/docs/index.html": [HTML, "<h1>docs</h1>"],
  "/404.html": [HTML, "<h1>lost</h1>"],
  "/docs/404.html": [HTML, "<h1>lost in docs</h1>"],
  "/assets/app-1a2b.js": ["text/javascript", "console.log(1)"],
  "/a b/ü.txt": ["text/plain", "spaced"],
  "/untyped": ["application/null", "no type"],
};

/** @param {string} name @param {object} [config] @param {Record<string, [string, string]>} [modules] @param {object} [metadata] */
async function site(name, config = {}, modules = {}, metadata = {}) {
  const jwt = await ns.assets(name, SITE);
  const { status, text } = await ns.put(name, { ...metadata, assets: { jwt, config }, ...(modules["main.js"] && MAIN) }, modules);
  assert.equal(status, 200, text);
}

/** @param {Record<string, [string, string | Uint8Array]>} modules @param {object} [metadata] */
async function answerOf(modules, metadata = {}) {
  const { status, text } = await ns.put("module", { ...MAIN, ...metadata }, modules);
  assert.equal(status, 200, text);
  return JSON.parse((await ns.visit("module", "/")).text);
}

test("a missing script throws `Worker not found`", async () => {
  const { status, text } = await ns.visit("nobody", "/");
  assert.equal(status, 599);
  assert.match(JSON.parse(text).thrown, /^Worker not found/);
});

test("an upload is routable at once, an update and a delete too", async () => {
  for (const text of ["one", "two", "three"]) {
    await ns.put("fresh", MAIN, answering(`'${text}'`));
    assert.equal((await ns.visit("fresh", "/")).text, `"${text}"`);
  }
  await ns.call(`${ns.scripts}/fresh`, { method: "DELETE" });
  assert.match((await ns.visit("fresh", "/")).text, /Worker not found/);
});

test("texts, secrets and JSON are bound, and nothing else is", async () => {
  const bindings = [{ type: "plain_text", name: "T", text: "t" }, { type: "secret_text", name: "S", text: "s" }, { type: "json", name: "J", json: { deep: [1] } }];
  assert.deepEqual(await answerOf(answering("env"), { bindings }), { T: "t", S: "s", J: { deep: [1] } });
});

test("the request arrives whole, without the dispatcher's header", async () => {
  await ns.put("echo", MAIN, answering("{ method: request.method, url: new URL(request.url).pathname + new URL(request.url).search, own: request.headers.get('x-own'), target: request.headers.get('x-dispatch-target'), body: await request.text() }"));
  const { text } = await ns.visit("echo", "/a/b?c=d", { method: "POST", body: "hello", headers: { "x-own": "1", "x-dispatch-target": "{\"script\":\"forged\"}" } });
  assert.deepEqual(JSON.parse(text), { method: "POST", url: "/a/b?c=d", own: "1", target: null, body: "hello" });
});

const WASM = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11]);
/** @type {[string, Record<string, [string, string | Uint8Array]>, string, unknown][]} */
const MODULES = [
  ["ES modules in folders", { "lib/a.js": [ESM, "export default 'nested'"] }, "import value from './lib/a.js';", "nested"],
  ["CommonJS", { "a.cjs": ["application/javascript", "module.exports = 'common'"] }, "import value from './a.cjs';", "common"],
  ["text", { "a.txt": ["text/plain", "text ü"] }, "import value from './a.txt';", "text ü"],
  ["data", { "a.bin": ["application/octet-stream", new Uint8Array([1, 0, 255])] }, "import data from './a.bin'; const value = [...new Uint8Array(data)];", [1, 0, 255]],
  ["JSON", { "a.json": ["application/json", "{\"a\":1}"] }, "import value from './a.json';", { a: 1 }],
  ["WebAssembly", { "a.wasm": ["application/wasm", WASM] }, "import wasm from './a.wasm'; const value = new WebAssembly.Instance(wasm).exports.f();", 42],
  ["source maps, left out", { "main.js.map": ["application/source-map", "{}"] }, "const value = 1;", 1],
];
for (const [what, extra, code, expected] of MODULES) {
  test(`modules: ${what}`, async () => {
    const main = `${code} export default { fetch: () => Response.json(value) };`;
    assert.deepEqual(await answerOf({ ...extra, "main.js": [ESM, main] }), expected);
  });
}

test("a large module survives", async () => {
  const text = "0123456789".repeat(300_000);
  assert.equal(await answerOf({ "a.txt": ["text/plain", text], "main.js": [ESM, "import value from './a.txt'; export default { fetch: () => Response.json(value.length) };"] }), text.length);
});

test("an entry point class is run too", async () => {
  const code = "import { WorkerEntrypoint } from 'cloudflare:workers'; export default class extends WorkerEntrypoint { fetch() { return Response.json(this.env.T) } }";
  assert.equal(await answerOf({ "main.js": [ESM, code] }, { bindings: [{ type: "plain_text", name: "T", text: "class" }] }), "class");
});

test("what a script throws reaches the dispatcher", async () => {
  await ns.put("throws", MAIN, { "main.js": [ESM, "export default { fetch() { throw new Error('tenant fault'); } };"] });
  assert.match((await ns.visit("throws", "/")).text, /tenant fault/);
});

// The open workerd takes limits and does not enforce them; that is the platform's part.
test("limits of the upload and of the dispatcher are accepted by the loader", async () => {
  await ns.put("limited", { ...MAIN, limits: { cpu_ms: 50, subrequests: 5 } }, answering("'within limits'"));
  assert.equal((await ns.visit("limited", "/", { limits: { cpuMs: 10, subRequests: 3 } })).text, '"within limits"');
});

/** path, config, status, body or location */
/** @type {[string, Record<string, unknown>, number, string][]} */
const SERVED = [
  ["/", {}, 200, "home"],
  ["/index.html", {}, 307, "/"],
  ["/index?q=1", {}, 307, "/?q=1"],
  ["/about", {}, 200, "about"],
  ["/about.html", {}, 307, "/about"],
  ["/about/", {}, 307, "/about"],
  ["/docs", {}, 307, "/docs/"],
  ["/docs/", {}, 200, "docs"],
  ["/docs/index.html", {}, 307, "/docs/"],
  ["/a%20b/%C3%BC.txt", {}, 200, "spaced"],
  ["/assets/app-1a2b.js", {}, 200, "console.log(1)"],
  ["/nothing", {}, 404, ""],
  ["/__proto__", {}, 404, ""],
  ["/about", { html_handling: "none" }, 404, ""],
  ["/about.html", { html_handling: "none" }, 200, "about"],
  ["/", { html_handling: "none" }, 404, ""],
  ["/about", { html_handling: "force-trailing-slash" }, 307, "/about/"],
  ["/about/", { html_handling: "force-trailing-slash" }, 200, "about"],
  ["/docs/", { html_handling: "drop-trailing-slash" }, 307, "/docs"],
  ["/docs", { html_handling: "drop-trailing-slash" }, 200, "docs"],
  ["/nothing/at/all", { not_found_handling: "single-page-application" }, 200, "home"],
  ["/nothing", { not_found_handling: "404-page" }, 404, "lost"],
  ["/docs/deep/nothing", { not_found_handling: "404-page" }, 404, "lost in docs"],
];
const CONFIGS = new Map();
for (const [path, config, status, expected] of SERVED) {
  test(`${path} with ${JSON.stringify(config)} is ${status}`, async () => {
    const key = JSON.stringify(config);
    const name = CONFIGS.get(key) ?? `site-${CONFIGS.size}`;
    if (!CONFIGS.has(key)) await site(name, config);
    CONFIGS.set(key, name);
    const answer = await ns.visit(name, path);
    assert.equal(answer.status, status);
    if (status === 307) assert.equal(answer.headers.get("location"), expected);
    else assert.equal(answer.text.replace(/<.*?>/g, ""), expected);
  });
}

test("assets have their types, an ETag and Cloudflare's cache header", async () => {
  await site("headers");
  const { headers } = await ns.visit("headers", "/");
  assert.equal(headers.get("content-type"), HTML);
  assert.match(headers.get("etag") ?? "", /^"[0-9a-f]{32}"$/);
  assert.equal(headers.get("cache-control"), "public, max-age=0, must-revalidate");
  assert.equal((await ns.visit("headers", "/untyped")).headers.get("content-type"), null);
});

test("_headers sets and removes headers of the paths it names", async () => {
  await site("rules", { _headers: "/assets/*\n  Cache-Control: public, max-age=31536000, immutable\n  X-Own: a:b\n# said\n/about\n  ! ETag\n" });
  const { headers } = await ns.visit("rules", "/assets/app-1a2b.js");
  assert.deepEqual([headers.get("cache-control"), headers.get("x-own")], ["public, max-age=31536000, immutable", "a:b"]);
  const about = (await ns.visit("rules", "/about")).headers;
  assert.deepEqual([about.get("etag"), about.get("x-own"), about.get("cache-control")], [null, null, "public, max-age=0, must-revalidate"]);
});

test("a known ETag is answered 304, HEAD without a body, other methods 405", async () => {
  await site("methods");
  const etag = (await ns.visit("methods", "/")).headers.get("etag") ?? "";
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const { status, text } = await ns.visit("methods", "/", { headers: { "if-none-match": tag } });
    assert.deepEqual([status, text], [304, ""], tag);
  }
  assert.equal((await ns.visit("methods", "/", { headers: { "if-none-match": '"other"' } })).status, 200);
  const head = await ns.visit("methods", "/", { method: "HEAD" });
  assert.deepEqual([head.status, head.text, head.headers.get("etag")], [200, "", etag]);
  assert.equal((await ns.visit("methods", "/", { method: "POST" })).status, 405);
});

const WORKER = answering("'worker ' + new URL(request.url).pathname");

test("assets come before the Worker, and what is no asset is the Worker's", async () => {
  await site("both", {}, WORKER);
  assert.match((await ns.visit("both", "/about")).text, /about/);
  assert.equal((await ns.visit("both", "/api")).text, '"worker /api"');
  assert.equal((await ns.visit("both", "/about", { method: "POST" })).text, '"worker /about"');
});

test("a navigation gets the single page even with a Worker, a fetch the Worker", async () => {
  await site("spa", { not_found_handling: "single-page-application" }, WORKER);
  // Node's fetch sets `sec-fetch-mode` itself, so the navigation is sent by hand.
  const headers = { "sec-fetch-mode": "navigate", "x-script": "spa" };
  const [response] = await once(get(new URL("/route", ns.account), { headers }), "response");
  assert.match(await text(response), /home/);
  assert.equal((await ns.visit("spa", "/route")).text, '"worker /route"');
});

test("run_worker_first: all, and by patterns", async () => {
  await site("first", { run_worker_first: true }, WORKER);
  assert.equal((await ns.visit("first", "/about")).text, '"worker /about"');
  await site("patterns", { run_worker_first: ["/docs/*", "!/docs/index.html"] }, WORKER);
  assert.equal((await ns.visit("patterns", "/docs/")).text, '"worker /docs/"');
  assert.equal((await ns.visit("patterns", "/docs/index.html")).headers.get("location"), "/docs/");
  assert.match((await ns.visit("patterns", "/about")).text, /about/);
});

test("the assets binding serves the script's own files", async () => {
  const code = answering("[await (await env.FILES.fetch(new Request('http://any/about'))).text(), (await env.FILES.fetch('http://any/none')).status]");
  await site("binding", { run_worker_first: true }, code, { bindings: [{ type: "assets", name: "FILES" }] });
  assert.deepEqual(JSON.parse((await ns.visit("binding", "/")).text), ["<h1>about</h1>", 404]);
});

test("an asset of many parts comes back whole", async () => {
  const text = "abcdefghij".repeat(350_000);
  const jwt = await ns.assets("large", { "/large.txt": ["text/plain", text] });
  await ns.put("large", { assets: { jwt } });
  assert.ok((await ns.visit("large", "/large.txt")).text === text);
});

test("assets outlive the deployment that brought them while another uses them", async () => {
  await site("twin-a");
  await site("twin-b");
  await ns.call(`${ns.scripts}/twin-a`, { method: "DELETE" });
  assert.match((await ns.visit("twin-b", "/about")).text, /about/);
});

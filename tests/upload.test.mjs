/**
 * The Rust upload client against the running namespace stand-in: what travels, what is served, what
 * an error looks like, and what is tried again when the network or the API fails.
 *
 * Between the two stands a real HTTP proxy: it records every call and can spoil some of them.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { TOKEN, answering, startNamespace } from "./namespace/stand.mjs";

/**
 * One call's fate: answered instead of the stand-in, or cut before or after the stand-in did its work.
 * @typedef {"cut" | "cut after" | {status: number, headers?: Record<string, string>, body?: string}} Fault
 * @typedef {{line: string, status: number | null, hashes: string[]}} Call
 */

const root = fileURLToPath(new URL("..", import.meta.url));
const client = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/examples/upload");
const SCRIPTS = "/dispatch/namespaces/tests/scripts";

/** @type {Awaited<ReturnType<typeof startNamespace>>} */ let ns;
/** @type {http.Server} */ let proxy;
/** @type {Fault[]} */ let faults = [];
/** @type {Call[]} */ let calls = [];

/** @param {http.IncomingMessage} request */
async function bytes(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
async function relay(request, response) {
  const body = await bytes(request);
  const hashes = [...body.toString("latin1").matchAll(/; name="([0-9a-f]{32})"/g)].map((found) => found[1]).sort();
  const path = (request.url ?? "").replace("/client/v4/accounts/acc/workers", "");
  /** @type {Call} */
  const call = { line: `${request.method} ${path}`, status: null, hashes };
  calls.push(call);
  const fault = faults.shift();
  if (fault === "cut") return void request.socket.destroy();
  if (typeof fault === "object") {
    call.status = fault.status;
    return void response.writeHead(fault.status, fault.headers).end(fault.body);
  }
  const headers = Object.fromEntries(["authorization", "content-type"].flatMap((name) => (request.headers[name] ? [[name, String(request.headers[name])]] : [])));
  const answer = await fetch(new URL(request.url ?? "", ns.account), { method: request.method, headers, ...(body.length > 0 && { body }) });
  const content = Buffer.from(await answer.arrayBuffer());
  call.status = answer.status;
  if (fault === "cut after") return void request.socket.destroy();
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(content);
}

before(async () => {
  execFileSync("cargo", ["build", "--quiet", "--workspace", "--example", "upload"], { cwd: root });
  ns = await startNamespace();
  proxy = http.createServer((request, response) => void relay(request, response)).listen(0, "127.0.0.1");
  await once(proxy, "listening");
});
beforeEach(() => {
  faults = [];
  calls = [];
});
after(async () => {
  proxy.close();
  proxy.closeAllConnections();
  await ns.stop();
});

/**
 * One run of the client.
 * @param {object} command @param {{base?: string, token?: string}} [options] @returns {Promise<any>} `{ok}` or `{error}`
 */
async function run(command, { base, token = TOKEN } = {}) {
  const { port } = /** @type {import("node:net").AddressInfo} */ (proxy.address());
  const child = spawn(client, {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      CLOUDFLARE_API_BASE: base ?? `http://127.0.0.1:${port}/client/v4`, CLOUDFLARE_ACCOUNT_ID: "acc",
      CLOUDFLARE_API_TOKEN: token, WFP_NAMESPACE_ID: "tests",
    },
  });
  child.stdin.end(JSON.stringify(command));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  const answer = JSON.parse(output);
  assert.equal(code, "ok" in answer ? 0 : 1, output);
  return answer;
}

/** @param {object} command */
async function ok(command) {
  const answer = await run(command);
  assert.ok("ok" in answer, JSON.stringify(answer));
  return answer.ok;
}

/** @param {string} path @param {string | Uint8Array} content @param {string} [content_type] */
const asset = (path, content, content_type) => ({ path, base64: Buffer.from(content).toString("base64"), content_type });
const page = (/** @type {string} */ content) => asset("/index.html", content, "text/html; charset=utf-8");
const lines = () => calls.map(({ line, status }) => `${line} ${status}`);
const sent = () => calls.filter(({ line }) => line.startsWith("POST /assets/upload")).flatMap(({ hashes }) => hashes);

/** @param {any} answer @param {number} status @param {number} code @param {RegExp} message */
function refused({ error }, status, code, message) {
  assert.equal(error.code, "cloudflare_refused");
  assert.equal(error.status, status);
  assert.deepEqual(error.errors.map((/** @type {any} */ entry) => entry.code), [code]);
  assert.match(error.errors[0].message, message);
  assert.ok(error.message.includes(`${error.errors[0].message} [code ${code}]`), error.message);
}

test("an upload is served as it was sent, with its types, and only new files travel the second time", async () => {
  const binary = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256);
  const first = [
    page("<h1>first</h1>"), asset("/assets/app.js", "export {};", "text/javascript; charset=utf-8"),
    asset("/copy/app.js", "export {};", "text/javascript; charset=utf-8"), asset("/data.bin", binary), asset("/empty.txt", "", "text/plain"),
  ];
  const uploaded = await ok({ do: "upload", script: "site", salt: "app", assets: first, tags: ["app:site"], not_found_handling: "single-page-application" });
  assert.deepEqual([uploaded.id, uploaded.has_assets, typeof uploaded.etag], ["site", true, "string"]);
  assert.deepEqual(lines(), [`POST ${SCRIPTS}/site/assets-upload-session 200`, "POST /assets/upload?base64=true 201", `PUT ${SCRIPTS}/site 200`]);
  assert.equal(sent().length, 4, "equal contents travel once");

  /** @type {[string, string, string | null][]} */
  const served = [
    ["/", "<h1>first</h1>", "text/html; charset=utf-8"],
    ["/assets/app.js", "export {};", "text/javascript; charset=utf-8"],
    ["/copy/app.js", "export {};", "text/javascript; charset=utf-8"],
    ["/empty.txt", "", "text/plain"],
    ["/deep/link", "<h1>first</h1>", "text/html; charset=utf-8"],
  ];
  for (const [path, content, type] of served) {
    const { status, headers, text: got } = await ns.visit("site", path, { headers: { "sec-fetch-mode": "navigate" } });
    assert.deepEqual([status, got, headers.get("content-type")], [200, content, type], path);
  }
  const data = await fetch(new URL("/data.bin", ns.account), { headers: { "x-script": "site" } });
  assert.deepEqual(new Uint8Array(await data.arrayBuffer()), binary);

  calls = [];
  await ok({ do: "upload", script: "site-2", salt: "app", assets: [page("<h1>second</h1>"), ...first.slice(1)] });
  assert.equal(sent().length, 1);
  assert.equal((await ns.visit("site-2", "/")).text, "<h1>second</h1>");
  assert.equal((await ns.visit("site-2", "/assets/app.js")).text, "export {};");
  assert.equal((await ns.visit("site", "/")).text, "<h1>first</h1>", "the first script is as it was");

  calls = [];
  await ok({ do: "upload", script: "site-3", salt: "app", assets: first });
  assert.deepEqual(lines(), [`POST ${SCRIPTS}/site-3/assets-upload-session 200`, `PUT ${SCRIPTS}/site-3 200`], "nothing is missing");
  assert.equal((await ns.visit("site-3", "/")).text, "<h1>first</h1>");
});

test("equal files of two tenants travel for each", async () => {
  const assets = [page("shared by two")];
  await ok({ do: "upload", script: "tenant-a", salt: "a", assets });
  await ok({ do: "upload", script: "tenant-b", salt: "b", assets });
  assert.equal(new Set(sent()).size, 2);
});

test("many files travel in several requests, each once", async () => {
  const assets = Array.from({ length: 34 }, (_, index) => asset(`/files/${index}.txt`, `file ${index}`, "text/plain"));
  await ok({ do: "upload", script: "many", salt: "many", assets });
  const statuses = calls.filter(({ line }) => line.startsWith("POST /assets/upload")).map(({ status }) => status).sort();
  assert.deepEqual(statuses, [201, 202, 202, 202]);
  assert.deepEqual([sent().length, new Set(sent()).size], [34, 34]);
  for (const index of [0, 17, 33]) assert.equal((await ns.visit("many", `/files/${index}.txt`)).text, `file ${index}`);
});

test("a script with code and assets answers from both", async () => {
  const main = answering("({ code: new URL(request.url).pathname })")["main.js"][1];
  const uploaded = await ok({ do: "upload", script: "code", main, assets: [asset("/a.txt", "asset", "text/plain")] });
  assert.equal(typeof uploaded.startup_time_ms, "number");
  assert.deepEqual((await ns.visit("code", "/api")).text, '{"code":"/api"}');
  assert.equal((await ns.visit("code", "/a.txt")).text, "asset");
});

test("scripts are read, listed by tags, tagged and deleted", async () => {
  for (const script of ["listed-1", "listed-2"]) await ok({ do: "upload", script, assets: [page(script)], tags: ["app:listed", `deployment:${script}`] });
  const { namespace, script } = await ok({ do: "get", script: "listed-1" });
  assert.deepEqual([namespace, script.id, [...script.tags].sort()], ["tests", "listed-1", ["app:listed", "deployment:listed-1"]]);
  assert.match(script.created_on, /^\d{4}-/);

  const ids = async (/** @type {string[]} */ tags) => (await ok({ do: "list", tags })).scripts.map((/** @type {any} */ found) => found.id);
  assert.deepEqual(await ids(["app:listed"]), ["listed-1", "listed-2"]);
  assert.deepEqual(await ids(["app:listed", "deployment:listed-2"]), ["listed-2"]);
  assert.deepEqual(await ids(["app:nobody"]), []);
  assert.ok((await ids([])).length >= 2);

  await ok({ do: "set_tags", script: "listed-1", tags: ["b", "a"] });
  assert.deepEqual(await ok({ do: "tags", script: "listed-1" }), ["a", "b"]);
  assert.equal(await ok({ do: "delete", script: "listed-1" }), true);
  assert.deepEqual(await ids(["app:listed"]), ["listed-2"]);
  assert.equal((await ns.visit("listed-1", "/")).status, 599);
});

test("a cursor reaches the next page", async () => {
  for (const script of ["page-1", "page-2"]) await ok({ do: "upload", script, assets: [page(script)], tags: ["paged"] });
  // The client asks for the largest pages; where the first of two ends is the API's to say.
  const first = (await ns.call(`${ns.scripts}?tags=paged:yes&limit=1`)).body;
  const rest = await ok({ do: "list", tags: ["paged"], cursor: first.result_info.cursor });
  assert.deepEqual([rest.scripts.map((/** @type {any} */ found) => found.id), rest.cursor], [["page-2"], null]);
});

test("a script that is not there is no error to read or delete, and one for its tags", async () => {
  assert.equal(await ok({ do: "get", script: "nobody" }), null);
  assert.equal(await ok({ do: "delete", script: "nobody" }), false);
  refused(await run({ do: "tags", script: "nobody" }), 404, 10007, /does not exist/);
});

test("a wrong token surfaces with the API's code and message, at once", async () => {
  for (const command of [{ do: "list" }, { do: "get", script: "site" }, { do: "upload", script: "x", assets: [page("x")] }]) {
    calls = [];
    refused(await run(command, { token: "wrong" }), 401, 10000, /Authentication error/);
    assert.equal(calls.length, 1, "it is not tried again");
  }
});

test("a refused upload tells why and leaves nothing", async () => {
  refused(await run({ do: "upload", script: "broken", main: "export default {" }), 400, 10021, /SyntaxError/);
  assert.equal(await ok({ do: "get", script: "broken" }), null);
});

test("an asset over the limit is refused before anything is sent", async () => {
  const { error } = await run({ do: "upload", script: "large", assets: [page("small"), asset("/large.bin", Buffer.alloc((25 << 20) + 1))] });
  assert.equal(error.code, "asset_too_large");
  assert.match(error.message, /`\/large\.bin` has 26214401 bytes/);
  assert.deepEqual(calls, []);
});

/** @type {Fault} */
const LIMITED = { status: 429, headers: { "retry-after": "0" }, body: '{"success":false,"errors":[{"code":971,"message":"slow down"}]}' };
/** @type {Fault} */
const DOWN = { status: 500, body: '{"success":false,"errors":[{"code":10013,"message":"An unknown error has occurred."}]}' };
/** @type {Fault} */
const GATEWAY = { status: 502, body: "<html>Bad gateway</html>" };

/** Faults of the first calls; the upload makes three calls without any. @type {[string, Fault[], number][]} */
const PASSING = [
  ["a rate limit", [LIMITED], 4],
  ["an internal error", [DOWN], 4],
  ["a gateway's page and a rate limit", [GATEWAY, LIMITED], 5],
  ["a cut connection", ["cut"], 4],
  ["an answer lost on the way", ["cut after"], 4],
];
for (const [what, planned, count] of PASSING) {
  test(`${what} passes: the upload is tried again and serves`, async () => {
    const content = `after ${what}`;
    // The same at the session, at the files, at the script.
    for (const at of [0, 1, 2]) {
      calls = [];
      faults = [.../** @type {any[]} */ (Array(at).fill(undefined)), ...planned];
      const script = `retried-${at}`;
      await ok({ do: "upload", script, salt: `${what} ${at}`, assets: [page(content)] });
      assert.equal(calls.length, count, lines().join("\n"));
      assert.deepEqual(calls.slice(at, at + planned.length + 1).map(({ line }) => line), Array(planned.length + 1).fill(calls[at].line));
      assert.equal((await ns.visit(script, "/")).text, content);
    }
  });
}

/** @type {[string, Fault, string][]} */
const LASTING = [
  ["a rate limit", LIMITED, "cloudflare_rate_limited"],
  ["an internal error", DOWN, "cloudflare_refused"],
  ["a gateway's page", GATEWAY, "cloudflare_garbled"],
  ["a dead connection", "cut", "cloudflare_unreachable"],
];
for (const [what, fault, code] of LASTING) {
  test(`${what} that lasts is an error of its own after three attempts`, async () => {
    faults = [fault, fault, fault];
    const { error } = await run({ do: "list" });
    assert.deepEqual([error.code, calls.length], [code, 3]);
    if (fault === DOWN) refused({ error }, 500, 10013, /unknown error/);
  });
}

test("the stand-in's own rate limit, which lasts minutes, is told and not waited for", async () => {
  const strict = await startNamespace({ rateLimit: 1 });
  try {
    const base = new URL("/client/v4", strict.account).href;
    assert.deepEqual(await run({ do: "list" }, { base }), { ok: { scripts: [], cursor: null } });
    assert.equal((await run({ do: "list" }, { base })).error.code, "cloudflare_rate_limited");
  } finally {
    await strict.stop();
  }
});

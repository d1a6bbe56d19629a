/**
 * The stand-in's REST API against the shapes of Cloudflare's, in real workerd.
 */
// @ts-check
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ESM, MAIN, TOKEN, answering, hashOf, startNamespace } from "./namespace/stand.mjs";

/** @type {Awaited<ReturnType<typeof startNamespace>>} */
let ns;
before(async () => { ns = await startNamespace(); });
after(() => ns.stop());

/** @param {{status: number, text: string, body: any}} answer @param {number} status @param {number} code @param {RegExp} [message] */
function refused(answer, status, code, message = /./) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.body.success, false);
  assert.equal(answer.body.result, null);
  assert.deepEqual(answer.body.messages, []);
  assert.deepEqual(answer.body.errors.map((/** @type {any} */ error) => error.code), [code]);
  assert.match(answer.body.errors[0].message, message);
}

const HELLO = answering("'hello'");

test("an upload answers with the script's description, and it can be read back", async () => {
  const { status, body } = await ns.put("described", { ...MAIN, tags: ["app:demo"] }, HELLO);
  assert.equal(status, 200);
  assert.deepEqual({ ...body, result: undefined }, { success: true, errors: [], messages: [], result: undefined });
  assert.equal(body.result.id, "described");
  assert.deepEqual(body.result.handlers, ["fetch"]);
  assert.deepEqual([body.result.has_assets, body.result.has_modules], [false, true]);
  assert.equal(typeof body.result.startup_time_ms, "number");
  assert.match(body.result.created_on, /^\d{4}-.*Z$/);
  const read = (await ns.call(`${ns.scripts}/described`)).body.result;
  assert.equal(read.script.etag, body.result.etag);
  assert.equal(read.dispatch_namespace, "tests");
});

test("a second upload keeps the creation date and changes the etag", async () => {
  const first = (await ns.put("again", MAIN, HELLO)).body.result;
  const second = (await ns.put("again", MAIN, HELLO)).body.result;
  assert.equal(second.created_on, first.created_on);
  assert.notEqual(second.etag, first.etag);
});

test("content comes back as it was sent", async () => {
  const bytes = new Uint8Array([0, 255, 13, 10, 45, 45, 1]);
  await ns.put("content", MAIN, { ...HELLO, "data.bin": ["application/octet-stream", bytes] });
  const response = await fetch(`${ns.scripts}/content/content`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(response.headers.get("cf-entrypoint"), "main.js");
  const form = await response.formData();
  assert.deepEqual(new Uint8Array(await /** @type {File} */ (form.get("data.bin")).arrayBuffer()), bytes);
});

test("settings tell bindings but no secret", async () => {
  const bindings = [{ type: "plain_text", name: "A", text: "a" }, { type: "secret_text", name: "S", text: "hush" }];
  await ns.put("settings", { ...MAIN, bindings, limits: { cpu_ms: 50 } }, HELLO);
  for (const path of ["settings", "bindings"]) assert.doesNotMatch((await ns.call(`${ns.scripts}/settings/${path}`)).text, /hush/);
  const { result } = (await ns.call(`${ns.scripts}/settings/settings`)).body;
  assert.deepEqual(result.bindings, [bindings[0], { type: "secret_text", name: "S" }]);
  assert.deepEqual(result.limits, { cpu_ms: 50 });
});

/** @type {[string, object, Record<string, [string, string]>, RegExp][]} */
const BROKEN = [
  ["a syntax error", MAIN, { "main.js": [ESM, "export default {"] }, /SyntaxError/],
  ["a throw at start", MAIN, { "main.js": [ESM, "throw new Error('at start')"] }, /at start/],
  ["an import of nothing", MAIN, { "main.js": [ESM, "import './nothing.js'"] }, /nothing\.js/],
  ["a main module that was not sent", { ...MAIN, main_module: "other.js" }, HELLO, /other\.js/],
  ["neither code nor assets", {}, {}, /neither/],
  ["an unknown binding type", { ...MAIN, bindings: [{ type: "kv_namespace", name: "KV" }] }, HELLO, /kv_namespace/],
  ["two bindings of one name", { ...MAIN, bindings: [{ type: "plain_text", name: "A", text: "" }, { type: "json", name: "A", json: 1 }] }, HELLO, /same name/],
  ["an unknown module type", MAIN, { "main.js": ["image/png", ""] }, /image\/png/],
  ["a module that is no JSON", MAIN, { ...HELLO, "a.json": ["application/json", "{"] }, /JSON/],
  ["a date in the far future", { ...MAIN, compatibility_date: "2999-01-01" }, HELLO, /./],
  ["nine tags", { ...MAIN, tags: "abcdefghi".split("") }, HELLO, /8 tags/],
  ["a tag with a comma", { ...MAIN, tags: ["a,b"] }, HELLO, /tags/],
];
for (const [what, metadata, modules, message] of BROKEN) {
  test(`an upload with ${what} is refused with 10021 and stores nothing`, async () => {
    refused(await ns.put("broken", metadata, modules), 400, 10021, message);
    refused(await ns.call(`${ns.scripts}/broken`), 404, 10007);
  });
}

test("a broken upload leaves the script that was there", async () => {
  const first = (await ns.put("kept", MAIN, HELLO)).body.result;
  refused(await ns.put("kept", MAIN, { "main.js": [ESM, "{"] }), 400, 10021);
  assert.equal((await ns.call(`${ns.scripts}/kept`)).body.result.script.etag, first.etag);
});

/** @type {[string, string, BodyInit | undefined][]} */
const NO_FORMS = [
  ["JSON", "application/json", "{}"],
  ["a boundary that never comes", "multipart/form-data; boundary=x", "no"],
  ["a form cut short", "multipart/form-data; boundary=x", "--x\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{}"],
  ["a part without a name", "multipart/form-data; boundary=x", "--x\r\n\r\n{}\r\n--x--"],
];
for (const [what, type, body] of NO_FORMS) {
  test(`an upload that is ${what} is refused`, async () => {
    refused(await ns.call(`${ns.scripts}/no-form`, { method: "PUT", body, headers: { "content-type": type } }), 400, 10001);
  });
}

test("parts without file names keep their types, as Rust's clients send them", async () => {
  const part = (/** @type {string} */ name, /** @type {string} */ type, /** @type {string} */ text) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
  const body = `${part("metadata", "application/json", JSON.stringify(MAIN))}${part("main.js", ESM, HELLO["main.js"][1])}--x--\r\n`;
  const { status, text } = await ns.call(`${ns.scripts}/nameless`, { method: "PUT", body, headers: { "content-type": "multipart/form-data; boundary=x" } });
  assert.equal(status, 200, text);
});

test("unknown scripts are 404 with code 10007 on every path", async () => {
  for (const [method, path] of [["GET", ""], ["DELETE", ""], ["GET", "/content"], ["GET", "/settings"], ["GET", "/bindings"], ["GET", "/tags"], ["PUT", "/tags"]]) {
    refused(await ns.call(`${ns.scripts}/unknown${path}`, { method, ...(method === "PUT" && { body: "[]" }) }), 404, 10007);
  }
});

test("the wrong token, and none, are 401 with code 10000", async () => {
  refused(await ns.call(ns.scripts, { token: "wrong" }), 401, 10000);
  refused(await ns.call(ns.scripts, { token: "" }), 401, 10000);
});

test("unknown paths and methods have their codes", async () => {
  refused(await ns.call(`${ns.account}/nothing`), 404, 7003);
  refused(await ns.call(new URL("/client/v4/other", ns.account).href), 404, 7000);
  refused(await ns.call(ns.scripts, { method: "POST" }), 405, 10405);
});

test("a delete has no body and removes the script", async () => {
  await ns.put("deleted", MAIN, HELLO);
  const { status, text } = await ns.call(`${ns.scripts}/deleted?force=true`, { method: "DELETE" });
  assert.deepEqual([status, text], [200, ""]);
  refused(await ns.call(`${ns.scripts}/deleted`), 404, 10007);
});

test("tags are replaced by PUT, added and removed one by one", async () => {
  await ns.put("tagged", { ...MAIN, tags: ["one"] }, HELLO);
  const tags = `${ns.scripts}/tagged/tags`;
  assert.deepEqual((await ns.call(tags, { method: "PUT", body: JSON.stringify(["b", "a"]) })).body.result, ["a", "b"]);
  assert.deepEqual((await ns.call(`${tags}/c%3Ad`, { method: "PUT" })).body.result, ["a", "b", "c:d"]);
  await ns.call(`${tags}/a`, { method: "DELETE" });
  assert.deepEqual((await ns.call(tags)).body.result, ["b", "c:d"]);
  refused(await ns.call(tags, { method: "PUT", body: "{" }), 400, 10001);
  await ns.put("tagged", MAIN, HELLO);
  assert.deepEqual((await ns.call(tags)).body.result, ["b", "c:d"], "an upload without tags keeps them");
});

test("what is uploaded or deleted between two pages of a list repeats nothing and skips nothing", async () => {
  const put = (/** @type {string[]} */ ...names) => Promise.all(names.map((name) => ns.put(name, { ...MAIN, tags: ["moving"] }, HELLO)));
  const list = async (/** @type {string} */ cursor) => (await ns.call(`${ns.scripts}?tags=moving:yes&limit=2&cursor=${cursor}`)).body;
  const ids = (/** @type {any} */ page) => page.result.map((/** @type {any} */ script) => script.id);
  await put("moving-b", "moving-c", "moving-e", "moving-f");
  const first = await list("");
  assert.deepEqual(ids(first), ["moving-b", "moving-c"]);
  // Before the cursor, after it, and the very script that the cursor names.
  await put("moving-a", "moving-d");
  await ns.call(`${ns.scripts}/moving-c`, { method: "DELETE" });
  const second = await list(first.result_info.cursor);
  assert.deepEqual(ids(second), ["moving-d", "moving-e"]);
  await put("moving-c");
  const third = await list(second.result_info.cursor);
  assert.deepEqual([ids(third), third.result_info.cursor], [["moving-f"], ""]);
});

test("lists filter by tags and page with a cursor", async () => {
  for (const [name, tag] of [["list-1", "l:x"], ["list-2", "l:y"], ["list-3", "l:x"], ["list-4", "l:x"]]) await ns.put(name, { ...MAIN, tags: [tag, "l:all"] }, HELLO);
  const list = async (/** @type {string} */ query) => (await ns.call(`${ns.scripts}?${query}`)).body;
  const ids = (/** @type {any} */ page) => page.result.map((/** @type {any} */ script) => script.id);
  assert.deepEqual(ids(await list("tags=l:x:yes")), ["list-1", "list-3", "list-4"]);
  assert.deepEqual(ids(await list("tags=l:all:yes,l:x:no")), ["list-2"]);
  const first = await list("tags=l:all:yes&limit=3");
  assert.deepEqual(ids(first), ["list-1", "list-2", "list-3"]);
  const second = await list(`tags=l:all:yes&limit=3&cursor=${first.result_info.cursor}`);
  assert.deepEqual([ids(second), second.result_info.cursor], [["list-4"], ""]);
  for (const query of ["limit=0", "limit=1001", "limit=x", "cursor=!", "tags=l:x"]) refused(await ns.call(`${ns.scripts}?${query}`), 400, 10001);
});

test("a bulk delete removes what the filter names, and needs one", async () => {
  for (const name of ["bulk-1", "bulk-2"]) await ns.put(name, { ...MAIN, tags: ["bulk"] }, HELLO);
  assert.deepEqual((await ns.call(`${ns.scripts}?tags=bulk:yes`, { method: "DELETE" })).body.result, { deleted: 2 });
  refused(await ns.call(ns.scripts, { method: "DELETE" }), 400, 10001);
  assert.equal((await ns.call(`${ns.scripts}/described`)).status, 200);
});

test("an asset session asks for what is missing, once", async () => {
  const content = "unique text";
  const hash = hashOf("text/plain", content);
  const manifest = { "/a.txt": { hash, size: content.length }, "/b.txt": { hash, size: content.length } };
  const opened = await ns.session("assets", manifest);
  assert.deepEqual(opened.body.result.buckets, [[hash]]);
  const done = await ns.upload(opened.body.result.jwt, { [hash]: ["text/plain", content] });
  assert.equal(done.status, 201);
  assert.equal((await ns.put("assets", { assets: { jwt: done.body.result.jwt } })).body.result.has_assets, true);
  const again = await ns.session("assets", manifest);
  assert.deepEqual(again.body.result.buckets, []);
  assert.equal((await ns.put("assets", { assets: { jwt: again.body.result.jwt } })).status, 200, "the token is a completion token at once");
});

test("of several buckets only the last upload gives the completion token", async () => {
  const files = Array.from({ length: 25 }, (_, index) => `bucket file ${index}`);
  const opened = await ns.session("buckets", Object.fromEntries(files.map((text, index) => [`/${index}`, { hash: hashOf("t/t", text), size: text.length }])));
  const { jwt, buckets } = opened.body.result;
  assert.deepEqual(buckets.flat().sort(), files.map((text) => hashOf("t/t", text)).sort());
  assert.ok(buckets.length > 1);
  const statuses = [];
  for (const bucket of buckets) {
    const wanted = files.filter((text) => bucket.includes(hashOf("t/t", text)));
    const answer = await ns.upload(jwt, Object.fromEntries(wanted.map((text) => [hashOf("t/t", text), ["t/t", text]])));
    statuses.push([answer.status, "jwt" in answer.body.result]);
  }
  assert.deepEqual(statuses, [...buckets.slice(1).map(() => [202, false]), [201, true]]);
});

test("tokens are not interchangeable", async () => {
  const hash = hashOf("x/y", "token text");
  const { jwt } = (await ns.session("tokens", { "/x": { hash, size: 10 } })).body.result;
  refused(await ns.put("tokens", { assets: { jwt } }), 400, 10001, /completion/);
  refused(await ns.upload(TOKEN, {}), 401, 10000);
  const [head, body, signature] = jwt.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const forged = [head, Buffer.from(JSON.stringify({ ...claims, use: "completion" })).toString("base64url"), signature].join(".");
  refused(await ns.put("tokens", { assets: { jwt: forged } }), 400, 10001, /completion/);
  refused(await ns.upload(`${head}.${body}.${signature.slice(1)}`, {}), 401, 10000);
  const done = await ns.upload(jwt, { [hash]: ["x/y", "token text"] });
  refused(await ns.upload(done.body.result.jwt, {}), 401, 10000);
  refused(await ns.put("other", { assets: { jwt: done.body.result.jwt } }), 400, 10001, /another script/);
});

test("uploads that do not fit the session are refused and stored not at all", async () => {
  const hash = hashOf("t/p", "right text");
  const { jwt } = (await ns.session("fit", { "/x": { hash, size: 10 } })).body.result;
  refused(await ns.upload(jwt, { [hash]: ["t/p", "longer than that"] }), 400, 10001, /bytes/);
  refused(await ns.upload(jwt, { ["0".repeat(32)]: ["t/p", "right text"] }), 400, 10001, /manifest/);
  assert.deepEqual((await ns.session("fit", { "/x": { hash, size: 10 } })).body.result.buckets, [[hash]]);
});

/** @type {[string, unknown, number, number][]} */
const MANIFESTS = [
  ["none", null, 400, 10001],
  ["a list", [], 400, 10001],
  ["a relative path", { "a": { hash: "0".repeat(32), size: 1 } }, 400, 10001],
  ["a short hash", { "/a": { hash: "0", size: 1 } }, 400, 10001],
  ["a negative size", { "/a": { hash: "0".repeat(32), size: -1 } }, 400, 10001],
  ["one hash of two sizes", { "/a": { hash: "0".repeat(32), size: 1 }, "/b": { hash: "0".repeat(32), size: 2 } }, 400, 10001],
  ["a file over 25 MiB", { "/a": { hash: "0".repeat(32), size: (25 << 20) + 1 } }, 413, 10027],
];
for (const [what, manifest, status, code] of MANIFESTS) {
  test(`a manifest that is or has ${what} is refused`, async () => {
    refused(await ns.session("manifest", /** @type {any} */ (manifest)), status, code);
  });
}

test("keep_assets and keep_bindings keep what an upload does not name", async () => {
  const jwt = await ns.assets("keep", { "/kept.txt": ["text/plain", "kept"] });
  await ns.put("keep", { ...MAIN, assets: { jwt }, bindings: [{ type: "secret_text", name: "S", text: "s" }, { type: "plain_text", name: "P", text: "p" }] }, HELLO);
  await ns.put("keep", { ...MAIN, keep_assets: true, keep_bindings: ["secret_text"] }, HELLO);
  assert.deepEqual((await ns.call(`${ns.scripts}/keep/bindings`)).body.result, [{ type: "secret_text", name: "S" }]);
  assert.equal((await ns.visit("keep", "/kept.txt")).text, "kept");
});

test("the rate limit is told in headers and kept", async () => {
  const strict = await startNamespace({ rateLimit: 3 });
  try {
    const statuses = [];
    for (let count = 0; count < 4; count += 1) {
      const { status, headers } = await strict.call(strict.scripts);
      statuses.push([status, headers.get("x-ratelimit-limit"), headers.get("x-ratelimit-remaining"), headers.has("retry-after")]);
    }
    assert.deepEqual(statuses, [[200, "3", "2", false], [200, "3", "1", false], [200, "3", "0", false], [429, "3", "0", true]]);
  } finally {
    await strict.stop();
  }
});

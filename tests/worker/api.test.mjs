// @ts-check
/**
 * The API's routes in workerd, against real D1, KV and Durable Objects: apps, files, revisions, and
 * what bad input gets. No error changes any state.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { platform } from "./platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack({ demo: false });
  at = platform(stack);
});
after(() => stack?.stop());

/** @param {import("./platform.mjs").Answer} answer @param {number} status @param {string} code */
function isProblem(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/);
  assert.equal(answer.json.code, code);
  assert.equal(answer.json.status, status);
  assert.equal(answer.json.type, `https://hotplate.dev/errors/${code}`);
  assert.ok(answer.json.title && answer.json.detail);
}

test("an app is created, read, listed, changed and deleted", async () => {
  const created = await at.api("POST", "/v1/apps", { json: { slug: "one", name: "One" } });
  assert.equal(created.status, 201, created.text);
  const { id, created_at, ...rest } = created.json;
  assert.match(id, /^app_[a-z2-7]{24}$/);
  assert.ok(Math.abs(created_at - Date.now()) < 60_000);
  assert.deepEqual(rest, {
    slug: "one", name: "One", revision: 0, visibility: "public", active_deployment: null,
    urls: { live: `http://one--live.${stack.baseDomain}/`, production: `http://one.${stack.baseDomain}/` },
  });
  assert.deepEqual((await at.api("GET", "/v1/apps/one")).json, created.json);
  isProblem(await at.api("POST", "/v1/apps", { json: { slug: "one" } }), 409, "slug_taken");

  const changed = await at.api("PATCH", "/v1/apps/one", { json: { visibility: "unlisted" } });
  assert.deepEqual(changed.json, { ...created.json, visibility: "unlisted" });

  await at.write("one", { "a.txt": "x" });
  assert.equal((await at.api("DELETE", "/v1/apps/one")).status, 204);
  isProblem(await at.api("GET", "/v1/apps/one"), 404, "app_not_found");
  isProblem(await at.api("GET", "/v1/apps/one/files"), 404, "app_not_found");
  assert.equal((await at.visit("one--live", "/")).status, 404);

  const again = await at.api("POST", "/v1/apps", { json: { slug: "one" } });
  assert.equal(again.json.revision, 0, "nothing of the former app is left");
  assert.deepEqual((await at.api("GET", "/v1/apps/one/files")).json, { revision: 0, files: [] });
});

test("lists go page by page, newest first", async () => {
  const slugs = ["page-a", "page-b", "page-c"];
  for (const slug of slugs) await at.api("POST", "/v1/apps", { json: { slug } });
  const seen = [];
  let cursor = "";
  do {
    const { json } = await at.api("GET", `/v1/apps?limit=2${cursor && `&cursor=${cursor}`}`);
    assert.ok(json.apps.length <= 2);
    seen.push(...json.apps.map((/** @type {any} */ app) => app.slug));
    cursor = json.cursor;
  } while (cursor);
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual(seen.filter((slug) => slugs.includes(slug)).length, 3);
});

describe("files", () => {
  before(() => at.api("POST", "/v1/apps", { json: { slug: "files" } }));
  const url = "/v1/apps/files/files";

  test("an edit makes a revision; every revision stays readable", async () => {
    const first = await at.write("files", { "a.txt": "one", "src/b [x].txt": "two" });
    assert.equal(first.revision, 1);
    assert.deepEqual(first.changed, ["a.txt", "src/b [x].txt"]);
    const second = await at.api("PATCH", url, { json: { base_revision: 1, writes: [{ path: "a.txt", base64: "AP8=" }], deletes: ["src/b [x].txt"] } });
    assert.equal(second.json.revision, 2, second.text);
    const same = await at.api("PATCH", url, { json: { deletes: ["src/b [x].txt"] } });
    assert.deepEqual([same.json.revision, same.json.changed], [2, []]);

    const now = (await at.api("GET", url)).json;
    assert.deepEqual(now.files.map((/** @type {any} */ file) => [file.path, file.size]), [["a.txt", 2]]);
    const then = (await at.api("GET", `${url}?revision=1`)).json;
    assert.deepEqual(then.files.map((/** @type {any} */ file) => file.path), ["a.txt", "src/b [x].txt"]);
    assert.equal((await at.api("GET", `${url}/src/b%20%5Bx%5D.txt?revision=1`)).text, "two");
    const file = await at.api("GET", `${url}/a.txt`);
    assert.equal(file.headers.etag, `"${now.files[0].hash}"`);
    const cached = await at.api("GET", `${url}/a.txt`, { headers: { "if-none-match": String(file.headers.etag) } });
    assert.equal(cached.status, 304);
    const { revisions } = (await at.api("GET", "/v1/apps/files/revisions")).json;
    assert.deepEqual(revisions.map((/** @type {any} */ revision) => revision.revision), [2, 1]);
  });

  test("refused edits change nothing", async () => {
    const before = (await at.api("GET", url)).json;
    /** @type {[object | string, number, string][]} */
    const cases = [
      [{ base_revision: 1, writes: [] , deletes: ["a.txt"] }, 409, "revision_conflict"],
      ...["../x", "/etc/passwd", "a\\b", "a\0b", "a//b", "", "x".repeat(513), "a/".repeat(32) + "a", "a/./b"].map(
        (path) => /** @type {[object, number, string]} */ ([{ writes: [{ path: "ok", content: "" }, { path, content: "" }] }, 422, "invalid_path"]),
      ),
      [{ deletes: ["../x"] }, 422, "invalid_path"],
      [{ writes: [{ path: "a", content: "" }], deletes: ["a"] }, 422, "duplicate_path"],
      [{ writes: [{ path: "a", base64: "?" }] }, 422, "invalid_content"],
      [{ writes: [{ path: "a", content: "x".repeat(10 * 1024 * 1024 + 1) }] }, 413, "file_too_large"],
      [{ writes: [{ path: "a" }] }, 422, "invalid_body"],
      [{ writes: [{ path: "a", content: "", mode: 1 }] }, 422, "unknown_field"],
      [{ write: [] }, 422, "unknown_field"],
      ['{"writes": [\n  {"path" "a"}]}', 400, "malformed_json"],
      ["", 400, "malformed_json"],
    ];
    for (const [body, status, code] of cases) {
      const answer = await at.api("PATCH", url, typeof body === "string" ? { body } : { json: body });
      isProblem(answer, status, code);
    }
    assert.deepEqual((await at.api("GET", url)).json, before);
  });

  test("malformed JSON is told with line and column", async () => {
    const answer = await at.api("PATCH", url, { body: '{"writes": [\n  {"path" "a"}]}' });
    assert.match(answer.json.detail, /line 2 column 11/);
  });

  test("bodies over the limit are refused, announced or not", async () => {
    const limit = 32 * 1024 * 1024;
    isProblem(await at.api("PATCH", url, { body: Buffer.alloc(limit + 1, " ") }), 413, "body_too_large");
    const chunked = await at.api("PATCH", url, { headers: { "transfer-encoding": "chunked" }, body: Buffer.alloc(limit + 1, " ") });
    isProblem(chunked, 413, "body_too_large");
  });

  test("what is not there", async () => {
    isProblem(await at.api("GET", `${url}/nothing.txt`), 404, "file_not_found");
    isProblem(await at.api("GET", `${url}?revision=99`), 404, "revision_not_found");
    isProblem(await at.api("GET", `${url}?revision=x`), 422, "invalid_parameter");
    isProblem(await at.api("GET", `${url}?rev=1`), 422, "invalid_parameter");
    isProblem(await at.api("GET", `${url}/..%2fx`), 422, "invalid_path");
  });
});

describe("public values", () => {
  const url = "/v1/apps/values/env";
  before(() => at.app("values", {
    "index.html": '<title>%VITE_TITLE%, %VITE_GIVEN%</title><script type="module" src="/main.js"></script>',
    "main.js": "console.log(import.meta.env);\n", ".env": "VITE_TITLE=from the file\nVITE_GIVEN=weak\nSECRET=hidden\n",
  }));

  test("come from the app's files and from the API, which is stronger", async () => {
    assert.deepEqual((await at.api("GET", url)).json, { vars: {}, secrets: [] });
    assert.match((await at.visit("values--live", "/")).text, /<title>from the file, weak<\/title>/);
    const viewer = await at.watch("values");
    const set = await at.api("PUT", url, { json: { vars: { VITE_GIVEN: "strong" } } });
    assert.deepEqual([set.status, set.json], [200, { vars: { VITE_GIVEN: "strong" }, secrets: [] }], set.text);
    assert.deepEqual((await at.api("GET", url)).json, set.json);
    assert.match((await viewer.until(({ type }) => type === "reload")).reason, /environment/);
    viewer.close();
    const page = (await at.visit("values--live", "/")).text;
    assert.match(page, /<title>from the file, strong<\/title>/);
    assert.match(page, /"env":\{"VITE_GIVEN":"strong","VITE_TITLE":"from the file"\}/);
    assert.ok(!page.includes("hidden"));
    await at.api("PUT", url, { json: { vars: {} } });
    assert.match((await at.visit("values--live", "/")).text, /, weak</);
  });

  test("a changed file loads pages anew", async () => {
    const viewer = await at.watch("values");
    await at.write("values", { ".env.development": "VITE_TITLE=from another file\n" });
    assert.match((await viewer.until(({ type }) => type === "reload")).reason, /\.env\.development/);
    viewer.close();
    assert.match((await at.visit("values--live", "/")).text, /from another file/);
  });

  test("refused ones change nothing", async () => {
    await at.api("PUT", url, { json: { vars: { VITE_KEPT: "1" } } });
    isProblem(await at.api("PUT", url, { json: { vars: { SECRET: "x" } } }), 422, "invalid_body");
    isProblem(await at.api("PUT", url, { json: { vars: { VITE_A: 1 } } }), 422, "invalid_body");
    isProblem(await at.api("PUT", url, { json: { vars: {}, secret: {} } }), 422, "unknown_field");
    isProblem(await at.api("PUT", url, { json: { vars: { VITE_A: "x".repeat(32 * 1024) } } }), 413, "body_too_large");
    isProblem(await at.api("PUT", "/v1/apps/none/env", { json: { vars: {} } }), 404, "app_not_found");
    isProblem(await at.api("PUT", url, { json: {} }), 422, "invalid_body");
    isProblem(await at.api("PUT", url, { json: { secrets: { "A-B": "x" } } }), 422, "invalid_body");
    isProblem(await at.api("PUT", url, { json: { secrets: { A: "x".repeat(5 * 1024 + 1) } } }), 413, "body_too_large");
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`A${index}`, "x"]));
    isProblem(await at.api("PUT", url, { json: { secrets: many } }), 422, "invalid_body");
    assert.deepEqual((await at.api("GET", url)).json, { vars: { VITE_KEPT: "1" }, secrets: [] });
  });
});

test("every call needs the token, and says so before anything else", async () => {
  for (const [method, path] of [
    ["GET", "/v1/apps"], ["POST", "/v1/apps"], ["GET", "/v1/apps/none"], ["DELETE", "/v1/apps/none"],
    ["PATCH", "/v1/apps/none/files"], ["POST", "/v1/apps/none/deployments"], ["GET", "/v1/nothing"],
    ["PUT", "/v1/apps"], ["PUT", "/v1/apps/none/env"], ["POST", "/internal/v1/apps/none/blobs"],
    ["GET", "/v1/apps/none/deployments/x/maps/a.js.map"], ["POST", "/v1/apps/none/deployments/x/trace"], ["PUT", "/internal/v1/apps/none/deployments/x/maps/a.js.map"],
  ]) {
    isProblem(await at.api(method, path, { token: null }), 401, "unauthorized");
    isProblem(await at.api(method, path, { token: `${stack.token}x` }), 401, "unauthorized");
  }
  isProblem(await at.api("POST", "/internal/v1/apps/none/blobs"), 401, "unauthorized");
});

test("unknown apps, slugs that break the rules, wrong methods and paths", async () => {
  isProblem(await at.api("GET", "/v1/apps/none"), 404, "app_not_found");
  isProblem(await at.api("PATCH", "/v1/apps/none/files", { json: {} }), 404, "app_not_found");
  for (const slug of ["", "Demo", "a--b", "-a", "a-", "a_b", "a".repeat(41)]) {
    isProblem(await at.api("POST", "/v1/apps", { json: { slug } }), 422, "invalid_slug");
  }
  isProblem(await at.api("POST", "/v1/apps", { json: { slug: "x", nmae: "y" } }), 422, "unknown_field");
  isProblem(await at.api("POST", "/v1/apps", { body: "{" }), 400, "malformed_json");
  isProblem(await at.api("POST", "/v1/apps", { body: `{"slug": "x", "name": "${"y".repeat(70_000)}"}` }), 413, "body_too_large");
  const wrong = await at.api("PUT", "/v1/apps/none");
  isProblem(wrong, 405, "method_not_allowed");
  assert.equal(wrong.headers.allow, "GET, HEAD, PATCH, DELETE");
  isProblem(await at.api("GET", "/v1/nothing"), 404, "not_found");
});

test("health and console are open", async () => {
  const health = await at.api("GET", "/healthz", { token: null });
  assert.deepEqual(health.json, { ok: true, d1: true, kv: true, build_service: true });
  const console_ = await at.api("GET", "/", { token: null });
  assert.match(console_.text, new RegExp(`${stack.base}/v1`));
});

test("the types for editors are open, also to pages of other origins", async () => {
  const { status, headers, text } = await at.api("GET", "/v1/types/client.d.ts", { token: null });
  assert.deepEqual([status, headers["access-control-allow-origin"]], [200, "*"]);
  assert.equal(text, readFileSync(new URL("../../worker-shims/live-client/types/client.d.ts", import.meta.url), "utf8"));
});

test("apps and files survive a restart", async () => {
  await at.api("POST", "/v1/apps", { json: { slug: "kept" } });
  await at.write("kept", { "a.txt": "still here" });
  await stack.restart();
  assert.equal((await at.api("GET", "/v1/apps/kept")).json.revision, 1);
  assert.equal((await at.api("GET", "/v1/apps/kept/files/a.txt")).text, "still here");
});

// @ts-check
/**
 * Whole trees in workerd: `PUT files` with archives that the system's `tar` packs, and revisions restored.
 * What is refused changes nothing.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { platform } from "./platform.mjs";

const GZIP = { "content-type": "application/gzip" };

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack({ demo: false });
  at = platform(stack);
});
after(() => stack?.stop());

/** Packs these files, as `tar -cz .` in their folder. @param {Record<string, string>} files @param {(folder: string) => void} [more] */
function packed(files, more) {
  const folder = mkdtempSync(join(tmpdir(), "hotplate-archive-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    more?.(folder);
    return execFileSync("tar", ["-czf", "-", "."], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The tree as text by path. @param {string} app */
async function tree(app) {
  const { files, revision } = (await at.api("GET", `/v1/apps/${app}/files`)).json;
  const texts = await Promise.all(files.map(async (/** @type {any} */ { path }) => [path, (await at.api("GET", `/v1/apps/${app}/files/${path}`)).text]));
  return { revision, files: Object.fromEntries(texts) };
}

/** @param {string} app @param {Buffer} body @param {string} [query] @param {Record<string, string>} [headers] */
const put = (app, body, query = "", headers = GZIP) => at.api("PUT", `/v1/apps/${app}/files${query}`, { body, headers });

test("an archive replaces the whole tree as one revision, which open pages are told of", async () => {
  const { seq } = await at.app("whole", { "index.html": '<script type="module" src="/src/main.ts"></script>', "src/main.ts": "export {};", "src/old.ts": "" });
  const viewer = await at.watch("whole", seq);
  const files = { "index.html": '<script type="module" src="/src/main.ts"></script>', "src/main.ts": 'console.log("new");', "src/deep/er/a.ts": "export const a = 1;" };
  const replaced = await put("whole", packed(files), "?base_revision=1");
  assert.equal(replaced.status, 200, replaced.text);
  assert.deepEqual([replaced.json.revision, replaced.json.changed, replaced.json.diagnostics], [2, ["src/deep/er/a.ts", "src/main.ts", "src/old.ts"], []]);
  assert.deepEqual(await tree("whole"), { revision: 2, files });
  const update = await viewer.until(({ type }) => type === "update");
  assert.equal(update.to, 2);
  viewer.close();

  const same = await put("whole", packed(files));
  assert.deepEqual([same.json.revision, same.json.changed], [2, []], "nothing changed, no revision");
  assert.equal((await put("whole", packed(files), "?base_revision=1")).json.code, "revision_conflict");
});

test("what cannot be taken as a tree is refused whole", async () => {
  await at.app("refused", { "a.txt": "kept" });
  /** @type {[string, Buffer, number, string, Record<string, string>?][]} */
  const cases = [
    ["no gzip", Buffer.from("a.txt"), 422, "invalid_archive"],
    ["no tar", gzipSync(Buffer.alloc(2_000, "x")), 422, "invalid_archive"],
    ["cut off", packed({ "a.txt": "x".repeat(5_000) }).subarray(0, 60), 422, "invalid_archive"],
    ["a link", packed({ "b.txt": "b" }, (folder) => symlinkSync("/etc/passwd", join(folder, "link"))), 422, "archive_entry_refused"],
    ["a name that is no path", packed({ "a\\b.txt": "b" }), 422, "invalid_path"],
    ["another type", packed({ "b.txt": "b" }), 415, "unsupported_media_type", { "content-type": "application/json" }],
    ["too much of nothing", packed({ "zeros.bin": "\0".repeat(49 * 1024 * 1024) }), 413, "file_too_large"],
  ];
  for (const [what, body, status, code, headers] of cases) {
    const answer = await put("refused", body, "", headers);
    assert.deepEqual([answer.status, answer.json?.code], [status, code], `${what}: ${answer.text}`);
  }
  assert.deepEqual(await tree("refused"), { revision: 1, files: { "a.txt": "kept" } });
});

test("a restored revision is a new one with the files of then", async () => {
  await at.app("past", { "a.txt": "one", "b.txt": "b" });
  await at.api("PATCH", "/v1/apps/past/files", { json: { writes: [{ path: "a.txt", content: "two" }, { path: "c.txt", content: "c" }], deletes: ["b.txt"] } });
  const restore = (/** @type {string} */ revision, /** @type {unknown} */ json) => at.api("POST", `/v1/apps/past/revisions/${revision}/restore`, json === undefined ? {} : { json });

  const restored = await restore("1", { base_revision: 2 });
  assert.deepEqual([restored.status, restored.json.revision, restored.json.changed], [200, 3, ["a.txt", "b.txt", "c.txt"]], restored.text);
  assert.deepEqual(await tree("past"), { revision: 3, files: { "a.txt": "one", "b.txt": "b" } });
  assert.deepEqual((await restore("3", undefined)).json.changed, []);
  const again = await restore("2", undefined);
  assert.equal(again.json.revision, 4);
  assert.deepEqual((await tree("past")).files, { "a.txt": "two", "c.txt": "c" });

  assert.equal((await restore("1", { base_revision: 2 })).json.code, "revision_conflict");
  for (const revision of ["99", "x", "-1"]) assert.deepEqual([(await restore(revision, undefined)).status, (await restore(revision, undefined)).json.code], [404, "revision_not_found"], revision);
  assert.equal((await restore("1", { bse: 1 })).json.code, "unknown_field");
  assert.equal((await at.api("POST", "/v1/apps/past/revisions/1/restore", { token: null })).status, 401);
  assert.equal((await tree("past")).revision, 4);
});

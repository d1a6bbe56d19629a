// @ts-check
/**
 * A file that the compiler does not survive, in workerd: with less memory than it needs, an allocation fails, and
 * WebAssembly traps as it does for a panic or a full stack. The caller hears of it, the room comes back with the
 * edit and says what broke the compiler, once; the last good module runs on, and the next edit is taken.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { withMemory } from "./memory.mjs";
import { page, platform } from "./platform.mjs";

/** What the Worker needs for small apps, and not for the tree of the file below. */
const MEMORY_BYTES = 64 * 1024 * 1024;
const DEADLY = `export const x = [${"[],".repeat(1_000_000)}];\n`;

/** @type {ReturnType<typeof withMemory>} */ let small;
/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  small = withMemory(MEMORY_BYTES);
  stack = await startStack({ code: small.code });
  at = platform(stack);
});
after(async () => {
  await stack?.stop();
  small?.remove();
});

/** @param {string} app @param {Record<string, string>} files */
function edit(app, files) {
  const writes = Object.entries(files).map(([path, content]) => ({ path, content }));
  return at.api("PATCH", `/v1/apps/${app}/files`, { json: { writes } });
}
const traps = () => readFileSync(join(stack.logs, "worker.log"), "utf8").split("RuntimeError: unreachable").length - 1;
/** @param {any} answer */
const said = (answer) => answer.json.diagnostics.map((/** @type {any} */ { file, code }) => `${file} ${code}`);
/** @param {string} app */
const registry = async (app) => (await at.visit(`${app}--live`, "/@live/registry.js")).text;

test("an edit that traps is kept, said, and harms nothing else", async () => {
  const other = await at.app("bystander", page("bystander"));
  const made = await at.app("victim", page("good"));
  const broken = await edit("victim", { "src/main.ts": DEADLY, "src/side.ts": "export const side = 1;\n" });
  // 503 by the Worker, or the runtime's own answer when the trap took the Worker along, which may share the instance.
  assert.ok(broken.status >= 500, broken.text);
  assert.ok(traps() > 0, "it is a real trap");

  // Who asks again hears that the edit is there.
  const again = await edit("victim", { "src/main.ts": DEADLY, "src/side.ts": "export const side = 1;\n" });
  assert.equal(again.status, 200, again.text);
  assert.deepEqual([again.json.revision, again.json.changed], [made.revision + 1, []]);
  assert.deepEqual(said(again), ["src/main.ts compiler_crashed"]);
  const { files } = (await at.api("GET", "/v1/apps/victim/files")).json;
  const kept = files.find((/** @type {any} */ { path }) => path === "src/main.ts");
  assert.equal(kept.hash, createHash("sha256").update(DEADLY).digest("hex"));
  assert.match(await registry("victim"), /"good"/, "the last good module runs on");

  const seen = traps();
  const viewer = await at.watch("victim", made.seq);
  const told = await viewer.drain();
  assert.deepEqual(told.map(({ type }) => type), ["connected", "reload", "error"]);
  assert.equal(told[2].diagnostics[0].code, "compiler_crashed");

  // The next edits are taken, and do not compile the file again.
  const next = await edit("victim", { "src/side.ts": "export const side = 2;\n" });
  assert.deepEqual([next.status, said(next)], [200, ["src/main.ts compiler_crashed"]]);
  assert.equal(traps(), seen, "once is enough");
  await stack.killWorker();
  await stack.startWorker();
  const late = await edit("victim", { "src/side.ts": "export const side = 3;\n" });
  assert.deepEqual([late.status, said(late)], [200, ["src/main.ts compiler_crashed"]]);
  assert.equal(traps(), 0, "also after a restart");

  const fixed = await edit("victim", { "src/main.ts": 'import { side } from "./side";\nconsole.log(side, "fixed");\n' });
  assert.deepEqual([fixed.status, said(fixed)], [200, []]);
  assert.match(await registry("victim"), /"fixed"[\s\S]*side = 3|side = 3[\s\S]*"fixed"/);

  const beside = await edit("bystander", { "src/main.ts": "export const still = 'here';\n" });
  assert.deepEqual([beside.status, beside.json.revision], [200, other.revision + 1]);
});

test("requests that another room's trap leaves without an answer end, too", async () => {
  await at.app("first", page("first"));
  await at.app("second", page("second"));
  const answers = await Promise.all([
    edit("first", { "src/main.ts": DEADLY }),
    ...Array.from({ length: 5 }, (_, number) => edit("second", { "src/main.ts": `export const edit = ${number};\n` })),
  ]);
  for (const { status, text } of answers) assert.ok(status === 200 || status >= 500, text);
  const after = await edit("second", { "src/main.ts": "export const edit = 'last';\n" });
  assert.equal(after.status, 200, after.text);
  assert.match(await registry("second"), /'last'|"last"/);
});

test("an editor's edit that traps closes its socket, and is there when it comes back", async () => {
  const made = await at.app("socket", page("good"));
  const editor = await at.editor("socket", { seq: made.seq });
  editor.send({ type: "edit", request_id: "1", writes: [{ path: "src/main.ts", content: DEADLY }], deletes: [] });
  await editor.closed;
  const back = await at.editor("socket", { seq: made.seq });
  back.send({ type: "edit", request_id: "1", writes: [{ path: "src/main.ts", content: DEADLY }], deletes: [] });
  const result = await back.until(({ type }) => type === "edit_result");
  assert.deepEqual([result.revision, result.changed, result.diagnostics[0].code], [made.revision + 1, [], "compiler_crashed"]);
  back.close();
});

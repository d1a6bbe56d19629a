// @ts-check
/**
 * `npm run bench:viewers [-- viewers] [-- edits]`: many viewers of one room. States how long an update takes
 * to reach the last of them, and workerd's memory; fails when one of them missed an update or got it out of
 * order, never on times.
 *
 * Viewers and Worker share this machine, so the times hold what reading thousands of sockets costs too.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { gather } from "../faults/crowd.mjs";
import { OUTPUT } from "../e2e/platform.mjs";
import { page, platform } from "../worker/platform.mjs";
import { memoryOf } from "./memory.mjs";

const [VIEWERS = 2_000, EDITS = 100] = process.argv.slice(2).filter((argument) => argument !== "--").map(Number);
const APP = "crowd";

/** @param {number[]} values @param {number} share */
function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] * 10) / 10;
}

/** About a component's size. @param {number} n */
const source = (n) => `export const edit = ${n};\nexport const text = ${JSON.stringify("component ".repeat(300))};\nconsole.log(edit, text);\n`;

const stack = await startStack();
try {
  const at = platform(stack);
  const made = await at.app(APP, page("0"));
  const memoryBefore = memoryOf(stack);
  const crowd = await gather({ port: Number(new URL(stack.base).port), host: `${APP}--live.${stack.baseDomain}`, seq: made.seq, count: VIEWERS });
  const memoryOpen = memoryOf(stack);
  const times = { answer: [], last: [] };
  let clients = 0;
  let bytes = 0;
  for (let n = 0; n < EDITS; n += 1) {
    const reached = crowd.all(made.seq + 1 + n);
    const from = performance.now();
    const answer = await at.write(APP, { "src/main.ts": source(n) });
    times.answer.push(performance.now() - from);
    times.last.push((await reached) - from);
    clients = answer.clients;
    bytes = source(n).length;
  }
  const memoryAfter = memoryOf(stack);
  const wrong = crowd.members.filter(({ seq, received, disorder, closed }) => seq !== made.seq + EDITS || received !== EDITS || disorder !== 0 || closed !== null);
  crowd.close();
  assert.equal(clients, VIEWERS, "not every viewer was told");
  assert.deepEqual(wrong.map(({ seq, received, disorder, closed }) => ({ seq, received, disorder, closed })), [], "every viewer gets every update, in order");
  const figures = {
    viewers: VIEWERS, edits: EDITS, update_bytes: bytes, delivered: VIEWERS * EDITS, lost: 0, reordered: 0,
    answer_ms: { p50: percentile(times.answer, 0.5), p95: percentile(times.answer, 0.95) },
    last_viewer_ms: { p50: percentile(times.last, 0.5), p95: percentile(times.last, 0.95) },
    workerd_mb: { before: memoryBefore, connected: memoryOpen, after: memoryAfter },
  };
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, "bench-viewers.json"), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(JSON.stringify(figures, null, 2));
} finally {
  await stack.stop();
}
process.exit(0);

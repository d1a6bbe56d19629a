// @ts-check
/**
 * Many viewers of one room: each gets every update, in order; one that does not read is closed with a
 * reason, while the others wait for nothing. `npm run bench:viewers` does the same with thousands.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "../worker/platform.mjs";
import { gather, openDeaf } from "./crowd.mjs";

const VIEWERS = 200;
const TOO_SLOW = 4008;

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack();
  at = platform(stack);
});
after(() => stack?.stop());

/** @param {string} app @param {number} seq */
const place = (app, seq) => ({ port: Number(new URL(stack.base).port), host: `${app}--live.${stack.baseDomain}`, seq });

test("every viewer gets every update, in order", async () => {
  const made = await at.app("many", page("0"));
  const crowd = await gather({ ...place("many", made.seq), count: VIEWERS, report: true });
  const edits = 30;
  let last = made;
  for (let n = 0; n < edits; n += 1) last = await at.write("many", { "src/main.ts": `export const edit = ${n};\n` });
  await crowd.all(last.seq);
  assert.equal(last.clients, VIEWERS);
  assert.deepEqual(crowd.members.filter((member) => member.disorder > 0 || member.received !== edits || member.closed !== null), []);
  crowd.close();
});

test("a viewer that does not read is closed, and nobody waits for it", async (context) => {
  const made = await at.app("slow", page("0"));
  const deaf = await openDeaf(place("slow", made.seq));
  context.after(() => deaf.close());
  const crowd = await gather({ ...place("slow", made.seq), count: 3, report: true });
  // A few of these are more than the log keeps, and far more than the network holds.
  const filler = "x".repeat(1 << 20);
  let last = made;
  for (let n = 0; last.clients !== crowd.members.length; n += 1) {
    assert.ok(n < 200, "the room never closed it");
    last = await at.write("slow", { "src/main.ts": `export const edit = "${n}${filler}";\n` });
  }
  await crowd.all(last.seq);
  assert.deepEqual(crowd.members.filter((member) => member.disorder > 0 || member.closed !== null), [], "who reads is left alone");
  crowd.close();
  // It ends in a close frame that says why: 0x88, the length, the code, the reason.
  const heard = await deaf.listen("too slow");
  const found = heard.lastIndexOf("too slow");
  assert.ok(found > 4, "no reason was given");
  assert.deepEqual([heard[found - 4], heard.readUInt16BE(found - 2)], [0x88, TOO_SLOW]);
});

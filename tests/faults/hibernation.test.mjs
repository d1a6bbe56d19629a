// @ts-check
/**
 * The room hibernates while its sockets stay open: the runtime drops the object, and constructs it again
 * for a message. The room counts its constructions in its storage, and that is what is looked at.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pass } from "node:timers/promises";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "../worker/platform.mjs";
import { databaseOf } from "./databases.mjs";

/** workerd drops an idle object after 10 s; as much again for a machine that is busy. */
const IDLE_S = 20;

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack();
  at = platform(stack);
});
after(() => stack?.stop());

/** @param {string} app */
function wakes(app) {
  const database = databaseOf(stack.state, app);
  try {
    return Number(/** @type {any} */ (database.prepare("SELECT value FROM meta WHERE key = 'wakes'").get())?.value ?? 0);
  } finally {
    database.close();
  }
}

/** @param {string} app @param {string} text */
const write = (app, text) => at.write(app, { "src/main.ts": `export const edit = "${text}";\n` });

test("an idle room sleeps through pings and wakes for a message, with its sockets open and nothing lost", async (context) => {
  const app = "sleeper";
  const made = await at.app(app, page("0"));
  const viewers = await Promise.all([1, 2].map(() => at.watch(app, made.seq)));
  for (const viewer of viewers) await viewer.next();
  const first = await write(app, "before");
  for (const viewer of viewers) {
    assert.equal((await viewer.next()).seq, first.seq);
    viewer.send({ type: "applied", seq: first.seq, ms: 1, outcome: "hot" });
    await viewer.drain();
  }
  const before = wakes(app);

  // Pings all the while, which the runtime answers. Time is what is tested here: an idle one.
  for (let second = 0; second < IDLE_S; second += 1) {
    await pass(1_000);
    for (const viewer of viewers) assert.deepEqual(await viewer.drain(), []);
  }
  assert.equal(wakes(app), before, "a ping woke the room");

  // A message of a viewer: the room must be constructed to answer it, and knows the socket from its attachment.
  viewers[0].send({ type: "hello", seq: made.seq - 1 });
  assert.equal((await viewers[0].next()).seq, made.seq, "it replays what the viewer says that it lacks");
  assert.equal((await viewers[0].next()).seq, first.seq);
  assert.equal(wakes(app), before + 1, "the room was not constructed again, so it did not hibernate");
  context.diagnostic(`constructions: ${before} before, ${wakes(app)} after ${IDLE_S} s with ${2 * IDLE_S} pings and one message`);

  const second = await write(app, "after");
  assert.equal(second.clients, 2, "both sockets are still the room's");
  for (const viewer of viewers) {
    assert.deepEqual((await viewer.drain()).map(({ seq }) => seq), [second.seq]);
    viewer.close();
  }
});

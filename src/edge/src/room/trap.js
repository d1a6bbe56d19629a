/**
 * What JavaScript does when WebAssembly cannot go on. A trap (a panic, a full stack, no memory left) ends the
 * instance, and nobody is left to settle the promises that its requests wait for: they would wait for ever.
 * The rooms that were at work are reset instead, which fails those requests; the next ones find a new instance.
 */
// @ts-check

/**
 * @typedef {{storage: {sync(): Promise<void>}, abort(reason: string): void}} State
 * @typedef {{requests: number, lost: () => void}} Work
 */

/** The rooms of this isolate that are at work; all of them are in one instance. @type {Map<State, Work>} */
const working = new Map();

/** A request of a room begins. @param {State} state */
export function begin(state) {
  const known = working.get(state);
  if (known) {
    known.requests += 1;
    return;
  }
  /** @type {Work} */
  const work = { requests: 1, lost: () => {} };
  // Made here, settled elsewhere: what follows runs in the context of this room, which alone may touch it.
  new Promise((resolve) => (work.lost = () => resolve(undefined))).then(() => reset(state));
  working.set(state, work);
}

/** It has ended. @param {State} state */
export function end(state) {
  const work = working.get(state);
  if (!work) return;
  work.requests -= 1;
  if (work.requests === 0) working.delete(state);
}

/** @param {State} state */
async function reset(state) {
  // What was written before the trap counts: the edit, and that the compiler did not survive it.
  await state.storage.sync();
  state.abort("the room broke off");
}

addEventListener("error", ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) return;
  const lost = [...working.values()];
  working.clear();
  for (const work of lost) work.lost();
});

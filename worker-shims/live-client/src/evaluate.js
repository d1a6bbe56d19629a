/**
 * Evaluation order: ECMAScript's depth-first walk over strongly connected components, with promises
 * in place of its counters. Modules run after what they import; a module with top-level await holds
 * up its importers and nobody else.
 *
 * Knows how to order instances, not how to find them.
 */
// @ts-check

/** @import { Instance } from "./module.js" */

/** @typedef {{count: number, stack: Instance[]}} Walk one call from outside */

/**
 * @typedef {object} Steps
 * @property {(instance: Instance) => Instance[]} dependencies in source order, linked
 * @property {(instance: Instance) => void | Promise<void>} run the body; a promise when it awaits
 * @property {(instance: Instance) => void} done
 */

/**
 * @param {Instance} instance linked
 * @param {Steps} steps
 * @returns {Promise<void> | null} null when evaluation is complete
 */
export function evaluate(instance, steps) {
  /** @type {Walk} */
  const walk = { count: 0, stack: [] };
  try {
    visit(instance, walk, steps);
  } catch (error) {
    for (const open of walk.stack) fail(open, error);
    throw error;
  }
  return settled(instance.root);
}

/** @param {Instance} instance @returns {Promise<void> | null} */
function settled(instance) {
  if (instance.failure) throw instance.failure.error;
  return instance.pending;
}

/** @param {Instance} instance @param {unknown} error */
function fail(instance, error) {
  instance.phase = "evaluated";
  instance.pending = null;
  instance.failure = { error };
}

/** @param {Instance} instance @param {Steps} steps */
function complete(instance, steps) {
  instance.pending = null;
  steps.done(instance);
}

/** @param {Instance} instance @param {Walk} walk @param {Steps} steps */
function visit(instance, walk, steps) {
  if (instance.phase === "evaluated" || instance.phase === "evaluating") {
    if (instance.failure) throw instance.failure.error;
    return;
  }
  instance.phase = "evaluating";
  instance.walk = walk;
  instance.index = instance.low = walk.count++;
  walk.stack.push(instance);

  /** @type {Promise<void>[]} */
  const waits = [];
  for (const dependency of steps.dependencies(instance)) {
    visit(dependency, walk, steps);
    const open = dependency.phase === "evaluating" && dependency.walk === walk;
    if (open) instance.low = Math.min(instance.low, dependency.low);
    const wait = settled(open ? dependency : dependency.root);
    if (wait) waits.push(wait);
  }

  if (waits.length > 0) {
    track(instance, Promise.all(waits).then(() => steps.run(instance)), steps);
  } else {
    const running = steps.run(instance);
    if (running) track(instance, running, steps);
    else complete(instance, steps);
  }

  if (instance.low !== instance.index) return;
  for (;;) {
    const member = /** @type {Instance} */ (walk.stack.pop());
    member.phase = "evaluated";
    member.root = instance;
    if (member === instance) return;
  }
}

/** @param {Instance} instance @param {Promise<void>} running @param {Steps} steps */
function track(instance, running, steps) {
  instance.pending = running.then(
    () => complete(instance, steps),
    (error) => {
      fail(instance, error);
      throw error;
    },
  );
  // Whoever waits hears of it; that nobody does is no unhandled rejection of the page's.
  instance.pending.catch(() => {});
}

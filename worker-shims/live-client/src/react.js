/**
 * What React tells its tools, through the hook that Fast Refresh uses as well: which component is at
 * work, and whether a root lost its tree to an error. Development builds alone say so.
 */
// @ts-check

import { Mounted, caught, scheduleByEdited } from "./schedule.js";

/** How many components a stack names: deeper ones tell nobody more. */
const MAX_COMPONENTS = 50;

/**
 * @typedef {import("./schedule.js").Fiber & {return: Fiber | null, _debugStack?: {stack?: string} | null}} Fiber
 * @typedef {{getCurrentFiber?: () => Fiber | null} & import("./schedule.js").Renderer} Renderer
 */

/** @param {any} type @returns {string | null} */
function nameOf(type) {
  if (typeof type === "string") return type;
  if (typeof type === "function") return type.displayName || type.name || "Anonymous";
  if (typeof type !== "object" || type === null) return null;
  return type.displayName || nameOf(type.render ?? type.type ?? null);
}

/** The JSX runtime, and what stands in for it while a refresh is at work. */
const NOT_THE_APP = /\/@vendor\/|\/@live\/client\.js/;

/** Where an element was made: the line after those of the JSX runtime. @param {Fiber} fiber */
function placeOf({ _debugStack }) {
  const lines = (_debugStack?.stack ?? "").split("\n").filter((line) => /:\d+:\d+\)?$/.test(line));
  const line = lines.find((line) => !NOT_THE_APP.test(line));
  return /\(?(\S+:\d+:\d+)\)?$/.exec(line ?? "")?.[1] ?? null;
}

/** In the form of React's component stacks. @param {Fiber | null} fiber */
export function componentStack(fiber) {
  const lines = [];
  for (let at = fiber; at && lines.length < MAX_COMPONENTS; at = at.return) {
    const name = nameOf(at.type);
    if (name === null) continue;
    const place = placeOf(at);
    lines.push(place ? `    at ${name} (${place})` : `    at ${name}`);
  }
  return lines.join("\n");
}

export class ReactTools {
  /** @type {Set<Renderer>} */
  #renderers = new Set();
  /** Roots that an error emptied. @type {Set<unknown>} */
  lostRoots = new Set();
  /** Whether an error was reported or a boundary caught one since the page loaded: a boundary may still hold it. */
  troubled = false;

  /**
   * @param {any} hook `__REACT_DEVTOOLS_GLOBAL_HOOK__`, before React runs
   * @param {(type: any) => unknown} familyOf Fast Refresh's family of a component
   */
  constructor(hook, familyOf) {
    const { inject, onCommitFiberRoot, onCommitFiberUnmount } = hook;
    this.mounted = new Mounted(familyOf);
    const tools = this;
    hook.inject = function (/** @type {Renderer} */ renderer) {
      tools.#renderers.add(renderer);
      scheduleByEdited(renderer, tools.mounted, () => tools.troubled || tools.lostRoots.size > 0);
      return inject.apply(this, arguments);
    };
    hook.onCommitFiberRoot = function (/** @type {number} */ _id, /** @type {any} */ root, /** @type {unknown} */ _priority, /** @type {boolean} */ failed) {
      if (failed && root.current?.memoizedState?.element == null) tools.lostRoots.add(root);
      else tools.lostRoots.delete(root);
      // Not told otherwise when the app handles what its boundaries catch (`onCaughtError`).
      if (caught(root)) tools.troubled = true;
      return onCommitFiberRoot.apply(this, arguments);
    };
    hook.onCommitFiberUnmount = function (/** @type {number} */ _id, /** @type {Fiber} */ fiber) {
      tools.mounted.gone(fiber);
      return onCommitFiberUnmount.apply(this, arguments);
    };
  }

  /**
   * Wraps a signature of Fast Refresh, which a component with Hooks calls without arguments when it renders: tells where
   * it is mounted. @param {Function} sign
   */
  noting(sign) {
    return (/** @type {unknown[]} */ ...parts) => {
      const fiber = parts.length === 0 ? this.#working() : null;
      if (fiber) this.mounted.rendering(fiber);
      return sign(...parts);
    };
  }

  #working() {
    for (const { getCurrentFiber } of this.#renderers) {
      const fiber = getCurrentFiber?.();
      if (fiber) return fiber;
    }
    return null;
  }

  /** Stack of the component that React works on just now; empty when it works on none. */
  componentStack() {
    const fiber = this.#working();
    return fiber ? componentStack(fiber) : "";
  }
}

/**
 * Which components a refresh renders, found faster than React finds them. React's `scheduleRefresh` asks for every
 * element of the page whether it was edited, DOM elements included, which takes longer than everything else that a leaf
 * of a large page costs. Here components that have Hooks say where they are mounted when they render, others are looked
 * for among components alone, and React is told which to render by `scheduleUpdate`, the other half of what it offers
 * its tools.
 *
 * Only what keeps its state goes this way. What is to be mounted anew, and boundaries that caught an error and must try
 * again, React finds itself.
 */
// @ts-check

/**
 * @typedef {object} Fiber the part of React's that is read
 * @property {number} tag @property {any} type @property {any} stateNode
 * @property {Fiber | null} alternate @property {Fiber | null} return @property {Fiber | null} child @property {Fiber | null} sibling
 */
/** @typedef {{staleFamilies: Set<unknown>, updatedFamilies: Set<unknown>}} RefreshUpdate */
/** @typedef {(type: any) => unknown} FamilyOf Fast Refresh's family of a component; undefined when it has none */
/**
 * @typedef {object} Renderer what a renderer injects, in development
 * @property {(root: {current: any}, update: RefreshUpdate) => void} [scheduleRefresh]
 * @property {(fiber: any) => void} [scheduleUpdate]
 */

// React's WorkTag and Flags, the same since React 17 (react-reconciler, ReactWorkTags.js and ReactFiberFlags.js).
const FUNCTION = 0;
const FORWARD_REF = 11;
const SIMPLE_MEMO = 15;
const DID_CAPTURE = 128;

/**
 * Whether a boundary caught an error in what a root committed just now, said by React or not.
 * @param {{current: {subtreeFlags: number}}} root
 */
export const caught = (root) => (root.current.subtreeFlags & DID_CAPTURE) !== 0;

/** A root with nothing below it: to refresh it is to render what is scheduled, and nothing else. */
const NOTHING = { current: { tag: -1, type: null, elementType: null, flags: 0, alternate: null, child: null, sibling: null } };
/** @type {RefreshUpdate} */
const NO_UPDATE = { staleFamilies: new Set(), updatedFamilies: new Set() };

/** The function that a component runs; undefined for what is no function component. @param {Fiber} fiber */
function functionOf({ tag, type }) {
  switch (tag) {
    case FUNCTION:
    case SIMPLE_MEMO:
      return type;
    case FORWARD_REF:
      return type.render;
    default:
      return undefined;
  }
}

/** The root that a component is mounted in; no root when it is in none (any more). @param {Fiber} fiber */
function rootOf(fiber) {
  let top = fiber;
  while (top.return) top = top.return;
  return top.stateNode;
}

/** Where the components that have Hooks are. They call their signature whenever they render. */
export class Mounted {
  /** By family; by function while it is not registered. @type {Map<unknown, Set<Fiber>>} */
  #fibers = new Map();
  /** Functions that rendered before they were registered. @type {Set<unknown>} */
  #early = new Set();

  /** @param {FamilyOf} familyOf */
  constructor(familyOf) {
    this.familyOf = familyOf;
  }

  /** A component renders. @param {Fiber} fiber */
  rendering(fiber) {
    const component = functionOf(fiber);
    if (component === undefined) return;
    const family = this.familyOf(component);
    if (family === undefined) this.#early.add(component);
    const fibers = this.#of(family ?? component);
    if (!fiber.alternate || !fibers.has(fiber.alternate)) fibers.add(fiber);
  }

  /** A component was removed from its page. @param {Fiber} fiber */
  gone(fiber) {
    const component = functionOf(fiber);
    if (component === undefined) return;
    const fibers = this.#fibers.get(this.familyOf(component)) ?? this.#fibers.get(component);
    if (!fibers) return;
    fibers.delete(fiber);
    if (fiber.alternate) fibers.delete(fiber.alternate);
  }

  /**
   * The components of these families in one root; null when one of them has none anywhere: it may have no Hooks.
   * @param {Set<unknown>} families @param {unknown} root
   */
  in(families, root) {
    this.#register();
    const found = [];
    for (const family of families) {
      const fibers = this.#fibers.get(family);
      if (!fibers?.size) return null;
      for (const fiber of fibers) {
        if (rootOf(fiber) === root) found.push(fiber);
      }
    }
    return found;
  }

  /** @param {unknown} key */
  #of(key) {
    let fibers = this.#fibers.get(key);
    if (!fibers) this.#fibers.set(key, (fibers = new Set()));
    return fibers;
  }

  /** Moves what rendered early to the families that it has by now. */
  #register() {
    for (const component of this.#early) {
      const family = this.familyOf(component);
      if (family === undefined) continue;
      const fibers = this.#of(family);
      for (const fiber of this.#of(component)) fibers.add(fiber);
      this.#fibers.delete(component);
      this.#early.delete(component);
    }
  }
}

/**
 * Components of a tree whose code is of one of the families.
 * @param {Fiber} top @param {Set<unknown>} families @param {FamilyOf} familyOf
 */
function searched(top, families, familyOf) {
  const found = [];
  const waiting = [top];
  for (let fiber = waiting.pop(); fiber; fiber = waiting.pop()) {
    const component = functionOf(fiber);
    if (component !== undefined && families.has(familyOf(component))) found.push(fiber);
    if (fiber.sibling) waiting.push(fiber.sibling);
    if (fiber.child) waiting.push(fiber.child);
  }
  return found;
}

/**
 * Lets a renderer schedule refreshes by what was edited.
 * @param {Renderer} renderer @param {Mounted} mounted @param {() => boolean} failed whether a boundary may hold an error:
 *   React remembers those for itself
 */
export function scheduleByEdited(renderer, mounted, failed) {
  const { scheduleRefresh, scheduleUpdate } = renderer;
  if (!scheduleRefresh || !scheduleUpdate) return;
  renderer.scheduleRefresh = (root, update) => {
    if (update.staleFamilies.size > 0 || failed()) return scheduleRefresh(root, update);
    // Effects that wait may still change the tree.
    scheduleRefresh(NOTHING, NO_UPDATE);
    const families = update.updatedFamilies;
    const found = mounted.in(families, root) ?? searched(root.current, families, mounted.familyOf);
    for (const fiber of found) scheduleUpdate(fiber);
    scheduleRefresh(NOTHING, NO_UPDATE);
  };
}

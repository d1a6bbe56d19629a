/**
 * Which components a refresh renders, found faster than React finds them. React's `scheduleRefresh` asks for every
 * element of the page whether it was edited, DOM elements included, which takes longer than everything else that a leaf
 * of a large page costs. Here only components are asked, and React is told which to render by `scheduleUpdate`, the
 * other half of what it offers its tools.
 *
 * Only what keeps its state goes this way. What is to be mounted anew, and boundaries that caught an error and must try
 * again, React finds itself.
 */
// @ts-check

/**
 * @typedef {object} Fiber the part of React's that is read
 * @property {number} tag @property {any} type @property {number} flags
 * @property {Fiber | null} alternate @property {Fiber | null} child @property {Fiber | null} sibling
 */
/** @typedef {{staleFamilies: Set<unknown>, updatedFamilies: Set<unknown>}} RefreshUpdate */
/**
 * @typedef {object} Renderer what a renderer injects, in development
 * @property {(root: {current: any}, update: RefreshUpdate) => void} [scheduleRefresh]
 * @property {(fiber: any) => void} [scheduleUpdate]
 */

// React's WorkTag and Flags, the same since React 17 (react-reconciler, ReactWorkTags.js and ReactFiberFlags.js).
const FUNCTION = 0;
const CLASS = 1;
const FORWARD_REF = 11;
const SIMPLE_MEMO = 15;
const DID_CAPTURE = 128;

/** A root with nothing below it: to refresh it is to render what is scheduled, and nothing else. */
const NOTHING = { current: { tag: -1, type: null, elementType: null, flags: 0, alternate: null, child: null, sibling: null } };
/** @type {RefreshUpdate} */
const NO_UPDATE = { staleFamilies: new Set(), updatedFamilies: new Set() };

/**
 * Components of a tree whose code is of one of the families; null when React has to look itself.
 * @param {Fiber} top @param {Set<unknown>} families @param {(type: any) => unknown} familyOf
 */
function edited(top, families, familyOf) {
  const found = [];
  const waiting = [top];
  for (let fiber = waiting.pop(); fiber; fiber = waiting.pop()) {
    switch (fiber.tag) {
      case FUNCTION:
      case SIMPLE_MEMO:
        if (families.has(familyOf(fiber.type))) found.push(fiber);
        break;
      case FORWARD_REF:
        if (families.has(familyOf(fiber.type.render))) found.push(fiber);
        break;
      case CLASS:
        if ((fiber.flags | (fiber.alternate?.flags ?? 0)) & DID_CAPTURE) return null;
        break;
    }
    if (fiber.sibling) waiting.push(fiber.sibling);
    if (fiber.child) waiting.push(fiber.child);
  }
  return found;
}

/**
 * Lets a renderer schedule refreshes by what was edited.
 * @param {Renderer} renderer @param {(type: any) => unknown} familyOf @param {() => boolean} failed whether a boundary may
 *   hold an error: React remembers those for itself
 */
export function scheduleByEdited(renderer, familyOf, failed) {
  const { scheduleRefresh, scheduleUpdate } = renderer;
  if (!scheduleRefresh || !scheduleUpdate) return;
  renderer.scheduleRefresh = (root, update) => {
    // Effects that wait may still change the tree.
    scheduleRefresh(NOTHING, NO_UPDATE);
    const found = update.staleFamilies.size > 0 || failed() ? null : edited(root.current, update.updatedFamilies, familyOf);
    if (!found) return scheduleRefresh(root, update);
    for (const fiber of found) scheduleUpdate(fiber);
    scheduleRefresh(NOTHING, NO_UPDATE);
  };
}

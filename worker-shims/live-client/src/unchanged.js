/**
 * Elements that a refresh need not render again. A component that was edited renders anew, and with it, in React,
 * everything below: its elements have new props objects, if only with the old values. Here an element whose component,
 * key and props are those of one that the same component made before gets that one's props object, so that React
 * skips it. What the edit reached has code of its own and is rendered whatever its props are, and so is what has
 * state or context that changed.
 *
 * Does so only while a refresh is at work, in the automatic JSX runtime of React's development build: what an app
 * renders by itself is as ever. React's Compiler takes elements for equal by the same rule.
 */
// @ts-check

/**
 * @typedef {object} Fiber the part of React's that is read
 * @property {Fiber | null} alternate @property {Fiber | null} child @property {Fiber | null} sibling
 * @property {any} elementType @property {string | null} key @property {any} memoizedProps @property {Fiber | null} [_debugOwner]
 */
/** @typedef {Map<string | null, Candidates>} ByKey */
/** @typedef {{props: any[], next: number}} Candidates in the order of the tree */

/** How many candidates of one component and key are compared: elements mostly come in the order of the tree. */
const MAX_COMPARED = 4;
/** A larger tree is rendered as React does: looking through it would cost as much. */
const MAX_FIBERS = 50_000;

/** @param {any} a @param {any} b */
function sameProps(a, b) {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && Object.is(a[name], b[name]));
}

/** Whether elements of other components may stand below it. @param {Fiber} fiber */
function takesElements({ elementType, memoizedProps }) {
  if (elementType === null || typeof elementType === "string" || typeof elementType === "symbol") return true;
  return Object.values(memoizedProps ?? {}).some((value) => typeof value === "object" && value !== null);
}

/**
 * What a component made when it rendered last: props by component and key.
 * @param {Fiber} owner as it is shown @param {Fiber} working the same one, being rendered @returns {Map<unknown, ByKey>}
 */
function elementsOf(owner, working) {
  /** @type {Map<unknown, ByKey>} */
  const made = new Map();
  const waiting = [owner.child];
  for (let left = MAX_FIBERS; waiting.length > 0; ) {
    const fiber = waiting.pop();
    if (!fiber) continue;
    if ((left -= 1) < 0) return new Map();
    if (typeof fiber.elementType !== "string" && (fiber._debugOwner === owner || fiber._debugOwner === working)) {
      let byKey = made.get(fiber.elementType);
      if (!byKey) made.set(fiber.elementType, (byKey = new Map()));
      const candidates = byKey.get(fiber.key);
      if (candidates) candidates.props.push(fiber.memoizedProps);
      else byKey.set(fiber.key, { props: [fiber.memoizedProps], next: 0 });
    }
    waiting.push(fiber.sibling);
    if (takesElements(fiber)) waiting.push(fiber.child);
  }
  return made;
}

/** @param {Candidates} candidates @param {any} props @returns {any} the equal one, if there is */
function equalOf(candidates, props) {
  const { props: all } = candidates;
  for (let tried = 0; tried < Math.min(MAX_COMPARED, all.length); tried += 1) {
    const at = (candidates.next + tried) % all.length;
    if (!sameProps(all[at], props)) continue;
    candidates.next = at + 1;
    return all[at];
  }
  return undefined;
}

/**
 * Refreshes with elements kept.
 * @param {any} runtime exports of `react/jsx-dev-runtime`; undefined when the app has none
 * @param {() => void} refresh
 */
export function keepingUnchanged(runtime, refresh) {
  const make = runtime?.jsxDEV;
  if (typeof make !== "function" || !Object.getOwnPropertyDescriptor(runtime, "jsxDEV")?.writable) return refresh();
  /** @type {Map<Fiber, Map<unknown, ByKey>>} */
  const owners = new Map();

  /** @param {any} element as React made it @returns {any} */
  const kept = (element) => {
    const { type, _owner: working } = element;
    if (typeof type === "string" || !working?.alternate) return element;
    let made = owners.get(working);
    if (!made) owners.set(working, (made = elementsOf(working.alternate, working)));
    const candidates = made.get(type)?.get(element.key);
    const props = candidates && equalOf(candidates, element.props);
    if (!props) return element;
    const descriptors = Object.getOwnPropertyDescriptors(element);
    return Object.freeze(Object.defineProperties({}, { ...descriptors, props: { ...descriptors.props, value: props } }));
  };
  try {
    runtime.jsxDEV = (/** @type {unknown[]} */ ...given) => kept(make(...given));
    return refresh();
  } finally {
    runtime.jsxDEV = make;
  }
}

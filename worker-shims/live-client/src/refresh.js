/**
 * React Fast Refresh on top of the engine: which modules are boundaries, when a new execution may
 * replace the old one in place, and the one refresh per batch.
 *
 * Wraps `react-refresh/runtime`; decides nothing about propagation. The rules are those that users of
 * Vite know, and keep state where Vite's would drop it without need: an export that changed matters
 * only to who read it, and plain data that is equal has not changed.
 */
// @ts-check

import { keepingUnchanged } from "./unchanged.js";

/** @import { Instance, Module } from "./module.js" */

/**
 * @typedef {object} Runtime the part of `react-refresh/runtime` that is used
 * @property {(type: unknown, id: string) => void} register
 * @property {() => Function} createSignatureFunctionForTransform
 * @property {(type: unknown) => boolean} isLikelyComponentType
 * @property {(type: any) => unknown} getFamilyByType
 * @property {() => unknown} performReactRefresh
 */

/**
 * What an export was: a component, an object of components (`Menu.Item`), or anything else.
 * @typedef {{kind: "component", family: unknown, wrapper: unknown} | {kind: "compound", families: Map<string, unknown>}
 *   | {kind: "value", value: unknown}} Exported
 */

/** Data larger than this is taken as changed. */
const MAX_COMPARED = 1_000;

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isPlainObject(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Memo or forwardRef objects by their kind; undefined for functions and classes. @param {any} type @returns {unknown} */
const wrapperOf = (type) => (typeof type === "object" && type !== null ? type.$$typeof : undefined);

/** Whether two values are equal as plain data. @param {unknown} a @param {unknown} b @param {{left: number}} budget @returns {boolean} */
function sameData(a, b, budget) {
  if (Object.is(a, b)) return true;
  if ((budget.left -= 1) < 0) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameData(item, b[i], budget));
  }
  // React elements hold components, which no comparison of data sees through.
  if (!isPlainObject(a) || !isPlainObject(b) || "$$typeof" in a) return false;
  const names = Reflect.ownKeys(a);
  if (names.length !== Reflect.ownKeys(b).length) return false;
  return names.every((name) => {
    const one = Reflect.getOwnPropertyDescriptor(a, name);
    const other = Reflect.getOwnPropertyDescriptor(b, name);
    return one && other && "value" in one && "value" in other && sameData(one.value, other.value, budget);
  });
}

export class Refresh {
  /** @param {Runtime} runtime @param {() => unknown} [jsx] exports of the app's `react/jsx-dev-runtime`, if it runs */
  constructor(runtime, jsx = () => undefined) {
    this.runtime = runtime;
    this.jsx = jsx;
  }

  signature() {
    return this.runtime.createSignatureFunctionForTransform();
  }

  /**
   * Registers a module's components and notes what its exports are. Exports come first and go by
   * the names of the exports, so that a component is the same one when its function gets another name;
   * this also catches components that no transform sees (styled components, factories).
   * @param {Instance} instance
   */
  evaluated(instance) {
    if (instance.record.kind !== "esm" || !instance.record.refresh) return;
    const { id, table } = instance.module;
    /** @type {Map<string, Exported>} */
    const exported = new Map();
    for (const name of [...table.keys()].sort()) exported.set(name, this.#export(`${id} export ${name}`, this.#read(instance.module, name)));
    for (const [type, name] of instance.components.splice(0)) this.runtime.register(type, `${id} ${name}`);
    instance.exported = exported.size > 0 ? exported : null;
  }

  /** @param {string} id @param {unknown} value @returns {Exported} */
  #export(id, value) {
    if (this.runtime.isLikelyComponentType(value)) {
      this.runtime.register(value, id);
      return { kind: "component", family: this.runtime.getFamilyByType(value), wrapper: wrapperOf(value) };
    }
    if (!isPlainObject(value)) return { kind: "value", value };
    const parts = Object.entries(value);
    if (parts.length === 0 || !parts.every(([, part]) => this.runtime.isLikelyComponentType(part))) return { kind: "value", value };
    for (const [name, part] of parts) this.runtime.register(part, `${id}-${name}`);
    return { kind: "compound", families: new Map(parts.map(([name, part]) => [name, this.runtime.getFamilyByType(part)])) };
  }

  /** @param {Module} module @param {string} name @returns {unknown} undefined when it cannot be read yet */
  #read(module, name) {
    try {
      return module.table.get(name)?.peek();
    } catch {
      return undefined;
    }
  }

  /**
   * Why importers must run again although `before` was a boundary; null when they need not.
   * @param {Instance} before @param {Instance} after @returns {string | null}
   */
  incompatible(before, after) {
    if (!before.exported) return null;
    if (!after.exported) return "it exports nothing any more";
    const { read } = after.module;
    for (const [name, old] of before.exported) {
      const now = after.exported.get(name);
      if (!now) return `export "${name}" is gone`;
      if (read.has(name) && !this.#compatible(old, now)) return `export "${name}" changed, and is not only a component`;
    }
    for (const name of after.exported.keys()) {
      if (!before.exported.has(name)) return `export "${name}" is new`;
    }
    return null;
  }

  /** @param {Exported} old @param {Exported} now @returns {boolean} */
  #compatible(old, now) {
    switch (old.kind) {
      case "component":
        // React finds the places of a component that was wrapped, not of one that lost its wrapper.
        return now.kind === "component" && old.family === now.family && (old.wrapper === undefined || old.wrapper === now.wrapper);
      case "compound":
        return now.kind === "compound" && [...old.families].every(([name, family]) => now.families.get(name) === family);
      case "value":
        return now.kind === "value" && sameData(old.value, now.value, { left: MAX_COMPARED });
    }
  }

  /** Renders what was registered; the DOM is committed when it returns. */
  perform() {
    keepingUnchanged(this.jsx(), () => this.runtime.performReactRefresh());
  }
}

/**
 * React Fast Refresh on top of the engine: which modules are boundaries, when a new execution may
 * replace the old one in place, and the one refresh per batch.
 *
 * Wraps `react-refresh/runtime`; decides nothing about propagation.
 */
// @ts-check

/** @import { Instance, Module } from "./module.js" */

/**
 * @typedef {object} Runtime the part of `react-refresh/runtime` that is used
 * @property {(type: unknown, id: string) => void} register
 * @property {() => Function} createSignatureFunctionForTransform
 * @property {(type: unknown) => boolean} isLikelyComponentType
 * @property {(type: any) => unknown} getFamilyByType
 * @property {() => unknown} performReactRefresh
 */

export class Refresh {
  /** @param {Runtime} runtime */
  constructor(runtime) {
    this.runtime = runtime;
  }

  /** @param {unknown} type @param {string} id */
  register(type, id) {
    this.runtime.register(type, id);
  }

  signature() {
    return this.runtime.createSignatureFunctionForTransform();
  }

  /**
   * Registers every exported component under "id export", which also catches those that no transform
   * sees (styled components, factories), and notes whether the module is a boundary.
   * @param {Instance} instance
   */
  evaluated(instance) {
    if (instance.record.kind !== "esm" || !instance.record.refresh) return;
    const { id, table } = instance.module;
    /** @type {unknown[]} */
    const signature = [];
    let allComponents = table.size > 0;
    for (const name of [...table.keys()].sort()) {
      const value = this.#read(instance.module, name);
      if (this.runtime.isLikelyComponentType(value)) {
        this.runtime.register(value, `${id} ${name}`);
        signature.push(name, this.runtime.getFamilyByType(value));
      } else {
        allComponents = false;
      }
    }
    instance.signature = allComponents ? signature : null;
  }

  /** @param {Module} module @param {string} name @returns {unknown} undefined when it cannot be read yet */
  #read(module, name) {
    try {
      return module.table.get(name)?.get();
    } catch {
      return undefined;
    }
  }

  /**
   * Why importers must run again although `before` was a boundary; null when they need not.
   * @param {Instance} before @param {Instance} after @returns {string | null}
   */
  incompatible(before, after) {
    if (!before.signature) return null;
    if (!after.signature) return "not all exports are components any more";
    const { signature } = after;
    const same = before.signature.length === signature.length && before.signature.every((part, i) => part === signature[i]);
    return same ? null : "its exports changed";
  }

  /** Renders what was registered; the DOM is committed when it returns. */
  perform() {
    this.runtime.performReactRefresh();
  }
}

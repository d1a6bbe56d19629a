/**
 * What one batch does to the registry, and how it is taken back: records, instances, edges.
 *
 * Side effects of module code are beyond it.
 */
// @ts-check

/** @import { Registry } from "./registry.js" */
/** @import { Instance, Module, ModuleRecord } from "./module.js" */

/** One batch. */
export class Transaction {
  /** @type {Map<Module, {record: ModuleRecord | null, deps: any, code: string | null}>} */
  #records = new Map();
  /** @type {Map<Module, Instance | null>} */
  #instances = new Map();
  /** The first error of an accept callback: too late to take anything back. @type {{error: unknown} | null} */
  complaint = null;

  /** @param {Registry} registry */
  constructor(registry) {
    this.registry = registry;
    registry.journal = [];
  }

  /** @param {Module} module @param {ModuleRecord} record @param {any} deps @param {string} code */
  replace(module, record, deps, code) {
    if (!this.#records.has(module)) this.#records.set(module, { record: module.record, deps: module.deps, code: module.code });
    this.registry.replace(module, record, deps, code);
  }

  /** @param {Module} module */
  renew(module) {
    if (!this.#instances.has(module)) this.#instances.set(module, module.instance);
    this.registry.renew(module);
  }

  rollback() {
    for (const instance of this.registry.journal ?? []) {
      const { module, phase, failure } = instance;
      const unfinished = phase !== "evaluated" || failure !== null || instance.pending !== null;
      if (unfinished && module.instance === instance) this.registry.use(module, null);
    }
    for (const [module, { record, deps, code }] of this.#records) {
      module.record = record;
      module.deps = deps;
      module.code = code;
    }
    for (const [module, instance] of this.#instances) this.registry.use(module, instance);
  }

  end() {
    this.registry.journal = null;
  }
}

/**
 * `import.meta.hot`: Vite's API in full. A context belongs to one execution of a module; what it
 * registered ends with that execution.
 *
 * Only records what a module wants; the engine acts on it.
 */
// @ts-check

/** @import { Instance, Module } from "./module.js" */

/**
 * @typedef {(module: any) => void} ModuleCallback
 * @typedef {{targets: (Module | null)[], call: (modules: any[]) => void}} DependencyAcceptor
 */

/**
 * @typedef {object} HotHost what a context asks of the engine
 * @property {(instance: Instance, specifier: string) => Module | null} resolve
 * @property {(instance: Instance) => void} acceptedExportsChanged
 * @property {(instance: Instance, message: string | undefined) => void} invalidate
 * @property {(event: string, data: unknown) => void} send
 * @property {Events} events
 */

/** Listeners by event; those of a replaced execution are gone. */
export class Events {
  constructor() {
    /** @type {Map<string, Map<(data: any) => void, Instance>>} */
    this.listeners = new Map();
  }

  /** @param {string} event @param {(data: any) => void} callback @param {Instance} owner */
  on(event, callback, owner) {
    let listeners = this.listeners.get(event);
    if (!listeners) this.listeners.set(event, (listeners = new Map()));
    listeners.set(callback, owner);
  }

  /** @param {string} event @param {(data: any) => void} callback */
  off(event, callback) {
    this.listeners.get(event)?.delete(callback);
  }

  /** @param {string} event @param {unknown} data */
  emit(event, data) {
    const listeners = this.listeners.get(event);
    for (const [callback, owner] of [...(listeners ?? [])]) {
      if (owner.module.instance === owner) callback(data);
      else listeners?.delete(callback);
    }
  }
}

export class HotContext {
  /** @type {Instance} */ #instance;
  /** @type {HotHost} */ #host;
  /** @type {ModuleCallback[]} */ #self = [];
  /** @type {DependencyAcceptor[]} */ #dependencies = [];
  /** @type {((data: any) => void)[]} */ #disposers = [];
  /** @type {((data: any) => void)[]} */ #pruners = [];
  #acceptsSelf = false;

  /** @param {Instance} instance @param {HotHost} host */
  constructor(instance, host) {
    this.#instance = instance;
    this.#host = host;
  }

  /** Kept across executions. */
  get data() {
    return this.#instance.module.data;
  }

  /**
   * @param {string | readonly string[] | ModuleCallback} [dependencies]
   * @param {(modules: any) => void} [callback]
   */
  accept(dependencies, callback) {
    if (dependencies === undefined || typeof dependencies === "function") {
      this.#acceptsSelf = true;
      if (dependencies) this.#self.push(dependencies);
      return;
    }
    const single = typeof dependencies === "string";
    const specifiers = single ? [dependencies] : dependencies;
    if (!Array.isArray(specifiers)) throw new TypeError("import.meta.hot.accept: expected a specifier, a list of them or a callback");
    this.#dependencies.push({
      targets: specifiers.map((specifier) => this.#host.resolve(this.#instance, specifier)),
      call: (modules) => callback?.(single ? modules[0] : modules),
    });
  }

  /** @param {string | readonly string[]} names @param {ModuleCallback} [callback] */
  acceptExports(names, callback) {
    const accepted = (this.#instance.acceptedExports ??= new Set());
    for (const name of typeof names === "string" ? [names] : names) accepted.add(name);
    if (callback) this.#self.push(callback);
    this.#host.acceptedExportsChanged(this.#instance);
  }

  /** @param {(data: any) => void} callback */
  dispose(callback) {
    this.#disposers.push(callback);
  }

  /** @param {(data: any) => void} callback */
  prune(callback) {
    this.#pruners.push(callback);
  }

  /** Nothing, as in Vite. */
  decline() {}

  /** @param {string} [message] */
  invalidate(message) {
    this.#host.invalidate(this.#instance, message);
  }

  /** @param {string} event @param {(data: any) => void} callback */
  on(event, callback) {
    this.#host.events.on(event, callback, this.#instance);
  }

  /** @param {string} event @param {(data: any) => void} callback */
  off(event, callback) {
    this.#host.events.off(event, callback);
  }

  /** @param {string} event @param {unknown} [data] */
  send(event, data) {
    this.#host.send(event, data);
  }

  /** @param {HotContext} context */
  static acceptsSelf(context) {
    return context.#acceptsSelf;
  }

  /** @param {HotContext} context @param {Module} module */
  static acceptsDependency(context, module) {
    return context.#dependencies.some(({ targets }) => targets.includes(module));
  }

  /** @param {HotContext} context */
  static runDisposers(context) {
    for (const callback of context.#disposers.splice(0)) callback(context.data);
  }

  /** @param {HotContext} context */
  static runPruners(context) {
    for (const callback of context.#pruners.splice(0)) callback(context.data);
  }

  /** @param {HotContext} context @param {object} namespace */
  static runSelf(context, namespace) {
    for (const callback of context.#self) callback(namespace);
  }

  /**
   * Each callback once, with the modules that changed and `undefined` in the places of the others.
   * @param {HotContext} context @param {Set<Module>} changed
   */
  static runDependencies(context, changed) {
    for (const { targets, call } of context.#dependencies) {
      if (!targets.some((target) => target && changed.has(target))) continue;
      call(targets.map((target) => (target && changed.has(target) ? target.namespace : undefined)));
    }
  }
}

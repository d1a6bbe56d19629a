/**
 * The registry: the table id → record, and everything that makes records run as modules do:
 * instantiation, evaluation, CommonJS, dynamic imports.
 *
 * Touches no DOM and knows no updates; the engine renews and restores instances through it, the
 * release runtime uses it alone.
 */
// @ts-check

import { evaluate } from "./evaluate.js";
import { createHandle } from "./handle.js";
import { Instance, Module, staticImports, unreachable } from "./module.js";
import { importView, requireView, syncNamespace } from "./namespace.js";
import { classNames, importedSheets, sheetText } from "./sheet.js";

/** @import { Dependencies, EsmRecord, Id, ModuleRecord, Specifier } from "./module.js" */

/**
 * @typedef {object} Host what the registry needs from around it
 * @property {(instance: Instance) => object} meta `import.meta`
 * @property {(id: string, text: string, imports: string[]) => void} style a style sheet executes, after those it imports
 * @property {() => Function} signature Fast Refresh's `$RefreshSig$`
 * @property {(instance: Instance) => void} evaluated
 * @property {(id: string) => Promise<unknown> | null} fetch loads the chunks that an `import()` of an id needs; null: nothing is to be loaded
 * @property {(url: string) => Promise<object>} native the browser's own `import()`
 * @property {string} origin
 */

const EXTERNAL = /^https?:\/\//;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** @param {string} message @param {string} code */
const coded = (message, code) => Object.assign(new Error(message), { code });

/** The table and its rules. */
export class Registry {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** @type {Map<Id, Module>} */
    this.modules = new Map();
    /** @type {Map<Id, string>} */
    this.aliases = new Map();
    /** @type {Map<Id, string>} text of style sheets */
    this.sheets = new Map();
    /** Instances made since the engine began a transaction. @type {Instance[] | null} */
    this.journal = null;
    this.executions = 0;
    /** Async bodies on their way to their `yield`. @type {Set<Instance>} */
    this.starting = new Set();
    /** @type {import("./evaluate.js").Steps} */
    this.steps = {
      dependencies: (instance) => this.#dependencies(instance),
      run: (instance) => this.#run(instance),
      done: (instance) => {
        if (instance.stars.length > 0) syncNamespace(instance.module);
        this.host.evaluated(instance);
      },
    };
  }

  /**
   * The first definition of an id wins: vendor chunks overlap, and what runs already must stay one copy.
   * @param {Id} id @param {ModuleRecord} record @param {Dependencies} [deps]
   */
  define(id, record, deps = {}) {
    const module = this.#place(id);
    if (!module.record) this.replace(module, record, deps, null);
  }

  /** @param {string} id @param {string} text */
  css(id, text) {
    this.sheets.set(id, text);
  }

  /**
   * @param {string} alias @param {string} id
   * @returns {boolean} whether code that already ran now means another module by this name
   */
  alias(alias, id) {
    const before = this.aliases.get(alias);
    this.aliases.set(alias, id);
    return before !== undefined && before !== id && Boolean(this.modules.get(before)?.instance);
  }

  /** @param {Module} module @param {ModuleRecord} record @param {Dependencies} deps @param {string | null} code */
  replace(module, record, deps, code) {
    module.record = record;
    module.deps = deps;
    module.code = code;
  }

  /** @param {Id} id @returns {Module} defined or not */
  #place(id) {
    let module = this.modules.get(id);
    if (!module) this.modules.set(id, (module = new Module(id)));
    return module;
  }

  /** @param {Id} id an id, an alias or the URL of an external module @returns {Module} */
  module(id) {
    const module = this.#place(this.aliases.get(id) ?? id);
    if (!module.record && typeof id === "string" && EXTERNAL.test(id)) this.replace(module, external(id, this.host), {}, null);
    return module;
  }

  /** @param {Instance} instance @param {Specifier} specifier @returns {{module: Module, node: boolean} | null} */
  resolve(instance, specifier) {
    const dependency = Object.hasOwn(instance.deps, specifier) ? instance.deps[specifier] : null;
    if (dependency === null) return null;
    // Releases write numbers, and the complement of one for Node's mode.
    if (typeof dependency === "number") return { module: this.module(dependency < 0 ? ~dependency : dependency), node: dependency < 0 };
    return Array.isArray(dependency)
      ? { module: this.module(dependency[0]), node: dependency[1] === "node" }
      : { module: this.module(dependency), node: false };
  }

  /** @param {Instance} instance @param {Specifier} specifier */
  target(instance, specifier) {
    const edge = this.resolve(instance, specifier);
    if (edge) return edge;
    const { id } = instance.module;
    // Modules of releases are numbers, which tell nobody anything.
    throw coded(`Cannot find module '${specifier}'${typeof id === "string" ? ` imported from ${id}` : ""}`, "MODULE_NOT_FOUND");
  }

  /** @param {Instance} instance @param {Module} target */
  #attach(instance, target) {
    instance.imports.add(target);
    if (instance.module.instance === instance) target.importers.add(instance.module);
  }

  /** Makes `instance` (or nothing) what `module` stands for, edges included. @param {Module} module @param {Instance | null} instance */
  use(module, instance) {
    for (const target of module.instance?.imports ?? []) target.importers.delete(module);
    for (const star of module.instance?.stars ?? []) star.starImporters.delete(module);
    module.instance = instance;
    for (const target of instance?.imports ?? []) target.importers.add(module);
    for (const star of instance?.stars ?? []) star.starImporters.add(module);
    if (instance && instance.phase !== "fresh") syncNamespace(module);
  }

  /** A fresh instance in place of the present one. @param {Module} module @returns {Instance} */
  renew(module) {
    const { record } = module;
    if (!record) throw coded(`Module '${module.id}' is not in the registry`, "MODULE_NOT_FOUND");
    const instance = new Instance(module, record);
    this.use(module, instance);
    this.journal?.push(instance);
    return instance;
  }

  /** Instantiates a module and what it imports statically: all of it, or nothing. @param {Module} module @returns {Instance} */
  link(module) {
    /** @type {Instance[]} */
    const linked = [];
    try {
      this.#link(module, linked);
    } catch (error) {
      for (const instance of linked) {
        if (instance.module.instance === instance) this.use(instance.module, null);
      }
      throw error;
    }
    return /** @type {Instance} */ (module.instance);
  }

  /** @param {Module} module @param {Instance[]} linked */
  #link(module, linked) {
    const instance = module.instance ?? this.renew(module);
    if (instance.phase !== "fresh") return;
    instance.phase = "linking";
    linked.push(instance);
    const { record } = instance;
    switch (record.kind) {
      case "esm": {
        for (const specifier of staticImports(record, instance.deps)) {
          const { module: target } = this.target(instance, specifier);
          this.#attach(instance, target);
          try {
            this.#link(target, linked);
          } catch (error) {
            if (error instanceof Error && !target.record) {
              error.message = `Cannot find module '${specifier}' (${target.id}) imported from ${module.id}`;
            }
            throw error;
          }
        }
        const body = record.run(createHandle(this, instance));
        const step = body.next();
        if (step instanceof Promise) {
          instance.first = step;
          this.starting.add(instance);
          const started = () => this.starting.delete(instance);
          step.then(started, started);
        } else if (step.value) {
          Object.assign(instance.getters, step.value);
        }
        instance.body = body;
        break;
      }
      case "cjs":
        break;
      case "style": {
        for (const target of importedSheets(this, instance)) {
          this.#attach(instance, target);
          this.#link(target, linked);
        }
        const names = classNames(this, instance);
        instance.getters.default = names;
        for (const name of Object.keys(record.exports ?? {})) {
          if (IDENTIFIER.test(name) && name !== "default") instance.getters[name] = () => names()[name];
        }
        break;
      }
      default:
        unreachable(record, "record");
    }
    instance.phase = "linked";
    syncNamespace(module);
  }

  /** @param {Instance} instance @returns {Instance[]} */
  #dependencies(instance) {
    const { record } = instance;
    const targets = record.kind === "esm"
      ? staticImports(record, instance.deps).map((specifier) => this.target(instance, specifier).module)
      : importedSheets(this, instance);
    return targets.map((target) => target.instance ?? this.link(target));
  }

  /** @param {Instance} instance @returns {void | Promise<void>} */
  #run(instance) {
    const { record, module } = instance;
    instance.ran = ++this.executions;
    module.order ||= instance.ran;
    switch (record.kind) {
      case "esm": {
        const step = instance.body?.next();
        if (!(step instanceof Promise)) return undefined;
        return Promise.all([instance.first, step]).then(() => syncNamespace(module));
      }
      case "cjs":
        return this.#runCommonJs(instance, record);
      case "style":
        return this.host.style(module.id, this.sheetText(module), importedSheets(this, instance).map(({ id }) => id));
      default:
        return unreachable(record, "record");
    }
  }

  /** The text of a sheet as it stands in the page. @param {Module} module */
  sheetText(module) {
    const text = this.sheets.get(module.id) ?? "";
    return module.instance ? sheetText(this, module.instance, text) : text;
  }

  /** @param {Instance} instance @param {import("./module.js").CommonJsRecord} record */
  #runCommonJs(instance, record) {
    const { module } = instance;
    const commonJs = { exports: {}, id: module.id, loaded: false };
    // Cached before it runs, so that cycles see what is there; dropped when it throws, so that it can be tried again.
    instance.commonJs = commonJs;
    const handle = createHandle(this, instance);
    const require = Object.assign((/** @type {string} */ specifier) => this.require(instance, specifier), {
      cache: {},
      resolve: (/** @type {string} */ specifier) => this.target(instance, specifier).module.id,
    });
    try {
      record.run.call(commonJs.exports, commonJs, commonJs.exports, require, handle);
    } catch (error) {
      if (module.instance === instance) this.use(module, null);
      throw error;
    }
    commonJs.loaded = true;
    syncNamespace(module);
    return undefined;
  }

  /** @param {Module} module @returns {Promise<void> | null} null: done */
  evaluate(module) {
    const instance = module.instance ?? this.link(module);
    // An async generator reaches its `yield` only in a later microtask. Waiting for that here keeps
    // the parts of async modules before their first `await` in order with the modules around them.
    const starting = this.starting.size > 0 ? this.#startingUnder(instance, new Set(), []) : [];
    if (starting.length === 0) return evaluate(instance, this.steps);
    return Promise.all(starting.map(({ first }) => first)).then(() => {
      // Names of an external module are known only now.
      for (const { module: started } of starting) syncNamespace(started);
      return this.evaluate(module) ?? undefined;
    });
  }

  /** @param {Instance} instance @param {Set<Instance>} seen @param {Instance[]} found */
  #startingUnder(instance, seen, found) {
    if (seen.has(instance) || instance.phase === "evaluated") return found;
    seen.add(instance);
    if (this.starting.has(instance)) found.push(instance);
    for (const dependency of this.#dependencies(instance)) this.#startingUnder(dependency, seen, found);
    return found;
  }

  /** @param {Instance} importer @param {string} specifier @returns {unknown} */
  require(importer, specifier) {
    const { module } = this.target(importer, specifier);
    this.#attach(importer, module);
    const pending = evaluate(this.link(module), this.steps);
    if (pending) throw coded(`require() of '${module.id}', which has top-level await`, "ERR_REQUIRE_ASYNC_MODULE");
    return requireView(module, specifier);
  }

  /** @param {Instance} importer @param {string} specifier @returns {Promise<object>} */
  async import(importer, specifier) {
    // Whatever is there already, an `import()` evaluates in a later job (ECMAScript, 13.3.10).
    await undefined;
    const edge = this.resolve(importer, specifier);
    if (!edge) return this.host.native(new URL(specifier, this.urlOf(importer.module)).href);
    this.#attach(importer, edge.module);
    // Also of a module that is defined: what it imports may still be on its way with another chunk.
    const chunks = this.host.fetch(edge.module.id);
    if (chunks) await chunks;
    this.link(edge.module);
    await this.evaluate(edge.module);
    return importView(edge.module, edge.node);
  }

  /** @param {Module} module */
  urlOf({ id, record }) {
    return this.url(String((record?.kind === "esm" && record.url) || id));
  }

  /** @param {string} id */
  url(id) {
    return new URL(id.startsWith("/") ? id : `/${id}`, this.host.origin).href;
  }

  /** @param {Instance} instance @param {string} specifier @returns {URL} */
  asset(instance, specifier) {
    const edge = this.resolve(instance, specifier);
    if (!edge) return new URL(specifier, this.urlOf(instance.module));
    // Whoever has asked for the URL hears of a new one, as an importer does.
    this.#attach(instance, edge.module);
    if (!edge.module.record) return new URL(edge.module.id, this.host.origin);
    this.link(edge.module);
    this.evaluate(edge.module);
    return new URL(String(edge.module.namespace.default), this.host.origin);
  }
}

/** A module that the browser loads by URL, as a record. @param {string} url @param {Host} host @returns {EsmRecord} */
function external(url, host) {
  return {
    kind: "esm",
    async: true,
    async *run(h) {
      const namespace = /** @type {Record<string, unknown>} */ (await host.native(url));
      h.export(Object.fromEntries(Object.keys(namespace).map((name) => [name, () => namespace[name]])));
      yield;
    },
  };
}

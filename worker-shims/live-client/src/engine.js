/**
 * Applies updates: swaps records, executes what is outdated in dependency order, tells those who
 * accept it, and takes everything back when a module throws.
 *
 * No DOM, no socket, no clock; a batch is a transaction over the registry.
 */
// @ts-check

import { Events, HotContext } from "./hot.js";
import { propagate } from "./propagation.js";
import { Transaction } from "./transaction.js";

/** @import { Registry } from "./registry.js" */
/** @import { Instance, Module, ModuleRecord } from "./module.js" */
/** @import { CssUpdate, ModuleUpdate } from "./protocol.js" */
/** @import { Start, Wave } from "./propagation.js" */

/**
 * @typedef {object} Batch one update, or several merged
 * @property {number} seq
 * @property {ModuleUpdate[]} modules
 * @property {string[]} removed
 * @property {CssUpdate[]} css
 * @property {string[]} [assets] new URLs of pictures; not the engine's business
 */

/** @typedef {{outcome: "hot"} | {outcome: "reload", reason: string} | {outcome: "failed", error: unknown}} Result */

/**
 * @typedef {object} EngineHost
 * @property {(update: ModuleUpdate, seq: number) => ModuleRecord} compile text → record
 * @property {import("./refresh.js").Refresh | null} refresh
 * @property {{update(id: string, text: string): void, remove(id: string): void}} styles
 * @property {(event: string, data: unknown) => void} send
 * @property {(error: unknown) => void} report an error that stops nothing
 * @property {() => void} wake a module invalidated itself outside a batch: apply an empty one
 */

/** @param {Module} a @param {Module} b */
const byExecution = (a, b) => (a.order || Infinity) - (b.order || Infinity);

/** @param {unknown} a @param {unknown} b */
const sameJson = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Engine {
  /** Modules that wait for a batch that succeeds. @type {Map<string, {update: ModuleUpdate, seq: number}>} */
  #waiting = new Map();
  /** @type {Set<string>} */
  #removed = new Set();
  /** @type {{module: Module, message: string | undefined}[]} */
  #invalidations = [];
  #busy = false;

  /** @param {Registry} registry @param {EngineHost} host */
  constructor(registry, host) {
    this.registry = registry;
    this.host = host;
    this.events = new Events();
    /** @type {import("./hot.js").HotHost} */
    this.hotHost = {
      events: this.events,
      send: host.send,
      resolve: (instance, specifier) => this.#resolve(instance, specifier),
      // The table is built anew so that reads of exports nobody accepts are noticed.
      acceptedExportsChanged: (instance) => registry.use(instance.module, instance),
      invalidate: (instance, message) => this.#invalidate(instance, message),
    };
  }

  /** @param {Instance} instance @returns {HotContext} */
  hot(instance) {
    return (instance.hot ??= new HotContext(instance, this.hotHost));
  }

  /** @param {Instance} instance @param {string} specifier @returns {Module | null} */
  #resolve(instance, specifier) {
    const edge = this.registry.resolve(instance, specifier);
    if (edge) return edge.module;
    const path = new URL(specifier, `file://${instance.module.id}`).pathname;
    for (const end of ["", ".tsx", ".ts", ".jsx", ".js", ".mjs", "/index.tsx", "/index.ts", "/index.jsx", "/index.js"]) {
      const module = this.registry.modules.get(path + end);
      if (module?.record) return module;
    }
    return null;
  }

  /** @param {Instance} instance @param {string | undefined} message */
  #invalidate(instance, message) {
    const { module } = instance;
    // Accept callbacks belong to the execution before: those of a module that is gone mean nothing.
    if (!module.instance) return;
    this.#invalidations.push({ module, message });
    this.events.emit("vite:invalidate", { path: module.id, message, firstInvalidatedBy: module.id });
    if (!this.#busy) this.host.wake();
  }

  /**
   * Not reentrant: the caller waits for one batch before it starts the next.
   * @param {Batch} batch @returns {Promise<Result>}
   */
  async apply(batch) {
    this.#busy = true;
    const transaction = new Transaction(this.registry);
    try {
      for (const id of batch.removed) {
        this.#waiting.delete(id);
        this.#removed.add(id);
      }
      this.#applyStyles(batch);
      const changed = this.#swap(batch, transaction);
      const reason = await this.#waves(changed, transaction);
      if (reason !== null) {
        this.events.emit("vite:beforeFullReload", { type: "full-reload" });
        return { outcome: "reload", reason };
      }
      this.#waiting.clear();
      this.#prune();
    } catch (error) {
      this.#invalidations = [];
      transaction.rollback();
      return { outcome: "failed", error };
    } finally {
      transaction.end();
      this.#busy = false;
    }
    return this.#render(transaction.complaint);
  }

  /** @param {{error: unknown} | null} complaint @returns {Promise<Result>} */
  async #render(complaint) {
    // A microtask: everything that ran because of this batch has registered its components.
    await null;
    try {
      this.host.refresh?.perform();
    } catch (error) {
      return { outcome: "failed", error };
    }
    return complaint ? { outcome: "failed", error: complaint.error } : { outcome: "hot" };
  }

  /** @param {Batch} batch */
  #applyStyles({ css }) {
    for (const { id, code } of css) {
      this.#removed.delete(id);
      this.registry.css(id, code);
      this.host.styles.update(id, this.registry.sheetText(this.registry.module(id)));
    }
  }

  /**
   * Puts the new records in place. @param {Batch} batch @param {Transaction} transaction
   * @returns {Module[]} those whose change somebody may notice
   */
  #swap(batch, transaction) {
    for (const update of batch.modules) {
      this.#removed.delete(update.id);
      this.#waiting.set(update.id, { update, seq: batch.seq });
    }
    const compiled = [...this.#waiting.values()].map(({ update, seq }) => ({ update, record: this.host.compile(update, seq) }));
    /** @type {Module[]} */
    const changed = [];
    for (const { update, record } of compiled) {
      const module = this.registry.module(update.id);
      const same = module.code === update.code || (record.kind === "style" && sameJson(module.record, record));
      const noticed = Boolean(module.instance) || module.importers.size > 0;
      if (noticed && !(same && sameJson(module.deps, update.deps))) changed.push(module);
      transaction.replace(module, record, update.deps, update.code);
    }
    return changed;
  }

  /**
   * The changes, then what they invalidate, until nothing does.
   * @param {Module[]} changed @param {Transaction} transaction
   * @returns {Promise<string | null>} why the page must be loaded anew
   */
  async #waves(changed, transaction) {
    /** @type {Map<Module, Set<Module>>} */
    const lineage = new Map();
    const since = this.registry.executions;
    /** @type {Start[]} */
    let starts = changed.map((module) => ({ module, invalidated: false, since, chain: new Set() }));
    for (;;) {
      const invalidated = this.#invalidations.splice(0).map(({ module }) => module);
      for (const module of new Set(invalidated)) {
        starts.push({ module, invalidated: true, since, chain: new Set([...(lineage.get(module) ?? []), module]) });
      }
      if (starts.length === 0) return null;
      const wave = propagate(starts);
      if (wave.reload) return wave.reload;
      for (const [module, chain] of wave.lineage) lineage.set(module, chain);
      const running = this.#run(wave, transaction);
      if (running) await running;
      starts = [];
    }
  }

  /** @param {Wave} wave @param {Transaction} transaction @returns {Promise<void> | null} */
  #run(wave, transaction) {
    const payload = { type: "update", updates: describe(wave) };
    this.events.emit("vite:beforeUpdate", payload);
    const outdated = [...wave.outdated].sort(byExecution);
    const roots = [...new Set([...wave.boundaries.values()].flatMap((vias) => [...vias]))]
      .filter((module) => wave.outdated.has(module))
      .sort(byExecution);

    /** @type {Map<Module, Instance | null>} */
    const before = new Map();
    for (const module of outdated) {
      before.set(module, module.instance);
      // All who hold something of it read it anew.
      if ([...module.importers].every((importer) => wave.outdated.has(importer))) module.read.clear();
      transaction.renew(module);
    }
    // Everything that can be missing shows here, before anything is disposed of.
    for (const module of roots) this.registry.link(module);
    for (const module of outdated.toReversed()) {
      const hot = before.get(module)?.hot;
      if (hot) this.#guard(() => HotContext.runDisposers(hot), null);
    }
    const finish = () => {
      this.#notify(wave, before, transaction);
      this.events.emit("vite:afterUpdate", payload);
    };
    return this.#evaluate(roots, 0, finish);
  }

  /** @param {Module[]} roots @param {number} from @param {() => void} finish @returns {Promise<void> | null} */
  #evaluate(roots, from, finish) {
    for (let i = from; i < roots.length; i++) {
      const pending = this.registry.evaluate(roots[i]);
      if (pending) return pending.then(() => this.#evaluate(roots, i + 1, finish) ?? undefined);
    }
    finish();
    return null;
  }

  /** @param {Wave} wave @param {Map<Module, Instance | null>} before @param {Transaction} transaction */
  #notify(wave, before, transaction) {
    for (const [module, accepted] of [...wave.boundaries].sort(([a], [b]) => byExecution(a, b))) {
      const old = before.get(module);
      if (!old) {
        const hot = module.instance?.hot;
        if (hot) this.#guard(() => HotContext.runDependencies(hot, accepted), transaction);
        continue;
      }
      const { hot } = old;
      if (accepted.has(module) && hot) this.#guard(() => HotContext.runSelf(hot, module.namespace), transaction);
      const { instance } = module;
      const reason = instance && this.host.refresh?.incompatible(old, instance);
      if (instance && reason) this.#invalidate(instance, `Could not Fast Refresh ${module.id}: ${reason}`);
    }
  }

  /** Code of modules that is called aside: an error in it is reported. @param {() => void} call @param {Transaction | null} transaction */
  #guard(call, transaction) {
    try {
      call();
    } catch (error) {
      if (transaction) transaction.complaint ??= { error };
      else this.host.report(error);
    }
  }

  #prune() {
    if (this.#removed.size === 0) return;
    this.events.emit("vite:beforePrune", { type: "prune", paths: [...this.#removed] });
    for (const id of this.#removed) {
      this.host.styles.remove(id);
      const module = this.registry.modules.get(id);
      if (!module) continue;
      const hot = module.instance?.hot;
      if (hot) {
        this.#guard(() => HotContext.runDisposers(hot), null);
        this.#guard(() => HotContext.runPruners(hot), null);
      }
      module.record = null;
      module.code = null;
      module.data = {};
      // Its namespace stays as it is: a module that could not be updated may still use it.
      this.registry.use(module, null);
    }
    this.#removed.clear();
  }
}

/** @param {Wave} wave */
function describe(wave) {
  return [...wave.boundaries].flatMap(([{ id }, accepted]) =>
    [...accepted].map((via) => ({ type: "js-update", path: id, acceptedPath: via.id })),
  );
}

/**
 * The life of one page: loads vendor chunk and registry, starts the entries, and applies what the
 * stream brings, one batch after the other.
 *
 * Knows when things happen; how they look (`Shell`) and how modules run (engine, registry) is elsewhere.
 */
// @ts-check

import { unreachable } from "./module.js";
import { Stream } from "./stream.js";

/** @import { Engine } from "./engine.js" */
/** @import { Registry } from "./registry.js" */
/** @import { ApplyOutcome, Diagnostic, RoomMessage, RuntimeErrorTraced, VendorState, ViewerMessage } from "./protocol.js" */

/**
 * @typedef {object} Configuration
 * @property {string} app
 * @property {number} seq
 * @property {number} [stream] of updates, in which `seq` counts
 * @property {number} revision
 * @property {string} registry URL of the registry script
 * @property {VendorState | null} vendor
 * @property {Record<string, unknown>} env
 */

/**
 * @typedef {object} Shell what the page does to the world
 * @property {(url: string) => Promise<void>} script
 * @property {() => void} connect
 * @property {() => void} resync
 * @property {() => void} inOrder
 * @property {(message: ViewerMessage) => void} send
 * @property {(source: "build" | "vendor", diagnostics: Diagnostic[]) => void} diagnose
 * @property {(warnings: Diagnostic[]) => void} warn what the app's author should know; nothing stops for it
 * @property {(error: unknown) => void} failure an error of the app's modules
 * @property {() => void} begin something is tried: failures from now on are its own
 * @property {() => void} recovered it went well: failures before it are history
 * @property {(traced: RuntimeErrorTraced) => void} traced a failure by the app's sources
 * @property {(installing: string | null) => void} installing
 * @property {(busy: boolean) => void} busy
 * @property {(urls: string[]) => string | null} pictures shows new ones; answers why the page has to be loaded anew
 * @property {() => void} started the entries have run
 * @property {(detail: {seq: number, ms: number, outcome: ApplyOutcome}) => void} applied
 * @property {(reason: string) => void} reload
 * @property {() => number} now
 */

/** @typedef {"waiting" | "unlinked" | "running" | "broken"} Start entries: not yet, could not be linked, run, threw */

export class Page {
  /** @type {Stream | null} */ #stream = null;
  /** Key that the present tree needs. @type {string | null} */ #vendor = null;
  /** @type {Set<string>} */ #vendorsLoading = new Set();
  /** Loaded before the registry said where the stream stands. @type {string[]} */ #vendorsEarly = [];
  /** @type {string[]} */ #entries = [];
  /** @type {Start} */ #start = "waiting";
  #pumping = false;
  #woken = false;
  #leaving = false;
  /** The registry's script: its address, and how it went. @type {{url: string, phase: "loading" | "failed" | "loaded"} | null} */
  #registry = null;
  /** @type {string | null} */ #moved = null;

  /** @param {Registry} registry @param {Engine} engine @param {Shell} shell */
  constructor(registry, engine, shell) {
    this.registry = registry;
    this.engine = engine;
    this.shell = shell;
    /** @type {Record<string, unknown>} */
    this.env = {};
    /** Number of the last update that the page itself has. @type {number | null} */
    this.seqHint = null;
    /** @type {number | undefined} */
    this.stream = undefined;
  }

  /** Number of the last update received. */
  get seq() {
    return this.#stream?.seq ?? this.seqHint ?? 0;
  }

  /** @param {Configuration} configuration */
  configure({ seq, stream, registry, vendor, env }) {
    this.seqHint = seq;
    this.stream = stream;
    this.env = env;
    if (vendor) this.#vendorState(vendor);
    this.#registry = { url: registry, phase: "failed" };
    this.#loadRegistry();
  }

  async #loadRegistry() {
    const script = this.#registry;
    if (script?.phase !== "failed") return;
    script.phase = "loading";
    this.shell.begin();
    try {
      await this.shell.script(script.url);
      script.phase = "loaded";
      this.shell.recovered();
    } catch {
      script.phase = "failed";
      this.shell.failure(new Error(`The preview's modules could not be loaded (${script.url})`));
      // Tried again with each connection: a room that answers has them.
      this.shell.resync();
    }
  }

  /** @param {{seq: number, stream?: number, vendor: string | null}} truth end of the registry script */
  loaded({ seq, stream, vendor }) {
    if (stream !== this.stream) return this.#leave("this is another app of the same name");
    // The page and its style sheets may be older than the registry; what came between is replayed, as a
    // change of the page itself is among it.
    this.#stream = new Stream(Math.min(seq, this.seqHint ?? seq));
    if (this.#registry) this.#registry.phase = "loaded";
    this.#vendor = vendor;
    for (const key of this.#vendorsEarly) this.#stream.vendorLoaded(key);
    this.shell.connect();
    this.#pump();
  }

  /** @param {string} id */
  start(id) {
    this.#entries.push(id);
    if (this.#start === "running") this.#start = "waiting";
    this.#pump();
  }

  /** @param {string} alias code that runs already means another module by this name now */
  moved(alias) {
    this.#moved ??= alias;
  }

  /** A module invalidated itself. */
  wake() {
    this.#woken = true;
    this.#pump();
  }

  /** @param {RoomMessage} message */
  receive(message) {
    switch (message.type) {
      case "connected":
        // The room has forgotten what this page has seen: another tree under the same name.
        if (message.seq < this.seq) return this.#leave(`the room is at update ${message.seq}, this page at ${this.seq}`);
        // Errors may have gone while nobody could say so; those that have not are told next.
        this.shell.diagnose("build", []);
        return void this.#loadRegistry();
      case "update":
        return this.#numbered(message.seq, () => {
          this.#stream?.push(message, this.shell.now());
          this.#pump();
        });
      case "reload": {
        const { seq, reason } = message;
        if (seq === undefined) return this.#leave(reason);
        return this.#numbered(seq, () => {
          this.shell.send({ type: "applied", seq, ms: 0, outcome: "reload" });
          this.#leave(reason);
        });
      }
      case "error":
        return this.shell.diagnose("build", message.diagnostics);
      case "recovered":
        return this.shell.diagnose("build", []);
      case "vendor":
        return this.#vendorState(message.state);
      case "deployment":
        return this.engine.events.emit("hotplate:deployment", message.deployment);
      case "custom":
        return this.engine.events.emit(message.event, message.data);
      case "runtime_error_traced":
        return this.shell.traced(message);
      default:
        return unreachable(message, "message");
    }
  }

  /** @param {number} seq @param {() => void} next */
  #numbered(seq, next) {
    if (!this.#stream) {
      // What it brings is newer, and what it lacks is replayed after it.
      if (this.#registry?.phase === "loading") return;
      return this.#leave("the preview's modules were not loaded");
    }
    const place = this.#stream.receive(seq);
    switch (place) {
      case "next":
        this.shell.inOrder();
        return next();
      case "known":
        return;
      case "gap":
        return this.shell.resync();
      default:
        return unreachable(place, "place");
    }
  }

  /** @param {VendorState} state */
  #vendorState(state) {
    switch (state.phase) {
      case "installing":
        this.shell.diagnose("vendor", []);
        return this.shell.installing(state.message || "Installing dependencies");
      case "ready":
        this.shell.diagnose("vendor", []);
        if (!this.#vendorsLoading.has(state.key)) this.shell.warn(state.warnings ?? []);
        this.#loadVendor(state.key, state.url);
        return;
      case "failed":
        this.shell.installing(null);
        return this.shell.diagnose("vendor", state.diagnostics);
      default:
        return unreachable(state, "vendor state");
    }
  }

  /** @param {string} key @param {string} url */
  async #loadVendor(key, url) {
    if (this.#vendorsLoading.has(key)) return;
    this.#vendorsLoading.add(key);
    try {
      await this.shell.script(url);
    } catch {
      this.#vendorsLoading.delete(key);
      this.shell.failure(new Error(`The app's dependencies could not be loaded (${url})`));
      // The room says `ready` again on the next connection.
      return this.shell.resync();
    } finally {
      this.shell.installing(null);
    }
    if (this.#moved !== null && this.#start !== "waiting") {
      return this.#leave(`${this.#moved} is another version now`);
    }
    this.#moved = null;
    if (this.#stream) this.#stream.vendorLoaded(key);
    else this.#vendorsEarly.push(key);
    this.#pump();
  }

  /** @param {string} reason */
  #leave(reason) {
    if (this.#leaving) return;
    this.#leaving = true;
    this.shell.reload(reason);
  }

  async #pump() {
    const stream = this.#stream;
    if (!stream || this.#pumping || this.#leaving) return;
    this.#pumping = true;
    try {
      while (!this.#leaving) {
        if (stream.waiting > 0 || this.#woken) {
          const taken = stream.take();
          if (taken || this.#woken) {
            await this.#apply(taken);
            continue;
          }
        }
        if (this.#start !== "waiting" || this.#entries.length === 0 || !stream.hasVendor(this.#vendor)) return;
        await this.#run();
      }
    } catch (error) {
      // Not the app's mistake: those are results. Nobody can say what of the update is in place.
      this.shell.failure(error);
      this.#leave("an update could not be applied");
    } finally {
      this.#pumping = false;
    }
  }

  /** Runs the entries: linking all of them first costs nothing when something is missing. */
  async #run() {
    this.#start = "unlinked";
    try {
      const modules = this.#entries.map((id) => this.registry.module(id));
      for (const module of modules) this.registry.link(module);
      this.#start = "broken";
      for (const module of modules) {
        module.entry = true;
        const pending = this.registry.evaluate(module);
        if (pending) await pending;
      }
      this.#start = "running";
      this.shell.started();
    } catch (error) {
      this.shell.failure(error);
    }
  }

  /** @param {ReturnType<Stream["take"]>} taken null: only invalidations */
  async #apply(taken) {
    this.#woken = false;
    const updates = taken?.updates ?? [];
    if (taken) this.#vendor = taken.vendor;
    if (this.#start === "broken" && taken) {
      // It ran in part, and nobody can say which part.
      this.#finish(updates, "reload");
      return this.#leave("the page did not start");
    }
    this.shell.busy(true);
    this.shell.begin();
    const stale = this.shell.pictures(taken?.batch.assets ?? []);
    if (stale !== null) {
      this.#finish(updates, "reload");
      return this.#leave(stale);
    }
    const result = await this.engine.apply(taken?.batch ?? { seq: this.seq, modules: [], removed: [], css: [] });
    if (this.#start === "unlinked") this.#start = "waiting";
    switch (result.outcome) {
      case "hot":
        this.shell.recovered();
        break;
      case "failed":
        this.shell.failure(result.error);
        break;
      case "reload":
        break;
      default:
        unreachable(result, "result");
    }
    this.#finish(updates, result.outcome);
    if (result.outcome === "reload") this.#leave(result.reason);
    this.shell.busy(false);
  }

  /** @param {{seq: number, at: number}[]} updates @param {ApplyOutcome} outcome */
  #finish(updates, outcome) {
    const now = this.shell.now();
    for (const { seq, at } of updates) {
      const ms = Math.round((now - at) * 100) / 100;
      this.shell.send({ type: "applied", seq, ms, outcome });
      this.shell.applied({ seq, ms, outcome });
    }
  }
}

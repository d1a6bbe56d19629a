/**
 * The order of updates: nothing twice, nothing across a gap, nothing before its vendor chunk.
 *
 * Pure: it says what is to be done with a message and when, and does nothing itself.
 */
// @ts-check

/** @import { Update } from "./protocol.js" */
/** @import { Batch } from "./engine.js" */

/** @typedef {"next" | "known" | "gap"} Place */

export class Stream {
  /** @type {{update: Update, at: number}[]} */
  #queue = [];
  /** @type {Set<string>} */
  #vendors = new Set();

  /** @param {number} seq number of the last update that the page has */
  constructor(seq) {
    this.seq = seq;
  }

  /** Where a numbered message stands; the next one counts as received. @param {number} seq @returns {Place} */
  receive(seq) {
    if (seq <= this.seq) return "known";
    if (seq > this.seq + 1) return "gap";
    this.seq = seq;
    return "next";
  }

  /** @param {Update} update received @param {number} at when */
  push(update, at) {
    this.#queue.push({ update, at });
  }

  /** @param {string} key of a chunk that is loaded */
  vendorLoaded(key) {
    this.#vendors.add(key);
  }

  /** @param {string | null | undefined} key */
  hasVendor(key) {
    return key === null || key === undefined || this.#vendors.has(key);
  }

  get waiting() {
    return this.#queue.length;
  }

  /**
   * Everything up to the last update whose chunk is there: an update describes the whole tree's need,
   * so what came before it needs nothing that it does not.
   * @returns {{batch: Batch, vendor: string | null, updates: {seq: number, at: number}[]} | null}
   */
  take() {
    const last = this.#queue.findLastIndex(({ update }) => this.hasVendor(update.vendor));
    if (last < 0) return null;
    const taken = this.#queue.splice(0, last + 1);
    return {
      batch: merge(taken.map(({ update }) => update)),
      vendor: taken.at(-1)?.update.vendor ?? null,
      updates: taken.map(({ update, at }) => ({ seq: update.seq, at })),
    };
  }
}

/** One batch that does what the updates do one after the other. @param {Update[]} updates @returns {Batch} */
export function merge(updates) {
  const modules = new Map();
  const css = new Map();
  const removed = new Set();
  const assets = new Map();
  let seq = 0;
  for (const update of updates) {
    seq = update.seq;
    for (const id of update.removed) {
      modules.delete(id);
      css.delete(id);
      removed.add(id);
    }
    for (const module of update.modules) {
      modules.set(module.id, module);
      removed.delete(module.id);
    }
    for (const url of update.assets ?? []) assets.set(url.split("?")[0], url);
    for (const sheet of update.css) {
      css.set(sheet.id, sheet);
      removed.delete(sheet.id);
    }
  }
  return { seq, modules: [...modules.values()], removed: [...removed], css: [...css.values()], assets: [...assets.values()] };
}

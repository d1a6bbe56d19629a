/**
 * Where an update goes: from changed modules up the executed graph to the modules that accept it.
 *
 * Reads the graph, changes nothing.
 */
// @ts-check

import { HotContext } from "./hot.js";
import { sameNames } from "./sheet.js";

/** @import { Instance, Module } from "./module.js" */

/**
 * @typedef {object} Start
 * @property {Module} module
 * @property {boolean} invalidated its own execution is fine, its importers must run again
 * @property {number} since executions before the batch: an importer that ran after the module has it fresh
 * @property {Set<Module>} chain modules whose invalidations led here
 */

/**
 * @typedef {object} Wave
 * @property {Set<Module>} outdated modules to execute again
 * @property {Map<Module, Set<Module>>} boundaries accepting module → what it accepts: itself or dependencies
 * @property {Map<Module, Set<Module>>} lineage outdated module → invalidations that led to it
 * @property {string | null} reload why no boundary stops it
 */

/** Whether a module is the URL of a web worker. @param {Module} module */
const isWorker = ({ id }) => /\?(.*&)?worker_file\b/.test(id);

/**
 * @param {Instance} instance
 * @param {boolean} expressly whether it has to say so itself: what a worker runs is no business of Fast
 * Refresh's. Vite loads the page anew as well, and the worker that runs now ends with it.
 */
function acceptsItself(instance, expressly) {
  if (instance.hot && HotContext.acceptsSelf(instance.hot)) return true;
  if (instance.exported && !expressly) return true;
  const { acceptedExports, module } = instance;
  return acceptedExports !== null && [...module.read].every((name) => acceptedExports.has(name));
}

/** Whether the change of a sheet is nobody's business but the page's: what it imports is another list, its names are
 * the same. @param {Module} module */
const isStyleAlone = ({ instance, record }) =>
  Boolean(instance && record?.kind === "style" && !record.composes && sameNames(instance.record, record));

/** @param {Module} importer @param {Module} module */
function acceptsDependency(importer, module) {
  const hot = importer.instance?.hot;
  return Boolean(hot && HotContext.acceptsDependency(hot, module));
}

/** @param {Wave} wave @param {Module} sheet */
function acceptAlone(wave, sheet) {
  wave.outdated.add(sheet);
  accept(wave, sheet, sheet);
}

/** @param {Iterable<Start>} starts @returns {Wave} */
export function propagate(starts) {
  /** @type {Wave} */
  const wave = { outdated: new Set(), boundaries: new Map(), lineage: new Map(), reload: null };
  for (const start of starts) {
    const visited = new Set();
    const walk = { chain: start.chain, visited, expressly: isWorker(start.module) };
    if (start.invalidated) climb(start.module, walk, wave, start.since);
    else if (isStyleAlone(start.module)) acceptAlone(wave, start.module);
    else visit(start.module, walk, wave);
    if (wave.reload) break;
  }
  return wave;
}

/** @param {Wave} wave @param {Module} boundary @param {Module} via */
function accept(wave, boundary, via) {
  const accepted = wave.boundaries.get(boundary);
  if (accepted) accepted.add(via);
  else wave.boundaries.set(boundary, new Set([via]));
}

/** @typedef {{chain: Set<Module>, visited: Set<Module>, expressly: boolean}} Walk one start's way up */

/** @param {Module} module @param {Walk} walk @param {Wave} wave */
function visit(module, walk, wave) {
  const { chain, visited, expressly } = walk;
  if (wave.reload || visited.has(module)) return;
  visited.add(module);
  if (chain.has(module)) {
    wave.reload = `${module.id} invalidated itself, and the update came back to it`;
    return;
  }
  wave.outdated.add(module);
  if (chain.size > 0) {
    const lineage = wave.lineage.get(module) ?? new Set();
    wave.lineage.set(module, new Set([...lineage, ...chain]));
  }
  const { instance } = module;
  if (instance && acceptsItself(instance, expressly)) {
    accept(wave, module, module);
    return;
  }
  // Its callback still hears of the change when importers have to run again as well.
  if (instance?.acceptedExports) accept(wave, module, module);
  climb(module, walk, wave);
}

/** @param {Module} module @param {Walk} walk @param {Wave} wave @param {number} [since] */
function climb(module, walk, wave, since = Infinity) {
  if (module.entry) {
    wave.reload = `${module.id} is an entry and does not accept updates`;
    return;
  }
  for (const importer of module.importers) {
    const ran = importer.instance?.ran ?? 0;
    if (ran > since && ran > (module.instance?.ran ?? 0)) continue;
    if (acceptsDependency(importer, module)) accept(wave, importer, module);
    else visit(importer, walk, wave);
    if (wave.reload) return;
  }
}

/**
 * Where an update goes: from changed modules up the executed graph to the modules that accept it.
 *
 * Reads the graph, changes nothing.
 */
// @ts-check

import { HotContext } from "./hot.js";

/** @import { Instance, Module } from "./module.js" */

/**
 * @typedef {object} Start
 * @property {Module} module
 * @property {boolean} invalidated its own execution is fine, its importers must run again
 * @property {Set<Module>} chain modules whose invalidations led here
 */

/**
 * @typedef {object} Wave
 * @property {Set<Module>} outdated modules to execute again
 * @property {Map<Module, Set<Module>>} boundaries accepting module → what it accepts: itself or dependencies
 * @property {Map<Module, Set<Module>>} lineage outdated module → invalidations that led to it
 * @property {string | null} reload why no boundary stops it
 */

/** @param {Instance} instance */
function acceptsItself(instance) {
  if (instance.signature || (instance.hot && HotContext.acceptsSelf(instance.hot))) return true;
  return instance.acceptedExports !== null && !instance.unacceptedRead;
}

/** @param {Module} importer @param {Module} module */
function acceptsDependency(importer, module) {
  const hot = importer.instance?.hot;
  return Boolean(hot && HotContext.acceptsDependency(hot, module));
}

/** @param {Iterable<Start>} starts @returns {Wave} */
export function propagate(starts) {
  /** @type {Wave} */
  const wave = { outdated: new Set(), boundaries: new Map(), lineage: new Map(), reload: null };
  for (const start of starts) {
    const visited = new Set();
    if (start.invalidated) climb(start.module, start.chain, wave, visited);
    else visit(start.module, start.chain, wave, visited);
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

/** @param {Module} module @param {Set<Module>} chain @param {Wave} wave @param {Set<Module>} visited */
function visit(module, chain, wave, visited) {
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
  if (instance && acceptsItself(instance)) {
    accept(wave, module, module);
    return;
  }
  // Its callback still hears of the change when importers have to run again as well.
  if (instance?.acceptedExports) accept(wave, module, module);
  climb(module, chain, wave, visited);
}

/** @param {Module} module @param {Set<Module>} chain @param {Wave} wave @param {Set<Module>} visited */
function climb(module, chain, wave, visited) {
  if (module.entry) {
    wave.reload = `${module.id} is an entry and does not accept updates`;
    return;
  }
  for (const importer of module.importers) {
    if (acceptsDependency(importer, module)) accept(wave, importer, module);
    else visit(importer, chain, wave, visited);
    if (wave.reload) return;
  }
}

/**
 * `h`: what a module's code sees of the registry (ARCHITECTURE.md, "Registry").
 */
// @ts-check

import { importView, syncNamespace } from "./namespace.js";

/** @import { Handle, Instance } from "./module.js" */
/** @import { Registry } from "./registry.js" */

/** @param {Registry} registry @param {Instance} instance @returns {Handle} */
export function createHandle(registry, instance) {
  const { module } = instance;
  /** @type {object | undefined} */
  let meta;
  return {
    export: (getters) => {
      Object.assign(instance.getters, getters);
      if (instance.phase !== "linking") syncNamespace(module);
    },
    exportAll: (specifier) => {
      const { module: target } = registry.target(instance, specifier);
      instance.stars.push(target);
      target.starImporters.add(module);
    },
    import: (specifier) => {
      const edge = registry.target(instance, specifier);
      return importView(edge.module, edge.node);
    },
    dynamicImport: (specifier) => registry.import(instance, String(specifier)),
    require: (specifier) => registry.require(instance, specifier),
    get meta() {
      return (meta ??= registry.host.meta(instance));
    },
    glob: (index, eager, name) => {
      const prefix = `glob:${index}:`;
      const pick = (/** @type {Record<string, unknown>} */ namespace) => (name === undefined ? namespace : namespace[name]);
      /** @type {Record<string, unknown>} */
      const matches = {};
      for (const specifier of Object.keys(instance.deps)) {
        if (!specifier.startsWith(prefix)) continue;
        const edge = registry.target(instance, specifier);
        matches[specifier.slice(prefix.length)] = eager
          ? pick(importView(edge.module, edge.node))
          : () => registry.import(instance, specifier).then((namespace) => pick(/** @type {Record<string, unknown>} */ (namespace)));
      }
      return matches;
    },
    asset: (specifier) => registry.asset(instance, specifier),
    register: (type, name) => void instance.components.push([type, name]),
    signature: () => registry.host.signature(),
  };
}

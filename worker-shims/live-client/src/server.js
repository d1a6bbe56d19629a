/**
 * The runtime of servers (an app's own Worker): the registry without a page. It stands at the head of the
 * server's script, an ES module, as the constant `__hotplate__`; that script imports what the platform
 * brings and hands it over by `external`.
 *
 * Does nothing at start that workerd refuses there: no input or output, no timer, no random value.
 */
// @ts-check

import { importView } from "./namespace.js";
import { Registry } from "./registry.js";

/** @type {Record<string, unknown>} */
let env = {};

/** @type {Registry} */
const registry = new Registry({
  origin: "file:///",
  meta: (instance) => ({ url: registry.url(instance.module.id), env }),
  // The page loads its sheets itself.
  style: () => {},
  signature: () => (/** @type {unknown} */ type) => type,
  evaluated: () => {},
  fetch: () => null,
  native: (url) => import(url),
});

export const define = registry.define.bind(registry);

/** A module of the platform. @param {string} id @param {Record<string, unknown>} namespace */
export function external(id, namespace) {
  /** @type {Record<string, () => unknown>} */
  const getters = {};
  for (const name of Object.keys(namespace)) getters[name] = () => namespace[name];
  // What `require` gives, as in Node: modules of Node have all that they offer in `default`.
  if ("default" in namespace) getters["module.exports"] = () => namespace.default;
  defineExports(id, getters);
}

/** A file that is imported for its content. @param {string} id @param {unknown} content */
export function value(id, content) {
  defineExports(id, { default: () => content });
}

/** @param {string} id @param {Record<string, () => unknown>} getters */
function defineExports(id, getters) {
  registry.define(id, {
    kind: "esm",
    *run(h) {
      h.export(getters);
      yield;
    },
  });
}

/**
 * Evaluates the server's first module; its namespace, or a promise of it where something awaits at its top level.
 * @param {string} entry @param {Record<string, unknown>} values `import.meta.env`
 */
export function start(entry, values) {
  env = values;
  const module = registry.module(entry);
  registry.link(module);
  const pending = registry.evaluate(module);
  const view = () => importView(module, false);
  return pending ? pending.then(view) : view();
}

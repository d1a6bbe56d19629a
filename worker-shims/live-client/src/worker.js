/**
 * The runtime of web workers, in the live preview and in releases: the registry without a page. A worker
 * takes no updates; its URL is another one when anything that it runs is, and the page starts it anew.
 *
 * Runs in classic and in module workers, and starts the entry before the script ends: messages that came
 * before are handed out then, and an entry that starts later would miss them.
 */
// @ts-check

import { calls } from "./compact.js";
import { Registry } from "./registry.js";

/**
 * @typedef {object} Start
 * @property {import("./module.js").Id} entry id of the worker's first module
 * @property {string | null} [vendor] URL of the vendor chunk
 * @property {Record<string, unknown>} [env] `import.meta.env`
 */

/** @type {Record<string, unknown>} */
let env = {};

/** @type {Registry} */
const registry = new Registry({
  origin: location.origin,
  meta: (instance) => ({ url: registry.urlOf(instance.module), env }),
  // Nothing shows in a worker; as in Vite, its sheets are not loaded.
  style: () => {},
  signature: () => (/** @type {unknown} */ type) => type,
  evaluated: () => {},
  fetch: () => null,
  native: (url) => import(url),
});

/** Runs a classic script before the next statement. @param {string} url */
function load(url) {
  const scope = /** @type {{importScripts(url: string): void}} */ (/** @type {unknown} */ (self));
  try {
    scope.importScripts(url);
  } catch (error) {
    // Module workers have the function and refuse it (HTML, 10.3.1).
    if (!(error instanceof TypeError)) throw error;
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    request.send();
    if (request.status !== 200) throw new Error(`could not load ${url}: ${request.status}`);
    // Indirect, so that the code sees the global scope alone, and is as sloppy as it was written.
    (0, eval)(`${request.responseText}\n//# sourceURL=${new URL(url, location.origin).href}`);
  }
}

Object.defineProperty(self, "__hotplate__", {
  value: {
    define: registry.define.bind(registry),
    css: registry.css.bind(registry),
    alias: registry.alias.bind(registry),
    modules: calls(registry),
    loaded: () => {},
    /** @param {Start} start */
    work: (start) => {
      env = start.env ?? {};
      if (start.vendor) load(start.vendor);
      const module = registry.module(start.entry);
      registry.link(module);
      const pending = registry.evaluate(module);
      // The worker's `error` event tells the page.
      pending?.catch((error) => reportError(error));
    },
  },
});

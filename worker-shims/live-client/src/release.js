/**
 * The runtime of releases: the registry and nothing else. No updates, no socket, no overlay.
 *
 * `chunks` says which files define a module that is imported dynamically.
 */
// @ts-check

import { Registry } from "./registry.js";

/** @type {Record<string, string[]>} */
const chunkUrls = {};
/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/** @param {string} url @returns {Promise<void>} */
function load(url) {
  let present = loading.get(url);
  if (!present) {
    present = new Promise((resolve, reject) => {
      const sheet = url.endsWith(".css");
      const element = sheet
        ? Object.assign(document.createElement("link"), { rel: "stylesheet", href: url })
        : Object.assign(document.createElement("script"), { src: url });
      element.onload = () => resolve();
      element.onerror = () => {
        // Not kept: the network may be back at the next try.
        loading.delete(url);
        element.remove();
        reject(new Error(`could not load ${url}`));
      };
      document.head.append(element);
    });
    loading.set(url, present);
  }
  return present;
}

/** @type {Registry} */
const registry = new Registry({
  origin: location.origin,
  meta: (instance) => ({ url: registry.url(instance.module.id), env: {} }),
  style: (_id, text) => {
    if (text) document.head.append(Object.assign(document.createElement("style"), { textContent: text }));
  },
  signature: () => (/** @type {unknown} */ type) => type,
  evaluated: () => {},
  fetch: (id) => (Object.hasOwn(chunkUrls, id) ? Promise.all(chunkUrls[id].map(load)) : null),
  native: (url) => import(url),
});

Object.defineProperty(window, "__hotplate__", {
  value: {
    define: registry.define.bind(registry),
    css: registry.css.bind(registry),
    alias: registry.alias.bind(registry),
    loaded: () => {},
    chunks: (/** @type {Record<string, string[]>} */ urls) => void Object.assign(chunkUrls, urls),
    start: async (/** @type {string} */ id) => {
      const module = registry.module(id);
      registry.link(module);
      await registry.evaluate(module);
    },
  },
});

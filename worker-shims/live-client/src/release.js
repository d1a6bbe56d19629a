/**
 * The runtime of releases: the registry and nothing else. No updates, no socket, no overlay.
 *
 * It stands at the head of the page's script as the constant `__hotplate__`. Every other chunk is an ES
 * module whose default export defines the chunk's modules.
 */
// @ts-check

import { calls } from "./compact.js";
import { Registry } from "./registry.js";

/** @import { Id } from "./module.js" */

/**
 * @typedef {object} Table
 * @property {string[]} files names of scripts and sheets, beside the page's script
 * @property {Record<string, number[]>} chunks which of them a dynamic import of a module needs
 * @property {Id[]} start modules that the page starts
 */

/** @type {Table} */
let table = { files: [], chunks: {}, start: [] };
let base = "";
/** @type {Map<string, Promise<void>>} */
const loading = new Map();
/** How often a file could not be loaded. @type {Map<string, number>} */
const failures = new Map();

/** @param {string} href @returns {Promise<void>} */
const loadSheet = (href) =>
  new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", crossOrigin: "", href });
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error(`Unable to preload CSS for ${href}`));
    };
    document.head.append(link);
  });

/** @param {string} href @returns {Promise<void>} */
const loadScript = async (href) => (await import(href)).default(modules);

/** @param {string} file @returns {Promise<void>} */
function load(file) {
  let present = loading.get(file);
  if (!present) {
    const failed = failures.get(file) ?? 0;
    // Browsers keep that a module could not be fetched (HTML, 8.1.4.2, module map); by another URL it is tried anew.
    const href = new URL(failed ? `${file}?retry=${failed}` : file, base).href;
    present = file.endsWith(".css") ? loadSheet(href) : loadScript(href);
    loading.set(file, present);
    present.catch(() => {
      loading.delete(file);
      failures.set(file, failed + 1);
    });
  }
  return present;
}

/**
 * Everything at once: no chunk waits for another one's text to be asked for. Sheets are there before code runs.
 * @param {string} id @returns {Promise<unknown> | null}
 */
function fetchChunks(id) {
  if (!Object.hasOwn(table.chunks, id)) return null;
  return Promise.all(table.chunks[id].map((file) => load(table.files[file]))).catch((error) => {
    // As in Vite: a page may take this as the sign that it is older than what is deployed.
    const event = Object.assign(new Event("vite:preloadError", { cancelable: true }), { payload: error });
    window.dispatchEvent(event);
    throw error;
  });
}

/** @type {Registry} */
const registry = new Registry({
  origin: location.origin,
  meta: (instance) => ({ url: registry.urlOf(instance.module), env: {} }),
  // Sheets are files of their own.
  style: () => {},
  signature: () => (/** @type {unknown} */ type) => type,
  evaluated: () => {},
  fetch: fetchChunks,
  native: (url) => import(url),
});

/** What chunks get. */
export const modules = calls(registry);

/** @param {string} url of the page's script @param {Table} chunkTable */
export function start(url, chunkTable) {
  base = url;
  table = chunkTable;
  for (const id of table.start) void run(id);
}

/** @param {Id} id */
async function run(id) {
  const module = registry.module(id);
  registry.link(module);
  await registry.evaluate(module);
}

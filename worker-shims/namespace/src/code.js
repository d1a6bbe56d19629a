/**
 * Uploaded modules as the Worker Loader takes them.
 */
// @ts-check
import { invalidUpload } from "./envelope.js";

/** @typedef {import("./namespace.js").Module} Module */

/** What a script without a compatibility date gets, as at Cloudflare: the oldest behaviour. */
const OLDEST_DATE = "2021-11-02";

/** @type {Record<string, "js" | "cjs" | "wasm" | "text" | "data" | "json" | "py" | "source-map">} */
const KINDS = {
  "application/javascript+module": "js",
  "text/javascript+module": "js",
  "application/javascript": "cjs",
  "text/javascript": "cjs",
  "application/wasm": "wasm",
  "text/plain": "text",
  "application/octet-stream": "data",
  "application/json": "json",
  "text/x-python": "py",
  "application/source-map": "source-map",
};

/** @param {string} name @param {string} type */
export function moduleKind(name, type) {
  const kind = KINDS[type.split(";")[0].trim().toLowerCase()];
  if (!kind) throw invalidUpload(`The module ${name} has the unknown content type "${type}".`);
  return kind;
}

/** @param {Module} module */
function loaderModule({ name, type, bytes }) {
  const kind = moduleKind(name, type);
  if (kind === "wasm" || kind === "data") return { [kind]: bytes.slice().buffer };
  const text = new TextDecoder().decode(bytes);
  if (kind !== "json") return { [kind]: text };
  try {
    return { json: JSON.parse(text) };
  } catch {
    throw invalidUpload(`The module ${name} is not JSON.`);
  }
}

/**
 * @param {string} main @param {Module[]} modules
 * @param {{compatibility_date?: string, compatibility_flags?: string[]}} settings @param {Record<string, unknown>} env
 */
export function workerCode(main, modules, settings, env) {
  return {
    compatibilityDate: settings.compatibility_date ?? OLDEST_DATE,
    compatibilityFlags: settings.compatibility_flags ?? [],
    mainModule: main,
    modules: Object.fromEntries(modules.map((module) => [module.name, loaderModule(module)])),
    env,
  };
}

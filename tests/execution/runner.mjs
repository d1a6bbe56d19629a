/**
 * Runs bundles, each in a fresh context, and tells what they printed. A process of its own, because
 * `vm.SourceTextModule` needs `--experimental-vm-modules`, and because bundles may throw anywhere.
 *
 * Reads lines of JSON `{kind: "modules" | "registry", …}` and answers each with `{output}`.
 */
// @ts-check
import { createInterface } from "node:readline";
import { setTimeout as deadline, setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import vm from "node:vm";
import { build } from "esbuild";

const HANGS_AFTER_MS = 2_000;
/** Turns of the event loop that a bundle gets to finish after its last timer. */
const TURNS = 30;

/** The registry as a script: promises and errors are to be those of the context that a bundle runs in. */
const REGISTRY = (await build({
  stdin: {
    contents: 'export { Registry } from "./worker-shims/live-client/src/registry.js";',
    resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
  },
  bundle: true, write: false, format: "iife", globalName: "hotplate", logLevel: "silent",
})).outputFiles[0].text;

/** Run in a context before a preview's scripts. */
const PREVIEW = `{
  const registry = new hotplate.Registry({
    origin: "http://app.test", style() {}, register() {}, signature: () => (type) => type, evaluated() {}, fetch: () => null,
    meta: () => ({ url: "http://app.test/main.js", env: ${JSON.stringify({ MODE: "development", DEV: true, PROD: false, SSR: false, BASE_URL: "/" })}, hot: undefined }),
    native: (url) => Promise.reject(new Error("nothing is at " + url)),
  });
  window.__hotplate__ = {
    define: registry.define.bind(registry), css: registry.css.bind(registry), alias: registry.alias.bind(registry),
    async start(id) {
      const module = registry.module(id);
      registry.link(module);
      await registry.evaluate(module);
    },
  };
}`;

/** @type {string[]} */
let output = [];
const uncaught = (/** @type {any} */ error) => void output.push(`uncaught ${error?.name ?? typeof error}`);
process.on("unhandledRejection", uncaught);
process.on("uncaughtException", uncaught);

/** Until it settles, or will not: what waits for itself for ever shows by what it did not print. @param {Promise<unknown>} done */
const settled = (done) => Promise.race([done.catch(uncaught), deadline(HANGS_AFTER_MS, undefined, { ref: false })]);

/** @param {unknown[]} values */
const print = (...values) => void output.push(values.map((value) => (typeof value === "string" ? value : inspect(value, { depth: 6, breakLength: Infinity, sorted: true }))).join(" "));

let timers = 0;
/** A timer that is waited for. @param {() => void} callback @param {number} [ms] */
function timer(callback, ms) {
  timers += 1;
  setTimeout(() => {
    timers -= 1;
    callback();
  }, ms);
}

function context() {
  const sandbox = {
    console: { log: print, warn: () => {}, error: () => {} },
    setTimeout: timer, queueMicrotask, structuredClone, URL, TextEncoder, TextDecoder, atob, btoa,
    location: { origin: "http://app.test", href: "http://app.test/" },
    document: { head: { append: (/** @type {any} */ element) => queueMicrotask(() => element.onload?.()) }, createElement: () => ({}) },
  };
  vm.createContext(Object.assign(sandbox, { window: sandbox, self: sandbox }));
  // Node has given it to its own context alone.
  vm.runInContext('Symbol.dispose ??= Symbol("Symbol.dispose"); Symbol.asyncDispose ??= Symbol("Symbol.asyncDispose");', sandbox);
  return sandbox;
}

/** @param {any} job */
async function run(job) {
  const sandbox = context();
  switch (job.kind) {
    case "modules": {
      /** @type {Map<string, any>} */ const modules = new Map();
      /** @param {string} specifier @param {string} from @returns {any} */
      const find = (specifier, from) => {
        const { pathname } = new URL(specifier, `http://app.test${from}`);
        const found = modules.get(pathname);
        if (!found) throw new Error(`nothing is at ${pathname}`);
        return found;
      };
      for (const path of Object.keys(job.files).filter((file) => file.endsWith(".js"))) {
        // @ts-expect-error behind a flag, and so without a type
        const module = new vm.SourceTextModule(job.files[path], {
          context: sandbox,
          identifier: path,
          initializeImportMeta: (/** @type {any} */ meta) => void Object.assign(meta, { url: `http://app.test${path}` }),
          importModuleDynamically: async (/** @type {string} */ specifier) => {
            const imported = find(specifier, path);
            await imported.evaluate();
            return imported;
          },
        });
        modules.set(path, module);
      }
      // A module can be linked once, so all are before one runs.
      for (const module of modules.values()) {
        if (module.status === "unlinked") await module.link((/** @type {string} */ specifier, /** @type {any} */ from) => find(specifier, from.identifier));
      }
      await settled(find(job.entry, "/").evaluate());
      return;
    }
    case "registry": {
      for (const code of [REGISTRY, PREVIEW, job.vendor, job.code]) vm.runInContext(code, sandbox);
      await settled(vm.runInContext(`__hotplate__.start(${JSON.stringify(job.entry)})`, sandbox));
      return;
    }
    default:
      throw new Error(`unknown job ${job.kind}`);
  }
}

for await (const line of createInterface(process.stdin)) {
  output = [];
  try {
    await run(JSON.parse(line));
    for (let left = TURNS; left > 0; left = timers > 0 ? TURNS : left - 1) await turn();
  } catch (error) {
    output.push(`failed to run: ${error}`);
  }
  process.stdout.write(`${JSON.stringify({ output })}\n`);
}

/**
 * Where things are: the checkout, the cache of built tools, the programs that the stack runs.
 * Only paths; nothing here touches the disk.
 */
// @ts-check
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const CACHE = resolve(process.env.HOTPLATE_CACHE || join(homedir(), ".cache", "hotplate"));
export const TOOLS = join(CACHE, "tools");

/** @param {string} name */
const npmTool = (name) => join(ROOT, "node_modules", ".bin", name);

export const NODE = npmTool("node");
export const WRANGLER = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
export const WASM_OPT = npmTool("wasm-opt");
export const ESBUILD = npmTool("esbuild");
export const WASM_BINDGEN = join(TOOLS, "bin", "wasm-bindgen");
export const WORKER_BUILD = join(TOOLS, "bin", "worker-build");

/** Cargo's own choice of folder, when one is set, is followed. */
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR || "target");
export const HOTPLATE = join(TARGET, "debug", "hotplate");
export const BUILD_SERVICE = join(TARGET, "debug", "hotplate-build-service");
export const EDGE = join(ROOT, "src", "edge", "build", "index.js");

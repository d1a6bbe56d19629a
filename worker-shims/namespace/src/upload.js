/**
 * One script upload: multipart metadata and modules → what the namespace keeps, after the code was
 * started once in its own isolate, so that a broken script is refused with the error it would die of.
 */
// @ts-check
import { invalidUpload, tooLarge } from "./envelope.js";
import { moduleKind, workerCode } from "./code.js";
import { parseMultipart } from "./multipart.js";
import { completedManifest } from "./operations.js";
import { HTML_HANDLINGS, NOT_FOUND_HANDLINGS } from "./serving.js";

/**
 * @typedef {import("./namespace.js").Script} Script
 * @typedef {import("./namespace.js").Module} Module
 * @typedef {import("./namespace.js").Binding} Binding
 */

const MAX_SCRIPT_BYTES = 64 << 20;
const MAX_TAGS = 8;
const PROBE = "__startup_probe__.js";
const BINDING_TYPES = new Set(["plain_text", "secret_text", "json", "assets"]);

/** @param {unknown} tags @returns {string[]} */
export function checkTags(tags) {
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== "string" || tag === "" || /[,&]/.test(tag))) {
    throw invalidUpload("tags must be a list of texts without `,` and `&`.");
  }
  if (tags.length > MAX_TAGS) throw invalidUpload(`A script has at most ${MAX_TAGS} tags.`);
  return tags;
}

/** @param {Binding[]} own @param {string[]} kept types @param {Script | null} previous */
function checkBindings(own, kept, previous) {
  if (!Array.isArray(own)) throw invalidUpload("bindings must be a list.");
  for (const { type, name } of own) {
    if (typeof name !== "string" || name === "") throw invalidUpload("A binding has no name.");
    if (!BINDING_TYPES.has(type)) throw invalidUpload(`Binding ${name}: the type ${type} is not supported by this namespace.`);
  }
  const names = new Set(own.map(({ name }) => name));
  if (names.size !== own.length) throw invalidUpload("Two bindings have the same name.");
  return [...own, ...(previous?.settings.bindings ?? []).filter(({ type, name }) => kept.includes(type) && !names.has(name))];
}

/** @param {any} config @returns {import("./namespace.js").AssetsConfig} */
function checkAssetsConfig(config = {}) {
  const { html_handling = "auto-trailing-slash", not_found_handling = "none", run_worker_first = false, _headers = "" } = config;
  if (!HTML_HANDLINGS.includes(html_handling)) throw invalidUpload(`html_handling: unknown value ${html_handling}.`);
  if (!NOT_FOUND_HANDLINGS.includes(not_found_handling)) throw invalidUpload(`not_found_handling: unknown value ${not_found_handling}.`);
  const patterns = Array.isArray(run_worker_first) && run_worker_first.every((rule) => typeof rule === "string" && /^!?\//.test(rule));
  if (typeof run_worker_first !== "boolean" && !patterns) throw invalidUpload("run_worker_first must be a boolean or a list of patterns.");
  if (typeof _headers !== "string") throw invalidUpload("_headers must be a text.");
  return { html_handling, not_found_handling, run_worker_first, _headers };
}

/** @param {Uint8Array | undefined} bytes */
function parseMetadata(bytes) {
  try {
    const metadata = JSON.parse(new TextDecoder().decode(bytes));
    if (metadata !== null && typeof metadata === "object" && !Array.isArray(metadata)) return metadata;
  } catch {
    // Answered below.
  }
  throw invalidUpload("The upload needs a part `metadata` with a JSON object.");
}

/**
 * Starts the code once, without network, and names its handlers.
 * @param {any} loader @param {string} main @param {Module[]} modules @param {Partial<Script["settings"]>} settings
 */
async function startupHandlers(loader, main, modules, settings) {
  const probe = `import * as main from ${JSON.stringify(`./${main}`)};
    const own = main.default, shape = typeof own === "function" ? own.prototype : own;
    const names = ["fetch", "scheduled", "queue", "email", "tail", "trace", "alarm"].filter((name) => typeof shape?.[name] === "function");
    export default { fetch: () => Response.json(names) };`;
  const code = workerCode(main, modules, settings, {});
  try {
    const started = loader.load({ ...code, mainModule: PROBE, modules: { ...code.modules, [PROBE]: { js: probe } }, globalOutbound: null });
    return await (await started.getEntrypoint().fetch("http://startup/")).json();
  } catch (error) {
    throw invalidUpload(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {import("./operations.js").Context} context @param {Script | null} previous
 * @returns {Promise<{script: Omit<Script, "created_on" | "modified_on">, modules: Module[], manifest: Record<string, string>, tags: string[]}>}
 */
export async function readUpload(context, previous) {
  const { request, namespace, params } = context;
  if (!/^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/.test(params.script)) throw invalidUpload(`The script name ${params.script} is invalid.`);
  const body = new Uint8Array(await request.arrayBuffer());
  const parts = parseMultipart(request.headers.get("content-type") ?? "", body);
  const metadata = parseMetadata(parts.find(({ name }) => name === "metadata")?.bytes);
  const modules = parts.filter(({ name, type }) => name !== "metadata" && moduleKind(name, type) !== "source-map");
  if (modules.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_SCRIPT_BYTES) throw tooLarge("The script is larger than 64 MiB.");
  if (new Set(parts.map(({ name }) => name)).size !== parts.length) throw invalidUpload("Two parts have the same name.");

  const { main_module: main = null, compatibility_date, compatibility_flags = [], limits } = metadata;
  const keptAssets = metadata.keep_assets === true && previous?.settings.assets !== undefined;
  const assets = metadata.assets ? checkAssetsConfig(metadata.assets.config) : keptAssets ? previous?.settings.assets : undefined;
  const manifest = metadata.assets?.jwt || (metadata.assets && !keptAssets)
    ? await completedManifest(context, metadata.assets.jwt)
    : keptAssets ? namespace.manifest(params.script) : {};
  if (main === null && !assets) throw invalidUpload("The upload has neither a main_module nor assets.");
  if (main !== null && !modules.some(({ name }) => name === main)) throw invalidUpload(`No such module "${main}".`);

  const settings = {
    compatibility_date, compatibility_flags, limits, assets,
    bindings: checkBindings(metadata.bindings ?? [], metadata.keep_bindings ?? [], previous),
    handlers: /** @type {string[]} */ ([]),
  };
  if (main !== null) settings.handlers = await startupHandlers(namespace.loader, main, modules, settings);
  const tags = metadata.tags === undefined ? namespace.tags(params.script) : checkTags(metadata.tags);
  // Random, not a hash: the Worker Loader wants the same id to mean the same code, bindings and assets.
  return { script: { name: params.script, version: crypto.randomUUID().replaceAll("-", ""), main, settings }, modules, manifest, tags };
}

/**
 * Runs uploaded scripts: finds the script, answers from its assets where they come first, and
 * otherwise runs its code through the Worker Loader with its bindings and limits.
 */
// @ts-check
import { workerCode } from "./code.js";
import { answerAsset, workerFirst } from "./serving.js";
import { DISPATCH_HEADER } from "./target.js";

/**
 * @typedef {import("./namespace.js").DispatchScript} DispatchScript
 * @typedef {{namespace: string, script: string, limits?: {cpuMs?: number, subRequests?: number}}} Target
 */

/** Bounds what an isolate remembers; scripts themselves stay in the namespace. */
const MAX_REMEMBERED = 500;
/** @type {Map<string, DispatchScript>} */
const remembered = new Map();

/** @param {any} env @param {string} namespace @param {string} name @returns {Promise<DispatchScript | null>} */
async function find(env, namespace, name) {
  const key = `${namespace}/${name}`;
  const known = remembered.get(key);
  const current = await env.NAMESPACES.getByName(namespace).dispatchScript(name, known?.version);
  if (current && known && current.version === known.version) return known;
  remembered.delete(key);
  if (!current) return null;
  if (remembered.size >= MAX_REMEMBERED) remembered.delete(/** @type {string} */ (remembered.keys().next().value));
  remembered.set(key, current);
  return current;
}

/** @param {any} env @param {string} namespace */
const contents = (env, namespace) => (/** @type {string} */ hash) => env.NAMESPACES.getByName(namespace).asset(hash);

/** @param {any} ctx @param {string} namespace @param {DispatchScript} script */
function bindings(ctx, namespace, { name, settings }) {
  /** @type {Record<string, unknown>} */
  const env = {};
  for (const binding of settings.bindings) {
    if (binding.type === "assets") env[binding.name] = ctx.exports.Assets({ props: { namespace, script: name } });
    else env[binding.name] = binding.type === "json" ? binding.json : binding.text;
  }
  return env;
}

/** The tighter of what the script was uploaded with and what the dispatcher asks for. @param {DispatchScript} script @param {Target} target */
function limits({ settings }, target) {
  const cpuMs = Math.min(settings.limits?.cpu_ms ?? Infinity, target.limits?.cpuMs ?? Infinity);
  const subRequests = Math.min(settings.limits?.subrequests ?? Infinity, target.limits?.subRequests ?? Infinity);
  return { ...(cpuMs < Infinity && { cpuMs }), ...(subRequests < Infinity && { subRequests }) };
}

/** @param {Request} incoming @param {any} env @param {any} ctx @returns {Promise<Response>} */
export async function dispatch(incoming, env, ctx) {
  /** @type {Target} */
  const target = JSON.parse(incoming.headers.get(DISPATCH_HEADER) ?? "{}");
  const script = await find(env, target.namespace, target.script);
  if (!script) throw new Error("Worker not found.");
  const request = new Request(incoming);
  request.headers.delete(DISPATCH_HEADER);

  const { main, version, settings, manifest } = script;
  if (settings.assets && (main === null || !workerFirst(settings.assets, new URL(request.url).pathname))) {
    const answer = await answerAsset(request, manifest, settings.assets, contents(env, target.namespace), main !== null);
    if (answer) return answer;
  }
  const code = async () => {
    const modules = await env.NAMESPACES.getByName(target.namespace).modules(script.name);
    return workerCode(/** @type {string} */ (main), modules, settings, bindings(ctx, target.namespace, script));
  };
  const worker = env.LOADER.get(`${target.namespace}/${script.name}@${version}`, code);
  return worker.getEntrypoint(undefined, { limits: limits(script, target) }).fetch(request);
}

/** @param {Request} request @param {any} env @param {{namespace: string, script: string}} props */
export async function serveBinding(request, env, { namespace, script }) {
  const found = await find(env, namespace, script);
  const config = found?.settings.assets;
  const answer = found && config && await answerAsset(request, found.manifest, config, contents(env, namespace), false);
  return answer || new Response("Not Found", { status: 404 });
}

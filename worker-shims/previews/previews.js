/**
 * Runs the servers of previews: an app's own Worker code in a Dynamic Worker, started by the id that its
 * room gives it. Equal ids are one Worker, so that what does not change the code starts none.
 *
 * Which requests a server gets is decided by the room and by the Worker in `src/edge`.
 */
// @ts-check
import { WorkerEntrypoint } from "cloudflare:workers";

/**
 * @typedef {{kind: "esm", name: string, text: string} | {kind: "wasm" | "data", name: string, base64: string}} ServerModule
 * @typedef {{main: string, modules: ServerModule[], compatibility_date: string, compatibility_flags: string[],
 *   vars: Record<string, unknown>, assets_binding: string}} ServerCode
 * @typedef {{app: string, id: string, code: string, files: string}} Target `code` and `files` are addresses in the app's room
 * @typedef {{cpuMs: number, subRequests: number}} Limits
 */

/** @param {ServerModule} module */
function content(module) {
  switch (module.kind) {
    case "esm":
      return { js: module.text };
    case "wasm":
      return { wasm: Uint8Array.fromBase64(module.base64).buffer };
    case "data":
      return { data: Uint8Array.fromBase64(module.base64).buffer };
    default:
      throw new TypeError(`unknown module: ${JSON.stringify(module)}`);
  }
}

/** What `src/edge` finds as `env.PREVIEWS`. */
class Previews {
  #env;
  #ctx;

  /** @param {any} env with the bindings `LOADER` and `ROOMS` @param {any} ctx */
  constructor(env, ctx) {
    this.#env = env;
    this.#ctx = ctx;
  }

  /** @param {Target} target */
  async #code({ app, code: address, files }) {
    const answer = await this.#env.ROOMS.getByName(app).fetch(address);
    if (!answer.ok) throw new Error(`the server's code could not be read: ${answer.status}`);
    /** @type {{code: ServerCode, secrets: Record<string, string>}} */
    const { code, secrets } = await answer.json();
    return {
      compatibilityDate: code.compatibility_date,
      compatibilityFlags: code.compatibility_flags,
      mainModule: code.main,
      modules: Object.fromEntries(code.modules.map((module) => [module.name, content(module)])),
      env: { ...code.vars, ...secrets, [code.assets_binding]: this.#ctx.exports.PreviewFiles({ props: { app, files } }) },
    };
  }

  /** A fetcher, as the dispatch namespace's `get` gives one. @param {string} target JSON of a `Target` @param {{limits: Limits}} options */
  get(target, { limits }) {
    /** @type {Target} */
    const known = JSON.parse(target);
    return {
      /** @param {RequestInfo} input @param {RequestInit} [init] */
      fetch: (input, init) => {
        const worker = this.#env.LOADER.get(known.id, () => this.#code(known));
        return worker.getEntrypoint(undefined, { limits }).fetch(new Request(input, init));
      },
    };
  }
}

/** An app's files as its server sees them (`env.ASSETS`): those of the working tree, from the app's room. */
export class PreviewFiles extends WorkerEntrypoint {
  /** @param {Request} request */
  async fetch(request) {
    if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    const { app, files } = /** @type {{app: string, files: string}} */ (this.ctx.props);
    const { pathname, search } = new URL(request.url);
    const answer = await this.env.ROOMS.getByName(app).fetch(files + pathname + search, { headers: request.headers });
    return request.method === "HEAD" ? new Response(null, answer) : answer;
  }
}

/** Without a Worker Loader the Worker says to who asks that there are no servers in previews. @param {any} env @param {any} ctx */
export const withPreviews = (env, ctx) => (env.LOADER ? { ...env, PREVIEWS: new Previews(env, ctx) } : env);

/**
 * The dispatch namespace binding as Workers see it at Cloudflare, in front of the namespace Worker's
 * `Dispatch` entry point: `get(name, args?, {limits}?)` gives a fetcher at once, and a script that
 * does not exist shows when it is fetched from.
 */
// @ts-check
import { DISPATCH_HEADER } from "./src/target.js";

/** The name matters: Rust's `worker` crate asks a dispatch binding for it. */
class DynamicDispatcher {
  #binding;
  #namespace;

  /** @param {{fetch(request: Request): Promise<Response>}} binding @param {string} namespace */
  constructor(binding, namespace) {
    this.#binding = binding;
    this.#namespace = namespace;
  }

  /** @param {string} script @param {object} [_args] for an outbound Worker, which there is none of here @param {{limits?: {cpuMs?: number, subRequests?: number}}} [options] */
  get(script, _args, options) {
    const target = JSON.stringify({ namespace: this.#namespace, script, limits: options?.limits });
    return {
      /** @param {RequestInfo} input @param {RequestInit} [init] */
      fetch: (input, init) => {
        const request = new Request(input, init);
        request.headers.set(DISPATCH_HEADER, target);
        return this.#binding.fetch(request);
      },
    };
  }
}

/** @param {any} env with the bindings `DISPATCH` and `WFP_NAMESPACE_ID` */
export function withDispatcher(env) {
  return { ...env, DISPATCHER: new DynamicDispatcher(env.DISPATCH, env.WFP_NAMESPACE_ID) };
}

/**
 * The namespace Worker's entry points: the REST API (default), dispatch, the assets binding that
 * uploaded scripts get, and the Durable Object that keeps a namespace. It knows nothing of Hotplate.
 */
// @ts-check
import { WorkerEntrypoint } from "cloudflare:workers";
import { locate, zoneOf } from "./api.js";
import { dispatch, serveBinding } from "./dispatch.js";
import { failure } from "./envelope.js";

export { Hostnames } from "./hostnames.js";
export { Namespace } from "./namespace.js";

/** `/client/v4/*`: finds the namespace, or the zone, that a call is about and hands the call to it. */
export default class Api extends WorkerEntrypoint {
  /** @param {Request} request */
  async fetch(request) {
    try {
      const zone = zoneOf(request, this.env);
      if (zone !== null) return await this.env.HOSTNAMES.getByName(zone).fetch(request);
      const namespace = locate(request, this.env);
      return await this.env.NAMESPACES.getByName(namespace).fetch(request);
    } catch (error) {
      return failure(error);
    }
  }
}

/** What a dispatch namespace binding calls; the target stands in the `DISPATCH_HEADER`. */
export class Dispatch extends WorkerEntrypoint {
  /** @param {Request} request */
  fetch(request) {
    return dispatch(request, this.env, this.ctx);
  }
}

/** The binding of type `assets` of one uploaded script. */
export class Assets extends WorkerEntrypoint {
  /** @param {Request} request */
  fetch(request) {
    return serveBinding(request, this.env, this.ctx.props);
  }
}

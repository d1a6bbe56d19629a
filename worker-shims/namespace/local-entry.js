/**
 * The Worker as `wrangler dev` runs it: the built Worker of `src/edge`, plus what Cloudflare adds in
 * production. `env.DISPATCHER` becomes the local dispatch namespace, `env.PREVIEWS` runs servers of previews, and `/client/v4/*` on the base
 * host its REST API; tenants' answers are compressed. Production does not use this file.
 */
// @ts-check
import Edge from "../../src/edge/build/index.js";
import { compressed } from "./compress.js";
import { withPreviews } from "../previews/previews.js";
import { withDispatcher } from "./dispatcher.js";

export * from "../../src/edge/build/index.js";
export { PreviewFiles } from "../previews/previews.js";

export default class LocalEntry extends Edge {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, withPreviews(withDispatcher(env), ctx));
  }

  /** @param {Request} request */
  async fetch(request) {
    const { host, hostname, pathname } = new URL(request.url);
    // Tenants' hosts are left alone: their apps may have such paths of their own.
    const platform = host === this.env.BASE_DOMAIN || hostname === "127.0.0.1" || hostname === "localhost";
    if (platform && pathname.startsWith("/client/v4/")) return this.env.NAMESPACE_API.fetch(request);
    const response = await super.fetch(request);
    return platform ? response : compressed(request, response);
  }
}

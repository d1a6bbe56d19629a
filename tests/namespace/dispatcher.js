/**
 * A dispatch Worker as a user of the stand-in would write one, for its tests: the header `x-script`
 * names the script, `x-limits` the limits; `/client/v4/*` is the REST API.
 */
// @ts-check
import { WorkerEntrypoint } from "cloudflare:workers";
import { withDispatcher } from "../../worker-shims/namespace/dispatcher.js";

export default class extends WorkerEntrypoint {
  /** @param {Request} request */
  async fetch(request) {
    const script = request.headers.get("x-script");
    if (script === null) return this.env.NAMESPACE_API.fetch(request);
    const limits = JSON.parse(request.headers.get("x-limits") ?? "{}");
    try {
      return await withDispatcher(this.env).DISPATCHER.get(script, {}, { limits }).fetch(request);
    } catch (error) {
      return Response.json({ thrown: error instanceof Error ? error.message : String(error) }, { status: 599 });
    }
  }
}

/**
 * The Worker as Cloudflare runs it: the built Worker of `src/edge`, with `env.PREVIEWS`, which Rust cannot
 * make itself: a Worker Loader takes functions and entry points.
 */
// @ts-check
import Edge from "../../src/edge/build/index.js";
import { withPreviews } from "./previews.js";

export * from "../../src/edge/build/index.js";
export { PreviewFiles } from "./previews.js";

export default class Entry extends Edge {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, withPreviews(env, ctx));
  }
}

/**
 * Build services in Cloudflare Containers: `/<number>/…` goes to the service of that number, which is started by the
 * first request and sleeps after a while without any. Who may ask for what the service itself decides.
 */
// @ts-check
import { Container } from "@cloudflare/containers";

/** What the service gets of the Worker's variables and secrets. */
const PASSED_ON = ["BUILD_SERVICE_SECRET", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_ZONE_ID"];
/** As in the configuration's `max_instances`. */
const SERVICES = 2;

export class BuildService extends Container {
  defaultPort = 8788;
  /** Its caches go with it, so it stays through the pauses of a working day's editing. */
  sleepAfter = "30m";
  pingEndpoint = "build/readyz";

  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.envVars = Object.fromEntries(PASSED_ON.filter((name) => env[name]).map((name) => [name, String(env[name])]));
  }
}

export default {
  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    const url = new URL(request.url);
    const found = /^\/(\d{1,3})(\/.*)$/.exec(url.pathname);
    if (!found || Number(found[1]) >= SERVICES) return new Response(null, { status: 404 });
    url.pathname = found[2];
    return env.BUILD_SERVICES.getByName(found[1]).fetch(new Request(url, request));
  },
};

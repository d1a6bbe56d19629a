/**
 * Runs the namespace Worker with a dispatch Worker in front, in real workerd, for one test file.
 */
// @ts-check
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../worker-shims/local/configuration.mjs";
import { NODE, ROOT, WRANGLER } from "../../worker-shims/local/places.mjs";
import { start, tail } from "../../worker-shims/local/processes.mjs";

export const TOKEN = "token-of-the-namespace-tests";

/** @param {{rateLimit?: number}} [options] */
export async function startNamespace({ rateLimit = 1200 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "hotplate-namespace-"));
  const [port, inspector] = [await freePort(), await freePort()];
  const envFile = join(folder, "vars.env");
  writeFileSync(envFile, `NAMESPACE_API_TOKEN="${TOKEN}"\nRATE_LIMIT="${rateLimit}"\n`);
  const configs = ["tests/namespace/wrangler.toml", "worker-shims/namespace/wrangler.toml"].flatMap((path) => ["-c", join(ROOT, path)]);
  const log = join(folder, "log");
  const child = start({
    command: NODE, cwd: ROOT, log,
    args: [WRANGLER, "dev", ...configs, "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", String(inspector), "--persist-to", folder, "--env-file", envFile],
    env: { WRANGLER_SEND_METRICS: "false", WRANGLER_REGISTRY_PATH: join(folder, "registry"), CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "1" },
  });
  const origin = `http://127.0.0.1:${port}`;
  for (let answered = false; !answered; ) {
    if (!child.isRunning()) throw new Error(`wrangler stopped:\n${tail(log)}`);
    answered = await fetch(origin, { headers: { "x-script": "none" } }).then((response) => response.status === 599, () => false);
    if (!answered) await pause(100);
  }

  const account = `${origin}/client/v4/accounts/acc/workers`;
  const scripts = `${account}/dispatch/namespaces/tests/scripts`;
  /** @param {string} url @param {RequestInit & {token?: string}} [init] */
  const call = async (url, { token = TOKEN, headers, ...init } = {}) => {
    const response = await fetch(url, { ...init, headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text.startsWith("{") ? JSON.parse(text) : null };
  };
  /** @param {object} metadata @param {Record<string, [string, string | Uint8Array]>} [modules] name → type, content */
  const form = (metadata, modules = {}) => {
    const data = new FormData();
    data.append("metadata", new Blob([JSON.stringify(metadata)], { type: "application/json" }));
    for (const [name, [type, content]] of Object.entries(modules)) data.append(name, new Blob([/** @type {any} */ (content)], { type }), name);
    return data;
  };
  /** @param {string} name @param {object} metadata @param {Record<string, [string, string | Uint8Array]>} [modules] */
  const put = (name, metadata, modules) => call(`${scripts}/${name}`, { method: "PUT", body: form(metadata, modules) });
  /** @param {string} name @param {object} manifest */
  const session = (name, manifest) =>
    call(`${scripts}/${name}/assets-upload-session`, { method: "POST", body: JSON.stringify({ manifest }), headers: { "content-type": "application/json" } });
  /** @param {string} token @param {Record<string, [string, string]>} files hash → type, content */
  const upload = (token, files) => {
    const data = new FormData();
    for (const [hash, [type, content]] of Object.entries(files)) data.append(hash, new Blob([Buffer.from(content).toString("base64")], { type }), hash);
    return call(`${account}/assets/upload?base64=true`, { method: "POST", token, body: data });
  };
  /** Uploads files as a client does and gives the completion token. @param {string} name @param {Record<string, [string, string]>} files path → type, content */
  const assets = async (name, files) => {
    const manifest = Object.fromEntries(Object.entries(files).map(([path, [type, content]]) => [path, { hash: hashOf(type, content), size: Buffer.byteLength(content) }]));
    const byHash = Object.fromEntries(Object.values(files).map(([type, content]) => [hashOf(type, content), /** @type {[string, string]} */ ([type, content])]));
    const opened = (await session(name, manifest)).body.result;
    let jwt = opened.jwt;
    for (const bucket of opened.buckets) {
      const answer = await upload(opened.jwt, Object.fromEntries(bucket.map((/** @type {string} */ hash) => [hash, byHash[hash]])));
      jwt = answer.body.result.jwt ?? jwt;
    }
    return jwt;
  };
  /** @param {string} script @param {string} path @param {RequestInit & {limits?: object}} [init] */
  const visit = async (script, path, { limits = {}, headers, ...init } = {}) => {
    const response = await fetch(`${origin}${path}`, { redirect: "manual", ...init, headers: { ...headers, "x-script": script, "x-limits": JSON.stringify(limits) } });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const stop = async () => {
    await child.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  return { account, scripts, call, form, put, session, upload, assets, visit, stop };
}


/** @param {string} type @param {string} content */
export const hashOf = (type, content) => createHash("sha256").update(`${type}\0${content}`).digest("hex").slice(0, 32);

export const ESM = "application/javascript+module";
/** A module that answers with the JSON of an expression. @param {string} expression @returns {Record<string, [string, string]>} */
export const answering = (expression) => ({ "main.js": [ESM, `export default { async fetch(request, env, ctx) { return Response.json(${expression}); } };`] });
export const MAIN = { main_module: "main.js", compatibility_date: "2026-11-01" };

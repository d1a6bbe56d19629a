/**
 * One running stack: build service, Worker and dispatch namespace, with its state in one folder.
 * `npm start` and the tests start it through here; building the parts is `setup.mjs`'s business.
 */
// @ts-check
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, freePorts, readConfiguration, requireFree } from "./configuration.mjs";
import { BUILD_SERVICE, EDGE, HOTPLATE, NODE, ROOT, WRANGLER } from "./places.mjs";
import { StackProblem } from "./problem.mjs";
import { isStopping, start, tail } from "./processes.mjs";

/**
 * @typedef {import("./processes.mjs").Child} Child
 * @typedef {import("./configuration.mjs").Configuration} Configuration
 * @typedef {{base: string, baseDomain: string, apiUrl: string, token: string, buildUrl: string, buildUrls: string[], state: string,
 *   logs: string, apiToken: string, buildSecret: string, sweep(): Promise<void>, killBuildService(index?: number): Promise<void>, startBuildService(): Promise<void>,
 *   failed(): Promise<never>, restart(): Promise<void>, stop(): Promise<void>,
 *   killWorker(): Promise<void>, startWorker(): Promise<void>}} Stack
 */

/**
 * What tests change about the parts: where they find each other, the build services' environment, further build
 * services by their ports, the configurations of the Workers, and the folder, laid out as this one, from which they run.
 * @typedef {{api?: string, buildService?: string, dns?: string, env?: Record<string, string>, more?: number[], configs?: string[], code?: string}} Between
 */

const READY_MS = 120_000;
const POLL_MS = 100;
const NAMESPACE_NAME = "hotplate";
const ACCOUNT = "local";
const ZONE = "local";
/** What a folder needs to be one from which the Workers run. */
export const CODE = ["wrangler.toml", "migrations", "worker-shims/namespace", "worker-shims/previews", "src/edge/build"];

/** @param {string} code where the two Workers are @returns {string[]} */
export const configs = (code) => [join(code, "wrangler.toml"), join(code, "worker-shims", "namespace", "wrangler.toml")];

/** @param {string} state */
const wranglerEnv = (state) => ({
  // Nothing leaves the machine, nothing asks, and two stacks do not see each other's Workers.
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_REGISTRY_PATH: join(state, "registry"),
  XDG_CONFIG_HOME: join(state, "config"),
  WRANGLER_LOG_PATH: join(state, "logs", "wrangler"),
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CI: "1",
  NO_COLOR: "1",
});

/** @param {string} what @param {string} url @param {Child} child @param {string} log */
async function answers(what, url, child, log) {
  const until = performance.now() + READY_MS;
  let last = "no answer yet";
  while (performance.now() < until) {
    if (!child.isRunning()) throw new StackProblem(`the ${what} stopped while starting; its output is in ${log}`, tail(log));
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
      last = `${response.status} ${(await response.text()).slice(0, 300)}`;
      if (response.ok) return;
    } catch (error) {
      last = String(/** @type {Error} */ (error).cause ?? error);
    }
    await pause(POLL_MS);
  }
  throw new StackProblem(`the ${what} did not get ready in ${READY_MS / 1000} s (${last}); its output is in ${log}`);
}

/** Each further one has a folder and a log of its own. @param {string} state @param {number} index */
const buildServiceLog = (state, index) => join(state, "logs", `build-service${index === 0 ? "" : `-${index}`}.log`);

/** @param {Configuration} configuration @param {string} apiToken @param {Between} between @param {number} index which of them */
function buildService({ port, buildPort, buildSecret, state, maxBundleBytes }, apiToken, between, index) {
  return start({
    command: BUILD_SERVICE, args: [], cwd: ROOT, log: buildServiceLog(state, index),
    env: {
      BUILD_SERVICE_PORT: String([buildPort, ...(between.more ?? [])][index]), BUILD_SERVICE_SECRET: buildSecret,
      HOTPLATE_STATE: index === 0 ? state : join(state, `service-${index}`),
      // Never a real account, whatever the caller's environment says: this stack is local.
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_ZONE_ID: ZONE, CLOUDFLARE_API_TOKEN: apiToken, CLOUDFLARE_API_BASE: `${between.api ?? `http://127.0.0.1:${port}`}/client/v4`,
      WFP_NAMESPACE_ID: NAMESPACE_NAME, MAX_BUNDLE_BYTES: String(maxBundleBytes), ...between.env,
    },
  });
}

/** @param {Configuration} configuration */
async function migrate({ state }) {
  const log = join(state, "logs", "migrations.log");
  const args = [WRANGLER, "d1", "migrations", "apply", "DB", "--local", "--persist-to", join(state, "worker"), "-c", join(ROOT, "wrangler.toml")];
  const code = await start({ command: NODE, args, cwd: ROOT, env: wranglerEnv(state), log }).exited;
  if (code !== 0) throw new StackProblem(`the database's migrations failed; their output is in ${log}`, tail(log));
}

/** @param {Configuration} configuration @param {string} apiToken @param {Between} between */
async function worker({ port, buildPort, state, adminToken, buildSecret, secretsKey, maxBundleBytes, retainDeployments }, apiToken, between) {
  const vars = {
    ADMIN_TOKEN: adminToken, BUILD_SERVICE_SECRET: buildSecret, SECRETS_KEY: secretsKey, NAMESPACE_API_TOKEN: apiToken, WFP_NAMESPACE_ID: NAMESPACE_NAME,
    BASE_DOMAIN: `localhost:${port}`, BUILD_SERVICE_URL: [between.buildService ?? `http://127.0.0.1:${buildPort}`, ...(between.more ?? []).map((other) => `http://127.0.0.1:${other}`)].join(" "),
    MAX_BUNDLE_BYTES: String(maxBundleBytes),
    RETAIN_DEPLOYMENTS: String(retainDeployments), ...(between.dns && { DNS_RESOLVER_URL: between.dns }),
  };
  const file = join(state, "stack.env");
  writeFileSync(file, Object.entries(vars).map(([name, value]) => `${name}="${value}"\n`).join(""), { mode: 0o600 });
  const ports = ["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", String(await freePort())];
  const rest = ["--persist-to", join(state, "worker"), "--env-file", file, "--show-interactive-dev-session=false"];
  return start({
    command: NODE, args: [WRANGLER, "dev", ...(between.configs ?? configs(between.code ?? ROOT)).flatMap((config) => ["-c", config]), ...ports, ...rest], cwd: ROOT,
    env: wranglerEnv(state), log: join(state, "logs", "worker.log"),
  });
}

/** @param {Configuration} configuration @param {string} base */
async function createDemo({ adminToken, state }, base) {
  const known = await fetch(`${base}/v1/apps/demo`, { headers: { authorization: `Bearer ${adminToken}` } });
  await known.arrayBuffer();
  if (known.ok) return;
  const log = join(state, "logs", "demo.log");
  const env = { HOTPLATE_URL: base, ADMIN_TOKEN: adminToken, HOTPLATE_TOKEN: adminToken };
  const code = await start({ command: HOTPLATE, args: ["create", "demo"], cwd: ROOT, env, log }).exited;
  if (code !== 0) throw new StackProblem(`the app \`demo\` could not be created; the output is in ${log}`, tail(log));
}

/**
 * Runs the parts until `stop`. Throws a `StackProblem`, with nothing left running, when one cannot start.
 * @param {Configuration} configuration @param {Between} [between] @returns {Promise<Stack>}
 */
export async function runStack(configuration, between = {}) {
  const { port, buildPort, state, demo, adminToken } = configuration;
  for (const part of [NODE, WRANGLER, BUILD_SERVICE, EDGE]) {
    if (!existsSync(part)) throw new StackProblem(`${part} is missing: run \`npm start\` or \`npm run setup\` first`);
  }
  const base = `http://localhost:${port}`;
  const buildUrls = [buildPort, ...(between.more ?? [])].map((each) => `http://127.0.0.1:${each}`);
  const apiToken = randomBytes(24).toString("base64url");
  /** @type {{name: string, child: Child, log: string}[]} */
  let parts = [];

  const stop = async () => {
    const stopping = parts;
    parts = [];
    await Promise.all(stopping.map(({ child }) => child.stop()));
  };
  const log = join(state, "logs", "worker.log");
  const launch = async () => {
    const child = await worker(configuration, apiToken, between);
    parts.push({ name: "Worker", child, log });
    return child;
  };
  /** @param {number} index */
  const launchBuildService = (index) => {
    const part = { name: nameOf(index), child: buildService(configuration, apiToken, between, index), log: buildServiceLog(state, index) };
    parts.push(part);
    return part;
  };
  /** @param {number} index */
  const nameOf = (index) => (index === 0 ? "build service" : `build service ${index}`);
  /** @param {{name: string, child: Child, log: string}} service @param {number} index */
  const ready = ({ name, child, log }, index) => answers(name, `${buildUrls[index]}/readyz`, child, log);
  const run = async () => {
    await requireFree("PORT", port);
    await requireFree("BUILD_SERVICE_PORT", buildPort);
    try {
      const services = buildUrls.map((_, index) => launchBuildService(index));
      await migrate(configuration);
      const child = await launch();
      await Promise.all(services.map(ready));
      await answers("Worker", `${base}/healthz`, child, log);
      if (demo) await createDemo(configuration, base);
    } catch (error) {
      await stop();
      throw error;
    }
  };
  await run();
  return {
    base, baseDomain: `localhost:${port}`, apiUrl: `${base}/v1`, token: adminToken, buildUrl: buildUrls[0], buildUrls, state,
    logs: join(state, "logs"),
    failed: () => Promise.race(parts.map(async ({ name, child, log }) => {
      const code = await child.exited;
      // Ctrl-C ends the parts; that is not their failure, and the signal's own handler ends this process.
      if (isStopping()) return /** @type {Promise<never>} */ (new Promise(() => {}));
      throw new StackProblem(`the ${name} stopped (exit code ${code}); its output is in ${log}`);
    })),
    stop,
    /** As a power cut would end it: nothing gets the time to tidy up. */
    async killWorker() {
      const killed = parts.filter(({ name }) => name === "Worker");
      parts = parts.filter(({ name }) => name !== "Worker");
      await Promise.all(killed.map(({ child }) => child.kill()));
    },
    async startWorker() {
      await answers("Worker", `${base}/healthz`, await launch(), log);
    },
    apiToken,
    buildSecret: configuration.buildSecret,
    /** What the cron does every minute at Cloudflare. */
    async sweep() {
      const response = await fetch(`${base}/cdn-cgi/local/scheduled`);
      if (!response.ok) throw new StackProblem(`the sweep failed: ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    },
    /** As a power cut would end it. */
    async killBuildService(index = 0) {
      const killed = parts.filter(({ name }) => name === nameOf(index));
      parts = parts.filter(({ name }) => name !== nameOf(index));
      await Promise.all(killed.map(({ child }) => child.kill()));
    },
    async startBuildService() {
      await ready(launchBuildService(0), 0);
    },
    async restart() {
      await stop();
      await run();
    },
  };
}

/**
 * A stack for tests: free ports and a temporary folder unless told otherwise.
 * @param {{port?: number, buildPort?: number, state?: string, demo?: boolean, code?: string, between?: Between, vars?: Record<string, string>}} [options]
 * @returns {Promise<Stack>}
 */
export async function startStack({ port, buildPort, state, demo = false, code, between, vars = {} } = {}) {
  const folder = state ?? mkdtempSync(join(tmpdir(), "hotplate-"));
  const ports = await freePorts();
  const configuration = readConfiguration({
    ...vars, HOTPLATE_STATE: folder, HOTPLATE_DEMO: demo ? "1" : "0",
    PORT: String(port ?? ports[0]), BUILD_SERVICE_PORT: String(buildPort ?? ports[1]),
  });
  const forget = () => {
    if (state === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const stack = await runStack(configuration, { ...between, code });
    return { ...stack, stop: () => stack.stop().then(forget) };
  } catch (error) {
    forget();
    throw error;
  }
}

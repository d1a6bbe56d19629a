/**
 * The local stack's configuration: environment first, then `.dev.vars`, then defaults. Secrets that
 * nobody set are made once and kept. Anything malformed is one line that says which and why.
 */
// @ts-check
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { ROOT } from "./places.mjs";
import { StackProblem } from "./problem.mjs";

/**
 * @typedef {{port: number, buildPort: number, state: string, demo: boolean, adminToken: string,
 *   buildSecret: string, secretsKey: string, maxBundleBytes: number, retainDeployments: number}} Configuration
 */

const SECRET = /^[\w.~+/=-]{1,200}$/;

/** @param {string} text @returns {Record<string, string>} */
export function parseVars(text) {
  /** @type {Record<string, string>} */
  const vars = {};
  for (const line of text.split(/\r?\n/)) {
    const found = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(line);
    if (found) vars[found[1]] = found[2] ?? found[3] ?? found[4];
  }
  return vars;
}

/** @param {string} name @param {string | undefined} text @param {number} otherwise @param {number} most */
function wholeNumber(name, text, otherwise, most) {
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) throw new StackProblem(`${name} must be a whole number from 1 to ${most}, not \`${text}\``);
  return value;
}

/** @param {string} file @param {string} name @param {string | undefined} value @param {number} [least] */
function secret(file, name, value, least = 16) {
  if (value === undefined || value === "") {
    const made = randomBytes(24).toString("base64url");
    const lineBreak = existsSync(file) && !readFileSync(file, "utf8").endsWith("\n") && readFileSync(file, "utf8") !== "" ? "\n" : "";
    appendFileSync(file, `${lineBreak}${name}="${made}"\n`, { mode: 0o600 });
    return made;
  }
  if (!SECRET.test(value) || value.length < least) throw new StackProblem(`${name} must be ${least} to 200 letters, digits or ._~+/=-`);
  return value;
}

/** @param {Record<string, string | undefined>} env @returns {Configuration} */
export function readConfiguration(env) {
  const state = env.HOTPLATE_STATE ? resolve(env.HOTPLATE_STATE) : join(ROOT, ".hotplate");
  try {
    mkdirSync(state, { recursive: true });
  } catch (error) {
    throw new StackProblem(`HOTPLATE_STATE: ${/** @type {Error} */ (error).message}`);
  }
  // A stack with a folder of its own keeps its secrets there, so that stacks do not share them.
  const file = env.HOTPLATE_STATE ? join(state, ".dev.vars") : join(ROOT, ".dev.vars");
  const vars = { ...(existsSync(file) ? parseVars(readFileSync(file, "utf8")) : {}), ...definedOnly(env) };
  if (vars.HOTPLATE_DEMO !== undefined && !["", "0", "1"].includes(vars.HOTPLATE_DEMO)) throw new StackProblem(`HOTPLATE_DEMO must be 0 or 1, not \`${vars.HOTPLATE_DEMO}\``);
  const port = wholeNumber("PORT", vars.PORT, 8787, 65_535);
  const buildPort = wholeNumber("BUILD_SERVICE_PORT", vars.BUILD_SERVICE_PORT, 8788, 65_535);
  if (port === buildPort) throw new StackProblem(`PORT and BUILD_SERVICE_PORT are both ${port}`);
  return {
    port, buildPort, state, demo: vars.HOTPLATE_DEMO !== "0",
    maxBundleBytes: wholeNumber("MAX_BUNDLE_BYTES", vars.MAX_BUNDLE_BYTES, 10 << 20, 1 << 30),
    retainDeployments: wholeNumber("RETAIN_DEPLOYMENTS", vars.RETAIN_DEPLOYMENTS, 10, 1_000),
    adminToken: secret(file, "ADMIN_TOKEN", vars.ADMIN_TOKEN),
    buildSecret: secret(file, "BUILD_SERVICE_SECRET", vars.BUILD_SERVICE_SECRET),
    secretsKey: secret(file, "SECRETS_KEY", vars.SECRETS_KEY, 32),
  };
}

/** @param {Record<string, string | undefined>} env @returns {Record<string, string>} */
function definedOnly(env) {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** @param {number} port 0: any @returns {Promise<number>} the port, free a moment ago */
function probe(port) {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolvePort(address.port));
    });
  });
}

/**
 * A port that is free now, below those that systems give to outgoing connections (Linux: from 32768 on): one of these may
 * be taken by a download between the question and its use.
 */
export async function freePort() {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = 10_240 + Math.floor(Math.random() * 22_000);
    const free = await probe(port).catch(() => 0);
    if (free > 0) return free;
  }
  return probe(0);
}

/** Two free ports, which asking twice does not promise. @returns {Promise<[number, number]>} */
export async function freePorts() {
  const first = await freePort();
  for (;;) {
    const second = await freePort();
    if (second !== first) return [first, second];
  }
}

/** @param {string} name @param {number} port */
export async function requireFree(name, port) {
  try {
    await probe(port);
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new StackProblem(code === "EADDRINUSE" ? `port ${port} is taken: stop what uses it, or set ${name}` : `${name}=${port}: ${message}`);
  }
}

// @ts-check
/**
 * The build service as a program of its own, for one test file: its environment, its output, its calls.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { BUILD_SERVICE } from "../../worker-shims/local/places.mjs";

export const SECRET = "a secret of this test";
export const TOKEN = "t0ken-of-cloudflare";
export const state = mkdtempSync(join(tmpdir(), "hotplate-build-service-"));
const ENVIRONMENT = {
  ...process.env, HOTPLATE_STATE: state, BUILD_SERVICE_PORT: "0", BUILD_SERVICE_SECRET: SECRET,
  CLOUDFLARE_ACCOUNT_ID: "acc", CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_API_BASE: "http://127.0.0.1:9/client/v4",
};

/** @param {Record<string, string | undefined>} [changes] to its environment */
export function run(changes = {}) {
  const child = spawn(BUILD_SERVICE, [], { env: { ...ENVIRONMENT, ...changes }, stdio: ["ignore", "pipe", "pipe"] });
  return { child, stderr: text(child.stderr), ended: once(child, "close").then(([code, signal]) => ({ code, signal })) };
}

/** A service that listens. @param {Record<string, string | undefined>} [changes] */
export async function listening(changes) {
  const service = run(changes);
  const [line] = await once(createInterface(service.child.stdout), "line");
  const base = /http:\/\/[\d.:]+/.exec(line)?.[0];
  assert.ok(base, line);
  return { ...service, base };
}

/** @param {string} base @param {string} path @param {RequestInit} [init] */
export const ask = (base, path, init = {}) => fetch(base + path, { ...init, headers: { authorization: `Bearer ${SECRET}`, ...init.headers } });

/** A job of one file, whose bytes are asked for at a port of this machine. @param {number} port @param {object} [more] */
export const job = (port, more = {}) => ({
  deployment_id: "0k3v9x2m4q7a", app: "demo", script_name: "demo-0k3v9x2m4q7a", namespace: "n", revision: 1,
  files: [{ path: "index.html", hash: "a".repeat(64), size: 1 }],
  blobs_url: `http://127.0.0.1:${port}/`, maps_url: `http://127.0.0.1:${port}/maps`, env: {}, max_bundle_bytes: 1_000_000, ...more,
});

/** Removes everything that the services of the file kept. */
export const tidy = () => rmSync(state, { recursive: true, force: true });

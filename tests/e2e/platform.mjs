/**
 * What the end-to-end tests stand on: one running stack, one Chromium, the API and the command line.
 *
 * Everything is real: workerd, D1, KV, Durable Objects, npm packages. Nothing waits by time.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { platform as clientOf } from "../worker/platform.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const OUTPUT = join(ROOT, "tests", "output");
export const HOTPLATE = join(ROOT, "target", "debug", "hotplate");
const CHROMIUM =
  process.env.CHROMIUM_PATH ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** @typedef {Awaited<ReturnType<typeof openPlatform>>} Platform */
/** @typedef {import("playwright-core").Page} Page */

/** Starts a stack of its own and a browser. */
export async function openPlatform() {
  assert.ok(CHROMIUM, "no Chromium: set CHROMIUM_PATH");
  mkdirSync(OUTPUT, { recursive: true });
  const stack = await startStack();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

  const client = clientOf(stack);

  /** @param {string} method @param {string} path @param {unknown} [body] */
  async function expectOk(method, path, body) {
    const answer = await client.api(method, `/v1${path}`, { json: body });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  return {
    stack,
    browser,
    ok: expectOk,
    /** A page of an app's host, by label. @param {string} label @param {string} [path] */
    visit: (label, path = "/") => client.visit(label, path),

    /** One edit. @param {string} app @param {Record<string, string | null>} files content by path, null deletes */
    edit: (app, files) =>
      expectOk("PATCH", `/apps/${app}/files`, {
        writes: Object.entries(files).filter(([, content]) => content !== null).map(([path, content]) => ({ path, content })),
        deletes: Object.keys(files).filter((path) => files[path] === null),
      }),

    /** @param {string} app @param {string} path */
    async file(app, path) {
      const answer = await client.api("GET", `/v1/apps/${app}/files/${path}`);
      assert.equal(answer.status, 200, path);
      return answer.text;
    },

    /** @param {string} app */
    live: (app) => `http://${app}--live.${stack.baseDomain}/`,
    /** @param {string} host */
    host: (host) => `http://${host}.${stack.baseDomain}/`,

    /** Runs the command line to its end. @param {string[]} args @param {import("node:child_process").ExecFileOptions} [options] */
    async hotplate(args, options = {}) {
      const env = { ...process.env, HOTPLATE_URL: stack.base, HOTPLATE_TOKEN: stack.token };
      const run = promisify(execFile)(HOTPLATE, args, { ...options, env });
      return run.then(
        ({ stdout, stderr }) => ({ code: 0, stdout: String(stdout), stderr: String(stderr) }),
        (error) => ({ code: error.code, stdout: String(error.stdout), stderr: String(error.stderr) }),
      );
    },

    /** Asks for a deployment and waits for its end by its event stream. @param {string} app */
    async deploy(app) {
      const deployment = await client.deploy(app);
      const events = await client.events(app, deployment.id);
      return { ...deployment, states: events.filter((event) => event.event === "state").map((event) => event.state) };
    },

    async close() {
      await browser.close();
      await stack.stop();
    },
  };
}

/** Marks the page's window; a navigation would lose the mark. @param {Page} page */
export async function mark(page) {
  const name = `mark-${Math.random()}`;
  await page.evaluate((value) => Object.assign(window, { __mark: value }), name);
  return async () => {
    assert.equal(await page.evaluate(() => Reflect.get(window, "__mark")), name, "the page was loaded anew");
    assert.equal(await page.evaluate(() => performance.getEntriesByType("navigation").length), 1);
  };
}

/** Text of the overlay, once it is there. @param {Page} page */
export async function overlayText(page) {
  await page.waitForSelector("hotplate-overlay", { state: "attached" });
  return page.evaluate(() => document.querySelector("hotplate-overlay")?.shadowRoot?.textContent ?? "");
}

/** @param {Page} page @param {string} name */
export const screenshot = (page, name) => page.screenshot({ path: join(OUTPUT, `${name}.png`) });

/** Everything that goes wrong in a page. @param {Page} page */
export function problems(page) {
  /** @type {string[]} */
  const found = [];
  page.on("pageerror", (error) => found.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") found.push(message.text());
  });
  return found;
}

/**
 * `npm run bench:hmr`: from an edit to the changed DOM. Ours from just before the request is sent, the dev servers
 * of Vite 8 (as it is, and with `experimental.bundledDev`) and Rspack from just before the file is written; to the
 * mutation, in the same Chromium, in turns. Judges nothing but what is shown.
 *
 * `npm run bench:hmr -- <edits>` takes another number of edits than 50.
 */
// @ts-check
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { OUTPUT, ROOT, openPlatform } from "../e2e/platform.mjs";
import { generate, lay } from "./app.mjs";

const EDITS = Number(process.argv[2] ?? 50);
const WARM_UP = 10;
const SIZE = 1_000;
/** With groups, root and configuration just below the most files a tree may have (10,000). */
const LARGE = 9_750;
/** Files of one push. */
const BATCH = 2_000;
const FOLDER = join(ROOT, "tests", "bench", "hmr");
const PACKAGES = join(FOLDER, "node_modules");
const PEERS = ["vite", "bundled", "rspack"];

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {ReturnType<typeof generate>} App */
/** @typedef {{name: string, version: string, page: Page, edit(path: string, text: string): Promise<unknown>}} Side */
/** @typedef {{sent: number, received: number, applied: number, dom: number}} Times */

/** @param {number[]} values @param {number} share */
function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
const p50 = (/** @type {number[]} */ values) => percentile(values, 0.5);
const now = () => performance.timeOrigin + performance.now();
const ms = (/** @type {number} */ value, width = 8) => value.toFixed(1).padStart(width);

/** What every page notes: when the last message of a socket came, when an update was applied, when the DOM changed. */
function watcher() {
  const at = () => performance.timeOrigin + performance.now();
  const seen = { received: 0, applied: 0 };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    /** @param {string} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      this.addEventListener("message", (event) => {
        if (String(event.data).includes('"update"')) seen.received = at();
      });
    }
  };
  window.addEventListener("hotplate:applied", () => (seen.applied = at()));
  Object.assign(window, {
    /** @param {string} selector @param {string} text */
    __changed: (selector, text) =>
      new Promise((resolve) => {
        // Looked up once: a search of a large page is a cost of the bench, not of the edit.
        let element = document.querySelector(selector);
        const shown = () => {
          if (!element?.isConnected) element = document.querySelector(selector);
          if (!element?.textContent?.startsWith(text)) return;
          const dom = at();
          observer.disconnect();
          // What is noted after the commit, in the same task or the next one, is noted by then.
          const channel = new MessageChannel();
          channel.port1.onmessage = () => resolve({ ...seen, dom });
          channel.port2.postMessage(0);
        };
        const observer = new MutationObserver(shown);
        observer.observe(document, { subtree: true, childList: true, characterData: true });
        Object.assign(window, { __watching: text });
      }),
  });
}

/** @param {string} tool @param {App} app @param {import("playwright-core").Browser} browser */
async function peer(tool, app, browser) {
  const folder = mkdtempSync(join(tmpdir(), `hotplate-hmr-${tool}-`));
  const cache = mkdtempSync(join(tmpdir(), "hotplate-hmr-cache-"));
  lay(folder, app.files);
  symlinkSync(PACKAGES, join(folder, "node_modules"));
  const child = spawn(process.execPath, [join(FOLDER, "peer.mjs"), tool, folder, cache], { cwd: FOLDER, stdio: ["pipe", "pipe", "inherit"] });
  const { value } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const { address, version } = JSON.parse(value ?? "null") ?? {};
  if (!address) throw new Error(`${tool} did not start`);
  /** @type {Side} */
  const side = {
    name: tool === "bundled" ? "vite, bundledDev" : tool, version, page: await open(browser, address),
    edit: async (path, text) => writeFileSync(join(folder, path), text),
  };
  return {
    side,
    async close() {
      const closed = once(child, "close");
      child.stdin.end();
      await closed;
      for (const used of [folder, cache]) rmSync(used, { recursive: true, force: true });
    },
  };
}

/** @param {import("playwright-core").Browser} browser @param {string} address */
async function open(browser, address) {
  const page = await browser.newPage();
  await page.addInitScript(watcher);
  page.on("pageerror", (error) => console.error(`${address}: ${error}`));
  await page.goto(address, { timeout: 300_000 });
  await page.waitForSelector("section[data-index='0'] h2", { timeout: 300_000 });
  return page;
}

/** An editor's connection, kept alive. @param {import("../e2e/platform.mjs").Platform} platform @param {string} slug */
function editor(platform, slug) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(platform.stack.base);
  /** @param {Record<string, string>} files */
  return async (files) => {
    const body = JSON.stringify({ writes: Object.entries(files).map(([path, content]) => ({ path, content })) });
    const headers = { host: platform.stack.baseDomain, authorization: `Bearer ${platform.stack.token}`, "content-length": Buffer.byteLength(body) };
    const request = http.request({ hostname, port, agent, method: "PATCH", path: `/v1/apps/${slug}/files`, headers });
    request.end(body);
    const [response] = await once(request, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    if (response.statusCode !== 200) throw new Error(`edit refused: ${text}`);
    return JSON.parse(text);
  };
}

/** @param {import("../e2e/platform.mjs").Platform} platform @param {string} slug @param {App} app */
async function ours(platform, slug, app) {
  await platform.ok("POST", "/apps", { slug });
  const files = Object.entries(app.files);
  const edit = editor(platform, slug);
  for (let at = 0; at < files.length; at += BATCH) await edit(Object.fromEntries(files.slice(at, at + BATCH)));
  /** @type {Side} */
  const side = { name: "hotplate", version: "", page: await open(platform.browser, platform.live(slug)), edit: (path, text) => edit({ [path]: text }) };
  return { side, edit };
}

/** One edit of each side in turn, so often. @param {Side[]} sides @param {App["leaf"]} target @param {string} selector @param {string} word */
async function edits(sides, target, selector, word) {
  /** @type {Map<string, Times[]>} */
  const times = new Map(sides.map((side) => [side.name, []]));
  for (let number = -WARM_UP; number < EDITS; number += 1) {
    for (const side of sides) {
      const text = `${word} ${number + WARM_UP}.`;
      const changed = side.page.evaluate(([where, what]) => Reflect.get(window, "__changed")(where, what), [selector, text]);
      await side.page.waitForFunction((what) => Reflect.get(window, "__watching") === what, text);
      const sent = now();
      const [seen] = await Promise.all([changed, side.edit(target.path, target.text(text))]);
      if (number >= 0) times.get(side.name)?.push({ sent, ...seen });
    }
  }
  return times;
}

/** Round trips of edits that nobody sees, each doing one thing more. @param {(files: Record<string, string>) => Promise<unknown>} edit @param {App} app */
async function roundTrips(edit, app) {
  const steps = {
    same: () => ({ "src/lib/describe.ts": app.files["src/lib/describe.ts"] }),
    stored: (/** @type {number} */ number) => ({ "notes.txt": `${app.leaf.text("Note")}${number}` }),
    compiled: (/** @type {number} */ number) => ({ "src/Unreached.tsx": app.leaf.text(`Unreached ${number}`) }),
    linked: (/** @type {number} */ number) => ({ [app.leaf.path]: app.leaf.text(`Linked ${number}`) }),
  };
  /** @type {Record<keyof typeof steps, number[]>} */
  const took = { same: [], stored: [], compiled: [], linked: [] };
  for (let number = -WARM_UP; number < EDITS; number += 1) {
    for (const [step, files] of Object.entries(steps)) {
      const from = now();
      await edit(files(number));
      if (number >= 0) took[/** @type {keyof typeof steps} */ (step)].push(now() - from);
    }
  }
  return took;
}

execFileSync("npm", ["ci", "--silent", "--no-audit", "--no-fund"], { cwd: FOLDER, stdio: "inherit" });
const app = generate(SIZE, PACKAGES);
const platform = await openPlatform();
/** @type {{close(): Promise<void>}[]} */
const peers = [];
/** @type {Record<string, any>} */
const report = { machine: { cpu: cpus()[0]?.model, cores: cpus().length }, edits: EDITS };
try {
  const { side, edit } = await ours(platform, "thousand", app);
  const sides = [side];
  for (const tool of PEERS) {
    const started = await peer(tool, app, platform.browser);
    peers.push(started);
    sides.push(started.side);
  }
  console.log(`${SIZE} components, ${EDITS} edits each after ${WARM_UP}, in turns; ms from the edit to the DOM`);
  console.log(`                               p50      p95   p95/p50   ours/theirs (p50)`);
  for (const [name, target, selector] of /** @type {const} */ ([["leaf", app.leaf, "section[data-index='0'] h2"], ["root", app.root, "main > h1"]])) {
    const times = await edits(sides, target, selector, name);
    const mine = p50((times.get("hotplate") ?? []).map((time) => time.dom - time.sent));
    for (const { name: tool, version } of sides) {
      const took = (times.get(tool) ?? []).map((time) => time.dom - time.sent);
      const middle = p50(took), late = percentile(took, 0.95);
      (report[name] ??= {})[tool] = { p50: middle, p95: late };
      console.log(`${name}  ${`${tool} ${version}`.padEnd(22)}${ms(middle)} ${ms(late)} ${ms(late / middle)}   ${tool === "hotplate" ? "" : ms(mine / middle)}`);
    }
    const own = times.get("hotplate") ?? [];
    const parts = {
      "to the page": p50(own.map((time) => time.received - time.sent)),
      "evaluate and commit": p50(own.map((time) => time.dom - time.received)),
      "until reported as applied": p50(own.map((time) => time.applied - time.dom)),
    };
    report[name].parts = parts;
    console.log(`      of which ${Object.entries(parts).map(([part, took]) => `${part} ${took.toFixed(1)}`).join(", ")}`);
  }
  for (const started of peers.splice(0)) await started.close();
  for (const other of sides.slice(1)) await other.page.close();
  const trips = await roundTrips(edit, app);
  const [same, stored, compiled, linked] = [trips.same, trips.stored, trips.compiled, trips.linked].map(p50);
  report.room = { request: same, store: stored - same, compile: compiled - stored, link_broadcast: linked - compiled };
  console.log(`room  p50 of round trips: request ${same.toFixed(1)}, + store ${(stored - same).toFixed(1)}, + compile ${(compiled - stored).toFixed(1)}, + link and broadcast ${(linked - compiled).toFixed(1)}`);
  await side.page.close();

  const large = generate(LARGE, PACKAGES);
  const { side: wide } = await ours(platform, "tenthousand", large);
  const small = await open(platform.browser, platform.live("thousand"));
  const both = await edits([{ ...side, name: "small", page: small }, wide], large.leaf, "section[data-index='0'] h2", "grown");
  const [few, many] = ["small", "hotplate"].map((name) => p50((both.get(name) ?? []).map((time) => time.dom - time.sent)));
  const [fewRoom, manyRoom] = ["small", "hotplate"].map((name) => p50((both.get(name) ?? []).map((time) => time.received - time.sent)));
  report.growth = { components: LARGE, small: few, large: many, ratio: many / few, small_to_page: fewRoom, large_to_page: manyRoom };
  console.log(`leaf  ${SIZE} components ${few.toFixed(1)} ms, ${LARGE} components ${many.toFixed(1)} ms: ${(many / few).toFixed(2)} times (to the page ${fewRoom.toFixed(1)} and ${manyRoom.toFixed(1)})`);
} finally {
  for (const started of peers) await started.close();
  await platform.close();
}
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, "bench-hmr.json"), `${JSON.stringify(report, null, 2)}\n`);

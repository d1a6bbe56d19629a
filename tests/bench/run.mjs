/**
 * `npm run bench`: edit to DOM, deployment to new bytes, and a second start, on a stack of its own.
 * It reports figures beside their budgets and judges nothing: this machine's figures are noisy.
 */
// @ts-check
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { OUTPUT, ROOT, openPlatform } from "../e2e/platform.mjs";
import { platform as clientOf } from "../worker/platform.mjs";

const EDITS = 50;
const DEPLOYMENTS = 10;
const APP = "demo";

/** @param {number[]} values @param {number} share */
function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/** @param {number} ms */
const rounded = (ms) => Math.round(ms * 10) / 10;

/** The component with another greeting. @param {string} text @param {string} word */
const greeting = (text, word) => text.replace("Hello from", `${word} from`);

/**
 * From just before the request is sent to the mutation, both on this machine's clock.
 * @param {import("../e2e/platform.mjs").Platform} platform @param {string} source of the component
 */
async function edits(platform, source) {
  const page = await platform.browser.newPage();
  await page.goto(platform.live(APP));
  await page.waitForSelector(".counter");
  const times = { dom: [], store: [], compile: [], broadcast: [] };
  for (let number = -5; number < EDITS; number += 1) {
    const word = `Hello${number + 5}x`;
    const seen = page.evaluate((wanted) => new Promise((resolve) => {
      const shown = () => document.body.textContent?.includes(wanted) && resolve(performance.timeOrigin + performance.now());
      new MutationObserver(shown).observe(document.body, { subtree: true, childList: true, characterData: true });
      requestAnimationFrame(() => console.debug(`watching ${wanted}`));
    }), word);
    await page.waitForEvent("console", (message) => message.text() === `watching ${word}`);
    const from = performance.timeOrigin + performance.now();
    const result = await platform.edit(APP, { "src/Greeting.tsx": greeting(source, word) });
    const at = /** @type {number} */ (await seen);
    if (number < 0) continue; // the first edits warm the room's and the page's code
    times.dom.push(at - from);
    times.store.push(result.timings.store_ms);
    times.compile.push(result.timings.compile_ms);
    times.broadcast.push(result.timings.broadcast_ms);
  }
  await page.close();
  const of = (/** @type {number[]} */ values) => ({ p50: rounded(percentile(values, 0.5)), p95: rounded(percentile(values, 0.95)) });
  return { edits: EDITS, dom: of(times.dom), store: of(times.store), compile: of(times.compile), broadcast: of(times.broadcast) };
}

/**
 * From just before the request to the new bytes at the deployment's own address.
 * @param {import("../e2e/platform.mjs").Platform} platform @param {string} source of the component
 */
async function deployments(platform, source) {
  const client = clientOf(platform.stack);
  const answers = [];
  /** @type {Record<string, number[]>} */
  const stages = {};
  for (let number = -1; number < DEPLOYMENTS; number += 1) {
    const word = `Deployed${number + 1}x`;
    await platform.edit(APP, { "src/Greeting.tsx": greeting(source, word) });
    const from = performance.now();
    const deployment = await client.deploy(APP);
    if (deployment.state !== "deployed") throw new Error(`deployment ${deployment.id}: ${JSON.stringify(deployment.error)}`);
    const label = `${APP}--${deployment.id}`;
    const html = (await client.visit(label, "/")).text;
    const script = /<script[^>]+src="([^"]+)"/.exec(html)?.[1] ?? "";
    if (!(await client.visit(label, script)).text.includes(word)) throw new Error(`${label} serves other bytes`);
    if (number < 0) continue; // the first one installs packages
    answers.push(performance.now() - from);
    for (const [stage, ms] of Object.entries(deployment.timings)) (stages[stage] ??= []).push(Number(ms));
  }
  const p50 = (/** @type {number[]} */ values) => rounded(percentile(values, 0.5));
  return {
    deployments: DEPLOYMENTS, p50: p50(answers), p95: rounded(percentile(answers, 0.95)),
    stages: Object.fromEntries(Object.entries(stages).map(([stage, values]) => [stage, p50(values)])),
  };
}

/** `npm start` to its ready line, then Ctrl-C. @param {Record<string, string>} env */
async function start(env) {
  const from = performance.now();
  const child = spawn("npm", ["start"], { cwd: ROOT, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const closed = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith("hotplate ready")) continue;
    const took = performance.now() - from;
    process.kill(-(/** @type {number} */ (child.pid)), "SIGINT");
    await closed;
    return took;
  }
  throw new Error("npm start ended before it was ready");
}

const platform = await openPlatform();
/** @type {Record<string, unknown>} */
const report = {};
try {
  const created = await platform.hotplate(["create", APP]);
  if (created.code !== 0) throw new Error(created.stderr);
  const source = await platform.file(APP, "src/Greeting.tsx");
  const edit = await edits(platform, source);
  console.log(`edit -> DOM            p50 ${edit.dom.p50} ms, p95 ${edit.dom.p95} ms of ${EDITS} edits (budget p50 60 ms)`);
  console.log(`  of which in the room p50 store ${edit.store.p50} ms, compile ${edit.compile.p50} ms, broadcast ${edit.broadcast.p50} ms`);
  const deployed = await deployments(platform, source);
  console.log(`deploy -> new bytes    p50 ${deployed.p50} ms, p95 ${deployed.p95} ms of ${DEPLOYMENTS} (budget p50 2000 ms)`);
  console.log(`  stages               p50 ${Object.entries(deployed.stages).map(([stage, ms]) => `${stage} ${ms}`).join(", ")}`);
  Object.assign(report, { edit, deployed });
} finally {
  await platform.close();
}
const env = { PORT: "18787", BUILD_SERVICE_PORT: "18788", HOTPLATE_STATE: mkdtempSync(join(tmpdir(), "hotplate-bench-")) };
const first = await start(env);
const second = await start(env);
console.log(`npm start -> ready     first with this state ${rounded(first / 1000)} s, second ${rounded(second / 1000)} s (budget 20 s)`);
Object.assign(report, { start: { first_ms: Math.round(first), second_ms: Math.round(second) } });
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, "bench.json"), `${JSON.stringify(report, null, 2)}\n`);

/**
 * `npm run bench:deploy`: from the request for a deployment to the new bytes at its own address, warm, for the starter app
 * and for an app of 1,000 components with one of them changed; and how soon 50 clients that ask without a pause see
 * production switched. Fails on wrong bytes, never on times.
 */
// @ts-check
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import { cpus } from "node:os";
import { join } from "node:path";
import { OUTPUT, ROOT, openPlatform } from "../e2e/platform.mjs";
import { platform as clientOf } from "../worker/platform.mjs";
import { generate } from "./app.mjs";

const DEPLOYMENTS = 10;
const SWITCHES = 10;
const CLIENTS = 50;
const SIZE = 1_000;
const FOLDER = join(ROOT, "tests", "bench", "hmr");

/** @param {number[]} values @param {number} share */
function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
const figure = (/** @type {number[]} */ values) => ({ p50: Math.round(percentile(values, 0.5)), p95: Math.round(percentile(values, 0.95)) });

const platform = await openPlatform();
const client = clientOf(platform.stack);

/**
 * Deployments after an edit each. @param {string} app @param {(word: string) => Record<string, string>} edit what makes a
 * script of the release contain the word
 */
async function deployments(app, edit) {
  const answers = [];
  /** @type {Record<string, number[]>} */
  const stages = {};
  for (let number = -2; number < DEPLOYMENTS; number += 1) {
    const word = `deployed${number + 2}x`;
    await platform.edit(app, edit(word));
    const from = performance.now();
    const { id, state, error, timings } = await client.deploy(app);
    if (state !== "deployed") throw new Error(`deployment ${id}: ${JSON.stringify(error)}`);
    const html = (await client.visit(`${app}--${id}`, "/")).text;
    const scripts = [...html.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map(([, script]) => script);
    const texts = await Promise.all(scripts.map(async (script) => (await client.visit(`${app}--${id}`, script)).text));
    const took = performance.now() - from;
    if (!texts.some((text) => text.includes(word))) throw new Error(`${id} of ${app} serves other bytes`);
    if (number < 0) continue; // packages are installed, caches filled
    answers.push(took);
    for (const [stage, ms] of Object.entries(timings)) (stages[stage] ??= []).push(Number(ms));
  }
  return { ...figure(answers), stages: Object.fromEntries(Object.entries(stages).map(([stage, values]) => [stage, figure(values).p50])) };
}

/** Asks production for a file until it is told to stop; notes when it saw each answer first. @param {string} app @param {{stop: boolean}} until */
async function watcher(app, until) {
  const { port } = new URL(platform.stack.base);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @type {string[]} */
  const order = [];
  const work = (async () => {
    while (!until.stop) {
      const request = http.get({ hostname: "127.0.0.1", port, path: "/robots.txt", agent, headers: { host: `${app}.${platform.stack.baseDomain}` } });
      const [response] = await once(request, "response");
      let text = "";
      for await (const chunk of response) text += chunk;
      if (response.statusCode !== 200) throw new Error(`production answered ${response.statusCode} ${text}`);
      if (order.at(-1) !== text) {
        order.push(text);
        seen.set(text, performance.now());
      }
    }
    agent.destroy();
  })();
  return { seen, order, work };
}

/** @param {string} app */
async function switches(app) {
  const text = (/** @type {number} */ number) => `# ${number}\n`;
  const ids = [];
  for (let number = 0; number <= SWITCHES; number += 1) {
    await platform.edit(app, { "public/robots.txt": text(number) });
    ids.push((await client.deploy(app)).id);
  }
  await platform.ok("POST", `/apps/${app}/deployments/${ids[0]}/activate`, {});
  const until = { stop: false };
  const watchers = await Promise.all(Array.from({ length: CLIENTS }, () => watcher(app, until)));
  const all = async (/** @type {string} */ wanted) => {
    while (!watchers.every(({ seen }) => seen.has(wanted))) await new Promise((resolve) => setImmediate(resolve));
  };
  const last = [];
  await all(text(0));
  for (let number = 1; number <= SWITCHES; number += 1) {
    await platform.ok("POST", `/apps/${app}/deployments/${ids[number]}/activate`, {});
    const answered = performance.now();
    await all(text(number));
    last.push(Math.max(...watchers.map(({ seen }) => Number(seen.get(text(number))))) - answered);
  }
  until.stop = true;
  await Promise.all(watchers.map(({ work }) => work));
  const expected = Array.from({ length: SWITCHES + 1 }, (_, number) => text(number)).join();
  if (watchers.some(({ order }) => order.join() !== expected)) throw new Error("a client saw an older deployment after a newer one");
  return { ...figure(last), most: Math.round(Math.max(...last)) };
}

/** @type {Record<string, unknown>} */
const report = { machine: { cpu: cpus()[0]?.model, cores: cpus().length } };
try {
  const created = await platform.hotplate(["create", "starter"]);
  if (created.code !== 0) throw new Error(created.stderr);
  const greeting = await platform.file("starter", "src/Greeting.tsx");
  const starter = await deployments("starter", (word) => ({ "src/Greeting.tsx": greeting.replace("Hello from", `${word} from`) }));
  console.log(`starter, one file changed     p50 ${starter.p50} ms, p95 ${starter.p95} ms of ${DEPLOYMENTS} (bar p50 300 ms)  ${JSON.stringify(starter.stages)}`);

  execFileSync("npm", ["ci", "--silent", "--no-audit", "--no-fund"], { cwd: FOLDER, stdio: "inherit" });
  const app = generate(SIZE, join(FOLDER, "node_modules"));
  await platform.ok("POST", "/apps", { slug: "thousand" });
  await platform.edit("thousand", app.files);
  const thousand = await deployments("thousand", (word) => ({ [app.leaf.path]: app.leaf.text(word) }));
  console.log(`${SIZE} components, one changed  p50 ${thousand.p50} ms, p95 ${thousand.p95} ms of ${DEPLOYMENTS} (bar p50 500 ms)  ${JSON.stringify(thousand.stages)}`);

  const switched = await switches("starter");
  console.log(`a switch, seen by the last of ${CLIENTS} clients  p50 ${switched.p50} ms, at most ${switched.most} ms after its answer, of ${SWITCHES} (bar 500 ms)`);
  Object.assign(report, { starter, thousand, switched });
} finally {
  await platform.close();
}
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, "bench-deploy.json"), `${JSON.stringify(report, null, 2)}\n`);
process.exit(0);

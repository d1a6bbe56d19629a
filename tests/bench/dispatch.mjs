/**
 * `npm run bench:dispatch`: a published app's server behind Hotplate's dispatch, beside the same code as a Worker by itself
 * in the same workerd, and beside the local namespace without Hotplate, which stands in for what Cloudflare does natively.
 * Latency of one connection, in turns; then requests per second of 32, by wrk. Fails on wrong bytes, never on times.
 */
// @ts-check
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configs, startStack } from "../../worker-shims/local/stack.mjs";
import { OUTPUT, ROOT } from "../e2e/platform.mjs";
import { page, platform } from "../worker/platform.mjs";

const REQUESTS = 1_000;
const WARM_UP = 100;
const ROUNDS = 3;
const SECONDS = 5;
const APP = "dispatched";

try {
  execFileSync("wrk", ["-v"], { stdio: "ignore" });
} catch (error) {
  if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") throw new Error("wrk is missing: `apt-get install wrk`");
}

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const FOLDER = join(ROOT, "tests", "bench", "dispatch");
const [own, namespace] = configs(ROOT);
const folder = mkdtempSync(join(tmpdir(), "hotplate-dispatch-"));
const front = join(folder, "wrangler.toml");
const bare = '\n[[services]]\nbinding = "BARE"\nservice = "bench-bare"\n\n[vars]\n';
writeFileSync(front, readFileSync(own, "utf8").replace(/^main = .*$/m, `main = ${JSON.stringify(join(FOLDER, "front.js"))}`).replace("\n[vars]\n", bare));
const stack = await startStack({ between: { configs: [front, namespace, join(FOLDER, "bare.toml")] } });
/** @type {Record<string, any>} */
const report = {};
try {
  const at = platform(stack);
  await at.app(APP, { ...page("page"), "worker/index.ts": 'export default { fetch: () => new Response("hello") };\n' });
  const { id, state } = await at.deploy(APP);
  if (state !== "deployed") throw new Error(`the deployment is ${state}`);
  const { port } = new URL(stack.base);
  const hosts = { bare: `bare.localhost:${port}`, namespace: `namespace-${APP}-${id}.localhost:${port}`, hotplate: `${APP}.${stack.baseDomain}` };
  const agents = Object.fromEntries(Object.keys(hosts).map((name) => [name, new http.Agent({ keepAlive: true, maxSockets: 1 })]));

  /** @param {keyof typeof hosts} name */
  const ask = async (name) => {
    const from = performance.now();
    const request = http.get({ hostname: "127.0.0.1", port, path: "/api/hello", agent: agents[name], headers: { host: hosts[name] } });
    const [response] = await once(request, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    if (text !== "hello") throw new Error(`${name} answered ${response.statusCode} ${text}`);
    return performance.now() - from;
  };
  const names = /** @type {(keyof typeof hosts)[]} */ (Object.keys(hosts));
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let number = -WARM_UP; number < REQUESTS; number += 1) {
    for (const name of names) {
      const took = await ask(name);
      if (number >= 0) times[name].push(took);
    }
  }
  /** @type {Record<string, number[]>} */
  const rates = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) {
      const args = ["-t2", "-c32", `-d${SECONDS}s`, "-H", `Host: ${hosts[name]}`, `http://127.0.0.1:${port}/api/hello`];
      const said = execFileSync("wrk", args, { encoding: "utf8" });
      if (/Non-2xx|Socket errors/.test(said)) throw new Error(`${name}: ${said}`);
      rates[name].push(Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]));
    }
  }
  console.log(`${REQUESTS} requests of one connection, in turns; wrk -t2 -c32 -d${SECONDS}s, median of ${ROUNDS}`);
  console.log("            p50 ms   over bare   requests/s   of bare");
  for (const name of names) {
    const [p50, rate] = [median(times[name]), median(rates[name])];
    report[name] = { p50_ms: p50, added_ms: p50 - median(times.bare), requests_per_second: rate, share: rate / median(rates.bare) };
    console.log(`${name.padEnd(10)}${p50.toFixed(2).padStart(8)}${report[name].added_ms.toFixed(2).padStart(12)}${rate.toFixed(0).padStart(13)}${report[name].share.toFixed(2).padStart(10)}`);
  }
} finally {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
}
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, "bench-dispatch.json"), `${JSON.stringify(report, null, 2)}\n`);
process.exit(0);

/**
 * `npm start [-- folder]`: sets up, runs the stack, says where it is, and stops it on Ctrl-C.
 * With a folder it also runs `hotplate dev` on it.
 */
// @ts-check
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { readConfiguration, requireFree } from "./configuration.mjs";
import { HOTPLATE } from "./places.mjs";
import { StackProblem, report } from "./problem.mjs";
import { seconds, stopAll, stopOnSignals } from "./processes.mjs";
import { setup } from "./setup.mjs";
import { runStack } from "./stack.mjs";

const SWEEP_MS = 60_000;

/** @param {string[]} args @returns {string | null} */
function folderArgument(args) {
  if (args.length > 1) throw new StackProblem(`one folder at most, not ${args.length}: ${args.join(" ")}`);
  if (args.length === 0) return null;
  const folder = resolve(process.env.INIT_CWD ?? ".", args[0]);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new StackProblem(`${folder} is not a folder`);
  return folder;
}

/** In this process's own group: Ctrl-C reaches it directly. @param {string} folder @param {import("./stack.mjs").Stack} stack @returns {Promise<number>} */
function develop(folder, stack) {
  const env = { ...process.env, HOTPLATE_URL: stack.base, ADMIN_TOKEN: stack.token, HOTPLATE_TOKEN: stack.token };
  const child = spawn(HOTPLATE, ["dev", folder], { stdio: "inherit", env });
  process.on("exit", () => child.kill());
  return new Promise((resolveCode, reject) => {
    child.on("error", (error) => reject(new StackProblem(`hotplate dev cannot run: ${error.message}`)));
    child.on("close", (code) => resolveCode(code ?? 1));
  });
}

async function main() {
  const from = performance.now();
  const folder = folderArgument(process.argv.slice(2));
  const configuration = readConfiguration(process.env);
  // Before the long steps: a taken port should not be told after minutes.
  await requireFree("PORT", configuration.port);
  await requireFree("BUILD_SERVICE_PORT", configuration.buildPort);
  await setup({ tests: false });
  console.log("- starting the build service and the Worker");
  const stack = await runStack(configuration);
  if (configuration.demo) {
    console.log(`  live        http://demo--live.${stack.baseDomain}/`);
    console.log(`  production  http://demo.${stack.baseDomain}/ (after the first deployment)`);
  }
  console.log(`  API         ${stack.apiUrl} (the token is ADMIN_TOKEN in .dev.vars${process.env.HOTPLATE_STATE ? ` of ${stack.state}` : ""})`);
  // The cron of wrangler.toml, which wrangler runs at Cloudflare only. What one sweep misses is the next one's.
  setInterval(() => stack.sweep().catch(() => {}), SWEEP_MS).unref();
  console.log(`hotplate ready on ${stack.base} in ${seconds(from)}; Ctrl-C stops it`);
  if (folder === null) return stack.failed();
  console.log(`- hotplate dev ${basename(folder)}`);
  return Promise.race([stack.failed(), develop(folder, stack)]);
}

stopOnSignals();
let code;
try {
  code = await main();
} catch (error) {
  code = report(error);
}
await stopAll();
process.exit(code);

/**
 * `npm test`: sets up, then runs every check and test. All of them run even when one fails, so that
 * one run tells everything; the exit code is non-zero when anything did.
 */
// @ts-check
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CACHE, NODE, ROOT } from "./places.mjs";
import { StackProblem, report } from "./problem.mjs";
import { seconds, step, stopAll, stopOnSignals } from "./processes.mjs";
import { setup } from "./setup.mjs";

/** Crates that must compile for WebAssembly and that the Worker, which set-up has built, does not reach. */
const PURE_CRATES = ["-p", "hotplate-puck"];
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
/** What cargo's and Node's runners close with, where they ran any test. */
const CLOSING_LINE = /^test result: .* [1-9]\d* passed|^ℹ (?:tests|pass|fail|skipped|duration_ms) /;
/** Folders without tests of ours. */
const SKIPPED = new Set(["node_modules", "fixtures", "output", "dist", "build"]);

/** @param {string} folder @returns {string[]} */
function testFiles(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : testFiles(path);
    return /\.test\.m?js$/.test(entry.name) ? [path] : [];
  });
}

/** @returns {{title: string, command: string, args: string[]}[]} */
function checks() {
  const cargo = (/** @type {string} */ title, /** @type {string[]} */ ...args) => ({ title, command: "cargo", args });
  const typed = readdirSync(join(ROOT, "worker-shims")).filter((shim) => existsSync(join(ROOT, "worker-shims", shim, "tsconfig.json")));
  const types = typed.map((shim) => ({ title: `types of ${shim}`, command: NODE, args: [TSC, "-p", join("worker-shims", shim)] }));
  const files = [...testFiles("tests"), ...testFiles("worker-shims")];
  return [
    cargo("cargo fmt", "fmt", "--all", "--check"),
    cargo("cargo clippy", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"),
    cargo("cargo test", "test", "--workspace", "--no-fail-fast"),
    cargo("pure crates for WASM", "check", "--target", "wasm32-unknown-unknown", ...PURE_CRATES),
    ...types,
    // Two at a time: several tests run a stack or a browser of their own.
    { title: `node tests (${files.length} files)`, command: NODE, args: ["--test", "--test-concurrency=2", "--test-reporter=spec", ...files] },
  ];
}

async function main() {
  const from = performance.now();
  await setup({ tests: true });
  const failed = [];
  for (const { title, command, args } of checks()) {
    const log = join(CACHE, "logs", `test-${title.replace(/\W+/g, "-")}.log`);
    try {
      await step(title, { command, args, cwd: ROOT, log }, { echo: true });
      for (const line of readFileSync(log, "utf8").split("\n")) if (CLOSING_LINE.test(line)) console.log(line);
    } catch (error) {
      if (!(error instanceof StackProblem)) throw error;
      report(error);
      failed.push(title);
    }
  }
  if (failed.length > 0) throw new StackProblem(`${failed.join(", ")} failed, after ${seconds(from)}`);
  console.log(`all tests passed in ${seconds(from)}`);
  return 0;
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

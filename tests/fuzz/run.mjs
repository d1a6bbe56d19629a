/**
 * Fuzzing of the compiler and the linker: `npm run fuzz -- [--target compile|link] [--minutes N | --cases N] [--seed N]`.
 *
 * `src/linker/examples/fuzz` changes fixtures and checks the answers; this runs it in processes of its own, with
 * bounds of memory and time, has V8 parse the code that comes of it, and tells executions and findings. Without
 * `--minutes` it makes a fixed number of cases of a fixed seed. It exits with 1 when anything was found.
 */
// @ts-check
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { problemOfCode, problemOfMap } from "./judge.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** A process makes this many, so that what it keeps (interned names, V8's scripts) is bounded. */
const CASES_OF_A_PROCESS = 1000;
/** Address space of a process: its stack, what it keeps, and far more than a file of 48 KB may need. */
const MEMORY_KIB = 3 * 1024 * 1024;
/** A case takes some milliseconds; one that takes this long does not end. */
const ENDLESS_MS = 60_000;

const { values } = parseArgs({
  options: { target: { type: "string" }, minutes: { type: "string" }, cases: { type: "string" }, seed: { type: "string" } },
});
/** What `npm test` has time for. */
const SHORT = { compile: 16_000, link: 4_000 };
const seed = values.seed ?? (values.minutes ? String(Date.now() % 1_000_000) : "1");
const targets = values.target ? [values.target] : ["compile", "link"];

execFileSync("cargo", ["build", "--quiet", "--workspace", "--example", "fuzz"], { cwd: root, stdio: "inherit" });
// Not counting the build.
const until = values.minutes ? performance.now() + Number(values.minutes) * 60_000 : Infinity;
const program = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/examples/fuzz");

/** @typedef {{executions: number, refused: number, parsed: number, findings: number}} Count */

/** @param {string} target @param {number} number @param {string} what @param {Count} count @param {[string, string][]} input */
function tell(target, number, what, count, input) {
  count.findings++;
  console.log(`FOUND ${target} --seed ${seed} --from ${number}: ${what}`);
  // In full: other fixtures make other cases of the same number.
  for (const [name, text] of input) console.log(`  ${name}: ${JSON.stringify(text)}`);
}

/**
 * Runs cases in one process; answers the number of the next case.
 * @param {string} target @param {number} from @param {number} most @param {Count} count @param {number} end
 */
async function runProcess(target, from, most, count, end) {
  const args = [target, "--seed", seed, "--from", String(from), "--cases", String(most)];
  const child = spawn("sh", ["-c", `ulimit -v ${MEMORY_KIB}; exec "$0" "$@"`, program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let current = from;
  /** @type {[string, string][]} */ let input = [];
  let ended = from - 1;
  let errors = "";
  let endless = false;
  child.stderr.setEncoding("utf8").on("data", (text) => void (errors = (errors + text).slice(-2000)));
  const stop = () => {
    endless = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(stop, ENDLESS_MS);
  /** @type {Promise<number | null>} */
  const closed = new Promise((resolve) => child.on("close", resolve));
  for await (const line of createInterface(child.stdout)) {
    const told = JSON.parse(line);
    if ("case" in told) {
      current = told.case;
      input = [];
      clearTimeout(timer);
      timer = setTimeout(stop, ENDLESS_MS);
    } else if ("input" in told) {
      input.push(told.input);
    } else if ("form" in told) {
      count.parsed++;
      const problem = problemOfCode(told.form, told.code) ?? (told.map && problemOfMap(told.code, told.map));
      if (problem) tell(target, current, problem, count, input);
    } else if ("finding" in told) {
      tell(target, told.of, told.finding, count, input);
    } else if ("ended" in told) {
      ended = told.ended;
      count.executions++;
      if (told.refused) count.refused++;
      if (performance.now() > end) break;
    }
  }
  clearTimeout(timer);
  if (performance.now() > end && ended === current) {
    child.kill("SIGKILL");
    await closed;
    return ended + 1;
  }
  const code = await closed;
  if (endless) tell(target, current, `does not end within ${ENDLESS_MS} ms`, count, input);
  else if (code !== 0) tell(target, current, `ended the process (${code ?? "a signal"}): ${errors.trim()}`, count, input);
  return current + 1;
}

let findings = 0;
for (const [index, target] of targets.entries()) {
  const from = performance.now();
  const end = until === Infinity ? Infinity : from + (until - from) / (targets.length - index);
  const cases = Number(values.cases ?? (values.minutes ? Infinity : SHORT[/** @type {keyof typeof SHORT} */ (target)]));
  /** @type {Count} */ const count = { executions: 0, refused: 0, parsed: 0, findings: 0 };
  for (let next = 0; next < cases && performance.now() < end; ) {
    next = await runProcess(target, next, Math.min(CASES_OF_A_PROCESS, cases - next), count, end);
  }
  const taken = ((performance.now() - from) / 1000).toFixed(0);
  console.log(
    `${target}: ${count.executions} executions with seed ${seed} in ${taken} s, ${count.refused} of them with errors; ` +
      `${count.parsed} texts parsed by V8; ${count.findings} findings`,
  );
  findings += count.findings;
}
process.exit(findings > 0 ? 1 : 0);

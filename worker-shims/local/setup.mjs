/**
 * Everything that must be built before the stack can run: npm packages, the WASM target, the tools
 * that worker-build needs, the live client, the native programs and the Worker. Plain Node 20, no
 * packages. What is up to date is left alone, so a second run takes seconds.
 */
// @ts-check
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { CACHE, EDGE, ESBUILD, NODE, ROOT, TOOLS, WASM_BINDGEN, WASM_OPT, WORKER_BUILD } from "./places.mjs";
import { StackProblem, report } from "./problem.mjs";
import { seconds, step, stopAll, stopOnSignals } from "./processes.mjs";

const RUST_VERSION = [1, 95];
const WORKER_BUILD_VERSION = "0.8.7";
const WASM_TARGET = "wasm32-unknown-unknown";
/** What the Worker is made of; the live client is embedded. */
const EDGE_SOURCES = ["Cargo.toml", "Cargo.lock", ".cargo", "migrations", "worker-shims/live-client/dist", ...["protocol", "domain", "compiler", "linker", "puck", "edge"].map((crate) => `src/${crate}`)];

/** @param {string} name */
const log = (name) => join(CACHE, "logs", `${name}.log`);

/** The output of a short command, or null when it cannot run or fails. @param {string} command @param {string[]} args */
function output(command, args) {
  try {
    return execFileSync(command, args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return null;
  }
}

/** @param {string} place @returns {string[]} */
function filesIn(place) {
  const whole = join(ROOT, place);
  if (!existsSync(whole)) return [];
  const entries = readdirSync(dirname(whole), { withFileTypes: true }).filter((entry) => join(dirname(whole), entry.name) === whole);
  if (entries[0]?.isFile()) return [place];
  return readdirSync(whole, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)))
    .filter((path) => !/^src\/edge\/build\//.test(path))
    .sort();
}

/** @param {string[]} places @param {string[]} [more] */
function fingerprint(places, more = []) {
  const hash = createHash("sha256");
  for (const path of places.flatMap(filesIn)) hash.update(`${path}\0`).update(readFileSync(join(ROOT, path))).update("\0");
  return hash.update(more.join("\0")).digest("hex");
}

/** Runs `build` unless the stamp says that this was built already. @param {string} stamp @param {string} value @param {() => Promise<void>} build */
async function unlessStamped(stamp, value, build) {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === value) return;
  await build();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, value);
}

function checkRust() {
  const version = output("rustc", ["--version"]);
  if (version === null) throw new StackProblem("rustc is missing: install Rust 1.95 with rustup (https://rustup.rs)");
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major < RUST_VERSION[0] || (major === RUST_VERSION[0] && minor < RUST_VERSION[1])) throw new StackProblem(`Rust ${RUST_VERSION.join(".")} or newer is needed, this is ${version}`);
  if (output("cargo", ["--version"]) === null) throw new StackProblem("cargo is missing: install Rust 1.95 with rustup (https://rustup.rs)");
}

async function npmPackages() {
  const lock = fingerprint(["package.json", "package-lock.json"]);
  await unlessStamped(join(ROOT, "node_modules", ".hotplate-stamp"), lock, () =>
    step("installing npm packages", { command: "npm", args: ["install", "--no-audit", "--no-fund", "--no-save"], cwd: ROOT, log: log("npm") }));
}

async function wasmTarget() {
  const sysroot = output("rustc", ["--print", "sysroot"]);
  if (sysroot && existsSync(join(sysroot, "lib", "rustlib", WASM_TARGET, "lib"))) return;
  if (output("rustup", ["--version"]) === null) throw new StackProblem(`the Rust target ${WASM_TARGET} is missing, and rustup, which would add it, too`);
  await step("adding Rust's WASM target", { command: "rustup", args: ["target", "add", WASM_TARGET], cwd: ROOT, log: log("rustup") });
}

/** @param {string} crate @param {string} binary @param {string} version @param {string[]} flags */
async function rustTool(crate, binary, version, flags) {
  if ((output(binary, ["--version"]) ?? "").split(/\s+/).includes(version)) return;
  // Little optimised: these run for seconds, and compile for minutes.
  const env = { CARGO_PROFILE_RELEASE_OPT_LEVEL: "1", CARGO_PROFILE_RELEASE_LTO: "off", CARGO_TARGET_DIR: join(CACHE, "tools-target") };
  const args = ["install", crate, "--version", version, "--root", TOOLS, "--force", ...flags];
  await step(`building ${crate} ${version} (once)`, { command: "cargo", args, env, log: log(crate) });
}

function lockedWasmBindgen() {
  const found = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(readFileSync(join(ROOT, "Cargo.lock"), "utf8"));
  if (!found) throw new StackProblem("Cargo.lock names no wasm-bindgen");
  return found[1];
}

async function liveClient() {
  const script = join("worker-shims", "live-client", "build.mjs");
  const sources = fingerprint(["package-lock.json", "worker-shims/live-client/src", script]);
  const stamp = join(ROOT, "worker-shims", "live-client", "dist", ".stamp");
  await unlessStamped(stamp, sources, () => step("building the live client", { command: NODE, args: [script], cwd: ROOT, log: log("live-client") }));
}

async function nativePrograms() {
  // The whole workspace's programs, not two packages: cargo chooses features for what is selected, and another
  // selection than the tests' would compile swc once more.
  const args = ["build", "--workspace", "--bins"];
  await step("building the build service and the command line", { command: "cargo", args, cwd: ROOT, log: log("native") });
}

async function edge() {
  // wasm-opt takes minutes on two cores and makes the module smaller, not noticeably faster: production only.
  const optimisation = process.env.HOTPLATE_OPTIMIZE === "1" ? [] : ["--no-opt"];
  const env = { WASM_BINDGEN_BIN: WASM_BINDGEN, WASM_OPT_BIN: WASM_OPT, ESBUILD_BIN: ESBUILD };
  const stamp = join(dirname(EDGE), ".stamp");
  await unlessStamped(stamp, fingerprint(EDGE_SOURCES, [WORKER_BUILD_VERSION, ...optimisation]), () =>
    step("building the Worker (WASM)", { command: WORKER_BUILD, args: ["--release", ...optimisation, join("src", "edge")], cwd: ROOT, env, log: log("edge") }));
}

async function chromium() {
  const found = process.env.CHROMIUM_PATH ?? ["chromium", "chromium-browser", "google-chrome"].find((name) => output(name, ["--version"]) !== null);
  if (found) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await step("updating the package lists", { command: "apt-get", args: ["update"], env, log: log("apt-update") });
  await step("installing Chromium", { command: "apt-get", args: ["install", "-y", "--no-install-recommends", "chromium"], env, log: log("apt-chromium") });
}

/** @param {{tests: boolean}} options `tests`: also what only the tests need */
export async function setup({ tests }) {
  const from = performance.now();
  checkRust();
  await npmPackages();
  await wasmTarget();
  // Not --locked: the lock file published with wasm-bindgen-cli 0.2.130 names a withdrawn alpha release.
  await rustTool("wasm-bindgen-cli", WASM_BINDGEN, lockedWasmBindgen(), []);
  await rustTool("worker-build", WORKER_BUILD, WORKER_BUILD_VERSION, ["--locked"]);
  await liveClient();
  await nativePrograms();
  await edge();
  if (tests) await chromium();
  console.log(`- set-up: ${seconds(from)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  stopOnSignals();
  try {
    await setup({ tests: process.argv.includes("--tests") });
  } catch (error) {
    process.exitCode = report(error);
    await stopAll();
  }
}

/**
 * `npm run bench:bundlers`: our compiler and linker beside esbuild, Rolldown and Rspack, in one run, on a
 * generated app of components and icons. Each tool runs in a process of its own, as a library; what is
 * measured starts after it is loaded.
 *
 * Sizes are arguments (`npm run bench:bundlers -- 1000 5000`), 1,000 components without any.
 */
// @ts-check
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { OUTPUT, ROOT } from "../e2e/platform.mjs";
import { ICONS, generate, lay } from "./app.mjs";

const RUNS = 5;
const EDITS = 10;
const FOLDER = join(ROOT, "tests", "bench", "bundlers");
const PACKAGES = join(FOLDER, "node_modules");

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** A program that is asked line by line. @param {string} command @param {string[]} args */
function program(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], cwd: FOLDER });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async next() {
      const { value, done } = await answers.next();
      if (done) throw new Error(`${command} ${args.join(" ")} ended`);
      return JSON.parse(value);
    },
    /** @param {string} line */
    ask(line) {
      child.stdin.write(`${line}\n`);
      return this.next();
    },
    end: () => new Promise((resolve) => child.on("close", resolve).stdin.end()),
  };
}

/** @typedef {{cold: number[], leaf: number[], root: number[], release: number[], releaseEdit: number[], bytes: number, gzip: number, peakKb: number}} Figures */

/** @param {string} tool @param {string} folder @param {ReturnType<typeof generate>} app @returns {Promise<Figures>} */
async function measure(tool, folder, app) {
  /** @type {Figures} */
  const figures = { cold: [], leaf: [], root: [], release: [], releaseEdit: [], bytes: 0, gzip: 0, peakKb: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    const cache = mkdtempSync(join(tmpdir(), "hotplate-bench-cache-"));
    const bundler = tool === "hotplate"
      ? program(join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "release", "examples", "bench"), [folder, cache])
      : program(process.execPath, [join(FOLDER, "peer.mjs"), tool, folder]);
    const first = await bundler.next();
    figures.cold.push(first.preview_ms);
    figures.release.push(first.release_ms);
    Object.assign(figures, { bytes: first.release_bytes, gzip: first.release_gzip, peakKb: first.peak_kb });
    if (run === RUNS - 1) {
      for (let edit = 0; edit < EDITS; edit += 1) {
        lay(folder, { [app.leaf.path]: app.leaf.text(`Leaf ${edit}`) });
        figures.leaf.push((await bundler.ask(app.leaf.path)).edit_ms);
      }
      for (let edit = 0; edit < EDITS; edit += 1) {
        lay(folder, { [app.root.path]: app.root.text(`Root ${edit}`) });
        figures.root.push((await bundler.ask(app.root.path)).edit_ms);
      }
      lay(folder, { [app.leaf.path]: app.leaf.text("Released") });
      figures.releaseEdit.push((await bundler.ask("release")).release_ms);
    }
    await bundler.end();
    rmSync(cache, { recursive: true, force: true });
  }
  return figures;
}

const sizes = process.argv.slice(2).map(Number).filter(Boolean);
execFileSync("npm", ["ci", "--silent", "--no-audit", "--no-fund"], { cwd: FOLDER, stdio: "inherit" });
execFileSync("cargo", ["build", "--release", "--package", "hotplate-build-service", "--example", "bench"], { cwd: ROOT, stdio: "inherit" });
/** @type {Record<string, Record<string, Figures>>} */
const results = {};
for (const size of sizes.length ? sizes : [1_000]) {
  const folder = mkdtempSync(join(tmpdir(), "hotplate-bench-app-"));
  const app = generate(size, PACKAGES);
  lay(folder, app.files);
  symlinkSync(PACKAGES, join(folder, "node_modules"));
  console.log(`\n${size} components, ${ICONS} icons; medians of ${RUNS} runs and ${EDITS} edits, ms`);
  console.log("tool       cold preview   leaf edit   root edit   release   release, 1 edit   bytes      gzip      peak MB");
  results[size] = {};
  for (const tool of ["hotplate", "esbuild", "rolldown", "rspack"]) {
    const figures = await measure(tool, folder, app);
    results[size][tool] = figures;
    const cell = (/** @type {number} */ value, /** @type {number} */ width) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : 0) : "–").padEnd(width);
    console.log(`${tool.padEnd(11)}${cell(median(figures.cold), 15)}${cell(median(figures.leaf), 12)}${cell(median(figures.root), 12)}${cell(median(figures.release), 10)}${cell(median(figures.releaseEdit), 18)}${String(figures.bytes).padEnd(11)}${String(figures.gzip).padEnd(10)}${cell(figures.peakKb / 1024, 8)}`);
  }
  rmSync(folder, { recursive: true, force: true });
}
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, "bench-bundlers.json"), JSON.stringify(results, null, 2));

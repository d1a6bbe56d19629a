/**
 * `npm run bench:bundlers`: our compiler and linker beside esbuild, Rolldown and Rspack, in one run, on a
 * generated app of components and icons. Each tool runs in a process of its own, as a library; what is
 * measured starts after it is loaded.
 *
 * Sizes are arguments (`npm run bench:bundlers -- 1000 5000`), 1,000 components without any.
 */
// @ts-check
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { OUTPUT, ROOT } from "../e2e/platform.mjs";

const RUNS = 5;
const EDITS = 10;
const ICONS = 1_500;
const FOLDER = join(ROOT, "tests", "bench", "bundlers");
const PACKAGES = join(FOLDER, "node_modules");

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** A component of some forty lines; `text` is what an edit changes. @param {number} index @param {string[]} icons @param {string} text */
const component = (index, icons, text) => `import { useCallback, useMemo, useState } from "react";
import { ${icons.join(", ")} } from "lucide-react";
import { describe } from "../lib/describe";

interface Item { id: number; label: string; done: boolean }
type Props = { title?: string; initial?: Item[] };

const EMPTY: Item[] = [];

export function Component${index}({ title = ${JSON.stringify(text)}, initial = EMPTY }: Props) {
  const [items, setItems] = useState<Item[]>(initial);
  const [filter, setFilter] = useState<"all" | "open">("all");
  const shown = useMemo(() => (filter === "all" ? items : items.filter((item) => !item.done)), [items, filter]);
  const add = useCallback(() => {
    setItems((before) => [...before, { id: before.length, label: \`item \${before.length}\`, done: false }]);
  }, []);
  const toggle = (id: number) => {
    setItems((before) => before.map((item) => (item.id === id ? { ...item, done: !item.done } : item)));
  };
  return (
    <section className="component" data-index={${index}}>
      <h2>{title} {describe(${index})}</h2>
      ${icons.map((icon) => `<${icon} size={16} />`).join(" ")}
      <ul>
        {shown.map((item) => (
          <li key={item.id} onClick={() => toggle(item.id)} className={item.done ? "done" : "open"}>{item.label}</li>
        ))}
      </ul>
      <button type="button" onClick={add}>add</button>
      <button type="button" onClick={() => setFilter(filter === "all" ? "open" : "all")}>{filter}</button>
    </section>
  );
}
`;

/** Lays down an app of so many components. @param {string} folder @param {number} size */
function generate(folder, size) {
  const names = readdirSync(join(PACKAGES, "lucide-react", "dist", "esm", "icons"))
    .filter((file) => /^[a-z]+(-[a-z]+)*\.m?js$/.test(file) && !file.startsWith("index."))
    .map((file) => file.replace(/\.m?js$/, "").split("-").map((part) => part[0].toUpperCase() + part.slice(1)).join(""))
    .slice(0, ICONS);
  const iconsOf = (/** @type {number} */ index) => [names[(index * 2) % names.length], names[(index * 2 + 1) % names.length]];
  const write = (/** @type {string} */ path, /** @type {string} */ text) => writeFileSync(join(folder, path), text);
  mkdirSync(join(folder, "src", "components"), { recursive: true });
  mkdirSync(join(folder, "src", "lib"), { recursive: true });
  for (let index = 0; index < size; index += 1) write(`src/components/Component${index}.tsx`, component(index, iconsOf(index), "Component"));
  const groups = Math.ceil(size / 50);
  for (let group = 0; group < groups; group += 1) {
    const members = Array.from({ length: Math.min(50, size - group * 50) }, (_, index) => group * 50 + index);
    write(`src/Group${group}.tsx`, `${members.map((index) => `import { Component${index} } from "./components/Component${index}";\n`).join("")}
export const Group${group} = () => <>${members.map((index) => `<Component${index} />`).join("")}</>;\n`);
  }
  const all = Array.from({ length: groups }, (_, group) => group);
  write("src/App.tsx", `${all.map((group) => `import { Group${group} } from "./Group${group}";\n`).join("")}export const App = () => <main>${all.map((group) => `<Group${group} />`).join("")}</main>;\n`);
  write("src/lib/describe.ts", "export const describe = (index: number): string => `number ${index}`;\n");
  write("src/main.tsx", 'import { createRoot } from "react-dom/client";\nimport { App } from "./App";\ncreateRoot(document.getElementById("root")!).render(<App />);\n');
  write("index.html", '<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>');
  write("package.json", JSON.stringify({ dependencies: { react: "19.3.1", "react-dom": "19.3.1", "lucide-react": "1.77.0" } }));
  symlinkSync(PACKAGES, join(folder, "node_modules"));
  return { leaf: "src/components/Component0.tsx", root: "src/App.tsx", edit: (/** @type {number} */ number) => write("src/components/Component0.tsx", component(0, iconsOf(0), `Component ${number}`)), touch: (/** @type {number} */ number) => write("src/App.tsx", `${all.map((group) => `import { Group${group} } from "./Group${group}";\n`).join("")}export const App = () => <main data-edit={${number}}>${all.map((group) => `<Group${group} />`).join("")}</main>;\n`) };
}

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
        app.edit(run * 100 + edit);
        figures.leaf.push((await bundler.ask(app.leaf)).edit_ms);
      }
      for (let edit = 0; edit < EDITS; edit += 1) {
        app.touch(run * 100 + edit);
        figures.root.push((await bundler.ask(app.root)).edit_ms);
      }
      app.edit(9_999);
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
  const app = generate(folder, size);
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

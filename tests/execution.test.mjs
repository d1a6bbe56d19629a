/**
 * Execution against a peer: each fixture folder is bundled by esbuild and by us, as a release and as a
 * preview, all are run, and what they print is the same. For releases of `chunks/` esbuild splits, as we do.
 *
 * A fixture is an app with `main.{js,jsx,ts,tsx}`; each `packages/` becomes a `node_modules`. Where we
 * differ on purpose, `difference.md` says why, and `expected.txt` has what ours print (with
 * `expected.preview.txt` when the preview prints something else).
 */
// @ts-check
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const FIXTURES = join(root, "tests", "fixtures", "execution");
const ENTRIES = ["main.js", "main.jsx", "main.ts", "main.tsx"];

/** A program that answers each line with a line of JSON. @param {string} command @param {string[]} args */
function lines(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    /** @param {string} line @returns {Promise<any>} */
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const { value, done } = await answers.next();
      assert.ok(!done, `${command} ended`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

/** @type {string} */ let work;
/** @type {ReturnType<typeof lines>} */ let bundler;
/** @type {ReturnType<typeof lines>} */ let runner;
before(() => {
  execFileSync("cargo", ["build", "--quiet", "--workspace", "--example", "bundle"], { cwd: root });
  work = mkdtempSync(join(tmpdir(), "hotplate-execution-"));
  bundler = lines(join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/examples/bundle"), [join(work, "cache")]);
  runner = lines(process.execPath, ["--experimental-vm-modules", "--no-warnings", join(root, "tests", "execution", "runner.mjs")]);
});
after(() => {
  bundler?.end();
  runner?.end();
  rmSync(work, { recursive: true, force: true });
});

/** What npm would have noted of the packages. @param {string} folder */
function listPackages(folder) {
  /** @type {Record<string, {version: string}>} */ const packages = {};
  /** @param {string} place */
  const visit = (place) => {
    for (const name of readdirSync(join(folder, place))) {
      if (name.startsWith(".")) continue;
      if (name.startsWith("@") && !place.endsWith(name)) {
        for (const scoped of readdirSync(join(folder, place, name))) note(`${place}/${name}/${scoped}`);
      } else note(`${place}/${name}`);
    }
  };
  /** @param {string} place */
  const note = (place) => {
    const { version = "1.0.0" } = JSON.parse(readFileSync(join(folder, place, "package.json"), "utf8"));
    packages[place] = { version };
    if (existsSync(join(folder, place, "node_modules"))) visit(`${place}/node_modules`);
  };
  visit("node_modules");
  writeFileSync(join(folder, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));
  return Object.keys(packages).filter((place) => place.lastIndexOf("node_modules") === 0).map((place) => place.slice("node_modules/".length));
}

/** The fixture as an app of its own. @param {string} fixture */
function prepare(fixture) {
  const folder = join(work, fixture.replaceAll("/", "--"));
  mkdirSync(folder, { recursive: true });
  cpSync(join(FIXTURES, fixture), folder, { recursive: true });
  const entry = ENTRIES.find((name) => existsSync(join(folder, name)));
  assert.ok(entry, `${fixture} has no entry`);
  writeFileSync(join(folder, "index.html"), `<script type="module" src="/${entry}"></script>`);
  const nested = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => basename(path) === "packages");
  // The deepest first, so that the paths of the others stay true.
  for (const path of nested.sort((a, b) => b.length - a.length)) renameSync(join(folder, path), join(folder, dirname(path), "node_modules"));
  if (nested.length > 0) {
    const dependencies = Object.fromEntries(listPackages(folder).map((name) => [name, "*"]));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies }));
  }
  return { folder, entry };
}

/** @param {string} folder @param {string} entry @param {"development" | "production"} mode */
async function peer(folder, entry, mode) {
  // Elsewhere it would show how esbuild's chunks treat CommonJS, which is not how its bundles do.
  const splitting = mode === "production" && basename(folder).startsWith("chunks--");
  const { outputFiles } = await build({
    absWorkingDir: folder, entryPoints: [entry], bundle: true, splitting, write: false, format: "esm", platform: "browser", logLevel: "silent",
    conditions: [mode, "module"], define: { "process.env.NODE_ENV": JSON.stringify(mode) }, minify: mode === "production", outdir: "out",
    jsx: "automatic", jsxDev: mode === "development", keepNames: true, target: "es2022",
  });
  const files = Object.fromEntries(outputFiles.map(({ path, text }) => [path.slice(join(folder, "out").length), text]));
  return (await runner.ask(JSON.stringify({ kind: "modules", files, entry: "/main.js" }))).output;
}

const areas = readdirSync(FIXTURES).sort();
for (const area of areas) {
  describe(area, () => {
    for (const name of readdirSync(join(FIXTURES, area)).sort()) {
      test(name, async () => {
        const { folder, entry } = prepare(`${area}/${name}`);
        const { release, preview } = await bundler.ask(folder);
        assert.ok(release.files, `the release has no files: ${JSON.stringify(release.diagnostics, null, 1)}`);
        assert.ok(preview.registry !== undefined, JSON.stringify(preview.diagnostics, null, 1));
        const [, script] = /<script type="module" crossorigin src="([^"]+)">/.exec(release.files["index.html"]) ?? [];
        const files = Object.fromEntries(Object.entries(release.files).map(([path, text]) => [`/${path}`, text]));
        const ours = {
          release: (await runner.ask(JSON.stringify({ kind: "modules", files, entry: script }))).output,
          preview: (await runner.ask(JSON.stringify({ kind: "registry", vendor: preview.vendor, code: preview.registry, entry: `/${entry}` }))).output,
        };
        const different = existsSync(join(folder, "difference.md"));
        const theirs = different ? null : { release: await peer(folder, entry, "production"), preview: await peer(folder, entry, "development") };
        if (theirs) {
          assert.ok(theirs.preview.length > 0, "a fixture that prints nothing shows nothing");
          assert.deepEqual(ours, theirs);
        } else {
          const expected = (/** @type {string} */ name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n");
          const apart = existsSync(join(folder, "expected.preview.txt"));
          assert.deepEqual(ours, { release: expected("expected.txt"), preview: expected(apart ? "expected.preview.txt" : "expected.txt") });
        }
      });
    }
  });
}

test("there are as many fixtures as there were", () => {
  const count = areas.reduce((sum, area) => sum + readdirSync(join(FIXTURES, area)).length, 0);
  assert.ok(count >= 300, `${count}`);
});

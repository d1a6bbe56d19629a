/**
 * The architecture's invariants (ARCHITECTURE.md), checked from `cargo metadata` and the sources:
 * who may depend on what, who may name what, and that every module says what it is for.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const metadata = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version", "1", "--no-deps"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 }),
);

/** @type {Map<string, string[]>} crate → its direct, non-test dependencies */
const dependencies = new Map(
  metadata.packages.map((/** @type {any} */ pkg) => [
    pkg.name.replace("hotplate-", ""),
    pkg.dependencies.filter((/** @type {any} */ dep) => dep.kind !== "dev").map((/** @type {any} */ dep) => dep.name),
  ]),
);

/** @param {string} folder @param {RegExp} ending @returns {string[]} */
function sources(folder, ending) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !/(^|\/)(node_modules|dist|build|target|template|\.[^/]+)\//.test(path));
}

/** @param {string} path */
const read = (path) => readFileSync(join(root, path), "utf8");

/** Without comments and string literals, so that prose may name what code may not. @param {string} text */
const codeOnly = (text) => text.replaceAll(/\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"/g, "");

/** @param {(name: string) => boolean} matches @param {string[]} allowed */
function onlyThese(matches, allowed) {
  const found = [...dependencies].filter(([, names]) => names.some(matches)).map(([name]) => name);
  assert.deepEqual(found.filter((name) => !allowed.includes(name)), []);
}

test("the workspace has the crates of the design", () => {
  assert.deepEqual([...dependencies.keys()].sort(), [
    "build-service", "cli", "cloudflare-api", "compiler", "domain", "edge", "linker", "protocol", "puck",
  ]);
});

test("only edge names `worker`", () => onlyThese((name) => name === "worker", ["edge"]));

test("only compiler and linker name swc, only compiler names lightningcss", () => {
  onlyThese((name) => name.startsWith("swc"), ["compiler", "linker"]);
  onlyThese((name) => name === "lightningcss", ["compiler"]);
});

test("swc_bundler is not used", () => onlyThese((name) => name === "swc_bundler", []));

test("the pure crates depend on nothing that does I/O", () => {
  const impure = new Set(["tokio", "reqwest", "axum", "worker", "notify", "ignore", "tempfile", "wasm-bindgen", "js-sys", "oxc_resolver"]);
  for (const crate of ["protocol", "domain", "compiler", "linker", "puck"]) {
    assert.deepEqual((dependencies.get(crate) ?? []).filter((name) => impure.has(name)), [], crate);
  }
});

test("the pure crates do no I/O and read no clock", () => {
  const forbidden = /\bstd::(fs|net|env|process|thread)\b|\b(SystemTime|Instant)::now\b|\bprintln!/;
  for (const crate of ["protocol", "domain", "compiler", "linker", "puck"]) {
    for (const path of sources(`src/${crate}/src`, /\.rs$/)) {
      assert.equal(forbidden.exec(codeOnly(read(path)))?.[0], undefined, path);
    }
  }
});

test("protocol depends on serde alone", () => {
  assert.deepEqual(dependencies.get("protocol")?.sort(), ["serde", "serde_json"]);
});

test("only cloudflare-api knows REST paths", () => {
  for (const crate of dependencies.keys()) {
    if (crate === "cloudflare-api") continue;
    for (const path of sources(`src/${crate}/src`, /\.rs$/)) {
      assert.doesNotMatch(read(path).replaceAll(/\/\/[^\n]*/g, ""), /workers\/dispatch|workers\/assets\/upload|assets-upload-session/, path);
    }
  }
});

test("every Rust module says what it is for", () => {
  for (const path of sources("src", /\.rs$/)) assert.match(read(path), /^\/\/!/, path);
});

test("every JavaScript module of ours says what it is for", () => {
  for (const path of [...sources("worker-shims", /\.m?js$/), ...sources("tests", /\.test\.mjs$/)]) {
    assert.match(read(path).replace(/^#![^\n]*\n/, ""), /^(\/\/ @ts-check\n)?\/\*\*/, path);
  }
});

test("no file outgrows its role", () => {
  for (const path of [...sources("src", /\.rs$/), ...sources("worker-shims", /\.m?js$/), ...sources("tests", /\.mjs$/)]) {
    assert.ok(read(path).split("\n").length <= 600, `${path} has more than 600 lines`);
  }
});

test("SQL stands in .sql files, migrations and the room's schema alone", () => {
  const sql = /"\s*(SELECT\s+\w|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)/i;
  for (const path of sources("src", /\.rs$/)) {
    if (/room\/(schema|statements)\.rs$/.test(path)) continue;
    assert.doesNotMatch(read(path), sql, path);
  }
});

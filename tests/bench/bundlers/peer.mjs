/**
 * One peer as a library: bundles an app cold, then again after each edit. Speaks as our own
 * `examples/bench.rs` does, for `tests/bench/bundlers.mjs`.
 */
// @ts-check
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";

const [tool, folder] = process.argv.slice(2);
const entry = join(folder, "src", "main.tsx");
const out = join(folder, "out");

/** @typedef {{preview(): Promise<void>, edit(file: string): Promise<void>, release(): Promise<Uint8Array>, end(): Promise<void>}} Peer */

/** @returns {Promise<Peer>} */
async function esbuild() {
  const { build, context } = await import("esbuild");
  const shared = { absWorkingDir: folder, entryPoints: [entry], bundle: true, write: false, format: /** @type {const} */ ("esm"), jsx: /** @type {const} */ ("automatic"), outdir: out };
  const watched = await context({ ...shared, sourcemap: true, jsxDev: true, define: { "process.env.NODE_ENV": '"development"' } });
  return {
    preview: async () => void (await watched.rebuild()),
    edit: async () => void (await watched.rebuild()),
    release: async () => (await build({ ...shared, minify: true, define: { "process.env.NODE_ENV": '"production"' } })).outputFiles[0].contents,
    end: () => watched.dispose(),
  };
}

/** @returns {Promise<Peer>} */
async function rolldown() {
  const { rolldown: bundle } = await import("rolldown");
  const run = async (/** @type {boolean} */ production) => {
    const built = await bundle({
      input: entry, cwd: folder, platform: "browser", logLevel: "silent",
      transform: { define: { "process.env.NODE_ENV": production ? '"production"' : '"development"' }, jsx: { runtime: "automatic", development: !production } },
    });
    const { output } = await built.generate({ format: "esm", sourcemap: !production, minify: production, dir: out });
    await built.close();
    return Buffer.from(output[0].type === "chunk" ? output[0].code : "");
  };
  // Its incremental builds are Vite's to drive; as a library it builds anew.
  return { preview: async () => void (await run(false)), edit: async () => void (await run(false)), release: () => run(true), end: async () => {} };
}

/** @returns {Promise<Peer>} */
async function rspack() {
  const { rspack: create } = await import("@rspack/core");
  const compiler = (/** @type {boolean} */ production) => create({
    mode: production ? "production" : "development", context: folder, entry, devtool: production ? false : "source-map", cache: true,
    output: { path: join(out, production ? "release" : "preview"), filename: "main.js" },
    resolve: { extensions: [".tsx", ".ts", ".mjs", ".js"] }, performance: false,
    module: { rules: [{ test: /\.tsx?$/, use: { loader: "builtin:swc-loader", options: { jsc: { parser: { syntax: "typescript", tsx: true }, transform: { react: { runtime: "automatic", development: !production } } } } } }] },
  });
  // Without these a compiler that is run again trusts that nothing changed.
  const touch = (/** @type {ReturnType<typeof compiler>} */ made, /** @type {string[]} */ files) => void (made.modifiedFiles = new Set(files));
  const run = (/** @type {ReturnType<typeof compiler>} */ made) => new Promise((resolve, reject) => made.run((error, stats) => (error || stats?.hasErrors() ? reject(error ?? new Error(stats?.toString("errors-only"))) : resolve(undefined))));
  const preview = compiler(false), release = compiler(true);
  return {
    preview: async () => void (await run(preview)),
    edit: async (file) => {
      touch(preview, [join(folder, file)]);
      await run(preview);
    },
    release: async () => {
      await run(release);
      return readFileSync(join(out, "release", "main.js"));
    },
    end: () => new Promise((resolve) => preview.close(() => release.close(() => resolve(undefined)))),
  };
}

const peer = await { esbuild, rolldown, rspack }[/** @type {"esbuild" | "rolldown" | "rspack"} */ (tool)]();
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0);
const timed = async (/** @type {() => Promise<any>} */ work) => {
  const from = performance.now();
  const result = await work();
  return { ms: performance.now() - from, result };
};
statSync(entry);

const preview = await timed(() => peer.preview());
const release = await timed(() => peer.release());
console.log(JSON.stringify({ preview_ms: preview.ms, release_ms: release.ms, release_bytes: release.result.length, release_gzip: gzipSync(release.result).length, peak_kb: peak() }));
for await (const line of createInterface(process.stdin)) {
  const { ms } = await timed(() => (line === "release" ? peer.release() : peer.edit(line)));
  console.log(JSON.stringify(line === "release" ? { release_ms: ms } : { edit_ms: ms }));
}
await peer.end();

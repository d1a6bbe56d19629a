/**
 * Bundles the live client (`dist/client.js`) and the runtime of web workers (`dist/worker.js`), classic
 * scripts, and the runtimes of releases (`dist/release.js`) and of servers (`dist/server.js`), each of which
 * stands at the head of an ES module.
 */
// @ts-check
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** @param {string} name */
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

mkdirSync(path("./dist"), { recursive: true });

/** @type {import("esbuild").BuildOptions} */
const shared = { bundle: true, format: "iife", target: "es2022", minify: true, legalComments: "none", logLevel: "warning" };

await Promise.all([
  build({
    ...shared,
    entryPoints: [path("./src/main.js")],
    outfile: path("./dist/client.js"),
    // React's development build asks for the development build of its refresh runtime.
    define: { "process.env.NODE_ENV": '"development"' },
  }),
  build({
    ...shared,
    entryPoints: [path("./src/release.js")],
    outfile: path("./dist/release.js"),
    // A constant of the page's script, which is an ES module: nothing of it is global.
    globalName: "__hotplate__",
  }),
  build({
    ...shared,
    entryPoints: [path("./src/server.js")],
    outfile: path("./dist/server.js"),
    globalName: "__hotplate__",
  }),
  build({
    ...shared,
    entryPoints: [path("./src/worker.js")],
    outfile: path("./dist/worker.js"),
    // The runtime's own "use strict" must not reach what follows it in a worker's script: packages that
    // were written before strict mode stand there too. A function ends it.
    banner: { js: "(()=>{" },
    footer: { js: "})();" },
  }),
]);

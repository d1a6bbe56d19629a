/**
 * Bundles the live client (`dist/client.js`), the runtime of releases (`dist/release.js`) and that of web
 * workers (`dist/worker.js`), all classic scripts.
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

/**
 * A runtime that stands before records in one script. Its own "use strict" must not reach them: packages
 * that were written before strict mode stand there too. A function ends it.
 * @param {string} name
 */
const runtime = (name) =>
  build({
    ...shared,
    entryPoints: [path(`./src/${name}.js`)],
    outfile: path(`./dist/${name}.js`),
    banner: { js: "(()=>{" },
    footer: { js: "})();" },
  });

await Promise.all([
  build({
    ...shared,
    entryPoints: [path("./src/main.js")],
    outfile: path("./dist/client.js"),
    // React's development build asks for the development build of its refresh runtime.
    define: { "process.env.NODE_ENV": '"development"' },
  }),
  runtime("release"),
  runtime("worker"),
]);

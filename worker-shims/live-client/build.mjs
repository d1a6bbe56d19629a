/**
 * Bundles the live client (`dist/client.js`) and the runtime of releases (`dist/release.js`), both
 * classic scripts.
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
    // The runtime's own "use strict" must not reach what follows it in a release: packages that were
    // written before strict mode stand in the same script. A function ends it.
    banner: { js: "(()=>{" },
    footer: { js: "})();" },
  }),
]);

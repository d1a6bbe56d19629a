/**
 * One peer's dev server over an app's folder, as `node peer.mjs <vite|bundled|rspack> <folder> <cache>`. Prints
 * its address once it serves and ends with its standard input. For `tests/bench/hmr.mjs`.
 */
// @ts-check
import { join } from "node:path";
import { createRequire } from "node:module";

const [tool, folder, cache] = process.argv.slice(2);
const HOST = "127.0.0.1";

/** @param {boolean} bundled `experimental.bundledDev` @returns {Promise<string>} */
async function vite(bundled) {
  const { createServer } = await import("vite");
  const { default: react } = await import("@vitejs/plugin-react");
  const server = await createServer({
    root: folder, configFile: false, cacheDir: cache, logLevel: "error", plugins: [react()],
    server: { host: HOST, port: 0 }, experimental: bundled ? { bundledDev: true } : {},
  });
  await server.listen();
  const address = server.httpServer?.address();
  return `http://${HOST}:${typeof address === "object" ? address?.port : ""}/`;
}

/** @returns {Promise<string>} */
async function rspack() {
  const { rspack: create } = await import("@rspack/core");
  const { RspackDevServer } = await import("@rspack/dev-server");
  const { ReactRefreshRspackPlugin } = await import("@rspack/plugin-react-refresh");
  const swc = { jsc: { parser: { syntax: "typescript", tsx: true }, transform: { react: { runtime: "automatic", development: true, refresh: true } } } };
  const compiler = create({
    mode: "development", context: folder, entry: "./src/main.tsx", devtool: "cheap-module-source-map",
    output: { path: join(cache, "out"), filename: "main.js", publicPath: "/" },
    resolve: { extensions: [".tsx", ".ts", ".mjs", ".js"] }, performance: false, infrastructureLogging: { level: "error" }, stats: "errors-only",
    module: { rules: [{ test: /\.tsx?$/, use: { loader: "builtin:swc-loader", options: swc } }] },
    plugins: [new ReactRefreshRspackPlugin(), new create.HtmlRspackPlugin({ templateContent: '<!doctype html><html><body><div id="root"></div></body></html>' })],
  });
  const server = new RspackDevServer({ host: HOST, port: "auto", hot: true, client: { overlay: false, logging: "error" }, static: false }, compiler);
  await server.start();
  const address = server.server?.address();
  return `http://${HOST}:${typeof address === "object" ? address?.port : ""}/`;
}

const address = await { vite: () => vite(false), bundled: () => vite(true), rspack }[/** @type {"vite" | "bundled" | "rspack"} */ (tool)]();
const version = createRequire(import.meta.url)(tool === "rspack" ? "@rspack/core/package.json" : "vite/package.json").version;
console.log(JSON.stringify({ address, version }));
process.stdin.on("end", () => process.exit(0)).resume();

/**
 * Which asset answers a request, and how: Cloudflare's `html_handling`, `not_found_handling` and
 * `run_worker_first`, ETags and cache headers. Knows no storage: contents come from a function.
 */
// @ts-check

/**
 * @typedef {import("./namespace.js").AssetsConfig} AssetsConfig
 * @typedef {Record<string, string>} Manifest path → hash
 * @typedef {{file: string, status: number} | {redirect: string}} Found
 */

export const HTML_HANDLINGS = ["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"];
export const NOT_FOUND_HANDLINGS = ["none", "404-page", "single-page-application"];

/** @param {Manifest} manifest @param {string} path */
const has = (manifest, path) => Object.hasOwn(manifest, path);

/**
 * The three addresses of one page (`/a`, `/a/`, `/a.html`, `/a/index.html`…) lead to the one that
 * the mode prefers, where the file exists.
 * @param {Manifest} manifest @param {string} path @param {string} mode @returns {Found | null}
 */
function page(manifest, path, mode) {
  const stem = path.replace(/(\/index(\.html)?|\.html|\/)$/, "");
  const flat = stem !== "" && has(manifest, `${stem}.html`) ? `${stem}.html` : null;
  const nested = has(manifest, `${stem}/index.html`) ? `${stem}/index.html` : null;
  // An address that ends in a slash means the folder first; any other, the file.
  const file = path.endsWith("/") || path.endsWith("/index") || path.endsWith("/index.html") ? nested ?? flat : flat ?? nested;
  if (!file) return null;
  const slash = mode === "force-trailing-slash" || (mode === "auto-trailing-slash" && file === nested);
  const address = stem === "" || slash ? `${stem}/` : stem;
  return address === path ? { file, status: 200 } : { redirect: address };
}

/** @param {Manifest} manifest @param {string} path @param {AssetsConfig} config @returns {Found | null} */
export function findAsset(manifest, path, { html_handling = "auto-trailing-slash" }) {
  const exact = has(manifest, path) && !path.endsWith("/") ? { file: path, status: 200 } : null;
  if (html_handling === "none") return exact;
  if (exact && !path.endsWith(".html")) return exact;
  return page(manifest, path, html_handling) ?? exact;
}

/** @param {Manifest} manifest @param {string} path @param {AssetsConfig} config @returns {Found | null} */
export function findNotFound(manifest, path, { not_found_handling = "none" }) {
  if (not_found_handling === "single-page-application") return has(manifest, "/index.html") ? { file: "/index.html", status: 200 } : null;
  if (not_found_handling !== "404-page") return null;
  for (let folder = path.replace(/\/[^/]*$/, ""); ; folder = folder.replace(/\/[^/]*$/, "")) {
    if (has(manifest, `${folder}/404.html`)) return { file: `${folder}/404.html`, status: 404 };
    if (folder === "") return null;
  }
}

/** `*` stands for any text. @param {string} rule @param {string} path */
function matches(rule, path) {
  const literal = (/** @type {string} */ text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${rule.split("*").map(literal).join(".*")}$`, "s").test(path);
}

/** @param {AssetsConfig} config @param {string} path */
export function workerFirst({ run_worker_first = false }, path) {
  if (typeof run_worker_first === "boolean") return run_worker_first;
  const excluded = run_worker_first.some((rule) => rule.startsWith("!") && matches(rule.slice(1), path));
  return !excluded && run_worker_first.some((rule) => !rule.startsWith("!") && matches(rule, path));
}

/**
 * Applies a `_headers` text: a line with a path begins a rule, the lines below it set headers or,
 * with `! `, take them away. @param {string} rules @param {string} path @param {Headers} headers
 */
function applyHeaderRules(rules, path, headers) {
  let applies = false;
  for (const line of rules.split(/\r?\n/).map((text) => text.trim())) {
    if (line.startsWith("/")) applies = matches(line, path);
    if (!applies || line === "" || /^[/#]/.test(line)) continue;
    const colon = line.indexOf(":");
    if (line.startsWith("! ")) headers.delete(line.slice(2).trim());
    else if (colon > 0) headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
}

/** @param {Request} request @param {string} etag */
function fresh(request, etag) {
  const asked = request.headers.get("if-none-match")?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return asked.includes(etag) || asked.includes("*");
}

/** @param {string} pathname */
function decodedPath(pathname) {
  try {
    return pathname.split("/").map(decodeURIComponent).join("/").replaceAll(/\/{2,}/g, "/");
  } catch {
    return pathname;
  }
}

/** @param {string} path */
const encodedPath = (path) => path.split("/").map(encodeURIComponent).join("/");

/**
 * @param {Request} request @param {Manifest} manifest @param {AssetsConfig} config
 * @param {(hash: string) => Promise<{type: string, bytes: Uint8Array<ArrayBuffer>} | null>} content
 * @param {boolean} elseWorker whether a Worker stands behind; then null means that it is its turn
 * @returns {Promise<Response | null>}
 */
export async function answerAsset(request, manifest, config, content, elseWorker) {
  const { pathname, search } = new URL(request.url);
  const path = decodedPath(pathname);
  const readable = request.method === "GET" || request.method === "HEAD";
  // A browser's navigation gets the fallback page even when a Worker stands behind (Cloudflare's behaviour since 2025-04-01).
  const navigation = request.headers.get("sec-fetch-mode") === "navigate";
  let found = findAsset(manifest, path, config);
  if (!found && elseWorker && !(readable && navigation)) return null;
  if (!found) found = findNotFound(manifest, path, config);
  if (!found) return elseWorker ? null : new Response(null, { status: 404 });
  if (!readable) return elseWorker ? null : new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  if ("redirect" in found) return new Response(null, { status: 307, headers: { location: encodedPath(found.redirect) + search } });

  const hash = manifest[found.file];
  const headers = new Headers({ etag: `"${hash}"` });
  // Cloudflare leaves caching to others where an answer may depend on who asks or is a part.
  if (!request.headers.has("authorization") && !request.headers.has("range")) headers.set("cache-control", "public, max-age=0, must-revalidate");
  applyHeaderRules(config._headers ?? "", path, headers);
  if (found.status === 200 && fresh(request, `"${hash}"`)) return new Response(null, { status: 304, headers });
  const asset = await content(hash);
  if (!asset) throw new Error(`The asset ${found.file} is gone from the namespace.`);
  if (asset.type && asset.type !== "application/null") headers.set("content-type", asset.type);
  headers.set("content-length", String(asset.bytes.length));
  return new Response(request.method === "HEAD" ? null : asset.bytes, { status: found.status, headers });
}

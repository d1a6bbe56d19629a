/**
 * The API's operations on one namespace, except the upload of a script's code (`upload.js`).
 * Each takes a call's context and answers with Cloudflare's envelope.
 */
// @ts-check
import { ApiError, badRequest, success, tooLarge, unauthorized, unknownScript } from "./envelope.js";
import { parseMultipart } from "./multipart.js";
import { TOKEN_LIFETIME_MS, signToken, verifyToken } from "./token.js";
import { checkTags, readUpload } from "./upload.js";

/**
 * @typedef {{request: Request, params: Record<string, string>, url: URL, token: string,
 *   namespace: import("./namespace.js").Namespace}} Context
 */

const MAX_ASSET_BYTES = 25 << 20;
const MAX_ASSETS = 20_000;
const MAX_PAGE = 1000;
/** Few files a bucket, as Cloudflare does, so that a client's parallel uploads are exercised. */
const BUCKET_FILES = 10;
const BUCKET_BYTES = 10 << 20;

/** @param {Context} context @returns {import("./namespace.js").Script} */
function existing({ namespace, params }) {
  const script = namespace.script(params.script);
  if (!script) throw unknownScript();
  return script;
}

/** @param {Request} request */
async function json(request) {
  try {
    return await request.json();
  } catch {
    throw badRequest("Could not parse the request body as JSON.");
  }
}

/** @param {Context["namespace"]} namespace @param {import("./namespace.js").Script} script */
function described(namespace, script) {
  const { name, version, settings, created_on, modified_on } = script;
  return {
    id: name, etag: version, tags: namespace.tags(name), handlers: settings.handlers, has_modules: script.main !== null,
    has_assets: settings.assets !== undefined, compatibility_date: settings.compatibility_date, compatibility_flags: settings.compatibility_flags ?? [],
    usage_model: "standard", created_on: new Date(created_on).toISOString(), modified_on: new Date(modified_on).toISOString(),
  };
}

/** What may be told about a binding: a secret's text may not. @param {import("./namespace.js").Binding} binding */
const shown = (binding) => (binding.type === "secret_text" ? { type: binding.type, name: binding.name } : binding);

/** @param {Context} context */
export function getNamespace({ namespace, params }) {
  const count = namespace.names([], "", -1).length;
  return success({ namespace_name: params.namespace, namespace_id: params.namespace, script_count: count, trusted_workers: false });
}

/** @param {Context} context */
export async function putScript(context) {
  const started = Date.now();
  const { namespace, params } = context;
  const { script, modules, manifest, tags } = await readUpload(context, namespace.script(params.script));
  namespace.replaceScript(script, modules, manifest, tags);
  return success({ ...described(namespace, existing(context)), startup_time_ms: Date.now() - started });
}

/** @param {Context} context */
export function getScript(context) {
  const script = described(context.namespace, existing(context));
  return success({ script, dispatch_namespace: context.params.namespace, created_on: script.created_on, modified_on: script.modified_on });
}

/** A successful delete has no body. @param {Context} context */
export function deleteScript(context) {
  context.namespace.deleteScript(existing(context).name);
  return new Response(null, { status: 200 });
}

/** @param {Context} context */
export async function getContent(context) {
  const script = existing(context);
  const form = new FormData();
  for (const { name, type, bytes } of context.namespace.modules(script.name)) form.append(name, new Blob([bytes], { type }), name);
  return new Response(form, { headers: script.main ? { "cf-entrypoint": script.main } : {} });
}

/** @param {Context} context */
export function getSettings(context) {
  const { settings, name } = existing(context);
  const { bindings, limits, compatibility_date, compatibility_flags = [] } = settings;
  return success({ bindings: bindings.map(shown), compatibility_date, compatibility_flags, limits, tags: context.namespace.tags(name), usage_model: "standard" });
}

/** @param {Context} context */
export function getBindings(context) {
  return success(existing(context).settings.bindings.map(shown));
}

/** @param {Context} context */
export function getTags(context) {
  return success(context.namespace.tags(existing(context).name));
}

/** @param {Context} context */
export async function putTags(context) {
  const script = existing(context);
  context.namespace.setTags(script.name, checkTags(await json(context.request)));
  return getTags(context);
}

/** @param {Context} context */
export function putTag(context) {
  const { namespace, params } = context;
  const { name } = existing(context);
  namespace.setTags(name, checkTags([...new Set([...namespace.tags(name), params.tag])]));
  return getTags(context);
}

/** @param {Context} context */
export function deleteTag(context) {
  const { namespace, params } = context;
  const { name } = existing(context);
  namespace.setTags(name, namespace.tags(name).filter((tag) => tag !== params.tag));
  return new Response(null, { status: 200 });
}

/** `a:yes,b:no`. @param {URL} url */
function tagFilters(url) {
  return (url.searchParams.get("tags") ?? "").split(",").filter(Boolean).map((filter) => {
    const wanted = /^(.+):(yes|no)$/.exec(filter);
    if (!wanted) throw badRequest(`The tag filter \`${filter}\` must end in :yes or :no.`);
    return { tag: wanted[1], wanted: wanted[2] === "yes" };
  });
}

/** @param {Context} context */
export function listScripts({ namespace, url }) {
  const limit = Number(url.searchParams.get("limit") ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) throw badRequest(`limit must be between 1 and ${MAX_PAGE}.`);
  const cursor = url.searchParams.get("cursor") ?? "";
  let after = "";
  try {
    after = new TextDecoder().decode(Uint8Array.fromBase64(cursor, { alphabet: "base64url" }));
  } catch {
    throw badRequest("The cursor is not one of ours.");
  }
  // One more than asked tells whether there is a next page.
  const names = namespace.names(tagFilters(url), after, limit + 1);
  const page = names.slice(0, limit);
  const result = page.flatMap((name) => namespace.script(name) ?? []).map((script) => described(namespace, script));
  const next = names.length > limit ? new TextEncoder().encode(page.at(-1)).toBase64({ alphabet: "base64url", omitPadding: true }) : "";
  return success(result, { info: { count: result.length, per_page: limit, cursor: next } });
}

/** @param {Context} context */
export function deleteByTags({ namespace, url }) {
  const filters = tagFilters(url);
  if (filters.length === 0) throw badRequest("A bulk delete needs a tag filter.");
  const names = namespace.names(filters, "", -1);
  for (const name of names) namespace.deleteScript(name);
  return success({ deleted: names.length });
}

/** @param {unknown} body @returns {Record<string, {hash: string, size: number}>} */
function checkedManifest(body) {
  const manifest = /** @type {any} */ (body)?.manifest;
  if (manifest === null || typeof manifest !== "object" || Array.isArray(manifest)) throw badRequest("manifest is required.");
  const entries = Object.entries(manifest);
  if (entries.length > MAX_ASSETS) throw tooLarge(`A manifest has at most ${MAX_ASSETS} files.`);
  /** @type {Map<string, number>} */
  const sizes = new Map();
  for (const [path, entry] of entries) {
    const { hash, size } = entry ?? {};
    if (!path.startsWith("/")) throw badRequest(`The asset path \`${path}\` must start with a slash.`);
    if (typeof hash !== "string" || !/^[0-9a-f]{32}$/.test(hash)) throw badRequest(`The hash of ${path} must be 32 hexadecimal digits.`);
    if (!Number.isInteger(size) || size < 0) throw badRequest(`The size of ${path} must be a whole number.`);
    if (size > MAX_ASSET_BYTES) throw tooLarge(`${path} is larger than ${MAX_ASSET_BYTES} bytes.`);
    if ((sizes.get(hash) ?? size) !== size) throw badRequest(`The hash ${hash} is given with two sizes.`);
    sizes.set(hash, size);
  }
  return manifest;
}

/** @param {Map<string, number>} missing hash → size */
function buckets(missing) {
  /** @type {string[][]} */
  const found = [];
  let room = 0;
  for (const [hash, size] of missing) {
    if (room < size || (found.at(-1)?.length ?? BUCKET_FILES) >= BUCKET_FILES) {
      found.push([]);
      room = BUCKET_BYTES;
    }
    found.at(-1)?.push(hash);
    room -= size;
  }
  return found;
}

/** @param {Context["namespace"]} namespace @param {string} session @param {"session" | "completion"} use */
function sessionToken(namespace, session, use) {
  const exp = Math.floor((Date.now() + TOKEN_LIFETIME_MS) / 1000);
  return signToken(namespace.tokenSecret, { namespace: namespace.name, session, use, exp });
}

/** @param {Context} context */
export async function openSession({ request, namespace, params }) {
  const manifest = checkedManifest(await json(request));
  const session = namespace.openSession(params.script, manifest, Date.now() + TOKEN_LIFETIME_MS);
  const missing = buckets(namespace.missing(session));
  const jwt = await sessionToken(namespace, session, missing.length > 0 ? "session" : "completion");
  return success({ jwt, buckets: missing });
}

/** @param {Context} context */
export async function uploadAssets({ request, url, namespace, token }) {
  const { session } = await verifyToken(namespace.tokenSecret, token, ["session"]);
  if (namespace.sessionScript(session) === null) throw unauthorized();
  if (url.searchParams.get("base64") !== "true") throw badRequest("base64=true is required.");
  const expected = namespace.sessionHashes(session);
  const parts = parseMultipart(request.headers.get("content-type") ?? "", new Uint8Array(await request.arrayBuffer()));
  const assets = parts.map(({ name, type, bytes }) => {
    const size = expected.get(name);
    if (size === undefined) throw badRequest(`The hash ${name} is not in this session's manifest.`);
    let content;
    try {
      content = Uint8Array.fromBase64(new TextDecoder().decode(bytes));
    } catch {
      throw badRequest(`The content of ${name} is not base64.`);
    }
    if (content.length !== size) throw badRequest(`The content of ${name} has ${content.length} bytes, not ${size}.`);
    return { name, type, content };
  });
  for (const { name, type, content } of assets) {
    // The first upload of a hash is kept, as in Cloudflare's shared store.
    if (!namespace.asset(name)) namespace.storeAsset(name, type, content);
  }
  if (namespace.missing(session).size > 0) return success({}, { status: 202 });
  return success({ jwt: await sessionToken(namespace, session, "completion") }, { status: 201 });
}

/** The files that a completion token stands for. @param {Context} context @param {unknown} jwt */
export async function completedManifest({ namespace, params }, jwt) {
  if (typeof jwt !== "string") throw badRequest("assets.jwt is required.");
  let claims;
  try {
    claims = await verifyToken(namespace.tokenSecret, jwt, ["completion"]);
  } catch (error) {
    if (error instanceof ApiError) throw badRequest("assets.jwt is not a valid completion token.");
    throw error;
  }
  const owner = namespace.sessionScript(claims.session);
  if (owner !== params.script) throw badRequest("assets.jwt was issued for another script.");
  return namespace.sessionManifest(claims.session);
}

/**
 * The REST surface: which path and method is which operation, who may call, how often.
 * The operations themselves are in `operations.js`.
 */
// @ts-check
import { ApiError, badRequest, failure, unauthorized } from "./envelope.js";
import * as operations from "./operations.js";
import { readToken } from "./token.js";

/** @typedef {import("./operations.js").Context} Context */
/** @typedef {(context: Context) => Response | Promise<Response>} Operation */

const BASE = /^\/client\/v4\/accounts\/([^/]+)\/workers\//;
const NAMES = "dispatch/namespaces";

/** @type {{pattern: URLPattern, bySession?: true, methods: Record<string, Operation>}[]} */
const ROUTES = [
  route(`${NAMES}/:namespace`, { GET: operations.getNamespace }),
  route(`${NAMES}/:namespace/scripts`, { GET: operations.listScripts, DELETE: operations.deleteByTags }),
  route(`${NAMES}/:namespace/scripts/:script`, { GET: operations.getScript, PUT: operations.putScript, DELETE: operations.deleteScript }),
  route(`${NAMES}/:namespace/scripts/:script/content`, { GET: operations.getContent }),
  route(`${NAMES}/:namespace/scripts/:script/settings`, { GET: operations.getSettings }),
  route(`${NAMES}/:namespace/scripts/:script/bindings`, { GET: operations.getBindings }),
  route(`${NAMES}/:namespace/scripts/:script/tags`, { GET: operations.getTags, PUT: operations.putTags }),
  route(`${NAMES}/:namespace/scripts/:script/tags/:tag`, { PUT: operations.putTag, DELETE: operations.deleteTag }),
  route(`${NAMES}/:namespace/scripts/:script/assets-upload-session`, { POST: operations.openSession }),
  { ...route("assets/upload", { POST: operations.uploadAssets }), bySession: true },
];

/** @param {string} path @param {Record<string, Operation>} methods */
function route(path, methods) {
  return { pattern: new URLPattern({ pathname: `/client/v4/accounts/:account/workers/${path}` }), methods };
}

/** @param {Request} request */
function match(request) {
  const { pathname } = new URL(request.url);
  for (const candidate of ROUTES) {
    const found = candidate.pattern.exec({ pathname });
    if (found) return { ...candidate, params: decoded(found.pathname.groups) };
  }
  throw new ApiError(404, BASE.test(pathname) ? 7003 : 7000, `Could not route to ${pathname}, perhaps your object identifier is invalid?`);
}

/** @param {Record<string, string | undefined>} groups @returns {Record<string, string>} */
function decoded(groups) {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? "")]));
  } catch {
    throw badRequest("The path is not valid percent-encoding.");
  }
}

/** @param {Request} request */
function bearer(request) {
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (!token) throw unauthorized();
  return token;
}

const ZONE = /^\/client\/v4\/zones\/([^/]+)\/custom_hostnames(?:\/[^/]+)?$/;

/** The zone whose custom hostnames a call is about; null: it is about something else. @param {Request} request @param {{NAMESPACE_API_TOKEN: string}} env */
export function zoneOf(request, env) {
  const zone = ZONE.exec(new URL(request.url).pathname)?.[1];
  if (zone === undefined) return null;
  if (!env.NAMESPACE_API_TOKEN || bearer(request) !== env.NAMESPACE_API_TOKEN) throw unauthorized();
  return zone;
}

/**
 * The namespace a call is about. An asset upload names it in its session token, which the namespace
 * itself verifies with its own key.
 * @param {Request} request @param {{NAMESPACE_API_TOKEN: string}} env
 */
export function locate(request, env) {
  const { params, bySession } = match(request);
  const token = bearer(request);
  if (bySession) return readToken(token).namespace;
  if (!env.NAMESPACE_API_TOKEN || token !== env.NAMESPACE_API_TOKEN) throw unauthorized();
  return params.namespace;
}

/** @param {Request} request @param {import("./namespace.js").Namespace} namespace */
export async function handle(request, namespace) {
  const quota = namespace.quota.take(Date.now());
  let response;
  try {
    if (quota.remaining < 0) throw new ApiError(429, 10429, "Rate limited. Please wait and consider throttling your request speed");
    const { params, methods } = match(request);
    const operation = methods[request.method];
    if (!operation) throw new ApiError(405, 10405, "Method not allowed");
    response = await operation({ request, params, namespace, url: new URL(request.url), token: bearer(request) });
  } catch (error) {
    response = failure(error);
  }
  response.headers.set("x-ratelimit-limit", String(quota.limit));
  response.headers.set("x-ratelimit-remaining", String(Math.max(quota.remaining, 0)));
  response.headers.set("x-ratelimit-reset", String(quota.resetSeconds));
  if (response.status === 429) response.headers.set("retry-after", String(quota.resetSeconds));
  return response;
}

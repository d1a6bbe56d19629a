/**
 * Compression as Cloudflare adds it between a Worker and its visitors: text-like answers, for those who accept gzip. Production does not use this file.
 */
// @ts-check

const COMPRESSIBLE = /^(text\/(?!event-stream)|application\/(javascript|json|xml|wasm|manifest\+json|[\w.-]+\+(json|xml))|image\/svg\+xml|font\/(ttf|otf))/;

/** @param {Request} request @param {Response} response */
export function compressed(request, response) {
  const { headers, status, body } = response;
  // wrangler's own servers ask for what they like; what the visitor asked for, they note.
  const asked = String(request.cf?.clientAcceptEncoding ?? request.headers.get("accept-encoding") ?? "");
  const accepts = asked.split(",").some((coding) => /^\s*gzip\s*(;\s*q=(0\.\d*[1-9]\d*|1(\.0*)?)\s*)?$/.test(coding));
  const plain = !headers.has("content-encoding") && !/no-transform/.test(headers.get("cache-control") ?? "");
  if (!body || status !== 200 || !COMPRESSIBLE.test(headers.get("content-type") ?? "") || !plain) return response;
  const changed = new Headers(headers);
  changed.append("vary", "accept-encoding");
  if (!accepts) return new Response(body, { status, headers: changed });
  changed.set("content-encoding", "gzip");
  changed.delete("content-length");
  // The bytes are others than those that the tag was made of.
  const etag = headers.get("etag");
  if (etag && !etag.startsWith("W/")) changed.set("etag", `W/${etag}`);
  // The runtime compresses what says that it is compressed.
  return new Response(body, { status, headers: changed });
}

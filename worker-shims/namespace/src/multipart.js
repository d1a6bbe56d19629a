/**
 * multipart/form-data, read by hand: the platform's `formData()` turns a part without a file name
 * into a string and drops its content type, and Cloudflare's API looks at both.
 */
// @ts-check
import { badRequest } from "./envelope.js";

/** @typedef {{name: string, type: string, bytes: Uint8Array<ArrayBuffer>}} Part */

const decoder = new TextDecoder();
const CR = 13;
const LF = 10;

/** @param {Uint8Array} bytes @param {Uint8Array} needle @param {number} from */
function indexOf(bytes, needle, from) {
  for (let at = bytes.indexOf(needle[0], from); at !== -1; at = bytes.indexOf(needle[0], at + 1)) {
    let matched = 1;
    while (matched < needle.length && bytes[at + matched] === needle[matched]) matched += 1;
    if (matched === needle.length) return at;
  }
  return -1;
}

/** @param {string} head @returns {{name: string, type: string}} */
function partHead(head) {
  const fields = new Headers();
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.append(line.slice(0, colon).trim(), encodeURIComponent(line.slice(colon + 1).trim()));
  }
  const disposition = decodeURIComponent(fields.get("content-disposition") ?? "");
  const name = /;\s*name="((?:[^"\\]|\\.)*)"|;\s*name=([^;\s]+)/i.exec(disposition);
  if (!name) throw badRequest("A part of the form has no name.");
  const unescaped = (name[1] ?? name[2]).replace(/\\(.)/g, "$1").replace(/%22/g, '"').replace(/%0D/g, "\r").replace(/%0A/g, "\n");
  return { name: unescaped, type: decodeURIComponent(fields.get("content-type") ?? "") };
}

/** @param {string} contentType @param {Uint8Array<ArrayBuffer>} body @returns {Part[]} */
export function parseMultipart(contentType, body) {
  const boundary = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  if (!boundary) throw badRequest("The content type must be multipart/form-data with a boundary.");
  const delimiter = new TextEncoder().encode(`\r\n--${boundary[1] ?? boundary[2]}`);
  const headEnd = new TextEncoder().encode("\r\n\r\n");
  /** @type {Part[]} */
  const parts = [];
  // The first delimiter may stand at the very start, without its line break.
  const opening = delimiter.subarray(2);
  let at = indexOf(body, opening, 0);
  if (at !== 0 && (at < 2 || body[at - 1] !== LF)) throw badRequest("The form has no parts.");
  at += opening.length;
  for (;;) {
    if (body[at] === 45 && body[at + 1] === 45) return parts;
    if (body[at] !== CR || body[at + 1] !== LF) throw badRequest("The form is malformed.");
    // From the line break on, so that a part without any header is found to end its head at once.
    const bodyStart = indexOf(body, headEnd, at);
    const end = bodyStart === -1 ? -1 : indexOf(body, delimiter, bodyStart + 2);
    if (end === -1) throw badRequest("The form ends before its last boundary.");
    parts.push({ ...partHead(decoder.decode(body.subarray(at + 2, bodyStart))), bytes: body.subarray(bodyStart + 4, end) });
    at = end + delimiter.length;
  }
}

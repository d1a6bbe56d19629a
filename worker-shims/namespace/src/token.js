/**
 * The two tokens of an asset upload (session and completion): HS256 JWTs that last an hour.
 * The claims name the namespace, because the upload path does not.
 */
// @ts-check
import { unauthorized } from "./envelope.js";

/** @typedef {{namespace: string, session: string, use: "session" | "completion", exp: number}} Claims */

export const TOKEN_LIFETIME_MS = 3_600_000;
const HEADER = encode(new TextEncoder().encode(JSON.stringify({ alg: "HS256", typ: "JWT" })));

/** @param {Uint8Array} bytes */
function encode(bytes) {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function decode(text) {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}

/** @param {Uint8Array<ArrayBuffer>} secret */
function importKey(secret) {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** @param {Uint8Array<ArrayBuffer>} secret @param {Claims} claims */
export async function signToken(secret, claims) {
  const text = `${HEADER}.${encode(new TextEncoder().encode(JSON.stringify(claims)))}`;
  const signature = await crypto.subtle.sign("HMAC", await importKey(secret), new TextEncoder().encode(text));
  return `${text}.${encode(new Uint8Array(signature))}`;
}

/** The claims as written, not yet to be trusted. @param {string} token @returns {Claims} */
export function readToken(token) {
  try {
    return JSON.parse(new TextDecoder().decode(decode(token.split(".")[1])));
  } catch {
    throw unauthorized();
  }
}

/** @param {Uint8Array<ArrayBuffer>} secret @param {string} token @param {Claims["use"][]} uses @returns {Promise<Claims>} */
export async function verifyToken(secret, token, uses) {
  const claims = readToken(token);
  const [head, body, signature] = token.split(".");
  let genuine = false;
  try {
    const signed = new TextEncoder().encode(`${head}.${body}`);
    genuine = head === HEADER && await crypto.subtle.verify("HMAC", await importKey(secret), decode(signature), signed);
  } catch {
    // A signature that is no base64 is no signature.
  }
  if (!genuine || claims.exp * 1000 <= Date.now() || !uses.includes(claims.use)) throw unauthorized();
  return claims;
}

/**
 * The Durable Object that keeps one dispatch namespace: scripts, modules, tags, assets and upload
 * sessions. The only file with SQL. It serves the REST calls itself (bodies need not cross RPC) and
 * gives `dispatch.js` what it asks for.
 */
// @ts-check
import { DurableObject } from "cloudflare:workers";
import { handle } from "./api.js";
import { Quota } from "./quota.js";

/**
 * @typedef {{name: string, type: string, bytes: Uint8Array<ArrayBuffer>}} Module
 * @typedef {{html_handling?: string, not_found_handling?: string, run_worker_first?: boolean | string[],
 *   _headers?: string}} AssetsConfig
 * @typedef {{compatibility_date?: string, compatibility_flags?: string[], bindings: Binding[],
 *   limits?: {cpu_ms?: number, subrequests?: number}, assets?: AssetsConfig, handlers: string[]}} Settings
 * @typedef {{type: string, name: string, text?: string, json?: unknown}} Binding
 * @typedef {{name: string, version: string, main: string | null, settings: Settings, created_on: number, modified_on: number}} Script
 * @typedef {Script & {manifest: Record<string, string>}} DispatchScript
 */

/** SQLite in a Durable Object takes values up to 2 MB. */
const PART_BYTES = 1 << 20;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS scripts(name TEXT PRIMARY KEY, version TEXT NOT NULL, main TEXT, settings TEXT NOT NULL,
    created_on INTEGER NOT NULL, modified_on INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS modules(script TEXT, name TEXT, part INTEGER, type TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(script, name, part));
  CREATE TABLE IF NOT EXISTS script_assets(script TEXT, path TEXT, hash TEXT NOT NULL, PRIMARY KEY(script, path));
  CREATE TABLE IF NOT EXISTS tags(script TEXT, tag TEXT, PRIMARY KEY(script, tag));
  CREATE TABLE IF NOT EXISTS assets(hash TEXT PRIMARY KEY, type TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS asset_parts(hash TEXT, part INTEGER, bytes BLOB NOT NULL, PRIMARY KEY(hash, part));
  CREATE TABLE IF NOT EXISTS sessions(id TEXT PRIMARY KEY, script TEXT NOT NULL, expires_at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS session_assets(session TEXT, path TEXT, hash TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(session, path));
  CREATE TABLE IF NOT EXISTS secrets(name TEXT PRIMARY KEY, value BLOB NOT NULL);`;

/** @param {Uint8Array} bytes */
function* slices(bytes) {
  for (let at = 0; at === 0 || at < bytes.length; at += PART_BYTES) yield bytes.slice(at, at + PART_BYTES);
}

/** @param {ArrayBuffer[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return whole;
}

export class Namespace extends DurableObject {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.quota = new Quota(Number(env.RATE_LIMIT ?? 1200));
    this.loader = env.LOADER;
    ctx.storage.sql.exec(SCHEMA);
    this.#rows("INSERT OR IGNORE INTO secrets VALUES('token', ?)", crypto.getRandomValues(new Uint8Array(32)));
  }

  /** @param {string} query @param {...any} values @returns {any[]} */
  #rows(query, ...values) {
    return this.ctx.storage.sql.exec(query, ...values).toArray();
  }

  /** @param {Request} request */
  fetch(request) {
    return handle(request, this);
  }

  get name() {
    return this.ctx.id.name ?? "";
  }

  get tokenSecret() {
    return new Uint8Array(this.#rows("SELECT value FROM secrets WHERE name='token'")[0].value);
  }

  /** @param {string} name @returns {Script | null} null: no such script */
  script(name) {
    const row = this.#rows("SELECT * FROM scripts WHERE name=?", name)[0];
    return row ? { ...row, settings: JSON.parse(row.settings) } : null;
  }

  /** For dispatch: null, or only the version when the caller has that one already. @param {string} name @param {string} [known] */
  dispatchScript(name, known) {
    const script = this.script(name);
    if (!script || script.version === known) return script && { version: script.version };
    return { ...script, manifest: this.manifest(name) };
  }

  /** @param {string} name @returns {Record<string, string>} path → hash */
  manifest(name) {
    return Object.fromEntries(this.#rows("SELECT path, hash FROM script_assets WHERE script=?", name).map((row) => [row.path, row.hash]));
  }

  /** @param {string} name @returns {Module[]} */
  modules(name) {
    /** @type {Map<string, {type: string, parts: ArrayBuffer[]}>} */
    const found = new Map();
    for (const row of this.#rows("SELECT name, type, bytes FROM modules WHERE script=? ORDER BY name, part", name)) {
      const module = found.get(row.name) ?? { type: row.type, parts: /** @type {ArrayBuffer[]} */ ([]) };
      module.parts.push(row.bytes);
      found.set(row.name, module);
    }
    return [...found].map(([module, { type, parts }]) => ({ name: module, type, bytes: joined(parts) }));
  }

  /**
   * Replaces everything that is kept about a script, at once.
   * @param {Omit<Script, "created_on" | "modified_on">} script @param {Module[]} modules
   * @param {Record<string, string>} manifest @param {string[]} tags
   */
  replaceScript(script, modules, manifest, tags) {
    this.ctx.storage.transactionSync(() => {
      const now = Date.now();
      const created = this.script(script.name)?.created_on ?? now;
      this.#remove(script.name);
      this.#rows("INSERT INTO scripts VALUES(?,?,?,?,?,?)", script.name, script.version, script.main, JSON.stringify(script.settings), created, now);
      for (const { name, type, bytes } of modules) {
        let part = 0;
        for (const slice of slices(bytes)) this.#rows("INSERT INTO modules VALUES(?,?,?,?,?)", script.name, name, part++, type, slice);
      }
      for (const [path, hash] of Object.entries(manifest)) this.#rows("INSERT INTO script_assets VALUES(?,?,?)", script.name, path, hash);
      this.setTags(script.name, tags);
      this.#collect();
    });
  }

  /** @param {string} name */
  #remove(name) {
    this.#rows("DELETE FROM scripts WHERE name=?", name);
    for (const table of ["modules", "script_assets", "tags"]) this.#rows(`DELETE FROM ${table} WHERE script=?`, name);
  }

  /** @param {string} name */
  deleteScript(name) {
    this.ctx.storage.transactionSync(() => {
      this.#remove(name);
      this.#collect();
    });
  }

  /** Drops expired sessions and the assets that nothing names any more. */
  #collect() {
    this.#rows("DELETE FROM sessions WHERE expires_at<=?", Date.now());
    this.#rows("DELETE FROM session_assets WHERE session NOT IN (SELECT id FROM sessions)");
    this.#rows("DELETE FROM assets WHERE hash NOT IN (SELECT hash FROM script_assets UNION SELECT hash FROM session_assets)");
    this.#rows("DELETE FROM asset_parts WHERE hash NOT IN (SELECT hash FROM assets)");
  }

  /** @param {string} name @returns {string[]} */
  tags(name) {
    return this.#rows("SELECT tag FROM tags WHERE script=? ORDER BY tag", name).map((row) => row.tag);
  }

  /** @param {string} name @param {string[]} tags */
  setTags(name, tags) {
    this.#rows("DELETE FROM tags WHERE script=?", name);
    for (const tag of new Set(tags)) this.#rows("INSERT INTO tags VALUES(?,?)", name, tag);
  }

  /**
   * Names in order, after `after`. @param {{tag: string, wanted: boolean}[]} filters @param {string} after @param {number} limit
   * @returns {string[]}
   */
  names(filters, after, limit) {
    const conditions = filters.map(({ wanted }) => ` AND name ${wanted ? "" : "NOT "}IN (SELECT script FROM tags WHERE tag=?)`).join("");
    const tags = filters.map(({ tag }) => tag);
    return this.#rows(`SELECT name FROM scripts WHERE name>?${conditions} ORDER BY name LIMIT ?`, after, ...tags, limit).map((row) => row.name);
  }

  /** @param {string} script @param {Record<string, {hash: string, size: number}>} manifest @param {number} expiresAt */
  openSession(script, manifest, expiresAt) {
    const id = crypto.randomUUID();
    this.ctx.storage.transactionSync(() => {
      this.#rows("INSERT INTO sessions VALUES(?,?,?)", id, script, expiresAt);
      for (const [path, { hash, size }] of Object.entries(manifest)) this.#rows("INSERT INTO session_assets VALUES(?,?,?,?)", id, path, hash, size);
    });
    return id;
  }

  /** @param {string} id @returns {string | null} the script it was opened for */
  sessionScript(id) {
    return this.#rows("SELECT script FROM sessions WHERE id=?", id)[0]?.script ?? null;
  }

  /** @param {string} id @returns {Record<string, string>} path → hash */
  sessionManifest(id) {
    return Object.fromEntries(this.#rows("SELECT path, hash FROM session_assets WHERE session=?", id).map((row) => [row.path, row.hash]));
  }

  /** @param {string} id @returns {Map<string, number>} hash → size of what the session still waits for */
  missing(id) {
    const rows = this.#rows("SELECT DISTINCT hash, size FROM session_assets WHERE session=? AND hash NOT IN (SELECT hash FROM assets)", id);
    return new Map(rows.map((row) => [row.hash, row.size]));
  }

  /** @param {string} id @returns {Map<string, number>} hash → size of all that the session names */
  sessionHashes(id) {
    return new Map(this.#rows("SELECT DISTINCT hash, size FROM session_assets WHERE session=?", id).map((row) => [row.hash, row.size]));
  }

  /** @param {string} hash @param {string} type @param {Uint8Array} bytes */
  storeAsset(hash, type, bytes) {
    this.ctx.storage.transactionSync(() => {
      this.#rows("INSERT INTO assets VALUES(?,?)", hash, type);
      let part = 0;
      for (const slice of slices(bytes)) this.#rows("INSERT INTO asset_parts VALUES(?,?,?)", hash, part++, slice);
    });
  }

  /** @param {string} hash @returns {{type: string, bytes: Uint8Array<ArrayBuffer>} | null} */
  asset(hash) {
    const row = this.#rows("SELECT type FROM assets WHERE hash=?", hash)[0];
    if (!row) return null;
    const parts = this.#rows("SELECT bytes FROM asset_parts WHERE hash=? ORDER BY part", hash).map((part) => part.bytes);
    return { type: row.type, bytes: joined(parts) };
  }
}

/**
 * Custom hostnames of a zone (`/zones/{zone}/custom_hostnames`), kept in a Durable Object of their own. They become
 * active when they are read for the first time, as nobody makes certificates here.
 */
// @ts-check
import { DurableObject } from "cloudflare:workers";
import { ApiError, badRequest, failure, success } from "./envelope.js";

const SCHEMA = "CREATE TABLE IF NOT EXISTS hostnames(id TEXT PRIMARY KEY, hostname TEXT NOT NULL UNIQUE, active INTEGER NOT NULL, created_at TEXT NOT NULL)";
const NAME = /^(?=.{1,255}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** @typedef {{id: string, hostname: string, active: number, created_at: string}} Row */

/** @param {Row} row */
const described = ({ id, hostname, active, created_at }) => ({
  id, hostname, status: active ? "active" : "pending", created_at,
  ssl: { id, type: "dv", method: "http", status: active ? "active" : "initializing" },
});

export class Hostnames extends DurableObject {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec(SCHEMA);
  }

  /** @param {string} query @param {...any} values @returns {Row[]} */
  #rows(query, ...values) {
    return /** @type {any} */ (this.ctx.storage.sql.exec(query, ...values).toArray());
  }

  /** @param {Request} request */
  async fetch(request) {
    try {
      const { pathname, searchParams } = new URL(request.url);
      const id = pathname.split("/")[6];
      if (id) return this.#one(request.method, decodeURIComponent(id));
      if (request.method === "GET") return this.#list(searchParams.get("hostname"));
      if (request.method === "POST") return this.#create(await request.json().catch(() => null));
      throw new ApiError(405, 10405, "Method not allowed");
    } catch (error) {
      return failure(error);
    }
  }

  /** @param {string | null} part of the hostname */
  #list(part) {
    this.#rows("UPDATE hostnames SET active=1 WHERE ?1 IS NULL OR instr(hostname, ?1) > 0", part);
    const rows = this.#rows("SELECT * FROM hostnames WHERE ?1 IS NULL OR instr(hostname, ?1) > 0 ORDER BY hostname", part);
    return success(rows.map(described), { info: { page: 1, per_page: 50, count: rows.length, total_count: rows.length } });
  }

  /** @param {any} body */
  #create(body) {
    const hostname = body?.hostname;
    if (typeof hostname !== "string" || !NAME.test(hostname)) throw new ApiError(400, 1407, "Invalid custom hostname.");
    if (body.ssl?.type !== "dv" || !["http", "txt", "email"].includes(body.ssl?.method)) throw badRequest("ssl.type and ssl.method are required.");
    if (this.#rows("SELECT * FROM hostnames WHERE hostname=?", hostname)[0]) throw new ApiError(409, 1406, "Duplicate custom hostname found.");
    const id = crypto.randomUUID();
    this.#rows("INSERT INTO hostnames VALUES(?,?,0,?)", id, hostname, new Date().toISOString());
    return success(described(this.#rows("SELECT * FROM hostnames WHERE id=?", id)[0]), { status: 201 });
  }

  /** @param {string} method @param {string} id */
  #one(method, id) {
    const row = this.#rows("SELECT * FROM hostnames WHERE id=?", id)[0];
    if (!row) throw new ApiError(404, 1436, "The custom hostname was not found.");
    switch (method) {
      case "GET":
        this.#rows("UPDATE hostnames SET active=1 WHERE id=?", id);
        return success(described({ ...row, active: 1 }));
      case "DELETE":
        this.#rows("DELETE FROM hostnames WHERE id=?", id);
        return Response.json({ id });
      default:
        throw new ApiError(405, 10405, "Method not allowed");
    }
  }
}

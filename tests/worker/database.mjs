// @ts-check
/**
 * The D1 database of a running stack, opened from outside: to read what the API does not tell, and to
 * make it refuse. A refusal is SQLite's own: a trigger that raises.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** @param {string} state folder of the stack */
export function openDatabase(state) {
  const folder = join(state, "worker", "v3", "d1");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sqlite") && !file.includes("metadata"));
  const found = files.map((file) => {
    const db = new DatabaseSync(join(folder, file));
    db.exec("PRAGMA busy_timeout = 5000");
    const has = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'deployments'").get();
    if (has) return db;
    db.close();
    return null;
  });
  const db = found.find((candidate) => candidate !== null);
  if (!db) throw new Error(`no database of the platform below ${folder}`);
  return db;
}

/** Keys in KV that begin so. @param {string} state folder of the stack @param {string} prefix */
export function keysOfKv(state, prefix) {
  const folder = join(state, "worker", "v3", "kv");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sqlite") && !file.includes("metadata"));
  return files.flatMap((file) => {
    const db = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      return db.prepare("SELECT key FROM _mf_entries WHERE substr(key, 1, ?) = ?").all(prefix.length, prefix).map((row) => String(row.key));
    } finally {
      db.close();
    }
  });
}

/**
 * Lets D1 refuse moves into a state, until the returned function is called.
 * @param {DatabaseSync} db @param {string} state
 */
export function refuse(db, state) {
  db.exec(`CREATE TRIGGER refused_by_test BEFORE UPDATE ON deployments WHEN NEW.state = '${state}' AND OLD.state <> '${state}' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`);
  return () => db.exec("DROP TRIGGER refused_by_test");
}

// @ts-check
/**
 * The databases of a local stack as files, beside the Worker that uses them: to see what a room wrote
 * down, to make its statements fail, and to lock others out.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** @param {string} folder @returns {string[]} */
function databases(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sqlite")).map((name) => join(folder, name));
}

/** @param {string} state @param {string} app @param {boolean} [write] */
export function databaseOf(state, app, write = false) {
  for (const file of databases(join(state, "worker", "v3", "do"))) {
    const database = new DatabaseSync(file, { readOnly: !write });
    try {
      if (/** @type {any} */ (database.prepare("SELECT value FROM meta WHERE key = 'app'").get())?.value === app) return database;
    } catch {
      // A database of something else.
    }
    database.close();
  }
  throw new Error(`there is no room of ${app}`);
}

/** Nobody else writes until it is unlocked. @param {string} folder @returns {() => void} unlocks */
export function lock(folder) {
  const files = databases(folder);
  assert.ok(files.length > 0, `no database in ${folder}`);
  const locked = files.map((file) => {
    const database = new DatabaseSync(file);
    database.exec("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE");
    return database;
  });
  return () => {
    for (const database of locked) {
      database.exec("ROLLBACK");
      database.close();
    }
  };
}


/** Takes a table away, so that reading it fails too. @param {string} folder @param {string} table @returns {() => void} brings it back */
export function take(folder, table) {
  for (const file of databases(folder)) {
    const database = new DatabaseSync(file);
    database.exec("PRAGMA busy_timeout = 5000");
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table)) {
      database.exec(`ALTER TABLE ${table} RENAME TO taken_${table}`);
      return () => {
        database.exec(`ALTER TABLE taken_${table} RENAME TO ${table}`);
        database.close();
      };
    }
    database.close();
  }
  throw new Error(`no table ${table} in ${folder}`);
}

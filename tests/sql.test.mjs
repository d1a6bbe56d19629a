// @ts-check
/**
 * Every SQL statement of the Worker is prepared against the migrated schema, and the statements
 * that move deployments and the active pointer are run, races included. Uses Node's own SQLite;
 * the same statements run in D1 in tests/worker.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";

const root = new URL("../", import.meta.url);
const migrations = new URL("migrations/", root);
const statements = new URL("src/edge/sql/", root);

/** @param {string} name */
const sql = (name) => readFileSync(new URL(`${name}.sql`, statements), "utf8");

/** A fresh database with every migration applied, in order. */
function migrated() {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA foreign_keys = ON");
  for (const file of readdirSync(migrations).sort()) {
    db.exec(readFileSync(new URL(file, migrations), "utf8"));
  }
  return db;
}

/** @param {DatabaseSync} db @param {string} name @param {...any} values */
const run = (db, name, ...values) => Number(db.prepare(sql(name)).run(...values).changes);
/** @param {DatabaseSync} db @param {string} name @param {...any} values */
const first = (db, name, ...values) => /** @type {any} */ (db.prepare(sql(name)).get(...values));

test("migrations are numbered without gaps", () => {
  const numbers = readdirSync(migrations).sort().map((file) => Number(file.match(/^(\d{4})_[a-z_]+\.sql$/)?.[1]));
  assert.deepEqual(numbers, numbers.map((_, index) => index + 1));
});

test("every statement prepares against the migrated schema", () => {
  const db = migrated();
  const files = readdirSync(statements).filter((file) => file.endsWith(".sql"));
  assert.ok(files.length > 20);
  for (const file of files) {
    assert.doesNotThrow(() => db.prepare(readFileSync(new URL(file, statements), "utf8")), file);
  }
});

test("every statement file is used, and no statement stands elsewhere", () => {
  const sources = readdirSync(new URL("src/edge/src/", root), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".rs") && !file.startsWith("room/"))
    .map((file) => readFileSync(new URL(`src/edge/src/${file}`, root), "utf8"));
  const source = sources.join("\n");
  for (const file of readdirSync(statements)) {
    assert.ok(source.includes(`sql/${file}`), `${file} is not used`);
  }
  assert.ok(!/"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s/.test(source), "a statement stands in a source file");
});

/** An app with one pending deployment per revision. @param {...string} ids */
function withDeployments(...ids) {
  const db = migrated();
  run(db, "insert_app", "app_1", "demo", "Demo", "public", 1);
  ids.forEach((id, index) => run(db, "insert_deployment", id, "app_1", index + 1, null, 10, "{}"));
  return db;
}

/** @param {DatabaseSync} db @param {string} id @param {string} from @param {number} attempt @param {string} to @param {number} next @param {number|null} [deployedAt] */
const advance = (db, id, from, attempt, to, next, deployedAt = null) =>
  run(db, "advance_deployment", id, from, attempt, to, next, 99, null, null, null, null, null, null, null, null, deployedAt);

/** @param {DatabaseSync} db @param {string} id @param {number} at */
function deployed(db, id, at) {
  assert.equal(advance(db, id, "pending", 0, "deployed", 1, at), 1);
  run(db, "record_publication", id, at);
  run(db, "publish", id, at);
}

const active = (/** @type {DatabaseSync} */ db) => first(db, "app_by_slug", "demo").active_deployment;

test("of two consumers, one takes a deployment up", () => {
  const db = withDeployments("d1");
  assert.equal(advance(db, "d1", "pending", 0, "building", 1), 1);
  assert.equal(advance(db, "d1", "pending", 0, "building", 1), 0);
  assert.equal(advance(db, "d1", "building", 1, "building", 2), 1, "taken over");
  assert.equal(advance(db, "d1", "building", 1, "deploying", 1), 0, "the first one is fenced off");
  assert.equal(run(db, "renew_lease", "d1", 1, 500), 0);
  assert.equal(run(db, "renew_lease", "d1", 2, 500), 1);
});

test("one living deployment per revision; a failed one makes room", () => {
  const db = withDeployments("d1");
  assert.equal(run(db, "insert_deployment", "d2", "app_1", 1, null, 11, "{}"), 0);
  assert.equal(first(db, "deployment_of_revision", "app_1", 1, "{}").id, "d1");
  advance(db, "d1", "pending", 0, "failed", 0);
  assert.equal(first(db, "deployment_of_revision", "app_1", 1, "{}"), undefined);
  assert.equal(run(db, "insert_deployment", "d2", "app_1", 1, null, 11, "{}"), 1);
});

test("an older deployment that ends late does not take production back", () => {
  const db = withDeployments("d1", "d2");
  deployed(db, "d2", 20);
  deployed(db, "d1", 30);
  assert.equal(active(db), "d2");
});

test("publishing twice records once", () => {
  const db = withDeployments("d1");
  deployed(db, "d1", 20);
  assert.equal(run(db, "record_publication", "d1", 20), 0);
  assert.equal(run(db, "publish", "d1", 20), 0);
});

test("activation is compare-and-swap, and only to what is deployed", () => {
  const db = withDeployments("d1", "d2", "d3");
  deployed(db, "d1", 20);
  deployed(db, "d2", 30);
  assert.equal(run(db, "activate", "app_1", "d3", "d2"), 0, "not deployed");
  assert.equal(run(db, "activate", "app_1", "d1", "d9"), 0, "stale");
  assert.equal(run(db, "record_activation", "app_1", "d1", "d2", "rollback", 40), 1);
  assert.equal(run(db, "activate", "app_1", "d1", "d2"), 1);
  assert.equal(active(db), "d1");
});

test("rollback goes back along the publications, not to and fro", () => {
  const db = withDeployments("d1", "d2", "d3");
  for (const [index, id] of ["d1", "d2", "d3"].entries()) deployed(db, id, 20 + index);
  const seen = [];
  for (let current = active(db); current; ) {
    const previous = first(db, "previous_deployment", "app_1", current).id;
    if (previous) {
      run(db, "record_activation", "app_1", previous, current, "rollback", 50);
      assert.equal(run(db, "activate", "app_1", previous, current), 1);
    }
    seen.push(previous);
    current = previous;
  }
  assert.deepEqual(seen, ["d2", "d1", null]);
});

test("events are numbered without gaps and logs are capped, states never", () => {
  const db = withDeployments("d1");
  for (let n = 0; n < 4; n += 1) run(db, "insert_event_of_log", "d1", `log ${n}`, 3);
  run(db, "insert_event_of_state", "d1", "pending", 0, "state");
  assert.equal(run(db, "insert_event_of_state", "d1", "building", 0, "wrong state"), 0);
  const rows = db.prepare(sql("events_after")).all("d1", 1);
  assert.deepEqual(rows.map((row) => ({ ...row })), [
    { position: 2, event: "log 1" },
    { position: 3, event: "log 2" },
    { position: 4, event: "state" },
  ]);
});

test("deleting an app leaves nothing of it", () => {
  const db = withDeployments("d1");
  deployed(db, "d1", 20);
  run(db, "insert_event_of_log", "d1", "log", 3);
  run(db, "insert_idempotency_key", "app_1", "k", "r", "d1", 1);
  assert.equal(run(db, "delete_app", "app_1"), 1);
  for (const table of ["apps", "deployments", "deployment_events", "activations", "idempotency_keys"]) {
    assert.equal(/** @type {any} */ (db.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get()).n, 0, table);
  }
});

test("apps page by age without repeats", () => {
  const db = migrated();
  for (const [id, at] of /** @type {[string, number][]} */ ([["a", 1], ["b", 2], ["c", 2], ["d", 3]])) {
    run(db, "insert_app", id, id, id, "public", at);
  }
  assert.equal(run(db, "insert_app", "e", "a", "A", "public", 9), 0, "slug taken");
  const page = db.prepare(sql("list_apps"));
  const one = page.all(null, null, 2).map((row) => row.id);
  const two = page.all(2, "c", 2).map((row) => row.id);
  assert.deepEqual([...one, ...two], ["d", "c", "b", "a"]);
});

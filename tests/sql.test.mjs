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
  ids.forEach((id, index) => run(db, "insert_deployment", id, "app_1", index + 1, null, 10, "{}", "admin", "{}"));
  return db;
}

/** @param {DatabaseSync} db @param {string} id @param {string} from @param {number} attempt @param {string} to @param {number} next @param {number|null} [deployedAt] @param {number|null} [takenUpAt] */
const advance = (db, id, from, attempt, to, next, deployedAt = null, takenUpAt = null) =>
  run(db, "advance_deployment", id, from, attempt, to, next, 99, null, null, null, null, null, null, null, null, deployedAt, takenUpAt);

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

test("an app has one build at a time, and what waits is next when that ends", () => {
  const db = withDeployments("d1", "d2", "d3");
  const next = (/** @type {number} */ now) => first(db, "next_deployment", "app_1", now)?.id;
  assert.equal(next(10), "d1");
  assert.equal(advance(db, "d1", "pending", 0, "building", 1, null, 10), 1, "its lease ends at 99");
  assert.equal(run(db, "insert_event_of_state", "d2", "pending", 0, "building", 50), 0);
  assert.equal(advance(db, "d2", "pending", 0, "building", 1, null, 50), 0);
  assert.equal(next(50), undefined);
  assert.equal(next(99), "d1", "whoever had it is dead");
  assert.equal(advance(db, "d1", "building", 1, "failed", 1), 1);
  assert.equal(next(50), "d2");
  assert.equal(run(db, "insert_event_of_state", "d2", "pending", 0, "building", 50), 1);
  assert.equal(advance(db, "d2", "pending", 0, "building", 1, null, 50), 1);
});

test("apps take turns", () => {
  const db = withDeployments("d1", "d2", "d4");
  run(db, "insert_app", "app_2", "other", "Other", "public", 1);
  run(db, "insert_deployment", "d3", "app_2", 1, null, 10, "{}", "admin", "{}");
  const turns = [];
  for (let now = 100; ; now += 100) {
    const id = first(db, "next_in_turn", now)?.id;
    if (id === undefined) break;
    turns.push(id);
    assert.equal(run(db, "advance_deployment", id, "pending", 0, "building", 1, now, now, null, null, null, null, null, null, null, null, now), 1);
    assert.equal(advance(db, id, "building", 1, "failed", 1), 1);
  }
  assert.deepEqual(turns, ["d1", "d3", "d2", "d4"]);
});

test("a newer revision supersedes what waits, not what is built, nor other apps'", () => {
  const db = withDeployments("d1", "d2", "d3");
  run(db, "insert_app", "app_2", "other", "Other", "public", 1);
  run(db, "insert_deployment", "o1", "app_2", 1, null, 10, "{}", "admin", "{}");
  assert.equal(advance(db, "d1", "pending", 0, "building", 1), 1);
  assert.equal(run(db, "insert_event_of_superseding", "d3", "superseded"), 1);
  assert.deepEqual(db.prepare(sql("supersede")).all("d3", 30).map((row) => row.id), ["d2"]);
  assert.deepEqual(db.prepare("SELECT id, state, total_ms FROM deployments ORDER BY id").all().map((row) => [row.id, row.state, row.total_ms]), [
    ["d1", "building", null], ["d2", "superseded", 20], ["d3", "pending", null], ["o1", "pending", null],
  ]);
  run(db, "insert_deployment", "d4", "app_1", 2, null, 40, "{}", "admin", "{}");
  assert.equal(db.prepare(sql("supersede")).all("d4", 40).length, 0, "an older revision supersedes nothing");
  run(db, "insert_deployment", "d5", "app_1", 2, null, 50, '{"VITE_A":"1"}', "admin", "{}");
  assert.deepEqual(db.prepare(sql("supersede")).all("d5", 50).map((row) => row.id), ["d4"], "other values");
  assert.deepEqual({ ...first(db, "waiting", "app_1", 3) }, { everywhere: 3, of_app: 1 });
});

test("stale is what waits for long and what lost its lease", () => {
  const db = withDeployments("d1", "d2", "d3");
  advance(db, "d1", "pending", 0, "building", 1);
  advance(db, "d2", "pending", 0, "failed", 1);
  const stale = (/** @type {number} */ created, /** @type {number} */ now) => db.prepare(sql("stale_deployments")).all(created, now, 10).map((row) => row.id);
  assert.deepEqual(stale(9, 98), []);
  assert.deepEqual(stale(10, 98), ["d3"]);
  assert.deepEqual(stale(10, 99), ["d1", "d3"]);
  assert.equal(run(db, "release_lease", "d1", 2, "{}"), 0, "another attempt's");
  assert.equal(run(db, "release_lease", "d1", 1, "{}"), 1);
  assert.deepEqual(stale(9, 1), ["d1"]);
});

test("retention retires what is old, neither active nor pinned, and its script is noted once", () => {
  const db = withDeployments("d1", "d2", "d3", "d4");
  for (const [index, id] of ["d1", "d2", "d3", "d4"].entries()) deployed(db, id, 20 + index);
  db.exec("UPDATE deployments SET attempt = 1");
  assert.equal(run(db, "pin_deployment", "d1", 1), 1);
  const retirable = () => db.prepare(sql("retirable_deployments")).all(1, 10).map((row) => row.id);
  assert.deepEqual(retirable(), ["d2", "d3"]);
  run(db, "record_activation", "app_1", "d2", "d4", "activate", 40, "ci");
  assert.equal(run(db, "activate", "app_1", "d2", "d4"), 1);
  assert.deepEqual(retirable(), ["d3"]);
  for (const id of ["d1", "d2"]) assert.equal(run(db, "retire_deployment", id, 50), 0, id);
  assert.equal(run(db, "insert_removal", "d3", "demo-d3", 50), 0, "it is still there");
  assert.equal(run(db, "retire_deployment", "d3", 50), 1);
  for (const added of [1, 0]) assert.equal(run(db, "insert_removal", "d3", "demo-d3", 50), added);
  assert.equal(run(db, "activate", "app_1", "d3", "d2"), 0, "gone");
  assert.equal(run(db, "pin_deployment", "d3", 1), 0);
  assert.equal(first(db, "deployment_of_revision", "app_1", 3, "{}", "{}"), undefined);
  assert.equal(run(db, "insert_removals_of_app", "app_1", "demo-", 60, 90), 3);
  assert.equal(run(db, "delete_app", "app_1"), 1);
  assert.deepEqual(db.prepare(sql("due_removals")).all(70, 10).map((row) => row.script), ["demo-d3", "demo-d1", "demo-d2", "demo-d4"]);
});

test("one living deployment per revision; a failed one makes room", () => {
  const db = withDeployments("d1");
  assert.equal(run(db, "insert_deployment", "d2", "app_1", 1, null, 11, "{}", "admin", "{}"), 0);
  assert.equal(first(db, "deployment_of_revision", "app_1", 1, "{}", "{}").id, "d1");
  advance(db, "d1", "pending", 0, "failed", 0);
  assert.equal(first(db, "deployment_of_revision", "app_1", 1, "{}", "{}"), undefined);
  assert.equal(run(db, "insert_deployment", "d2", "app_1", 1, null, 11, "{}", "admin", "{}"), 1);
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
  assert.equal(run(db, "record_activation", "app_1", "d1", "d2", "rollback", 40, "admin"), 1);
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
      run(db, "record_activation", "app_1", previous, current, "rollback", 50, "admin");
      assert.equal(run(db, "activate", "app_1", previous, current), 1);
    }
    seen.push(previous);
    current = previous;
  }
  assert.deepEqual(seen, ["d2", "d1", null]);
});

test("a rollback goes to what production showed last before it, not to what sorts last", () => {
  const db = withDeployments("d1", "d2", "d3");
  for (const [index, id] of ["d1", "d2", "d3"].entries()) deployed(db, id, 20 + index);
  for (const [to, from] of [["d1", "d3"], ["d3", "d1"]]) {
    run(db, "record_activation", "app_1", to, from, "activate", 40, "admin");
    assert.equal(run(db, "activate", "app_1", to, from), 1);
  }
  assert.equal(first(db, "previous_deployment", "app_1", "d3").id, "d1");
});

test("events are numbered without gaps and logs are capped, states never", () => {
  const db = withDeployments("d1");
  for (let n = 0; n < 4; n += 1) run(db, "insert_event_of_log", "d1", `log ${n}`, 3);
  run(db, "insert_event_of_state", "d1", "pending", 0, "state", null);
  assert.equal(run(db, "insert_event_of_state", "d1", "building", 0, "wrong state", null), 0);
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

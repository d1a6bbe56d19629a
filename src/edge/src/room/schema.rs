//! The room's `SQLite`: its tables and every statement on them. Nothing else in the room writes SQL.

use worker::{Result, SqlStorage};

/// Schema versions, oldest first; append-only. `migrate` runs those that a room does not have yet.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE files (path TEXT PRIMARY KEY, hash TEXT NOT NULL, size INTEGER NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;
     CREATE TABLE revisions (revision INTEGER PRIMARY KEY, at INTEGER NOT NULL);
     CREATE TABLE changes (
       revision INTEGER NOT NULL, path TEXT NOT NULL,
       before_hash TEXT, before_size INTEGER, after_hash TEXT, after_size INTEGER,
       PRIMARY KEY (revision, path)
     ) WITHOUT ROWID;
     CREATE TABLE contents (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, in_kv INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
     CREATE INDEX contents_to_copy ON contents (hash) WHERE in_kv = 0;
     CREATE TABLE blobs (hash TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (hash, part));
     CREATE TABLE artifacts (id TEXT PRIMARY KEY, path TEXT NOT NULL, input TEXT NOT NULL, good INTEGER NOT NULL, diagnostics TEXT NOT NULL);
     CREATE INDEX artifacts_of_path ON artifacts (path);
     CREATE TABLE updates (seq INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
     CREATE TABLE vendors (
       key TEXT PRIMARY KEY, phase TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', hash TEXT,
       diagnostics TEXT NOT NULL DEFAULT '[]', attempts INTEGER NOT NULL DEFAULT 0, due INTEGER, used INTEGER NOT NULL
     );
     CREATE TABLE texts (kind TEXT NOT NULL, id TEXT NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (kind, id, part));
     CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    // When an update was made, and which update brought an artifact's present code: what reports of viewers
    // are compared with. `logs` is a ring: an entry takes the place of the one `LOG_ENTRIES` before it, which
    // writes one row and not two.
    "ALTER TABLE updates ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE artifacts ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
     CREATE TABLE logs (slot INTEGER PRIMARY KEY, id INTEGER NOT NULL, level INTEGER NOT NULL, entry TEXT NOT NULL);
     CREATE TABLE minutes (minute INTEGER PRIMARY KEY, counts TEXT NOT NULL);",
];

const CREATE_SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)";
const SCHEMA_VERSIONS: &str = "SELECT version FROM schema_version";
const ADD_SCHEMA_VERSION: &str = "INSERT INTO schema_version (version) VALUES (?)";

pub(super) const ALL_FILES: &str = "SELECT path, hash, size FROM files ORDER BY path";
pub(super) const FILE: &str = "SELECT path, hash, size FROM files WHERE path = ?";
pub(super) const PUT_FILE: &str = "INSERT INTO files (path, hash, size, revision) VALUES (?, ?, ?, ?)
  ON CONFLICT (path) DO UPDATE SET hash = excluded.hash, size = excluded.size, revision = excluded.revision";
pub(super) const DELETE_FILE: &str = "DELETE FROM files WHERE path = ?";

pub(super) const ADD_REVISION: &str = "INSERT INTO revisions (revision, at) VALUES (?, ?)";
pub(super) const ADD_CHANGE: &str = "INSERT INTO changes (revision, path, before_hash, before_size, after_hash, after_size) VALUES (?, ?, ?, ?, ?, ?)";
pub(super) const REVISIONS_BEFORE: &str =
    "SELECT revision, at FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?";
pub(super) const CHANGES_OF: &str = "SELECT path, before_hash, before_size, after_hash, after_size FROM changes WHERE revision = ? ORDER BY path";
/// What each path was at a revision: the state before its first later change.
pub(super) const CHANGES_AFTER: &str = "SELECT path, before_hash, before_size, after_hash, after_size FROM changes WHERE revision > ? ORDER BY revision DESC, path";

pub(super) const HAS_CONTENT: &str = "SELECT size FROM contents WHERE hash = ?";
pub(super) const ADD_CONTENT: &str = "INSERT INTO contents (hash, size) VALUES (?, ?)";
pub(super) const ADD_BLOB: &str = "INSERT INTO blobs (hash, part, bytes) VALUES (?, ?, ?)";
pub(super) const BLOB: &str = "SELECT bytes FROM blobs WHERE hash = ? ORDER BY part";
pub(super) const NOT_IN_KV: &str = "SELECT hash FROM contents WHERE in_kv = 0 LIMIT ?";
pub(super) const IS_IN_KV: &str = "UPDATE contents SET in_kv = 1 WHERE hash = ?";

pub(super) const ARTIFACT: &str =
    "SELECT input, good, diagnostics, since FROM artifacts WHERE id = ?";
pub(super) const PUT_ARTIFACT: &str = "INSERT INTO artifacts (id, path, input, good, diagnostics, since) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET input = excluded.input, good = max(good, excluded.good), diagnostics = excluded.diagnostics, since = excluded.since";
pub(super) const ARTIFACTS_OF_PATH: &str = "SELECT id FROM artifacts WHERE path = ?";
pub(super) const DELETE_ARTIFACT: &str = "DELETE FROM artifacts WHERE id = ?";

pub(super) const ADD_UPDATE: &str = "INSERT INTO updates (seq, bytes, at) VALUES (?, ?, ?)";
pub(super) const UPDATE_AT: &str = "SELECT at FROM updates WHERE seq = ?";
pub(super) const OLDEST_UPDATE: &str = "SELECT min(seq) AS seq FROM updates";
pub(super) const UPDATE_SIZES: &str = "SELECT seq, bytes FROM updates ORDER BY seq";
pub(super) const DELETE_UPDATE: &str = "DELETE FROM updates WHERE seq = ?";

pub(super) const VENDOR: &str =
    "SELECT key, phase, message, hash, diagnostics, attempts, due FROM vendors WHERE key = ?";
pub(super) const PUT_VENDOR: &str = "INSERT INTO vendors (key, phase, message, hash, diagnostics, attempts, due, used)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET phase = excluded.phase, message = excluded.message, hash = excluded.hash,
    diagnostics = excluded.diagnostics, attempts = excluded.attempts, due = excluded.due, used = excluded.used";
pub(super) const OLD_VENDORS: &str =
    "SELECT key, hash FROM vendors ORDER BY used DESC LIMIT -1 OFFSET ?";
pub(super) const DELETE_VENDOR: &str = "DELETE FROM vendors WHERE key = ?";
pub(super) const VENDOR_OF_HASH: &str = "SELECT key FROM vendors WHERE hash = ? LIMIT 1";

pub(super) const TEXT: &str = "SELECT text FROM texts WHERE kind = ? AND id = ? ORDER BY part";
pub(super) const HAS_TEXT: &str = "SELECT part FROM texts WHERE kind = ? AND id = ? LIMIT 1";
pub(super) const ADD_TEXT: &str = "INSERT INTO texts (kind, id, part, text) VALUES (?, ?, ?, ?)";
pub(super) const DELETE_TEXT: &str = "DELETE FROM texts WHERE kind = ? AND id = ?";

/// Numbered texts beyond the newest.
pub(super) const OLD_TEXTS: &str = "SELECT DISTINCT id FROM texts WHERE kind = ? ORDER BY CAST(id AS INTEGER) DESC LIMIT -1 OFFSET ?";

pub(super) const LAST_LOG: &str = "SELECT max(id) AS id FROM logs";
pub(super) const PUT_LOG: &str = "INSERT INTO logs (slot, id, level, entry) VALUES (?, ?, ?, ?)
  ON CONFLICT (slot) DO UPDATE SET id = excluded.id, level = excluded.level, entry = excluded.entry";
pub(super) const LOGS_BEFORE: &str =
    "SELECT entry FROM logs WHERE id < ? AND level >= ? ORDER BY id DESC LIMIT ?";

pub(super) const MINUTE: &str = "SELECT counts FROM minutes WHERE minute = ?";
pub(super) const PUT_MINUTE: &str = "INSERT INTO minutes (minute, counts) VALUES (?, ?) ON CONFLICT (minute) DO UPDATE SET counts = excluded.counts";
pub(super) const MINUTES_SINCE: &str =
    "SELECT minute, counts FROM minutes WHERE minute >= ? ORDER BY minute";
pub(super) const DELETE_MINUTES: &str = "DELETE FROM minutes WHERE minute < ?";

pub(super) const META: &str = "SELECT value FROM meta WHERE key = ?";
pub(super) const PUT_META: &str = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

#[derive(serde::Deserialize)]
struct Version {
    version: usize,
}

/// Brings a room's tables to the newest schema.
pub(super) fn migrate(sql: &SqlStorage) -> Result<()> {
    sql.exec(CREATE_SCHEMA, None)?;
    let rows: Vec<Version> = sql.exec(SCHEMA_VERSIONS, None)?.to_array()?;
    let done = rows.iter().map(|row| row.version).max().unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        sql.exec(migration, None)?;
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        sql.exec(ADD_SCHEMA_VERSION, vec![version.into()])?;
    }
    Ok(())
}

//! Typed access to the room's `SQLite`. Synchronous throughout: what happens between two awaits
//! is one atomic step for everybody else.

use super::schema;
use hotplate_domain::Log;
use hotplate_protocol::{Diagnostic, FileEntry, Revision, RevisionChange, VendorState};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::{Error, Result, SqlStorage, SqlStorageValue, State};

/// Largest part of a stored text or blob; a row takes 2 MB.
const PART: usize = 1024 * 1024;

#[wasm_bindgen]
extern "C" {
    /// The part of `DurableObjectStorage` that `worker` does not bind.
    type Transactional;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactional,
        body: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// Texts that may be longer than a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextKind {
    /// A module artifact without its source map, by module id.
    Artifact,
    /// Its source map, by module id.
    Map,
    /// A message of the stream, by `seq`.
    Update,
    /// A `VendorRequest`, by key.
    VendorRequest,
    /// A vendor chunk, by hash.
    VendorCode,
}

impl TextKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::Map => "map",
            Self::Update => "update",
            Self::VendorRequest => "vendor_request",
            Self::VendorCode => "vendor_code",
        }
    }
}

/// Single values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Meta {
    /// Slug of the app; absent before `init` and after `destroy`.
    App,
    /// Of the working tree.
    Revision,
    /// Number of the newest message of the stream.
    Seq,
    /// Key of the vendor chunk that the tree needs; empty for none.
    VendorKey,
    /// JSON of the diagnostics that viewers are shown.
    Sticky,
}

impl Meta {
    const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Revision => "revision",
            Self::Seq => "seq",
            Self::VendorKey => "vendor_key",
            Self::Sticky => "sticky",
        }
    }
}

/// What the last compilation of a module left.
#[derive(serde::Deserialize)]
pub(super) struct ArtifactRow {
    /// Hash of what was compiled last.
    pub(super) input: String,
    /// Whether some compilation succeeded, so that an artifact is stored.
    pub(super) good: u8,
    /// JSON of what the last one said.
    pub(super) diagnostics: String,
}

/// Where a vendor chunk stands.
#[derive(Debug, Clone, serde::Deserialize)]
pub(super) struct VendorRow {
    pub(super) key: String,
    phase: String,
    pub(super) message: String,
    pub(super) hash: Option<String>,
    diagnostics: String,
    pub(super) attempts: u32,
    /// When to try (again), epoch milliseconds.
    pub(super) due: Option<u64>,
}

impl VendorRow {
    pub(super) fn new(state: &VendorState, attempts: u32, due: Option<u64>) -> Self {
        let (key, phase, message, diagnostics) = match state {
            VendorState::Installing { key, message } => {
                (key, "installing", message.clone(), Vec::new())
            }
            VendorState::Ready { key, .. } => (key, "ready", String::new(), Vec::new()),
            VendorState::Failed { key, diagnostics } => {
                (key, "failed", String::new(), diagnostics.clone())
            }
        };
        let hash = match state {
            VendorState::Ready { url, .. } => hash_of_url(url).map(str::to_owned),
            VendorState::Installing { .. } | VendorState::Failed { .. } => None,
        };
        Self {
            key: key.clone(),
            phase: phase.to_owned(),
            message,
            hash,
            // Strings and numbers alone: serialising them cannot fail.
            diagnostics: serde_json::to_string(&diagnostics).unwrap_or_default(),
            attempts,
            due,
        }
    }

    pub(super) fn state(&self) -> VendorState {
        let key = self.key.clone();
        match (self.phase.as_str(), &self.hash) {
            ("ready", Some(hash)) => VendorState::Ready {
                key,
                url: vendor_url(hash),
            },
            ("failed", _) => VendorState::Failed {
                key,
                diagnostics: serde_json::from_str(&self.diagnostics).unwrap_or_default(),
            },
            _ => VendorState::Installing {
                key,
                message: self.message.clone(),
            },
        }
    }
}

/// Path of a vendor chunk on live hosts.
pub(super) fn vendor_url(hash: &str) -> String {
    format!("/@vendor/{hash}.js")
}

/// The hash in such a path.
pub(super) fn hash_of_url(url: &str) -> Option<&str> {
    url.strip_prefix("/@vendor/")?.strip_suffix(".js")
}

#[derive(serde::Deserialize)]
struct ChangeRow {
    path: String,
    before_hash: Option<String>,
    before_size: Option<u64>,
    after_hash: Option<String>,
    after_size: Option<u64>,
}

impl From<ChangeRow> for RevisionChange {
    fn from(row: ChangeRow) -> Self {
        let entry = |hash: Option<String>, size: Option<u64>| {
            hash.zip(size).map(|(hash, size)| FileEntry {
                path: row.path.clone(),
                hash,
                size,
            })
        };
        Self {
            before: entry(row.before_hash, row.before_size),
            after: entry(row.after_hash, row.after_size),
            path: row.path,
        }
    }
}

#[derive(serde::Deserialize)]
struct Totals {
    files: u64,
    bytes: u64,
}
#[derive(serde::Deserialize)]
struct RevisionRow {
    revision: u64,
    at: u64,
}
#[derive(serde::Deserialize)]
struct TextRow {
    text: String,
}
#[derive(serde::Deserialize)]
struct ValueRow {
    value: String,
}
#[derive(serde::Deserialize)]
struct HashRow {
    hash: String,
}
#[derive(serde::Deserialize)]
struct IdRow {
    id: String,
}
#[derive(serde::Deserialize)]
struct SeqRow {
    seq: Option<u64>,
}
#[derive(serde::Deserialize)]
struct UpdateRow {
    seq: u64,
    bytes: u64,
}
#[derive(serde::Deserialize)]
struct OldVendorRow {
    key: String,
    hash: Option<String>,
}
#[derive(serde::Deserialize)]
struct Any {}

/// The room's tables.
pub(super) struct Storage {
    sql: SqlStorage,
    transactions: Transactional,
}

fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn optional_integer(value: Option<u64>) -> SqlStorageValue {
    value.map_or(SqlStorageValue::Null, integer)
}

impl Storage {
    /// Opens and migrates it.
    pub(super) fn open(state: &State) -> Result<Self> {
        let storage = state.storage();
        let sql = storage.sql();
        schema::migrate(&sql)?;
        let transactions = JsValue::from(storage.as_raw()).unchecked_into();
        Ok(Self { sql, transactions })
    }

    /// All of `body`'s writes or, when it fails, none.
    pub(super) fn transaction<T, E: From<Error>>(
        &self,
        body: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut body = Some(body);
        let mut outcome = None;
        let thrown = self.transactions.transaction_sync(&mut || {
            let Some(body) = body.take() else {
                return Ok(JsValue::UNDEFINED);
            };
            let failed = outcome.insert(body()).is_err();
            if failed {
                Err(JsValue::from_str("rolled back"))
            } else {
                Ok(JsValue::UNDEFINED)
            }
        });
        match (outcome, thrown) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(_)) => Ok(value),
            (_, Err(thrown)) => Err(Error::from(thrown).into()),
            (None, Ok(_)) => Err(Error::RustError("the transaction did not run".to_owned()).into()),
        }
    }

    fn rows<T: DeserializeOwned>(
        &self,
        statement: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>> {
        self.sql.exec(statement, values)?.to_array()
    }

    fn first<T: DeserializeOwned>(
        &self,
        statement: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Option<T>> {
        Ok(self.rows(statement, values)?.into_iter().next())
    }

    fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.sql.exec(statement, values).map(drop)
    }

    // Single values.

    pub(super) fn meta(&self, key: Meta) -> Result<Option<String>> {
        Ok(self
            .first::<ValueRow>(schema::META, vec![key.name().into()])?
            .map(|row| row.value))
    }

    pub(super) fn put_meta(&self, key: Meta, value: &str) -> Result<()> {
        self.run(schema::PUT_META, vec![key.name().into(), value.into()])
    }

    pub(super) fn number(&self, key: Meta) -> Result<u64> {
        Ok(self
            .meta(key)?
            .and_then(|value| value.parse().ok())
            .unwrap_or(0))
    }

    // Files and revisions.

    pub(super) fn files(&self) -> Result<Vec<FileEntry>> {
        self.rows(schema::ALL_FILES, vec![])
    }

    pub(super) fn file(&self, path: &str) -> Result<Option<FileEntry>> {
        self.first(schema::FILE, vec![path.into()])
    }

    /// Number of files and sum of their sizes.
    pub(super) fn totals(&self) -> Result<(u64, u64)> {
        let totals: Option<Totals> = self.first(schema::TOTALS, vec![])?;
        Ok(totals.map_or((0, 0), |totals| (totals.files, totals.bytes)))
    }

    /// Applies changes as revision `revision`.
    pub(super) fn add_revision(
        &self,
        revision: u64,
        at: u64,
        changes: &[RevisionChange],
    ) -> Result<()> {
        self.run(schema::ADD_REVISION, vec![integer(revision), integer(at)])?;
        for change in changes {
            match &change.after {
                Some(file) => {
                    let values = vec![
                        file.path.as_str().into(),
                        file.hash.as_str().into(),
                        integer(file.size),
                        integer(revision),
                    ];
                    self.run(schema::PUT_FILE, values)?;
                }
                None => self.run(schema::DELETE_FILE, vec![change.path.as_str().into()])?,
            }
            let hash =
                |entry: &Option<FileEntry>| entry.as_ref().map(|entry| entry.hash.as_str()).into();
            let size = |entry: &Option<FileEntry>| {
                optional_integer(entry.as_ref().map(|entry| entry.size))
            };
            let values = vec![
                integer(revision),
                change.path.as_str().into(),
                hash(&change.before),
                size(&change.before),
                hash(&change.after),
                size(&change.after),
            ];
            self.run(schema::ADD_CHANGE, values)?;
        }
        self.put_meta(Meta::Revision, &revision.to_string())
    }

    /// Newest first, below `before`.
    pub(super) fn revisions(&self, before: u64, limit: u64) -> Result<Vec<Revision>> {
        let rows: Vec<RevisionRow> = self.rows(
            schema::REVISIONS_BEFORE,
            vec![integer(before), integer(limit)],
        )?;
        rows.into_iter()
            .map(|RevisionRow { revision, at }| {
                let changes: Vec<ChangeRow> =
                    self.rows(schema::CHANGES_OF, vec![integer(revision)])?;
                Ok(Revision {
                    revision,
                    at,
                    changes: changes.into_iter().map(Into::into).collect(),
                })
            })
            .collect()
    }

    /// Every change later than a revision, newest first.
    pub(super) fn changes_after(&self, revision: u64) -> Result<Vec<RevisionChange>> {
        let rows: Vec<ChangeRow> = self.rows(schema::CHANGES_AFTER, vec![integer(revision)])?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    // Contents.

    pub(super) fn has_content(&self, hash: &str) -> Result<bool> {
        Ok(self
            .first::<Any>(schema::HAS_CONTENT, vec![hash.into()])?
            .is_some())
    }

    pub(super) fn add_content(&self, hash: &str, bytes: &[u8]) -> Result<()> {
        if self.has_content(hash)? {
            return Ok(());
        }
        self.run(
            schema::ADD_CONTENT,
            vec![hash.into(), integer(bytes.len() as u64)],
        )?;
        for (part, bytes) in (0u64..).zip(bytes.chunks(PART)) {
            let values = vec![
                hash.into(),
                integer(part),
                SqlStorageValue::Blob(bytes.to_vec()),
            ];
            self.run(schema::ADD_BLOB, values)?;
        }
        Ok(())
    }

    pub(super) fn content(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        if !self.has_content(hash)? {
            return Ok(None);
        }
        let mut content = Vec::new();
        for row in self.sql.exec(schema::BLOB, vec![hash.into()])?.raw() {
            for value in row? {
                if let SqlStorageValue::Blob(bytes) = value {
                    content.extend_from_slice(&bytes);
                }
            }
        }
        Ok(Some(content))
    }

    pub(super) fn not_in_kv(&self, limit: u64) -> Result<Vec<String>> {
        let rows: Vec<HashRow> = self.rows(schema::NOT_IN_KV, vec![integer(limit)])?;
        Ok(rows.into_iter().map(|row| row.hash).collect())
    }

    pub(super) fn is_in_kv(&self, hash: &str) -> Result<()> {
        self.run(schema::IS_IN_KV, vec![hash.into()])
    }

    // Compilations.

    pub(super) fn artifact(&self, id: &str) -> Result<Option<ArtifactRow>> {
        self.first(schema::ARTIFACT, vec![id.into()])
    }

    pub(super) fn put_artifact(
        &self,
        id: &str,
        path: &str,
        input: &str,
        good: bool,
        diagnostics: &[Diagnostic],
    ) -> Result<()> {
        let diagnostics = serde_json::to_string(diagnostics)?;
        let values = vec![
            id.into(),
            path.into(),
            input.into(),
            i64::from(good).into(),
            diagnostics.into(),
        ];
        self.run(schema::PUT_ARTIFACT, values)
    }

    /// Forgets everything that was compiled of a file.
    pub(super) fn forget_path(&self, path: &str) -> Result<()> {
        let rows: Vec<IdRow> = self.rows(schema::ARTIFACTS_OF_PATH, vec![path.into()])?;
        for IdRow { id } in rows {
            self.run(schema::DELETE_ARTIFACT, vec![id.as_str().into()])?;
            self.delete_text(TextKind::Artifact, &id)?;
            self.delete_text(TextKind::Map, &id)?;
        }
        Ok(())
    }

    // The stream.

    pub(super) fn log(&self) -> Result<Log> {
        let oldest: Option<SeqRow> = self.first(schema::OLDEST_UPDATE, vec![])?;
        Ok(Log {
            oldest: oldest.and_then(|row| row.seq),
            head: self.number(Meta::Seq)?,
        })
    }

    /// Appends a message to the stream and drops what is too old.
    pub(super) fn add_update(&self, seq: u64, message: &str) -> Result<()> {
        self.put_meta(Meta::Seq, &seq.to_string())?;
        self.run(
            schema::ADD_UPDATE,
            vec![integer(seq), integer(message.len() as u64)],
        )?;
        self.put_text(TextKind::Update, &seq.to_string(), message)?;
        let rows: Vec<UpdateRow> = self.rows(schema::UPDATE_SIZES, vec![])?;
        let kept = hotplate_domain::replay::keep(rows.iter().map(|row| row.bytes));
        for row in rows.iter().skip(kept) {
            self.run(schema::DELETE_UPDATE, vec![integer(row.seq)])?;
            self.delete_text(TextKind::Update, &row.seq.to_string())?;
        }
        Ok(())
    }

    // Vendor chunks.

    pub(super) fn vendor(&self, key: &str) -> Result<Option<VendorRow>> {
        self.first(schema::VENDOR, vec![key.into()])
    }

    pub(super) fn put_vendor(&self, row: &VendorRow, now: u64) -> Result<()> {
        let values = vec![
            row.key.as_str().into(),
            row.phase.as_str().into(),
            row.message.as_str().into(),
            row.hash.as_deref().into(),
            row.diagnostics.as_str().into(),
            i64::from(row.attempts).into(),
            optional_integer(row.due),
            integer(now),
        ];
        self.run(schema::PUT_VENDOR, values)
    }

    /// Keeps the vendor chunks used last; KV has the others.
    pub(super) fn drop_old_vendors(&self, keep: u64) -> Result<()> {
        let rows: Vec<OldVendorRow> = self.rows(schema::OLD_VENDORS, vec![integer(keep)])?;
        for OldVendorRow { key, hash } in rows {
            self.run(schema::DELETE_VENDOR, vec![key.as_str().into()])?;
            self.delete_text(TextKind::VendorRequest, &key)?;
            // Two keys may have given the same chunk.
            if let Some(hash) = hash
                && self
                    .first::<Any>(schema::VENDOR_OF_HASH, vec![hash.as_str().into()])?
                    .is_none()
            {
                self.delete_text(TextKind::VendorCode, &hash)?;
            }
        }
        Ok(())
    }

    // Long texts.

    pub(super) fn text(&self, kind: TextKind, id: &str) -> Result<Option<String>> {
        let rows: Vec<TextRow> = self.rows(schema::TEXT, vec![kind.name().into(), id.into()])?;
        Ok((!rows.is_empty()).then(|| rows.into_iter().map(|row| row.text).collect()))
    }

    pub(super) fn put_text(&self, kind: TextKind, id: &str, text: &str) -> Result<()> {
        self.delete_text(kind, id)?;
        let mut rest = text;
        let mut part = 0;
        loop {
            let end = rest.floor_char_boundary(PART);
            let (head, tail) = rest.split_at(end);
            self.run(
                schema::ADD_TEXT,
                vec![kind.name().into(), id.into(), integer(part), head.into()],
            )?;
            if tail.is_empty() {
                return Ok(());
            }
            rest = tail;
            part += 1;
        }
    }

    pub(super) fn delete_text(&self, kind: TextKind, id: &str) -> Result<()> {
        self.run(schema::DELETE_TEXT, vec![kind.name().into(), id.into()])
    }
}

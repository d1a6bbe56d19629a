//! Typed access to the room's `SQLite`. Synchronous throughout: what happens between two awaits
//! is one atomic step for everybody else.
//!
//! Here: transactions, single values, long texts. The tables have modules of their own.

mod compilations;
mod reports;
mod stream;
mod tree;
mod vendors;

pub(super) use compilations::ArtifactRow;
pub(super) use vendors::{VendorRow, hash_of_url, vendor_url};

use super::schema;
use hotplate_domain::replay::Kept;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::{Error, Result, SqlCursor, SqlStorage, SqlStorageValue, State};

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
    /// Where each record begins in the registry, by the `seq` it was loaded at.
    Places,
    /// The app's server; one, without an id.
    Server,
}

impl TextKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::Map => "map",
            Self::Update => "update",
            Self::VendorRequest => "vendor_request",
            Self::VendorCode => "vendor_code",
            Self::Places => "places",
            Self::Server => "server",
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
    /// JSON of the app's public values; absent for none.
    Environment,
    /// JSON of the app's secrets, each sealed, with what they are bound to; absent for none.
    Secrets,
    /// JSON of the diagnostics that viewers are shown.
    Sticky,
    /// Revision that the stream stands for; behind the tree's only after a crash between store and link.
    Linked,
    /// How often that was tried again.
    LinkAttempts,
    /// Tells this stream of updates from that of an earlier app of the same name.
    Stream,
    /// How often the room was constructed: once for each time that it woke.
    Wakes,
}

impl Meta {
    const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Revision => "revision",
            Self::Seq => "seq",
            Self::VendorKey => "vendor_key",
            Self::Environment => "environment",
            Self::Secrets => "secrets",
            Self::Sticky => "sticky",
            Self::Linked => "linked",
            Self::LinkAttempts => "link_attempts",
            Self::Stream => "stream",
            Self::Wakes => "wakes",
        }
    }
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
struct Any {}

/// The room's tables.
pub(super) struct Storage {
    sql: SqlStorage,
    transactions: Transactional,
    /// Sizes of the stored updates, once one was added; forgotten when a transaction failed.
    kept: RefCell<Option<Kept>>,
    rows: Cell<u64>,
}

/// Numbers reach `SQLite` through JavaScript, which is exact up to 2^53.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

fn integer(value: u64) -> SqlStorageValue {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    SqlStorageValue::Integer(value.min(MAX_SAFE_INTEGER))
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
        Ok(Self {
            sql,
            transactions,
            kept: RefCell::default(),
            rows: Cell::default(),
        })
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
        let failed = match (outcome, thrown) {
            (Some(Ok(value)), Ok(_)) => return Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(thrown)) => Err(Error::from(thrown).into()),
            (None, Ok(_)) => Err(Error::RustError("the transaction did not run".to_owned()).into()),
        };
        // It may count what was rolled back.
        self.kept.replace(None);
        failed
    }

    /// Rows that statements have read and written so far.
    pub(super) fn rows_touched(&self) -> u64 {
        self.rows.get()
    }

    fn touched(&self, cursor: &SqlCursor) {
        let rows = cursor.rows_read() + cursor.rows_written();
        self.rows.update(|count| count + rows as u64);
    }

    fn rows<T: DeserializeOwned>(
        &self,
        statement: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>> {
        let cursor = self.sql.exec(statement, values)?;
        let rows = cursor.to_array()?;
        self.touched(&cursor);
        Ok(rows)
    }

    fn first<T: DeserializeOwned>(
        &self,
        statement: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Option<T>> {
        Ok(self.rows(statement, values)?.into_iter().next())
    }

    fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        let cursor = self.sql.exec(statement, values)?;
        self.touched(&cursor);
        Ok(())
    }

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

//! Files, revisions and contents.

use super::{Any, Meta, PART, Storage, integer, optional_integer};
use crate::room::schema;
use hotplate_protocol::{FileEntry, Revision, RevisionChange};
use worker::{Result, SqlStorageValue};

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
struct RevisionRow {
    revision: u64,
    at: u64,
}
#[derive(serde::Deserialize)]
struct HashRow {
    hash: String,
}

impl Storage {
    pub(in crate::room) fn files(&self) -> Result<Vec<FileEntry>> {
        self.rows(schema::ALL_FILES, vec![])
    }

    pub(in crate::room) fn file(&self, path: &str) -> Result<Option<FileEntry>> {
        self.first(schema::FILE, vec![path.into()])
    }

    /// Applies changes as revision `revision`.
    pub(in crate::room) fn add_revision(
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
    pub(in crate::room) fn revisions(&self, before: u64, limit: u64) -> Result<Vec<Revision>> {
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
    pub(in crate::room) fn changes_after(&self, revision: u64) -> Result<Vec<RevisionChange>> {
        let rows: Vec<ChangeRow> = self.rows(schema::CHANGES_AFTER, vec![integer(revision)])?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    pub(in crate::room) fn has_content(&self, hash: &str) -> Result<bool> {
        Ok(self
            .first::<Any>(schema::HAS_CONTENT, vec![hash.into()])?
            .is_some())
    }

    pub(in crate::room) fn add_content(&self, hash: &str, bytes: &[u8]) -> Result<()> {
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

    pub(in crate::room) fn content(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        if !self.has_content(hash)? {
            return Ok(None);
        }
        let mut content = Vec::new();
        let cursor = self.sql.exec(schema::BLOB, vec![hash.into()])?;
        for row in cursor.raw() {
            for value in row? {
                if let SqlStorageValue::Blob(bytes) = value {
                    content.extend_from_slice(&bytes);
                }
            }
        }
        self.touched(&cursor);
        Ok(Some(content))
    }

    pub(in crate::room) fn not_in_kv(&self, limit: u64) -> Result<Vec<String>> {
        let rows: Vec<HashRow> = self.rows(schema::NOT_IN_KV, vec![integer(limit)])?;
        Ok(rows.into_iter().map(|row| row.hash).collect())
    }

    pub(in crate::room) fn is_in_kv(&self, hash: &str) -> Result<()> {
        self.run(schema::IS_IN_KV, vec![hash.into()])
    }
}

//! Reading the tree: at any revision, file by file, by hash; and the copy of contents in KV.

use super::{
    Room,
    content_type::content_type,
    now,
    storage::{Meta, Storage},
};
use crate::{api::parse_json, config::blobs, problem::ApiError};
use data_encoding::BASE64;
use hotplate_domain::{limits, tree::before};
use hotplate_protocol::{
    BlobAnswer, BlobRequest, EncodedBlob, ErrorCode, FileEntry, FileList, RevisionList,
};
use std::{cell::Cell, rc::Rc};
use worker::{Env, Request, Response, console_error};

/// Largest sum of contents in one `BlobAnswer`.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Contents copied in one go; an invocation may do 1,000 operations on KV.
const COPY_BATCH: u64 = 500;
/// Pause before contents that could not be copied are tried again.
pub(super) const COPY_RETRY_MS: u64 = 5_000;

impl Room {
    /// The tree at a revision.
    pub(super) fn list(&self, revision: Option<u64>) -> Result<FileList, ApiError> {
        let head = self.storage.number(Meta::Revision)?;
        let revision = revision.unwrap_or(head);
        if revision > head {
            return Err(no_revision(revision, head));
        }
        let current = self.storage.files()?;
        let files = if revision == head {
            current
        } else {
            let later = self.storage.changes_after(revision)?;
            before(&current, [later.as_slice()])
        };
        Ok(FileList { revision, files })
    }

    /// One file's bytes.
    pub(super) fn read_file(
        &self,
        request: &Request,
        path: &str,
        revision: Option<u64>,
    ) -> Result<Response, ApiError> {
        let file: Option<FileEntry> = match revision {
            None => self.storage.file(path)?,
            Some(_) => self
                .list(revision)?
                .files
                .into_iter()
                .find(|file| file.path == path),
        };
        match file {
            Some(file) => self.bytes(request, &file.hash, content_type(path)),
            None => Err(ApiError::new(
                ErrorCode::FileNotFound,
                format!("there is no file {path:?}"),
            )),
        }
    }

    /// History, newest first.
    pub(super) fn history(
        &self,
        cursor: Option<u64>,
        limit: Option<u32>,
    ) -> Result<RevisionList, ApiError> {
        let limit = u64::from(limit.unwrap_or(limits::PAGE_DEFAULT));
        let below = cursor.unwrap_or(u64::MAX);
        let revisions = self.storage.revisions(below, limit)?;
        let last = revisions.last().map(|revision| revision.revision);
        // Revisions have no gaps, and the first is 1.
        let cursor = last.filter(|last| *last > 1).map(|last| last.to_string());
        Ok(RevisionList { revisions, cursor })
    }

    /// Contents by hash, as many as fit.
    pub(super) fn blobs(&self, body: &[u8]) -> Result<BlobAnswer, ApiError> {
        let request: BlobRequest = parse_json(body)?;
        if request.hashes.len() > limits::BLOB_HASHES {
            let detail = format!("at most {} hashes are taken", limits::BLOB_HASHES);
            return Err(ApiError::new(ErrorCode::InvalidBody, detail));
        }
        let mut blobs = Vec::new();
        let mut total = 0;
        for hash in request.hashes {
            let Some(bytes) = self.storage.content(&hash)? else {
                return Err(ApiError::new(
                    ErrorCode::FileNotFound,
                    format!("there is no content {hash}"),
                ));
            };
            total += bytes.len();
            if total > ANSWER_BYTES && !blobs.is_empty() {
                break;
            }
            blobs.push(EncodedBlob {
                base64: BASE64.encode(&bytes),
                hash,
            });
        }
        Ok(BlobAnswer { blobs })
    }
}

fn no_revision(revision: u64, head: u64) -> ApiError {
    ApiError::new(
        ErrorCode::RevisionNotFound,
        format!("the tree is at revision {head}, there is no {revision}"),
    )
}

/// Copies contents to KV, where other parts of the platform look for them.
pub(super) struct Copy {
    storage: Rc<Storage>,
    durable: worker::Storage,
    env: Env,
    busy: Rc<Cell<bool>>,
}

impl Copy {
    pub(super) fn new(room: &Room) -> Self {
        Self {
            storage: Rc::clone(&room.storage),
            durable: room.state.storage(),
            env: room.env.clone(),
            busy: Rc::clone(&room.copying),
        }
    }

    /// Copies what is not there yet. What fails stays marked as missing and is tried again.
    pub(super) async fn run(self) {
        if self.busy.replace(true) {
            return;
        }
        if let Err(error) = self.copy().await {
            console_error!("contents could not be copied to KV: {error}");
        }
        self.busy.set(false);
        if let Err(error) = self.come_back().await {
            console_error!("the alarm could not be set: {error}");
        }
    }

    /// Wakes the room again while something is missing, whether or not anybody calls.
    async fn come_back(&self) -> worker::Result<()> {
        if self.storage.not_in_kv(1)?.is_empty() {
            return Ok(());
        }
        let retry = i64::try_from(COPY_RETRY_MS).unwrap_or(i64::MAX);
        let latest = i64::try_from(now())
            .unwrap_or(i64::MAX)
            .saturating_add(retry);
        if self.durable.get_alarm().await?.is_none_or(|at| at > latest) {
            self.durable.set_alarm(retry).await?;
        }
        Ok(())
    }

    async fn copy(&self) -> worker::Result<()> {
        let kv = blobs(&self.env)?;
        for hash in self.storage.not_in_kv(COPY_BATCH)? {
            if let Some(bytes) = self.storage.content(&hash)? {
                kv.put_bytes(&format!("blob/{hash}"), &bytes)?
                    .execute()
                    .await?;
            }
            self.storage.is_in_kv(&hash)?;
        }
        Ok(())
    }
}

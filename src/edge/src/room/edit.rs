//! One edit, from what was asked to its answer. Everything between the two happens
//! without an await, so no other request sees a half-applied edit.

use super::{
    Room,
    preview::{Totals, VendorNeed},
    storage::Meta,
};
use crate::problem::ApiError;
use data_encoding::HEXLOWER;
use hotplate_domain::{
    ValidEdit, archive,
    tree::{check_totals, diff},
};
use hotplate_linker::Linked;
use hotplate_protocol::{
    Diagnostic, EditRequest, EditResult, EditTimings, ErrorCode, FileEntry, RevisionChange,
    RoomMessage, Severity, Update,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use worker::{Date, console_error};

/// The revisions that an update takes pages across.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) to: u64,
    /// When what made it arrived, epoch milliseconds.
    pub(super) at: u64,
}

/// What the working tree became.
struct Stored {
    span: Span,
    /// Sorted by path; empty when the edit changed nothing.
    changes: Vec<RevisionChange>,
}

impl Room {
    /// Applies an edit.
    pub(super) fn edit(&self, request: EditRequest) -> Result<EditResult, ApiError> {
        let edit = ValidEdit::check(request)?;
        self.apply(edit.base_revision, || self.changes_of(&edit))
    }

    /// Makes the tree what a packed tar has.
    pub(super) fn replace(&self, base: Option<u64>, packed: &[u8]) -> Result<EditResult, ApiError> {
        let writes = archive::read(packed)
            .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
        let kept: BTreeSet<&str> = writes.iter().map(|write| write.path.as_str()).collect();
        let gone = self.storage.files()?.into_iter().map(|file| file.path);
        let deletes = gone.filter(|path| !kept.contains(path.as_str())).collect();
        let edit = ValidEdit {
            base_revision: base,
            writes,
            deletes,
        };
        self.apply(base, || self.changes_of(&edit))
    }

    /// Makes the tree what it was at a revision: a new one, whose history says so.
    pub(super) fn restore(&self, revision: u64, base: Option<u64>) -> Result<EditResult, ApiError> {
        let then = self.list(Some(revision))?.files;
        self.apply(base, || Ok(diff(&self.storage.files()?, &then)))
    }

    /// Stores changes of the tree and tells what follows from them.
    fn apply(
        &self,
        base: Option<u64>,
        changes: impl FnOnce() -> Result<Vec<RevisionChange>, ApiError>,
    ) -> Result<EditResult, ApiError> {
        let at = Date::now().as_millis();
        // The graph as it was before, so that it can say what the edit changes.
        self.load()?;
        let begun = now();
        let stored = self.storage.transaction(|| self.store(base, at, changes))?;
        let stored_at = now();
        if stored.changes.is_empty() {
            return self.unchanged(&stored);
        }
        let before = self.storage.number(Meta::Seq)?;
        let Outcome {
            messages,
            seq,
            diagnostics,
        } = match self.link(&stored) {
            Ok(outcome) => outcome,
            Err(error) => self.start_over(&error)?,
        };
        let linked_at = now();
        let clients = self.send_all(&messages);
        let timings = EditTimings {
            store_ms: stored_at - begun,
            compile_ms: linked_at - stored_at,
            broadcast_ms: now() - linked_at,
        };
        if seq > before {
            self.updated(timings.compile_ms, timings.broadcast_ms, clients);
        }
        Ok(EditResult {
            revision: stored.span.to,
            seq,
            changed: stored
                .changes
                .into_iter()
                .map(|change| change.path)
                .collect(),
            diagnostics,
            timings,
            clients,
        })
    }

    fn unchanged(&self, stored: &Stored) -> Result<EditResult, ApiError> {
        let mut diagnostics =
            self.with_working(|working| Ok(working.reachable_diagnostics(&self.storage)))?;
        diagnostics.extend(self.vendor_warnings()?);
        Ok(EditResult {
            revision: stored.span.to,
            seq: self.storage.number(Meta::Seq)?,
            changed: Vec::new(),
            diagnostics,
            timings: EditTimings::default(),
            clients: self.clients(),
        })
    }

    /// Files, contents and the revision; runs in one transaction.
    fn store(
        &self,
        base: Option<u64>,
        at: u64,
        changes: impl FnOnce() -> Result<Vec<RevisionChange>, ApiError>,
    ) -> Result<Stored, ApiError> {
        let from = self.storage.number(Meta::Revision)?;
        if let Some(base) = base.filter(|base| *base != from) {
            let detail = format!("the tree is at revision {from}, the edit was made for {base}");
            return Err(ApiError::new(ErrorCode::RevisionConflict, detail));
        }
        let mut changes = changes()?;
        if changes.is_empty() {
            let span = Span { from, to: from, at };
            return Ok(Stored { span, changes });
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        let to = from + 1;
        self.storage.add_revision(to, at, &changes)?;
        let totals = self.with_working(|working| Ok(working.totals()))?;
        let Totals { files, bytes } = totals.after(&changes);
        check_totals(files, bytes)
            .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
        let span = Span { from, to, at };
        Ok(Stored { span, changes })
    }

    /// What an edit changes; its contents are stored by that.
    fn changes_of(&self, edit: &ValidEdit) -> Result<Vec<RevisionChange>, ApiError> {
        let mut changes = Vec::new();
        for write in &edit.writes {
            let hash = HEXLOWER.encode(&Sha256::digest(&write.bytes));
            let before = self.storage.file(&write.path)?;
            if before.as_ref().is_some_and(|file| file.hash == hash) {
                continue;
            }
            self.storage.add_content(&hash, &write.bytes)?;
            let after = FileEntry {
                path: write.path.clone(),
                hash,
                size: write.bytes.len() as u64,
            };
            changes.push(RevisionChange {
                path: write.path.clone(),
                before,
                after: Some(after),
            });
        }
        for path in &edit.deletes {
            if let Some(before) = self.storage.file(path)? {
                changes.push(RevisionChange {
                    path: path.clone(),
                    before: Some(before),
                    after: None,
                });
            }
        }
        Ok(changes)
    }

    /// Compiles and links what was stored, and writes down what viewers are to be told.
    fn link(&self, stored: &Stored) -> Result<Outcome, ApiError> {
        let (linked, mut diagnostics, reachable, need) = self.with_working(|working| {
            let linked = working.apply(&self.storage, &stored.changes)?;
            let reachable = working.reachable_diagnostics(&self.storage);
            let diagnostics =
                working.with_changed(&self.storage, &stored.changes, reachable.clone());
            Ok((
                linked,
                diagnostics,
                reachable,
                working.vendor(&self.storage)?,
            ))
        })?;
        let asks = stored
            .changes
            .iter()
            .any(|change| is_manifest(&change.path));
        let Published { messages, seq } =
            self.publish(linked, stored.span, asks, reachable, need.as_ref())?;
        diagnostics.extend(self.vendor_warnings()?);
        Ok(Outcome {
            messages,
            seq,
            diagnostics,
        })
    }

    /// Writes down what viewers are to be told of a tree that is linked; `asks` retries a failed vendor chunk.
    pub(super) fn publish(
        &self,
        linked: Linked,
        span: Span,
        asks: bool,
        reachable: Vec<Diagnostic>,
        need: Option<&VendorNeed>,
    ) -> worker::Result<Published> {
        self.storage.transaction(|| {
            self.storage.put_meta(Meta::Linked, &span.to.to_string())?;
            let mut messages = Vec::new();
            let mut seq = self.storage.number(Meta::Seq)?;
            let vendor_before = self
                .storage
                .meta(Meta::VendorKey)?
                .filter(|key| !key.is_empty());
            let key = need.map(|need| need.key.clone());
            let vendor_changed = key != vendor_before;
            if vendor_changed || asks {
                self.storage
                    .put_meta(Meta::VendorKey, key.as_deref().unwrap_or_default())?;
                if let Some(need) = need {
                    let state = self.require_vendor(need, asks)?;
                    messages.push(serde_json::to_string(&RoomMessage::Vendor { state })?);
                }
            }
            if vendor_changed || changes_registry(&linked) {
                seq += 1;
                let message = serde_json::to_string(&stream_message(linked, seq, span, key))?;
                self.storage.add_update(seq, &message, span.at)?;
                messages.push(message);
            }
            let errors: Vec<Diagnostic> =
                reachable.into_iter().filter(Diagnostic::is_error).collect();
            if let Some(message) = self.stick(seq, errors)? {
                messages.push(serde_json::to_string(&message)?);
            }
            Ok(Published { messages, seq })
        })
    }

    /// After a failure between store and broadcast: the edit is kept, and the graph is built anew from
    /// storage, which tells the pages to load anew too. If that fails as well, the next request tries again.
    fn start_over(&self, error: &ApiError) -> Result<Outcome, ApiError> {
        console_error!("a stored edit could not be linked: {error}");
        self.working.replace(None);
        if let Err(error) = self.load() {
            console_error!("nor could the tree be linked anew: {error}");
        }
        let message = "The edit is stored, but could not be linked; pages load anew";
        Ok(Outcome {
            messages: Vec::new(),
            seq: self.storage.number(Meta::Seq)?,
            diagnostics: vec![Diagnostic::without_place(
                Severity::Error,
                "internal",
                message,
            )],
        })
    }

    /// Keeps the errors for viewers to come; answers what present ones are told.
    fn stick(&self, seq: u64, errors: Vec<Diagnostic>) -> worker::Result<Option<RoomMessage>> {
        let before = self.sticky()?;
        if errors == before {
            return Ok(None);
        }
        self.storage
            .put_meta(Meta::Sticky, &serde_json::to_string(&errors)?)?;
        Ok(Some(if errors.is_empty() {
            RoomMessage::Recovered
        } else {
            RoomMessage::Error {
                seq,
                diagnostics: errors,
            }
        }))
    }
}

/// What was written into the stream.
pub(super) struct Published {
    /// To be sent, in order.
    pub(super) messages: Vec<String>,
    seq: u64,
}

/// What follows from a stored edit.
struct Outcome {
    /// To be sent, in order.
    messages: Vec<String>,
    seq: u64,
    diagnostics: Vec<Diagnostic>,
}

fn changes_registry(linked: &Linked) -> bool {
    !linked.modules.is_empty()
        || !linked.removed.is_empty()
        || !linked.css.is_empty()
        || !linked.assets.is_empty()
        || linked.reload.is_some()
}

fn stream_message(linked: Linked, seq: u64, span: Span, vendor: Option<String>) -> RoomMessage {
    match linked.reload {
        Some(reason) => RoomMessage::Reload {
            seq: Some(seq),
            reason,
        },
        None => RoomMessage::Update(Update {
            seq,
            from: span.from,
            to: span.to,
            vendor,
            modules: linked.modules,
            removed: linked.removed,
            css: linked.css,
            assets: linked.assets,
        }),
    }
}

/// Files whose edit asks for a failed vendor chunk again.
fn is_manifest(path: &str) -> bool {
    matches!(path, "package.json" | "package-lock.json")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "epoch milliseconds stay far below 2^53"
)]
fn now() -> f64 {
    Date::now().as_millis() as f64
}

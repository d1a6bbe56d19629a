//! One edit, from its body to its answer. Everything between the body and the answer happens
//! without an await, so no other request sees a half-applied edit.

use super::{Room, storage::Meta};
use crate::{api::parse_json, problem::ApiError};
use data_encoding::HEXLOWER;
use hotplate_domain::{ValidEdit, tree::check_totals};
use hotplate_linker::Linked;
use hotplate_protocol::{
    Diagnostic, EditResult, EditTimings, ErrorCode, FileEntry, RevisionChange, RoomMessage,
    Severity, Update,
};
use sha2::{Digest, Sha256};
use worker::{Date, console_error};

/// What the working tree became.
struct Stored {
    /// Before the edit.
    from: u64,
    /// After it.
    to: u64,
    /// Sorted by path; empty when the edit changed nothing.
    changes: Vec<RevisionChange>,
}

impl Room {
    /// Applies an edit.
    pub(super) fn edit(&self, body: &[u8]) -> Result<EditResult, ApiError> {
        let edit = ValidEdit::check(parse_json(body)?)?;
        // The graph as it was before, so that it can say what the edit changes.
        self.load()?;
        let begun = now();
        let stored = self.storage.transaction(|| self.store(&edit))?;
        let stored_at = now();
        if stored.changes.is_empty() {
            return self.unchanged(&stored);
        }
        let Outcome {
            messages,
            seq,
            diagnostics,
        } = match self.link(&stored) {
            Ok(outcome) => outcome,
            Err(error) => self.start_over(&error)?,
        };
        let linked_at = now();
        let mut clients = 0;
        for message in &messages {
            clients = self.broadcast(message);
        }
        if messages.is_empty() {
            clients = self.clients();
        }
        Ok(EditResult {
            revision: stored.to,
            seq,
            changed: stored
                .changes
                .into_iter()
                .map(|change| change.path)
                .collect(),
            diagnostics,
            timings: EditTimings {
                store_ms: stored_at - begun,
                compile_ms: linked_at - stored_at,
                broadcast_ms: now() - linked_at,
            },
            clients,
        })
    }

    fn unchanged(&self, stored: &Stored) -> Result<EditResult, ApiError> {
        let diagnostics =
            self.with_working(|working| Ok(working.reachable_diagnostics(&self.storage)))?;
        Ok(EditResult {
            revision: stored.to,
            seq: self.storage.number(Meta::Seq)?,
            changed: Vec::new(),
            diagnostics,
            timings: EditTimings::default(),
            clients: self.clients(),
        })
    }

    /// Files, contents and the revision; runs in one transaction.
    fn store(&self, edit: &ValidEdit) -> Result<Stored, ApiError> {
        let from = self.storage.number(Meta::Revision)?;
        if let Some(base) = edit.base_revision.filter(|base| *base != from) {
            let detail = format!("the tree is at revision {from}, the edit was made for {base}");
            return Err(ApiError::new(ErrorCode::RevisionConflict, detail));
        }
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
        if changes.is_empty() {
            return Ok(Stored {
                from,
                to: from,
                changes,
            });
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        let to = from + 1;
        self.storage
            .add_revision(to, Date::now().as_millis(), &changes)?;
        let (files, bytes) = self.storage.totals()?;
        check_totals(files, bytes)
            .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
        Ok(Stored { from, to, changes })
    }

    /// Compiles and links what was stored, and writes down what viewers are to be told.
    fn link(&self, stored: &Stored) -> Result<Outcome, ApiError> {
        let (linked, diagnostics, reachable, need) = self.with_working(|working| {
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
        self.storage.transaction(|| {
            let mut messages = Vec::new();
            let mut seq = self.storage.number(Meta::Seq)?;
            let vendor_before = self
                .storage
                .meta(Meta::VendorKey)?
                .filter(|key| !key.is_empty());
            let key = need.as_ref().map(|need| need.key.clone());
            let vendor_changed = key != vendor_before;
            if vendor_changed || asks {
                self.storage
                    .put_meta(Meta::VendorKey, key.as_deref().unwrap_or_default())?;
                if let Some(need) = &need {
                    let state = self.require_vendor(need, asks)?;
                    messages.push(serde_json::to_string(&RoomMessage::Vendor { state })?);
                }
            }
            if vendor_changed || changes_registry(&linked) {
                seq += 1;
                let message = serde_json::to_string(&stream_message(linked, seq, stored, key))?;
                self.storage.add_update(seq, &message)?;
                messages.push(message);
            }
            let errors: Vec<Diagnostic> =
                reachable.into_iter().filter(Diagnostic::is_error).collect();
            if let Some(message) = self.stick(seq, errors)? {
                messages.push(serde_json::to_string(&message)?);
            }
            Ok(Outcome {
                messages,
                seq,
                diagnostics,
            })
        })
    }

    /// After a failure between store and broadcast: the edit is kept, so its pages load the tree anew, and
    /// the graph is rebuilt from storage at the next request.
    fn start_over(&self, error: &ApiError) -> Result<Outcome, ApiError> {
        console_error!("a stored edit could not be linked: {error}");
        self.working.replace(None);
        self.storage.transaction(|| {
            let reason = "the room could not say what the edit changes";
            let (seq, message) = self.append_reload(reason)?;
            let message_to_author = "The edit is stored, but could not be linked; pages load anew";
            Ok(Outcome {
                messages: vec![message],
                seq,
                diagnostics: vec![Diagnostic::without_place(
                    Severity::Error,
                    "internal",
                    message_to_author,
                )],
            })
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
        || linked.reload.is_some()
}

fn stream_message(
    linked: Linked,
    seq: u64,
    stored: &Stored,
    vendor: Option<String>,
) -> RoomMessage {
    match linked.reload {
        Some(reason) => RoomMessage::Reload {
            seq: Some(seq),
            reason,
        },
        None => RoomMessage::Update(Update {
            seq,
            from: stored.from,
            to: stored.to,
            vendor,
            modules: linked.modules,
            removed: linked.removed,
            css: linked.css,
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

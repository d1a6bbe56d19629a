//! Vendor chunks: asks the build service for what the working tree needs, in the alarm handler so
//! that no edit waits, and keeps the answer.

use super::{
    Room, now,
    preview::VendorNeed,
    storage::{Meta, TextKind, VendorRow, vendor_url},
};
use crate::{
    builds,
    config::{Config, blobs},
};
use futures::StreamExt;
use hotplate_protocol::{Diagnostic, RoomMessage, Severity, VendorEvent, VendorState};
use serde::{Deserialize, Serialize};
use worker::{Error, Response, Result, console_error};

/// Chunks kept in `SQLite`; KV has all of them.
const KEPT: u64 = 3;
/// First pause after the build service could not be reached; doubles each time.
const FIRST_RETRY_MS: u64 = 1_000;
/// Longest pause.
const LAST_RETRY_MS: u64 = 60_000;
/// Codes of failures that are nobody's mistake: the service or the registry does not answer.
const PASSING: &[&str] = &[UNREACHABLE, "registry_unavailable", "install_timeout"];
const UNREACHABLE: &str = "build_service_unavailable";
/// Longest line of the build service's answer: a chunk as JSON.
const LINE_BYTES: usize = 64 * 1024 * 1024;

impl Room {
    /// Notes that the tree needs a chunk; answers where it stands. `again` retries one that failed.
    pub(super) fn require_vendor(&self, need: &VendorNeed, again: bool) -> Result<VendorState> {
        let known = self.storage.vendor(&need.key)?;
        if let Some(row) = known {
            let state = row.state();
            let failed = matches!(state, VendorState::Failed { .. });
            if !(failed && again) {
                self.storage.put_vendor(&row, now())?;
                return Ok(state);
            }
        }
        let state = VendorState::Installing {
            key: need.key.clone(),
            message: "installing dependencies".to_owned(),
        };
        self.storage
            .put_vendor(&VendorRow::new(&state, 0, Some(now())), now())?;
        self.storage
            .put_text(TextKind::VendorRequest, &need.key, &need.request)?;
        Ok(state)
    }

    /// Where the chunk that the tree needs stands.
    pub(super) fn vendor_state(&self) -> Result<Option<VendorState>> {
        Ok(self.needed_vendor()?.map(|row| row.state()))
    }

    /// What the chunk that the tree needs is said to lack, although it works.
    pub(super) fn vendor_warnings(&self) -> Result<Vec<Diagnostic>> {
        Ok(match self.vendor_state()? {
            Some(VendorState::Ready { warnings, .. }) => warnings,
            Some(VendorState::Installing { .. } | VendorState::Failed { .. }) | None => Vec::new(),
        })
    }

    fn needed_vendor(&self) -> Result<Option<VendorRow>> {
        match self.storage.meta(Meta::VendorKey)? {
            Some(key) if !key.is_empty() => self.storage.vendor(&key),
            _ => Ok(None),
        }
    }

    /// When the alarm handler has to look at the needed chunk.
    pub(super) fn vendor_due(&self) -> Result<Option<u64>> {
        Ok(self.needed_vendor()?.and_then(|row| row.due))
    }

    /// Gets the needed chunk if that is due; the tree may need another one by then, so until none is.
    pub(super) async fn install_vendor(&self) -> Result<()> {
        loop {
            let row = self
                .needed_vendor()?
                .filter(|row| row.due.is_some_and(|due| due <= now()));
            let Some(row) = row else { return Ok(()) };
            let key = row.key.clone();
            let row = match self.get_vendor(&key).await {
                Ok(Outcome::Ready(Made {
                    hash,
                    code,
                    warnings,
                })) => {
                    self.storage.put_text(TextKind::VendorCode, &hash, &code)?;
                    VendorRow::new(
                        &VendorState::Ready {
                            key: key.clone(),
                            url: vendor_url(&hash),
                            warnings,
                        },
                        0,
                        None,
                    )
                }
                Ok(Outcome::Failed { diagnostics }) => failed(&row, diagnostics),
                Err(error) => {
                    console_error!("vendor chunk {key}: {error}");
                    failed(&row, vec![unreachable_service()])
                }
            };
            self.storage.put_vendor(&row, now())?;
            self.storage.drop_old_vendors(KEPT)?;
            self.tell_if_needed(&key, row.state())?;
        }
    }

    fn tell_if_needed(&self, key: &str, state: VendorState) -> Result<()> {
        if self.storage.meta(Meta::VendorKey)?.as_deref() == Some(key) {
            self.tell(&RoomMessage::Vendor { state })?;
        }
        Ok(())
    }

    async fn get_vendor(&self, key: &str) -> Result<Outcome> {
        let kv = blobs(&self.env)?;
        if let Some(answer) = kv.get(&key_of_request(key)).text().await?
            && let Ok(Shared { hash, warnings }) = serde_json::from_str(&answer)
            && let Some(code) = kv.get(&key_of_chunk(&hash)).text().await?
        {
            return Ok(Outcome::Ready(Made {
                hash,
                code,
                warnings,
            }));
        }
        let request = self
            .storage
            .text(TextKind::VendorRequest, key)?
            .ok_or_else(|| Error::RustError("the request is not stored".to_owned()))?;
        let config = Config::read(&self.env)?;
        let asked = builds::post(&config, "/v1/vendor", key, &request).await;
        let response = asked.map_err(|error| Error::RustError(error.to_string()))?;
        let outcome = self.read_events(key, response).await?;
        if let Outcome::Ready(made) = &outcome {
            // Only others profit: this room has it in SQLite.
            if let Err(error) = self.share(key, made).await {
                console_error!("vendor chunk {} is not in KV: {error}", made.hash);
            }
        }
        Ok(outcome)
    }

    async fn share(&self, key: &str, made: &Made) -> Result<()> {
        let kv = blobs(&self.env)?;
        let Made {
            hash,
            code,
            warnings,
        } = made;
        kv.put(&key_of_chunk(hash), code.as_str())?
            .execute()
            .await?;
        let shared = serde_json::to_string(&Shared {
            hash: hash.clone(),
            warnings: warnings.clone(),
        })?;
        kv.put(&key_of_request(key), shared)?.execute().await?;
        Ok(())
    }

    /// Reads the answer line by line, passing progress on.
    async fn read_events(&self, key: &str, mut response: Response) -> Result<Outcome> {
        let mut stream = response.stream()?;
        let mut rest: Vec<u8> = Vec::new();
        while let Some(chunk) = stream.next().await {
            rest.extend_from_slice(&chunk?);
            if rest.len() > LINE_BYTES {
                return Err(Error::RustError(
                    "the build service's answer has too long a line".to_owned(),
                ));
            }
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if let Some(outcome) = self.read_event(key, &line)? {
                    return Ok(outcome);
                }
            }
        }
        self.read_event(key, &rest)?
            .ok_or_else(|| Error::RustError("the build service's answer ended early".to_owned()))
    }

    fn read_event(&self, key: &str, line: &[u8]) -> Result<Option<Outcome>> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        Ok(match serde_json::from_slice(line)? {
            VendorEvent::Progress { message } => {
                let state = VendorState::Installing {
                    key: key.to_owned(),
                    message,
                };
                self.tell_if_needed(key, state)?;
                None
            }
            VendorEvent::Ready {
                hash,
                code,
                warnings,
            } => Some(Outcome::Ready(Made {
                hash,
                code,
                warnings,
            })),
            VendorEvent::Failed { diagnostics } => Some(Outcome::Failed { diagnostics }),
        })
    }

    /// A chunk's text, wherever it is.
    pub(super) async fn vendor_code(&self, hash: &str) -> Result<Option<String>> {
        match self.storage.text(TextKind::VendorCode, hash)? {
            Some(code) => Ok(Some(code)),
            None => Ok(blobs(&self.env)?.get(&key_of_chunk(hash)).text().await?),
        }
    }
}

/// The row after a failure: tried again, ever later, when the cause may pass by itself.
fn failed(row: &VendorRow, diagnostics: Vec<Diagnostic>) -> VendorRow {
    let passes = diagnostics
        .iter()
        .any(|diagnostic| PASSING.contains(&diagnostic.code.as_str()));
    let attempts = row.attempts.saturating_add(1);
    let pause = FIRST_RETRY_MS
        .saturating_mul(1 << attempts.min(10).saturating_sub(1))
        .min(LAST_RETRY_MS);
    let state = VendorState::Failed {
        key: row.key.clone(),
        diagnostics,
    };
    VendorRow::new(&state, attempts, passes.then(|| now() + pause))
}

/// What the build service made of a request.
enum Outcome {
    Ready(Made),
    Failed { diagnostics: Vec<Diagnostic> },
}

/// A chunk, with what is to be said of it.
struct Made {
    hash: String,
    code: String,
    warnings: Vec<Diagnostic>,
}

/// What KV says to all rooms of a request that was answered.
#[derive(Serialize, Deserialize)]
struct Shared {
    hash: String,
    warnings: Vec<Diagnostic>,
}

/// Written once a key, as a request always means the same chunk until the key's form changes.
fn key_of_request(key: &str) -> String {
    format!("vendor-answer/{key}")
}

fn key_of_chunk(hash: &str) -> String {
    format!("vendor/{hash}")
}

fn unreachable_service() -> Diagnostic {
    let message =
        "The build service does not answer; the dependencies will be installed when it does";
    Diagnostic::without_place(Severity::Error, UNREACHABLE, message)
}

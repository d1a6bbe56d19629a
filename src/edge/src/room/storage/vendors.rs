//! Vendor chunks: where each stands, and the ones used last.

use super::{Any, Storage, TextKind, integer, optional_integer};
use crate::room::schema;
use hotplate_protocol::{Diagnostic, VendorState};
use worker::Result;

/// Where a vendor chunk stands.
#[derive(Debug, Clone, serde::Deserialize)]
pub(in crate::room) struct VendorRow {
    pub(in crate::room) key: String,
    phase: String,
    pub(in crate::room) message: String,
    pub(in crate::room) hash: Option<String>,
    diagnostics: String,
    pub(in crate::room) attempts: u32,
    /// When to try (again), epoch milliseconds.
    pub(in crate::room) due: Option<u64>,
}

impl VendorRow {
    pub(in crate::room) fn new(state: &VendorState, attempts: u32, due: Option<u64>) -> Self {
        let (key, phase, message, diagnostics) = match state {
            VendorState::Installing { key, message } => {
                (key, "installing", message.clone(), Vec::new())
            }
            VendorState::Ready { key, warnings, .. } => {
                (key, "ready", String::new(), warnings.clone())
            }
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

    pub(in crate::room) fn state(&self) -> VendorState {
        let key = self.key.clone();
        match (self.phase.as_str(), &self.hash) {
            ("ready", Some(hash)) => VendorState::Ready {
                key,
                url: vendor_url(hash),
                warnings: self.said(),
            },
            ("failed", _) => VendorState::Failed {
                key,
                diagnostics: self.said(),
            },
            _ => VendorState::Installing {
                key,
                message: self.message.clone(),
            },
        }
    }

    fn said(&self) -> Vec<Diagnostic> {
        serde_json::from_str(&self.diagnostics).unwrap_or_default()
    }
}

/// Path of a vendor chunk on live hosts.
pub(in crate::room) fn vendor_url(hash: &str) -> String {
    format!("/@vendor/{hash}.js")
}

/// The hash in such a path.
pub(in crate::room) fn hash_of_url(url: &str) -> Option<&str> {
    url.strip_prefix("/@vendor/")?.strip_suffix(".js")
}

#[derive(serde::Deserialize)]
struct OldVendorRow {
    key: String,
    hash: Option<String>,
}

impl Storage {
    pub(in crate::room) fn vendor(&self, key: &str) -> Result<Option<VendorRow>> {
        self.first(schema::VENDOR, vec![key.into()])
    }

    pub(in crate::room) fn put_vendor(&self, row: &VendorRow, now: u64) -> Result<()> {
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
    pub(in crate::room) fn drop_old_vendors(&self, keep: u64) -> Result<()> {
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
}

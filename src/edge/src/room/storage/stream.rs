//! The stream of updates, kept for viewers that come back, and where records stand in the registries
//! that pages have loaded.

use super::{Any, Meta, Storage, TextKind, integer};
use crate::room::schema;
use hotplate_domain::{Log, replay::Kept};
use worker::Result;

/// Registries whose places are kept. Pages load the newest one; those that stay open for long have
/// most of their modules from updates.
const KEPT_PLACES: u64 = 30;

#[derive(serde::Deserialize)]
struct IdRow {
    id: String,
}
#[derive(serde::Deserialize)]
struct SeqRow {
    seq: Option<u64>,
}
#[derive(serde::Deserialize)]
struct AtRow {
    at: u64,
}
#[derive(serde::Deserialize)]
struct UpdateRow {
    seq: u64,
    bytes: u64,
}

impl Storage {
    pub(in crate::room) fn log(&self) -> Result<Log> {
        let oldest: Option<SeqRow> = self.first(schema::OLDEST_UPDATE, vec![])?;
        Ok(Log {
            oldest: oldest.and_then(|row| row.seq),
            head: self.number(Meta::Seq)?,
        })
    }

    /// When the edit of an update arrived; `None` when it is not kept.
    pub(in crate::room) fn update_at(&self, seq: u64) -> Result<Option<u64>> {
        let row: Option<AtRow> = self.first(schema::UPDATE_AT, vec![integer(seq)])?;
        Ok(row.map(|row| row.at))
    }

    /// Appends a message to the stream and drops what is too old.
    pub(in crate::room) fn add_update(&self, seq: u64, message: &str, at: u64) -> Result<()> {
        self.put_meta(Meta::Seq, &seq.to_string())?;
        self.run(
            schema::ADD_UPDATE,
            vec![integer(seq), integer(message.len() as u64), integer(at)],
        )?;
        self.put_text(TextKind::Update, &seq.to_string(), message)?;
        for seq in self.push_kept(seq, message.len() as u64)? {
            self.run(schema::DELETE_UPDATE, vec![integer(seq)])?;
            self.delete_text(TextKind::Update, &seq.to_string())?;
        }
        Ok(())
    }

    /// Counts an update that was stored; answers which ones are too many now.
    fn push_kept(&self, seq: u64, size: u64) -> Result<Vec<u64>> {
        let mut kept = self.kept.borrow_mut();
        if let Some(kept) = kept.as_mut() {
            return Ok(kept.push(seq, size));
        }
        let rows: Vec<UpdateRow> = self.rows(schema::UPDATE_SIZES, vec![])?;
        let before = rows.iter().filter(|row| row.seq < seq);
        Ok(kept
            .insert(Kept::of(before.map(|row| (row.seq, row.bytes))))
            .push(seq, size))
    }

    /// Keeps the places of the registry as of update `seq` (JSON), and of the ones loaded last.
    pub(in crate::room) fn put_places(&self, seq: u64, places: &str) -> Result<()> {
        let id = seq.to_string();
        let values = vec![TextKind::Places.name().into(), id.as_str().into()];
        if self.first::<Any>(schema::HAS_TEXT, values)?.is_some() {
            return Ok(());
        }
        self.put_text(TextKind::Places, &id, places)?;
        let values = vec![TextKind::Places.name().into(), integer(KEPT_PLACES)];
        let rows: Vec<IdRow> = self.rows(schema::OLD_TEXTS, values)?;
        for IdRow { id } in rows {
            self.delete_text(TextKind::Places, &id)?;
        }
        Ok(())
    }
}

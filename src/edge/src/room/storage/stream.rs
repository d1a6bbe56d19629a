//! The stream of updates, kept for viewers that come back.

use super::{Meta, Storage, TextKind, integer};
use crate::room::schema;
use hotplate_domain::Log;
use worker::Result;

#[derive(serde::Deserialize)]
struct SeqRow {
    seq: Option<u64>,
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

    /// Appends a message to the stream and drops what is too old.
    pub(in crate::room) fn add_update(&self, seq: u64, message: &str) -> Result<()> {
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
}

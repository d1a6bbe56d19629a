//! What viewers reported: the log, and how updates went, minute by minute.

use super::{Storage, integer};
use crate::room::schema;
use hotplate_domain::{limits::LOG_ENTRIES, metrics};
use hotplate_protocol::{ConsoleLevel, LogEntry};
use worker::Result;

#[derive(serde::Deserialize)]
struct LastRow {
    id: Option<u64>,
}
#[derive(serde::Deserialize)]
struct EntryRow {
    entry: String,
}
#[derive(serde::Deserialize)]
struct CountsRow {
    counts: String,
}
#[derive(serde::Deserialize)]
struct MinuteRow {
    minute: u64,
    counts: String,
}

/// Levels by number, so that `SQLite` can compare them.
const fn rank(level: ConsoleLevel) -> i64 {
    match level {
        ConsoleLevel::Debug => 0,
        ConsoleLevel::Log => 1,
        ConsoleLevel::Info => 2,
        ConsoleLevel::Warn => 3,
        ConsoleLevel::Error => 4,
    }
}

impl Storage {
    /// Number of the newest entry; 0 before the first.
    pub(in crate::room) fn last_log(&self) -> Result<u64> {
        let row: Option<LastRow> = self.first(schema::LAST_LOG, vec![])?;
        Ok(row.and_then(|row| row.id).unwrap_or(0))
    }

    /// Adds an entry, in the place of the one that is too old now.
    pub(in crate::room) fn add_log(&self, entry: &LogEntry) -> Result<()> {
        let values = vec![
            integer(entry.id() % LOG_ENTRIES),
            integer(entry.id()),
            rank(entry.level()).into(),
            serde_json::to_string(entry)?.into(),
        ];
        self.run(schema::PUT_LOG, values)
    }

    /// Newest first, below `before` and not below `level`.
    pub(in crate::room) fn logs(
        &self,
        before: u64,
        level: ConsoleLevel,
        limit: u64,
    ) -> Result<Vec<LogEntry>> {
        let values = vec![integer(before), rank(level).into(), integer(limit)];
        let rows: Vec<EntryRow> = self.rows(schema::LOGS_BEFORE, values)?;
        rows.iter()
            .map(|row| Ok(serde_json::from_str(&row.entry)?))
            .collect()
    }

    /// Counts something in the minute of `at`.
    pub(in crate::room) fn count(
        &self,
        at: u64,
        count: impl FnOnce(&mut metrics::Minute),
    ) -> Result<()> {
        let number = metrics::minute_of(at);
        let known: Option<CountsRow> = self.first(schema::MINUTE, vec![integer(number)])?;
        let mut minute = match &known {
            Some(row) => serde_json::from_str(&row.counts)?,
            None => metrics::Minute::default(),
        };
        count(&mut minute);
        let counts = serde_json::to_string(&minute)?;
        self.run(schema::PUT_MINUTE, vec![integer(number), counts.into()])?;
        if known.is_none() {
            let oldest = number.saturating_sub(metrics::MINUTES - 1);
            self.run(schema::DELETE_MINUTES, vec![integer(oldest)])?;
        }
        Ok(())
    }

    /// Every minute of the day before `at` in which something was counted.
    pub(in crate::room) fn minutes(&self, at: u64) -> Result<Vec<(u64, metrics::Minute)>> {
        let oldest = (metrics::minute_of(at) + 1).saturating_sub(metrics::MINUTES);
        let rows: Vec<MinuteRow> = self.rows(schema::MINUTES_SINCE, vec![integer(oldest)])?;
        rows.iter()
            .map(|row| Ok((row.minute, serde_json::from_str(&row.counts)?)))
            .collect()
    }
}

//! What previews report of themselves: console lines and errors, as editors and `GET …/logs` get them.

use crate::{ConsoleLevel, Diagnostic};
use serde::{Deserialize, Serialize};

/// A console line of a viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    /// Number of the entry in the app's log; grows.
    pub id: u64,
    /// When the room heard of it, epoch milliseconds.
    pub at: u64,
    /// Whose.
    pub viewer: String,
    /// Its level.
    pub level: ConsoleLevel,
    /// Each argument as text; places in the app's modules are those of its sources.
    pub args: Vec<String>,
    /// Reports of this viewer just before this one that were over its rate, and are not kept.
    pub dropped: u32,
}

/// An error in a viewer that nobody caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeErrorReport {
    /// Number of the entry in the app's log; grows.
    pub id: u64,
    /// When the room heard of it, epoch milliseconds.
    pub at: u64,
    /// Whose.
    pub viewer: String,
    /// The error, and the first place of its stack that is in the app's sources.
    pub diagnostic: Diagnostic,
    /// `error.stack`; places in the app's modules are those of its sources (`src/App.tsx:3:9`).
    pub stack: String,
    /// React's component stack, likewise; empty when the error did not come through React.
    pub component_stack: String,
    /// Reports of this viewer just before this one that were over its rate, and are not kept.
    pub dropped: u32,
}

/// Body of `POST …/deployments/{id}/trace`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceRequest {
    /// `error.stack` as a browser wrote it.
    pub stack: String,
}

/// A stack trace of a deployment by the app's sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedStack {
    /// The trace; places that a source has are those of the source (`src/App.tsx:3:9`).
    pub stack: String,
    /// The first of these places, with its lines of the source.
    pub diagnostic: Option<Diagnostic>,
}

/// One entry of an app's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LogEntry {
    /// A console line.
    Console(ConsoleLine),
    /// An error that nobody caught.
    RuntimeError(RuntimeErrorReport),
}

impl LogEntry {
    /// Its number.
    pub fn id(&self) -> u64 {
        match self {
            Self::Console(line) => line.id,
            Self::RuntimeError(report) => report.id,
        }
    }

    /// Its level: an uncaught error is as grave as `console.error`.
    pub fn level(&self) -> ConsoleLevel {
        match self {
            Self::Console(line) => line.level,
            Self::RuntimeError(_) => ConsoleLevel::Error,
        }
    }
}

/// Answer of `GET /v1/apps/{slug}/logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogList {
    /// Newest first.
    pub logs: Vec<LogEntry>,
    /// Pass as `?cursor=` for older ones; absent on the last page.
    pub cursor: Option<String>,
}

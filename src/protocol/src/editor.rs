//! Messages of the editor's socket, `GET /v1/apps/{slug}/room`: what it is told beyond what viewers
//! are ([`RoomMessage`](crate::RoomMessage) arrives unchanged), and what it may say.
//!
//! The JavaScript twin is `worker-shims/live-client/src/protocol.js`.

use crate::{
    ApplyOutcome, ConsoleLine, EditRequest, EditResult, FileWrite, Problem, RuntimeErrorReport,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An open preview, as editors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Names this socket as long as it is open; a page that comes back has another one.
    pub id: String,
    /// The last update that the page has; null until it said one.
    pub seq: Option<u64>,
    /// Its `User-Agent`, cut to a sensible length; empty when it sent none.
    pub user_agent: String,
    /// Epoch milliseconds.
    pub connected_at: u64,
}

/// Room → editor, beyond what viewers are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EditorMessage {
    /// Everybody who is there; once on every socket, after what it missed.
    Presence {
        /// Oldest first.
        viewers: Vec<Viewer>,
    },
    /// A preview was opened.
    ViewerJoined {
        /// Who.
        viewer: Viewer,
    },
    /// It has another `seq` now.
    ViewerChanged {
        /// As it is now.
        viewer: Viewer,
    },
    /// A preview's socket closed.
    ViewerLeft {
        /// Its id.
        viewer: String,
        /// Reports of it that were dropped since the last one that was passed on.
        dropped: u32,
    },
    /// An edit is stored; the answer of `PATCH …/files`.
    EditResult {
        /// Of the `edit` it answers.
        request_id: String,
        /// What became of it.
        #[serde(flatten)]
        result: EditResult,
    },
    /// An edit is not stored; the problem of `PATCH …/files`.
    EditRefused {
        /// Of the `edit` it answers.
        request_id: String,
        /// Why.
        problem: Problem,
    },
    /// A message that was not understood, and is no edit with a `request_id` to answer to.
    Refused {
        /// Why.
        problem: Problem,
    },
    /// A viewer applied an update, or failed to.
    Applied {
        /// Whose report.
        viewer: String,
        /// Which update.
        seq: u64,
        /// By the page's clock: from receipt to the commit.
        ms: f64,
        /// How it went.
        outcome: ApplyOutcome,
        /// By the room's clock: from the edit's arrival to this report; null for an update that is
        /// no longer kept.
        latency_ms: Option<u64>,
    },
    /// A console line of a viewer.
    Console(ConsoleLine),
    /// An error in a viewer that nobody caught.
    RuntimeError(RuntimeErrorReport),
    /// `import.meta.hot.send` of a viewer.
    Custom {
        /// Who sent it.
        viewer: String,
        /// Name.
        event: String,
        /// Anything.
        data: Value,
    },
}

/// Editor → room. Unknown types and fields are refused, so that typos show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum EditorRequest {
    /// What the editor has; asks for everything later.
    Hello {
        /// Number of the last update seen.
        seq: u64,
    },
    /// Updates have arrived. An editor that says so now and then is never taken for one that does not read.
    Received {
        /// Number of the last one.
        seq: u64,
    },
    /// One atomic edit; answered by exactly one `edit_result` or `edit_refused`.
    Edit {
        /// Comes back with the answer; anything that tells this socket's edits apart.
        request_id: String,
        /// Refuse the edit unless the tree is at this revision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base_revision: Option<u64>,
        /// Files to create or replace.
        #[serde(default)]
        writes: Vec<FileWrite>,
        /// Paths to remove.
        #[serde(default)]
        deletes: Vec<String>,
    },
    /// To `import.meta.hot.on` of viewers.
    Custom {
        /// One viewer's id; all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        viewer: Option<String>,
        /// Name.
        event: String,
        /// Anything.
        #[serde(default)]
        data: Value,
    },
}

impl EditorRequest {
    /// An edit as the body of `PATCH …/files` has it, under its `request_id`.
    pub fn edit(request_id: String, edit: EditRequest) -> Self {
        Self::Edit {
            request_id,
            base_revision: edit.base_revision,
            writes: edit.writes,
            deletes: edit.deletes,
        }
    }
}

//! Messages of the room's socket, `wss://<app>--live.<base>/@live/socket?seq=<last seen>`.
//!
//! JSON text frames with a `type`. The JavaScript twin is `worker-shims/live-client/src/protocol.js`.

use crate::{Deployment, Diagnostic, VendorState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One module of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleUpdate {
    /// Registry id: `/src/App.tsx`.
    pub id: String,
    /// A JavaScript expression: the module's registry record (see ARCHITECTURE.md, "Registry").
    pub code: String,
    /// Specifier as written → registry id.
    pub deps: BTreeMap<String, String>,
}

/// One style sheet of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CssUpdate {
    /// Registry id of the style sheet.
    pub id: String,
    /// The whole sheet.
    pub code: String,
}

/// What one revision changes in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Position in the app's stream of updates, without gaps.
    pub seq: u64,
    /// Revision before.
    pub from: u64,
    /// Revision after.
    pub to: u64,
    /// Key of the vendor chunk that these modules need; the viewer waits until it is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// New and changed modules.
    pub modules: Vec<ModuleUpdate>,
    /// Ids that are no longer part of the app.
    pub removed: Vec<String>,
    /// New and changed style sheets.
    pub css: Vec<CssUpdate>,
    /// New URLs of pictures that changed, for pages that show them by their path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<String>,
}

/// Room → viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomMessage {
    /// First message on every socket.
    Connected {
        /// Number of the last update.
        seq: u64,
        /// The working tree's revision.
        revision: u64,
    },
    /// Apply in order; a gap never applies.
    Update(Update),
    /// Sticky: replayed to every new socket until `recovered`.
    Error {
        /// Number of the last update when it was found.
        seq: u64,
        /// All of them, not the first alone.
        diagnostics: Vec<Diagnostic>,
    },
    /// The errors are gone.
    Recovered,
    /// Load the page anew.
    Reload {
        /// Position in the stream, when the reload stands for an update.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// For the console.
        reason: String,
    },
    /// The vendor chunk.
    Vendor {
        /// Where it stands.
        state: VendorState,
    },
    /// A deployment of this app changed.
    Deployment {
        /// As the API answers it.
        deployment: Box<Deployment>,
    },
    /// From an editor, for `import.meta.hot.on`.
    Custom {
        /// Name.
        event: String,
        /// Anything.
        data: Value,
    },
    /// Answer to a `runtime_error` that asked for one: the same error by the app's sources.
    RuntimeErrorTraced {
        /// Of the `runtime_error`.
        id: u64,
        /// The error, and the first place of its stack that is in the app's sources.
        diagnostic: Diagnostic,
        /// `error.stack` with the places of the sources.
        stack: String,
        /// React's component stack, likewise.
        component_stack: String,
    },
}

/// How an update went in a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyOutcome {
    /// Applied, state kept.
    Hot,
    /// The page was loaded anew.
    Reload,
    /// A module threw; the last good one keeps running.
    Failed,
}

/// Levels of the browser's console that viewers forward, from the least to the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsoleLevel {
    /// `console.debug`
    Debug,
    /// `console.log`
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

impl ConsoleLevel {
    /// Every level, from the least to the gravest.
    pub const ALL: &'static [Self] = &[Self::Debug, Self::Log, Self::Info, Self::Warn, Self::Error];

    /// As it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Log => "log",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|level| level.as_str() == name)
    }
}

/// Viewer → room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ViewerMessage {
    /// What the viewer has; asks for everything later.
    Hello {
        /// Number of the last update applied.
        seq: u64,
    },
    /// Updates have arrived, applied or not. Sent when many have come without an `applied`, so that a page
    /// that waits for packages or is busy is not taken for one that does not read.
    Received {
        /// Number of the last one.
        seq: u64,
    },
    /// An update was applied; it and all before it have arrived.
    Applied {
        /// Which.
        seq: u64,
        /// From receipt to the commit, milliseconds.
        ms: f64,
        /// How it went.
        outcome: ApplyOutcome,
    },
    /// A console line.
    Console {
        /// Its level.
        level: ConsoleLevel,
        /// Each argument as text.
        args: Vec<String>,
    },
    /// An error nobody caught.
    RuntimeError {
        /// Asks for a `runtime_error_traced` with this id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// `error.message`.
        message: String,
        /// `error.stack`.
        stack: String,
        /// React's component stack, when it came through React.
        #[serde(default)]
        component_stack: String,
    },
    /// `import.meta.hot.send`: to editors, as Vite sends it to its server and to no other page.
    Custom {
        /// Name.
        event: String,
        /// Anything.
        data: Value,
    },
}

//! An app's server in its preview: what the Worker asks the build service for, and what it gets.

use crate::{Diagnostic, FileEntry};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Body of `POST /v1/servers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerJob {
    /// Slug of the app.
    pub app: String,
    /// The working tree, sorted by path.
    pub files: Vec<FileEntry>,
    /// Where to ask for content: `POST` a [`crate::BlobRequest`] there.
    pub blobs_url: String,
    /// Public `VITE_*` values.
    pub env: BTreeMap<String, String>,
    /// Names of its secrets.
    pub secrets: Vec<String>,
}

/// Answer of `POST /v1/servers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerAnswer {
    /// The server; none when the app has none, or when it cannot be built.
    pub server: Option<PreviewServer>,
    /// Files of the app that it is made of, by path. Beside them it depends on which files there are, and on what
    /// JSON, TOML and `.env` files say.
    pub sources: Vec<String>,
    /// Why it cannot be built, or what does not stop it.
    pub diagnostics: Vec<Diagnostic>,
}

/// A server, and which requests it gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewServer {
    /// What runs.
    pub code: ServerCode,
    /// Which requests it gets although a file could answer.
    pub run_worker_first: RunWorkerFirst,
    /// Whether a navigation that no file answers gets the page.
    pub single_page: bool,
}

/// Which requests a server answers although a file could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RunWorkerFirst {
    /// All or none.
    All(bool),
    /// Those of these paths; `!` excludes.
    Paths(Vec<String>),
}

/// Code and settings of a Worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerCode {
    /// Name of the main module.
    pub main: String,
    /// All modules.
    pub modules: Vec<ServerCodeModule>,
    /// `2026-11-01`.
    pub compatibility_date: String,
    /// `nodejs_compat`, ….
    pub compatibility_flags: Vec<String>,
    /// Variables of the Wrangler file.
    pub vars: Map<String, Value>,
    /// Name of the binding to the app's files.
    pub assets_binding: String,
}

/// One module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ServerCodeModule {
    /// An ES module.
    Esm {
        /// As others import it.
        name: String,
        /// Its text.
        text: String,
    },
    /// WebAssembly.
    Wasm {
        /// As others import it.
        name: String,
        /// Its bytes.
        base64: String,
    },
    /// Bytes.
    Data {
        /// As others import it.
        name: String,
        /// The bytes.
        base64: String,
    },
}

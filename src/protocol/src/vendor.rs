//! Vendor chunks: an app's npm dependencies as one registry chunk.

use crate::Diagnostic;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which `exports` conditions and `NODE_ENV` a chunk is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VendorMode {
    /// Live previews.
    Development,
    /// Deployments.
    Production,
}

/// Body of `POST /v1/vendor` on the build service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorRequest {
    /// Package name → range: all `dependencies` of the app's `package.json`, as packages ask for each
    /// other, and those of its `devDependencies` that `specifiers` name.
    pub dependencies: BTreeMap<String, String>,
    /// Every bare specifier the app's reachable modules import (`react/jsx-dev-runtime`); those that
    /// sheets `@import` begin with `css:`, as packages have another face for them.
    pub specifiers: BTreeSet<String>,
    /// `overrides` of the app's `package.json`, when it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<serde_json::Value>,
    /// Conditions and `NODE_ENV`.
    pub mode: VendorMode,
    /// Content of `package-lock.json`, when the app has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockfile: Option<String>,
}

/// One line of the build service's answer (newline-delimited JSON); the last is
/// `ready` or `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum VendorEvent {
    /// Something for people to read while they wait.
    Progress {
        /// `downloading packages: 12`, …
        message: String,
    },
    /// The chunk.
    Ready {
        /// Lower-case hex SHA-256 of `code`.
        hash: String,
        /// A classic script that defines the chunk's modules.
        code: String,
        /// What does not stop the chunk: a lockfile that is not honoured, …
        warnings: Vec<Diagnostic>,
    },
    /// No chunk.
    Failed {
        /// Each names the dependency at fault.
        diagnostics: Vec<Diagnostic>,
    },
}

/// What a viewer is told about the vendor chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum VendorState {
    /// The build service is at work; updates that need `key` wait in the viewer.
    Installing {
        /// Hash of the request; what `update.vendor` refers to.
        key: String,
        /// For people to read.
        message: String,
    },
    /// Load `url`, then apply what waited.
    Ready {
        /// Hash of the request.
        key: String,
        /// Path on the preview host, immutable.
        url: String,
        /// What does not stop the chunk: a lockfile that is not honoured, …
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<Diagnostic>,
    },
    /// The previous chunk keeps serving.
    Failed {
        /// Hash of the request.
        key: String,
        /// Each names the dependency at fault.
        diagnostics: Vec<Diagnostic>,
    },
}

//! What the Worker and the build service say to each other.
//!
//! The Worker sends a [`BuildJob`] to `POST /v1/builds`; the service answers with
//! newline-delimited [`BuildEvent`]s and asks the Worker for content it does not have.
//! Both directions carry `Authorization: Bearer <BUILD_SERVICE_SECRET>`.

use crate::{Bundle, Diagnostic, FileEntry, Secrets, Stage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A message of the deployments queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedDeployment {
    /// Which.
    pub deployment_id: String,
}

/// Body of `POST /v1/builds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildJob {
    /// Which deployment this is.
    pub deployment_id: String,
    /// Slug of its app.
    pub app: String,
    /// Name of the script to upload: `<app>-<deployment>`.
    pub script_name: String,
    /// Dispatch namespace to upload to.
    pub namespace: String,
    /// The revision built.
    pub revision: u64,
    /// The whole tree at that revision, sorted by path.
    pub files: Vec<FileEntry>,
    /// Where to ask for content: `POST` a [`BlobRequest`] there.
    pub blobs_url: String,
    /// Where to put source maps: `PUT <maps_url>/<path of the script>.map`.
    pub maps_url: String,
    /// Public `VITE_*` values.
    pub env: BTreeMap<String, String>,
    /// What its server is given beside that.
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub secrets: Secrets,
    /// Largest sum of chunk bytes that may be uploaded.
    pub max_bundle_bytes: u64,
}

/// Body of `POST <blobs_url>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRequest {
    /// SHA-256 of each content asked for.
    pub hashes: Vec<String>,
}

/// One content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedBlob {
    /// Its SHA-256.
    pub hash: String,
    /// Standard alphabet, padded.
    pub base64: String,
}

/// Answer of `POST <blobs_url>`: as many as fit into one answer, at least one;
/// the service asks again for the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobAnswer {
    /// In the order asked for.
    pub blobs: Vec<EncodedBlob>,
}

/// Why a build ended without an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildFailure {
    /// In which step.
    pub stage: Stage,
    /// Stable, snake case.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Located messages, for a build error.
    pub diagnostics: Vec<Diagnostic>,
}

/// One line of the build service's answer; the last is `uploaded` or `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum BuildEvent {
    /// A line for people.
    Log {
        /// One line.
        message: String,
    },
    /// Still at work; sent every few seconds, so that a dead service is told from a slow build.
    Working,
    /// Built; the upload begins.
    Built {
        /// Compile and link.
        build_ms: u64,
        /// What will be shipped.
        bundle: Bundle,
    },
    /// The script answers in the namespace.
    Uploaded {
        /// The upload.
        upload_ms: u64,
    },
    /// Ended without.
    Failed(BuildFailure),
}

/// Body of `POST /v1/removals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovalRequest {
    /// Dispatch namespace.
    pub namespace: String,
    /// Names of the scripts to remove; one that is not there counts as removed.
    pub scripts: Vec<String>,
}

/// Answer of `POST /v1/removals`; scripts that are not named were not removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalAnswer {
    /// Names of the scripts that are gone.
    pub removed: Vec<String>,
}

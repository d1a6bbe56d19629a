//! Deployments: immutable builds of one revision.

use crate::Diagnostic;
use serde::{Deserialize, Serialize};

/// Where a deployment stands; the bare code that D1's `state` column and the API carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// Asked for, not yet taken up.
    Pending,
    /// The build service compiles and links.
    Building,
    /// Uploading, then verifying through the dispatch path.
    Deploying,
    /// Answers at its address, for ever.
    Deployed,
    /// Ended without; `error` says why.
    Failed,
    /// A newer revision was asked for before this one was taken up.
    Superseded,
    /// Somebody asked to stop it.
    Cancelled,
}

impl DeploymentState {
    /// Every state, for tests.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Building,
        Self::Deploying,
        Self::Deployed,
        Self::Failed,
        Self::Superseded,
        Self::Cancelled,
    ];

    /// As it stands in JSON and in D1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Building => "building",
            Self::Deploying => "deploying",
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|state| state.as_str() == code)
    }
}

/// The step a deployment failed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before the build service took it up.
    Pending,
    /// Compiling and linking.
    Building,
    /// Uploading.
    Deploying,
    /// Asking the new deployment through the dispatch path.
    Verifying,
}

/// Body of `POST /v1/apps/{slug}/deployments`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateDeployment {
    /// The working tree's revision when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// For people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Body of `PATCH …/deployments/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchDeployment {
    /// Whether retention is to leave it alone.
    pub pinned: bool,
}

/// Why a deployment failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentError {
    /// In which step.
    pub stage: Stage,
    /// Stable, snake case: `build_failed`, `upload_failed`, …
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Located messages, for a build error.
    pub diagnostics: Vec<Diagnostic>,
}

/// How long the steps took, in milliseconds; absent until a step has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeploymentTimings {
    /// Asked for → taken up.
    pub queued_ms: Option<u64>,
    /// Compile and link.
    pub build_ms: Option<u64>,
    /// Upload.
    pub upload_ms: Option<u64>,
    /// The question through the dispatch path.
    pub verify_ms: Option<u64>,
    /// Asked for → deployed.
    pub total_ms: Option<u64>,
}

/// One file of a release's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Path in the deployment: `assets/index-3f9a…js`.
    pub file: String,
    /// Raw size.
    pub bytes: u64,
    /// Size as gzip sends it.
    pub gzip_bytes: u64,
}

/// What a deployment ships.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// Raw size of all chunks.
    pub bytes: u64,
    /// Size as gzip sends them.
    pub gzip_bytes: u64,
    /// JavaScript (of web workers, too) and CSS, largest first.
    pub chunks: Vec<Chunk>,
    /// The app's own Worker code, if it has any; not counted above, as no page loads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Chunk>,
}

/// A deployment as the API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// 12 lower-case base-32 characters, sortable by time.
    pub id: String,
    /// Slug of its app.
    pub app: String,
    /// Where it stands.
    pub state: DeploymentState,
    /// Which revision it is a build of.
    pub revision: u64,
    /// What the one who asked for it wrote.
    pub message: Option<String>,
    /// Its own immutable address.
    pub url: String,
    /// Why it failed.
    pub error: Option<DeploymentError>,
    /// How long the steps took.
    pub timings: DeploymentTimings,
    /// What it ships, once built.
    pub bundle: Option<Bundle>,
    /// Whether the app's production host points at it.
    pub active: bool,
    /// Whether retention leaves it alone.
    pub pinned: bool,
    /// Epoch milliseconds; when retention removed it.
    pub removed_at: Option<u64>,
    /// Epoch milliseconds.
    pub created_at: u64,
    /// Epoch milliseconds; absent until `deployed`.
    pub deployed_at: Option<u64>,
}

/// Answer of `GET …/deployments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentList {
    /// Newest first.
    pub deployments: Vec<Deployment>,
    /// Pass as `?cursor=` for older ones; absent on the last page.
    pub cursor: Option<String>,
}

/// One event of `GET …/deployments/{id}/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeploymentEvent {
    /// The state changed.
    State {
        /// Epoch milliseconds.
        at: u64,
        /// The new one.
        state: DeploymentState,
    },
    /// A line for people.
    Log {
        /// Epoch milliseconds.
        at: u64,
        /// One line.
        message: String,
    },
}

/// Answer of `activate` and `rollback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivePointer {
    /// Id of the deployment that production shows now.
    pub active: String,
    /// Id of the one it showed before.
    pub previous: Option<String>,
}

/// Why the active pointer moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationCause {
    /// A deployment was deployed.
    Deploy,
    /// To a chosen deployment.
    Activate,
    /// To the previous one.
    Rollback,
}

impl ActivationCause {
    /// As it stands in JSON and in D1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Activate => "activate",
            Self::Rollback => "rollback",
        }
    }
}

/// One move of the active pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Id of the deployment that production showed from then on.
    pub active: String,
    /// Id of the one it showed before.
    pub previous: Option<String>,
    /// Why.
    pub cause: ActivationCause,
    /// Name of the token that it was asked for with.
    pub by: String,
    /// Epoch milliseconds.
    pub at: u64,
}

/// Answer of `GET …/activations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationList {
    /// Newest first.
    pub activations: Vec<Activation>,
    /// Pass as `?cursor=` for older ones; absent on the last page.
    pub cursor: Option<String>,
}

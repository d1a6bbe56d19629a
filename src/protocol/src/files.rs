//! The app's file tree: edits in, revisions out.

use crate::Diagnostic;
use serde::{Deserialize, Serialize};

/// Content of one written file, as text or as base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FileContent {
    /// UTF-8 text.
    Text {
        /// The whole file.
        content: String,
    },
    /// Any bytes.
    Base64 {
        /// Standard alphabet, padded.
        base64: String,
    },
}

/// One write of an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawFileWrite")]
pub struct FileWrite {
    /// Path in the tree, no leading slash.
    pub path: String,
    /// The new content.
    #[serde(flatten)]
    pub content: FileContent,
}

/// `flatten` and `deny_unknown_fields` do not combine in serde, so a write is read through
/// this flat shape, which refuses unknown fields and anything but one kind of content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFileWrite {
    path: String,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    base64: Option<String>,
}

impl TryFrom<RawFileWrite> for FileWrite {
    type Error = String;

    fn try_from(raw: RawFileWrite) -> Result<Self, String> {
        let content = match (raw.content, raw.base64) {
            (Some(content), None) => FileContent::Text { content },
            (None, Some(base64)) => FileContent::Base64 { base64 },
            (Some(_), Some(_)) | (None, None) => {
                return Err(format!(
                    "write of `{}` needs exactly one of `content` and `base64`",
                    raw.path
                ));
            }
        };
        Ok(Self {
            path: raw.path,
            content,
        })
    }
}

/// Body of `PATCH /v1/apps/{slug}/files`: one atomic edit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// Refuse the edit unless the tree is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_revision: Option<u64>,
    /// Files to create or replace.
    #[serde(default)]
    pub writes: Vec<FileWrite>,
    /// Paths to remove; removing what is not there changes nothing.
    #[serde(default)]
    pub deletes: Vec<String>,
}

/// How long the steps of an edit took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EditTimings {
    /// Storing files and revision.
    pub store_ms: f64,
    /// Compiling and linking what changed.
    pub compile_ms: f64,
    /// Handing the update to the sockets.
    pub broadcast_ms: f64,
}

/// Answer to an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditResult {
    /// Revision after the edit.
    pub revision: u64,
    /// Number of the last update that this edit is part of.
    pub seq: u64,
    /// Paths whose content changed, sorted; empty when the edit changed nothing.
    pub changed: Vec<String>,
    /// What the compiler and linker said of the tree after this edit.
    pub diagnostics: Vec<Diagnostic>,
    /// How long it took.
    pub timings: EditTimings,
    /// Sockets that were sent the update.
    pub clients: u32,
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path in the tree, no leading slash.
    pub path: String,
    /// Lower-case hex SHA-256 of the content.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

/// Answer of `GET /v1/apps/{slug}/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileList {
    /// The revision listed.
    pub revision: u64,
    /// Sorted by path.
    pub files: Vec<FileEntry>,
}

/// What a revision did to one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionChange {
    /// The path.
    pub path: String,
    /// Hash before; absent when the file was created.
    pub before: Option<FileEntry>,
    /// Hash after; absent when the file was deleted.
    pub after: Option<FileEntry>,
}

/// One revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// Epoch milliseconds.
    pub at: u64,
    /// What it did, sorted by path.
    pub changes: Vec<RevisionChange>,
}

/// Answer of `GET /v1/apps/{slug}/revisions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionList {
    /// Newest first.
    pub revisions: Vec<Revision>,
    /// Pass as `?cursor=` for older ones; absent on the last page.
    pub cursor: Option<String>,
}

/// Body of `POST /v1/apps/{slug}/revisions/{n}/restore`; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// The revision the tree must be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_revision: Option<u64>,
}

//! Edits: what a request to change the tree must look like before the room looks at it.

use crate::{
    limits::{EDIT_PATHS, FILE_BYTES},
    path::{self, PathError},
};
use data_encoding::{BASE64, DecodeError};
use hotplate_protocol::{EditRequest, ErrorCode, FileContent};
use std::collections::BTreeSet;

/// An edit whose paths are valid and distinct and whose contents are decoded and within limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidEdit {
    /// The revision the tree must be at.
    pub base_revision: Option<u64>,
    /// Files to create or replace.
    pub writes: Vec<Write>,
    /// Paths to remove.
    pub deletes: Vec<String>,
}

/// One file of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its path.
    pub path: String,
    /// Its whole content.
    pub bytes: Vec<u8>,
}

/// Why an edit was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A path breaks the rules.
    #[error("{path:?}: {source}")]
    Path {
        /// Which.
        path: String,
        /// The rule.
        source: PathError,
    },
    /// A path is named twice.
    #[error("{0:?} stands twice in the edit")]
    Duplicate(String),
    /// Base64 that does not decode.
    #[error("{path:?}: the base64 does not decode: {source}")]
    Content {
        /// Of which file.
        path: String,
        /// Where.
        source: DecodeError,
    },
    /// A file is over [`FILE_BYTES`].
    #[error("{path:?} has {bytes} bytes; {FILE_BYTES} are allowed")]
    FileTooLarge {
        /// Which.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// Over [`EDIT_PATHS`].
    #[error("the edit names {0} paths; {EDIT_PATHS} are allowed")]
    TooManyPaths(usize),
}

impl EditError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Path { .. } => ErrorCode::InvalidPath,
            Self::Duplicate(_) => ErrorCode::DuplicatePath,
            Self::Content { .. } => ErrorCode::InvalidContent,
            Self::FileTooLarge { .. } => ErrorCode::FileTooLarge,
            Self::TooManyPaths(_) => ErrorCode::BodyTooLarge,
        }
    }
}

impl ValidEdit {
    /// Checks and decodes a request; nothing of it is applied when any part is wrong.
    pub fn check(request: EditRequest) -> Result<Self, EditError> {
        let count = request.writes.len() + request.deletes.len();
        if count > EDIT_PATHS {
            return Err(EditError::TooManyPaths(count));
        }
        let mut seen = BTreeSet::new();
        let paths = request.writes.iter().map(|write| &write.path);
        for path in paths.chain(&request.deletes) {
            path::validate(path).map_err(|source| EditError::Path {
                path: path.clone(),
                source,
            })?;
            if !seen.insert(path.as_str()) {
                return Err(EditError::Duplicate(path.clone()));
            }
        }
        let writes = request
            .writes
            .into_iter()
            .map(|write| {
                let bytes = decode(&write.path, write.content)?;
                Ok(Write {
                    path: write.path,
                    bytes,
                })
            })
            .collect::<Result<_, EditError>>()?;
        Ok(Self {
            base_revision: request.base_revision,
            writes,
            deletes: request.deletes,
        })
    }
}

fn decode(path: &str, content: FileContent) -> Result<Vec<u8>, EditError> {
    let bytes = match content {
        FileContent::Text { content } => content.into_bytes(),
        FileContent::Base64 { base64 } => {
            BASE64
                .decode(base64.as_bytes())
                .map_err(|source| EditError::Content {
                    path: path.to_owned(),
                    source,
                })?
        }
    };
    let size = bytes.len() as u64;
    if size > FILE_BYTES {
        return Err(EditError::FileTooLarge {
            path: path.to_owned(),
            bytes: size,
        });
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use hotplate_protocol::FileWrite;

    fn text(path: &str, content: impl Into<String>) -> FileWrite {
        FileWrite {
            path: path.to_owned(),
            content: FileContent::Text {
                content: content.into(),
            },
        }
    }

    fn code(writes: Vec<FileWrite>, deletes: &[&str]) -> ErrorCode {
        let deletes = deletes.iter().map(|&path| path.to_owned()).collect();
        ValidEdit::check(EditRequest {
            base_revision: None,
            writes,
            deletes,
        })
        .unwrap_err()
        .code()
    }

    #[test]
    fn decodes() {
        let edit = ValidEdit::check(EditRequest {
            base_revision: Some(3),
            writes: vec![
                text("a.txt", "ü"),
                FileWrite {
                    path: "b.bin".to_owned(),
                    content: FileContent::Base64 {
                        base64: "AP8=".to_owned(),
                    },
                },
            ],
            deletes: vec!["c".to_owned()],
        })
        .unwrap();
        assert_eq!(edit.base_revision, Some(3));
        assert_eq!(edit.writes[0].bytes, "ü".as_bytes());
        assert_eq!(edit.writes[1].bytes, [0, 255]);
        assert_eq!(edit.deletes, ["c"]);
    }

    #[test]
    fn refuses() {
        let broken = FileWrite {
            path: "a".to_owned(),
            content: FileContent::Base64 {
                base64: "A".to_owned(),
            },
        };
        assert_eq!(code(vec![text("../a", "")], &[]), ErrorCode::InvalidPath);
        assert_eq!(code(vec![], &["/a"]), ErrorCode::InvalidPath);
        assert_eq!(
            code(vec![text("a", ""), text("a", "")], &[]),
            ErrorCode::DuplicatePath
        );
        assert_eq!(code(vec![text("a", "")], &["a"]), ErrorCode::DuplicatePath);
        assert_eq!(code(vec![broken], &[]), ErrorCode::InvalidContent);
    }

    #[test]
    fn limits_are_met_and_passed() {
        let size = usize::try_from(FILE_BYTES).unwrap();
        let full = EditRequest {
            writes: vec![text("a", "x".repeat(size))],
            ..EditRequest::default()
        };
        assert!(ValidEdit::check(full).is_ok());
        assert_eq!(
            code(vec![text("a", "x".repeat(size + 1))], &[]),
            ErrorCode::FileTooLarge
        );

        let paths: Vec<String> = (0..=EDIT_PATHS).map(|n| n.to_string()).collect();
        let most = EditRequest {
            deletes: paths[..EDIT_PATHS].to_vec(),
            ..EditRequest::default()
        };
        assert!(ValidEdit::check(most).is_ok());
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert_eq!(code(vec![], &paths), ErrorCode::BodyTooLarge);
    }
}

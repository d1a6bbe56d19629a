//! File contents by hash: a folder of blobs, and the Worker that is asked for those it lacks.

use crate::config::Secret;
use data_encoding::{BASE64, HEXLOWER};
use hotplate_domain::limits::BLOB_HASHES;
use hotplate_protocol::{BlobAnswer, BlobRequest};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest silence of one answer.
const ASK_TIMEOUT: Duration = Duration::from_mins(1);

/// Why contents are not there.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// Not 64 lower-case hex characters: never used as a file name.
    #[error("`{0}` is no SHA-256")]
    InvalidHash(String),
    /// The Worker did not answer.
    #[error("the Worker does not answer the question for contents: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// It answered with an error.
    #[error("the Worker answered the question for contents with status {0}")]
    Refused(u16),
    /// It answered with nothing that was asked for.
    #[error("the Worker lacks {0} contents, first {1}")]
    Missing(usize, String),
    /// What came is not what its hash says.
    #[error("a content does not match its hash {0}")]
    Mismatch(String),
    /// The disk.
    #[error("the content store cannot be read or written: {0}")]
    Disk(#[from] std::io::Error),
}

/// Lower-case hex SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folder of contents.
#[derive(Debug, Clone)]
pub struct Contents {
    folder: PathBuf,
    http: reqwest::Client,
    secret: Secret,
}

impl Contents {
    /// Opens the store, making its folder.
    pub fn open(
        folder: PathBuf,
        http: reqwest::Client,
        secret: Secret,
    ) -> Result<Self, ContentError> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            http,
            secret,
        })
    }

    fn place(&self, hash: &str) -> Result<PathBuf, ContentError> {
        if !is_sha256(hash) {
            return Err(ContentError::InvalidHash(hash.to_owned()));
        }
        Ok(self.folder.join(&hash[..2]).join(hash))
    }

    /// The bytes of `hash`, checked against it: a disk may rot, a deployment may not.
    pub fn read(&self, hash: &str) -> Result<Vec<u8>, ContentError> {
        let bytes = std::fs::read(self.place(hash)?)?;
        if sha256(&bytes) == hash {
            return Ok(bytes);
        }
        // Gone, so that the next build asks for it again.
        std::fs::remove_file(self.place(hash)?)?;
        Err(ContentError::Mismatch(hash.to_owned()))
    }

    /// Stores bytes that came for `hash`.
    fn write(&self, hash: &str, bytes: &[u8]) -> Result<(), ContentError> {
        if sha256(bytes) != hash {
            return Err(ContentError::Mismatch(hash.to_owned()));
        }
        write_whole(&self.place(hash)?, bytes)?;
        Ok(())
    }

    /// Makes sure that all of `hashes` are on disk; says how many travelled.
    pub async fn ensure(
        &self,
        blobs_url: &str,
        hashes: &BTreeSet<String>,
    ) -> Result<usize, ContentError> {
        let mut missing = Vec::new();
        for hash in hashes {
            if !self.place(hash)?.is_file() {
                missing.push(hash.clone());
            }
        }
        let asked = missing.len();
        while !missing.is_empty() {
            let request = BlobRequest {
                hashes: missing.iter().take(BLOB_HASHES).cloned().collect(),
            };
            let answer = self.ask(blobs_url, &request).await?;
            let before = missing.len();
            for blob in answer.blobs {
                let Some(position) = missing.iter().position(|hash| *hash == blob.hash) else {
                    continue;
                };
                let bytes = BASE64
                    .decode(blob.base64.as_bytes())
                    .map_err(|_| ContentError::Mismatch(blob.hash.clone()))?;
                self.write(&blob.hash, &bytes)?;
                missing.remove(position);
            }
            if missing.len() == before {
                let first = missing.first().cloned().unwrap_or_default();
                return Err(ContentError::Missing(before, first));
            }
        }
        Ok(asked)
    }

    async fn ask(&self, url: &str, request: &BlobRequest) -> Result<BlobAnswer, ContentError> {
        let unreachable = |error: reqwest::Error| ContentError::Unreachable(error.without_url());
        let response = self
            .http
            .post(url)
            .bearer_auth(self.secret.expose())
            .timeout(ASK_TIMEOUT)
            .json(request)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(ContentError::Refused(status.as_u16()));
        }
        response.json().await.map_err(unreachable)
    }
}

/// Writes a file that is there whole or not at all, whoever else writes it at the same time.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn store(folder: &Path) -> Contents {
        Contents::open(folder.to_owned(), reqwest::Client::new(), Secret::new("s")).unwrap()
    }

    #[test]
    fn keeps_what_matches_and_drops_what_rots() {
        let folder = tempfile::tempdir().unwrap();
        let contents = store(folder.path());
        let hash = sha256(b"hello");
        contents.write(&hash, b"hello").unwrap();
        assert_eq!(contents.read(&hash).unwrap(), b"hello");
        assert!(matches!(
            contents.write(&hash, b"other"),
            Err(ContentError::Mismatch(_))
        ));
        std::fs::write(contents.place(&hash).unwrap(), b"rot").unwrap();
        assert!(matches!(
            contents.read(&hash),
            Err(ContentError::Mismatch(_))
        ));
        assert!(
            matches!(contents.read(&hash), Err(ContentError::Disk(_))),
            "it is gone now"
        );
    }

    #[test]
    fn a_hash_is_never_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let contents = store(folder.path());
        for hash in [
            "",
            "../../etc/passwd",
            "AA",
            &"G".repeat(64),
            &"é".repeat(32),
        ] {
            assert!(
                matches!(contents.read(hash), Err(ContentError::InvalidHash(_))),
                "{hash}"
            );
        }
    }
}

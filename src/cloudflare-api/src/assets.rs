//! Static assets: the manifest by salted hash, the upload session, its buckets.

use crate::client::Namespace;
use crate::envelope::Answer;
use crate::{Error, Token};
use data_encoding::{BASE64, HEXLOWER};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Largest asset the platform takes.
pub const ASSET_BYTES: u64 = 25 * 1024 * 1024;
/// Largest sum of raw bytes sent in one request; base64 makes it a third more.
pub const BUCKET_BYTES: usize = 37 * 1024 * 1024;
/// Requests at once.
const PARALLEL: usize = 3;
/// Content type that means "serve none".
const NO_TYPE: &str = "application/null";

/// Proof that every asset of a script is uploaded. Never shown: it would let a reader claim them.
#[derive(Debug, Clone)]
pub struct AssetsJwt(pub(crate) Token);

/// One file to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetFile {
    /// Path with a leading slash: `/assets/index-3f9a.js`.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is served as; none when unknown.
    pub content_type: Option<String>,
}

impl AssetFile {
    /// 32 hex characters that name this content in the namespace.
    ///
    /// The extension belongs to it, since the content type sticks to the hash. The salt keeps
    /// tenants apart: without it one could claim, or plant, another's content. Lengths stand
    /// before the parts, so that no choice of content can imitate another salt.
    fn hash(&self, salt: &str) -> String {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let mut hasher = Sha256::new();
        for part in [salt, extension] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&self.bytes);
        let mut hash = HEXLOWER.encode(&hasher.finalize());
        hash.truncate(32);
        hash
    }
}

/// One line of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestEntry {
    /// 32 hex characters.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

/// An upload session: what is missing, and the right to send it.
#[derive(Debug, Clone)]
pub struct AssetSession {
    jwt: String,
    /// Hashes to send, grouped as the API wants them.
    pub buckets: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct RawSession {
    jwt: Option<String>,
    #[serde(default)]
    buckets: Option<Vec<Vec<String>>>,
}

impl Namespace<'_> {
    /// Uploads what the namespace lacks of `files` and returns the proof for the script's
    /// metadata. `salt` is the tenant's: equal files of one tenant travel once.
    pub async fn upload_assets(
        &self,
        script: &str,
        salt: &str,
        files: &[AssetFile],
    ) -> Result<AssetsJwt, Error> {
        let mut by_hash = HashMap::new();
        let mut manifest = BTreeMap::new();
        for file in files {
            let size = file.bytes.len() as u64;
            if size > ASSET_BYTES {
                return Err(Error::AssetTooLarge {
                    path: file.path.clone(),
                    bytes: size,
                    limit: ASSET_BYTES,
                });
            }
            let hash = file.hash(salt);
            manifest.insert(
                file.path.clone(),
                ManifestEntry {
                    hash: hash.clone(),
                    size,
                },
            );
            by_hash.insert(hash, file);
        }
        let session = self.start_assets_session(script, &manifest).await?;
        let mut requests: Vec<Vec<(String, &AssetFile)>> = Vec::new();
        for bucket in &session.buckets {
            let mut room = 0;
            for hash in bucket {
                let file = by_hash
                    .get(hash)
                    .ok_or(Error::Incomplete("only hashes of the manifest"))?;
                if room < file.bytes.len() || requests.is_empty() {
                    requests.push(Vec::new());
                    room = BUCKET_BYTES;
                }
                room = room.saturating_sub(file.bytes.len());
                if let Some(request) = requests.last_mut() {
                    request.push((hash.clone(), *file));
                }
            }
        }
        requests.retain(|request| !request.is_empty());
        if requests.is_empty() {
            return Ok(AssetsJwt::new(session.jwt));
        }
        // Collected first: a closure inside the stream would have to hold for every lifetime.
        let uploads: Vec<_> = requests
            .into_iter()
            .map(|request| self.upload_bucket(&session, request))
            .collect();
        let answers: Vec<Option<String>> = stream::iter(uploads)
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        answers
            .into_iter()
            .flatten()
            .next()
            .map(AssetsJwt::new)
            .ok_or(Error::Incomplete("the completion token of the assets"))
    }

    /// Asks which contents of a manifest are missing.
    pub async fn start_assets_session(
        &self,
        script: &str,
        manifest: &BTreeMap<String, ManifestEntry>,
    ) -> Result<AssetSession, Error> {
        let url = self.url(&[script, "assets-upload-session"])?;
        let body = serde_json::json!({ "manifest": manifest });
        let answer = self
            .client
            .call(Method::POST, url, |request| Ok(request.json(&body)))
            .await?;
        let raw: RawSession = answer.read("the upload session")?;
        Ok(AssetSession {
            jwt: raw.jwt.ok_or(Error::Incomplete("the session's token"))?,
            buckets: raw.buckets.unwrap_or_default(),
        })
    }

    /// Sends one bucket; the last one answers the completion token.
    async fn upload_bucket(
        &self,
        session: &AssetSession,
        files: Vec<(String, &AssetFile)>,
    ) -> Result<Option<String>, Error> {
        let mut url = self.client.url(&["workers", "assets", "upload"])?;
        url.query_pairs_mut().append_pair("base64", "true");
        let token = Token::new(session.jwt.clone());
        let answer: Answer = self
            .client
            .call_as(&token, Method::POST, url, |request| {
                let mut form = Form::new();
                for (hash, file) in &files {
                    let part = Part::text(BASE64.encode(&file.bytes))
                        .file_name(hash.clone())
                        .mime_str(file.content_type.as_deref().unwrap_or(NO_TYPE))
                        .map_err(Error::Setup)?;
                    form = form.part(hash.clone(), part);
                }
                Ok(request.multipart(form))
            })
            .await?;
        // 202 says "more to come"; its token, if any, completes nothing.
        Ok((answer.status == 201)
            .then(|| answer.result.get("jwt")?.as_str().map(str::to_owned))
            .flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: &[u8]) -> AssetFile {
        AssetFile {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
            content_type: None,
        }
    }

    #[test]
    fn hash_depends_on_salt_extension_and_content_only() {
        let hash = file("/a/x.js", b"1").hash("app");
        assert_eq!(hash.len(), 32);
        assert_eq!(hash, file("/b/y.js", b"1").hash("app"));
        for other in [
            file("/a/x.js", b"2").hash("app"),
            file("/a/x.css", b"1").hash("app"),
            file("/a/x.js", b"1").hash("app2"),
            // Salt, extension and content must not run into each other.
            file("/a/x.js", b"21").hash("app"),
            file("/a/x", b"js1").hash("app"),
        ] {
            assert_ne!(hash, other);
        }
    }
}

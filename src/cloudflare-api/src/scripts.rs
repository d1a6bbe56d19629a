//! Scripts of a dispatch namespace: upload, read, list, delete, tags.

use crate::assets::AssetsJwt;
use crate::client::Namespace;
use crate::{Error, Token};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How the static assets of a script answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AssetsConfig {
    /// `auto-trailing-slash`, …; Cloudflare's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html_handling: Option<String>,
    /// `single-page-application`, `404-page` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_found_handling: Option<String>,
    /// `true`, `false`, or a list of paths that the script answers although an asset could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_worker_first: Option<Value>,
    /// Content of a `_headers` file.
    #[serde(rename = "_headers", skip_serializing_if = "Option::is_none")]
    pub headers: Option<String>,
    /// Content of a `_redirects` file.
    #[serde(rename = "_redirects", skip_serializing_if = "Option::is_none")]
    pub redirects: Option<String>,
}

/// The assets of a script: what an upload session completed, and how it answers.
#[derive(Debug, Clone)]
pub struct AssetsMetadata {
    /// From [`Namespace::upload_assets`].
    pub jwt: AssetsJwt,
    /// How they answer.
    pub config: AssetsConfig,
}

/// The `metadata` part of an upload.
#[derive(Debug, Clone, Default)]
pub struct ScriptMetadata {
    /// Name of the module that is the entry; none for an assets-only Worker.
    pub main_module: Option<String>,
    /// `2026-11-01`.
    pub compatibility_date: String,
    /// `nodejs_compat`, ….
    pub compatibility_flags: Vec<String>,
    /// Bindings as the API takes them.
    pub bindings: Vec<Value>,
    /// At most 8, without `,` and `&`.
    pub tags: Vec<String>,
    /// Static assets.
    pub assets: Option<AssetsMetadata>,
}

impl ScriptMetadata {
    fn to_json(&self) -> Value {
        let mut metadata = json!({
            "compatibility_date": self.compatibility_date,
            "compatibility_flags": self.compatibility_flags,
            "bindings": self.bindings,
            "tags": self.tags,
        });
        if let Some(main) = &self.main_module {
            metadata["main_module"] = json!(main);
        }
        if let Some(assets) = &self.assets {
            metadata["assets"] = json!({ "jwt": assets.jwt.0.expose(), "config": assets.config });
        }
        metadata
    }
}

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleType {
    /// An ES module.
    Esm,
    /// A `CommonJS` module.
    CommonJs,
    /// WebAssembly.
    Wasm,
    /// Text.
    Text,
    /// Bytes.
    Data,
    /// A source map.
    SourceMap,
}

impl ModuleType {
    const fn mime(self) -> &'static str {
        match self {
            Self::Esm => "application/javascript+module",
            Self::CommonJs => "application/javascript",
            Self::Wasm => "application/wasm",
            Self::Text => "text/plain",
            Self::Data => "application/octet-stream",
            Self::SourceMap => "application/source-map",
        }
    }
}

/// One module of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name, which is the part's name too.
    pub name: String,
    /// What it is.
    pub kind: ModuleType,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What an upload answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UploadedScript {
    /// The script's name.
    #[serde(default)]
    pub id: Option<String>,
    /// Version of the content.
    #[serde(default)]
    pub etag: Option<String>,
    /// How long the top level took.
    #[serde(default)]
    pub startup_time_ms: Option<u64>,
    /// Whether assets came with it.
    #[serde(default)]
    pub has_assets: Option<bool>,
}

/// A script as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Script {
    /// The script's name.
    pub id: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// When it was first uploaded (ISO 8601).
    #[serde(default)]
    pub created_on: Option<String>,
}

/// The answer of [`Namespace::script`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ScriptDetails {
    /// The namespace it is in.
    #[serde(default)]
    pub dispatch_namespace: Option<String>,
    /// The script.
    pub script: Script,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptPage {
    /// In the API's order.
    pub scripts: Vec<Script>,
    /// For the next page.
    pub cursor: Option<String>,
}

impl Namespace<'_> {
    /// Uploads a script. A first upload is dispatchable when this returns.
    pub async fn upload_script(
        &self,
        name: &str,
        metadata: &ScriptMetadata,
        modules: &[Module],
    ) -> Result<UploadedScript, Error> {
        let metadata = serde_json::to_string(&metadata.to_json()).map_err(Error::Encode)?;
        let answer = self
            .client
            .call(Method::PUT, self.url(&[name])?, |request| {
                let part = Part::text(metadata.clone())
                    .mime_str("application/json")
                    .map_err(Error::Setup)?;
                let mut form = Form::new().part("metadata", part);
                for module in modules {
                    let part = Part::bytes(module.bytes.clone())
                        .file_name(module.name.clone())
                        .mime_str(module.kind.mime())
                        .map_err(Error::Setup)?;
                    form = form.part(module.name.clone(), part);
                }
                Ok(request.multipart(form))
            })
            .await?;
        answer.read("the uploaded script")
    }

    /// Reads a script's facts; `None` when there is none of that name.
    pub async fn script(&self, name: &str) -> Result<Option<ScriptDetails>, Error> {
        match self.client.call(Method::GET, self.url(&[name])?, Ok).await {
            Ok(answer) => answer.read("the script").map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists scripts that have all `tags`, at most 1,000 at once.
    pub async fn scripts(
        &self,
        tags: &[String],
        cursor: Option<&str>,
    ) -> Result<ScriptPage, Error> {
        let mut url = self.url(&[])?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", "1000");
            if !tags.is_empty() {
                let wanted: Vec<String> = tags.iter().map(|tag| format!("{tag}:yes")).collect();
                query.append_pair("tags", &wanted.join(","));
            }
            if let Some(cursor) = cursor {
                query.append_pair("cursor", cursor);
            }
        }
        let answer = self.client.call(Method::GET, url, Ok).await?;
        let cursor = answer.cursor.clone();
        Ok(ScriptPage {
            scripts: answer.read("the list of scripts")?,
            cursor,
        })
    }

    /// Deletes a script; whether there was one.
    pub async fn delete_script(&self, name: &str) -> Result<bool, Error> {
        let mut url = self.url(&[name])?;
        url.query_pairs_mut().append_pair("force", "true");
        match self.client.call(Method::DELETE, url, Ok).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A script's tags.
    pub async fn tags(&self, name: &str) -> Result<Vec<String>, Error> {
        let url = self.url(&[name, "tags"])?;
        let answer = self.client.call(Method::GET, url, Ok).await?;
        answer.read("the tags")
    }

    /// Replaces a script's tags.
    pub async fn set_tags(&self, name: &str, tags: &[String]) -> Result<(), Error> {
        let url = self.url(&[name, "tags"])?;
        self.client
            .call(Method::PUT, url, |request| Ok(request.json(tags)))
            .await?;
        Ok(())
    }
}

impl AssetsJwt {
    pub(crate) fn new(jwt: String) -> Self {
        Self(Token::new(jwt))
    }
}

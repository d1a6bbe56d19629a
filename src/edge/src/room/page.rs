//! The live host: page, client, registry, vendor chunks and the files of the tree.

use super::{
    Room,
    content_type::content_type,
    storage::{Meta, TextKind, hash_of_url},
};
use crate::{problem::ApiError, text::is_navigation};
use data_encoding::HEXLOWER;
use hotplate_domain::{route::decode, stack::REGISTRY};
use hotplate_linker::Registry;
use hotplate_protocol::{ErrorCode, VendorState};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use worker::{Headers, Request, Response, Url};

/// The live client, built from `worker-shims/live-client`.
const CLIENT: &str = include_str!("../../../../worker-shims/live-client/dist/client.js");
/// What stands before the modules of a web worker.
const WORKER: &str = include_str!("../../../../worker-shims/live-client/dist/worker.js");
/// Its address; a new client is a new address.
static CLIENT_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = HEXLOWER.encode(&Sha256::digest(CLIENT));
    format!("/@live/client.js?v={}", hash.get(..8).unwrap_or(&hash))
});

/// Shown until the app has an `index.html`; the client loads the page anew when it appears.
const WAITING: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Waiting for index.html</title><style>:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:36rem;margin:15vh auto;padding:0 1.5rem}</style>{scripts}</head><body><h1>This app has no index.html yet</h1><p>Push one, for instance with <code>hotplate dev &lt;folder&gt;</code>, and it shows here by itself.</p></body></html>"#;

/// How long an answer may be kept.
enum Caching {
    /// Never.
    NoStore,
    /// As long as the `ETag` is the same.
    Revalidate,
    /// For ever: the address names the content.
    Immutable,
}

impl Caching {
    const fn header(&self) -> &'static str {
        match self {
            Self::NoStore => "no-store",
            Self::Revalidate => "no-cache",
            Self::Immutable => "public, max-age=31536000, immutable",
        }
    }
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const JSON: &str = "application/json";

impl Room {
    /// Answers a request of the live host.
    pub(super) async fn live(
        &self,
        request: &Request,
        path: &str,
        query: &str,
    ) -> Result<Response, ApiError> {
        match path {
            "/" | "/index.html" => return self.page(),
            "/@live/client.js" => {
                return Ok(answer(
                    CLIENT.as_bytes().to_vec(),
                    SCRIPT,
                    &Caching::Immutable,
                )?);
            }
            "/@live/registry.js" => return self.registry(),
            "/@live/worker.js" => return self.worker(query),
            "/@live/map" => return self.map(query),
            _ => {}
        }
        if let Some(hash) = hash_of_url(path) {
            return match self.vendor_code(hash).await? {
                Some(code) => Ok(answer(code.into_bytes(), SCRIPT, &Caching::Immutable)?),
                None => Err(ApiError::new(
                    ErrorCode::NotFound,
                    format!("there is no vendor chunk {hash}"),
                )),
            };
        }
        let name = decode(path.trim_start_matches('/'))?;
        if let Some(response) = self.tree_file(request, &name, query)? {
            return Ok(response);
        }
        // Single-page apps have addresses that no file has.
        if is_navigation(request) {
            return self.page();
        }
        Err(ApiError::new(
            ErrorCode::FileNotFound,
            format!("the app has no file {name:?}"),
        ))
    }

    fn page(&self) -> Result<Response, ApiError> {
        self.load()?;
        let seq = self.storage.number(Meta::Seq)?;
        let env = self.public_values()?;
        let config = serde_json::json!({
            "app": self.storage.meta(Meta::App)?,
            "seq": seq,
            "stream": self.storage.number(Meta::Stream)?,
            "revision": self.storage.number(Meta::Revision)?,
            "registry": format!("/@live/registry.js?seq={seq}"),
            "vendor": self.vendor_state()?,
            "env": env,
        })
        .to_string();
        let html = self
            .with_working(|working| Ok(working.html(&self.storage, &env, &config, &CLIENT_URL)))?;
        let html = html.unwrap_or_else(|| {
            let config = config.replace('<', "\\u003c");
            let scripts = format!(
                "<script src=\"{}\"></script><script>__hotplate__.configure({config})</script>",
                *CLIENT_URL
            );
            WAITING.replace("{scripts}", &scripts)
        });
        Ok(answer(html.into_bytes(), HTML, &Caching::NoStore)?)
    }

    fn registry(&self) -> Result<Response, ApiError> {
        let Registry { mut script, places } =
            self.with_working(|working| Ok(working.registry(&self.storage)))?;
        let seq = self.storage.number(Meta::Seq)?;
        self.storage
            .put_places(seq, &serde_json::to_string(&places)?)?;
        let truth = serde_json::json!({
            "seq": seq,
            "stream": self.storage.number(Meta::Stream)?,
            "revision": self.storage.number(Meta::Revision)?,
            "vendor": self.storage.meta(Meta::VendorKey)?.filter(|key| !key.is_empty()),
        });
        // An edit may have come in since the page was made, so its address need not say which registry this is.
        let name = format!("{}{REGISTRY}?seq={seq}", self.origin()?);
        script.extend([
            "__hotplate__.loaded(",
            &truth.to_string(),
            ");\n//# sourceURL=",
            &name,
            "\n",
        ]);
        Ok(answer(script.into_bytes(), SCRIPT, &Caching::NoStore)?)
    }

    /// The script of a web worker: runtime, what its first module reaches, start.
    fn worker(&self, query: &str) -> Result<Response, ApiError> {
        let entry = parameter(query, "entry")?.unwrap_or_default();
        let modules = self.with_working(|working| Ok(working.worker(&self.storage, &entry)))?;
        let modules = modules.ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                format!("the page starts no worker {entry:?}"),
            )
        })?;
        let vendor = match self.vendor_state()? {
            Some(VendorState::Ready { url, .. }) => Some(url),
            Some(VendorState::Installing { .. } | VendorState::Failed { .. }) | None => None,
        };
        let mut env = serde_json::json!({
            "BASE_URL": "/", "MODE": "development", "DEV": true, "PROD": false, "SSR": false,
        });
        if let Some(env) = env.as_object_mut() {
            let values = self.public_values()?.into_iter();
            env.extend(values.map(|(name, value)| (name, value.into())));
        }
        let start = serde_json::json!({ "entry": entry, "vendor": vendor, "env": env });
        let script = format!("{WORKER}\n{modules}__hotplate__.work({start});\n");
        Ok(answer(script.into_bytes(), SCRIPT, &Caching::NoStore)?)
    }

    fn map(&self, query: &str) -> Result<Response, ApiError> {
        let id = parameter(query, "id")?;
        let map = match &id {
            Some(id) => self.storage.text(TextKind::Map, id)?,
            None => None,
        };
        match map {
            Some(map) => Ok(answer(map.into_bytes(), JSON, &Caching::NoStore)?),
            None => Err(ApiError::new(
                ErrorCode::NotFound,
                "there is no source map of that module",
            )),
        }
    }

    /// A file of `public/` at the root, or any file by its path.
    fn tree_file(
        &self,
        request: &Request,
        name: &str,
        query: &str,
    ) -> Result<Option<Response>, ApiError> {
        let public = format!("public/{name}");
        let (path, file) = match self.storage.file(&public)? {
            Some(file) => (public.as_str(), file),
            None => match self.storage.file(name)? {
                Some(file) => (name, file),
                None => return Ok(None),
            },
        };
        let kind = content_type(path);
        if kind == STYLE
            && let Some(sheet) =
                self.with_working(|working| Ok(working.style_sheet(&self.storage, path)))?
        {
            return Ok(Some(answer(sheet.into_bytes(), STYLE, &Caching::NoStore)?));
        }
        let named = query.split('&').find_map(|pair| pair.strip_prefix("v="));
        let caching = match named {
            Some(version) if version.len() >= 8 && file.hash.starts_with(version) => {
                Caching::Immutable
            }
            Some(_) | None => Caching::Revalidate,
        };
        self.content(request, &file.hash, kind, &caching).map(Some)
    }

    /// Bytes by hash, unless the one who asks has them.
    pub(super) fn bytes(
        &self,
        request: &Request,
        hash: &str,
        kind: &str,
    ) -> Result<Response, ApiError> {
        self.content(request, hash, kind, &Caching::Revalidate)
    }

    fn content(
        &self,
        request: &Request,
        hash: &str,
        kind: &str,
        caching: &Caching,
    ) -> Result<Response, ApiError> {
        let etag = format!("\"{hash}\"");
        let known = request.headers().get("if-none-match")?;
        let matches = known.is_some_and(|known| {
            known
                .split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == etag || tag == "*")
        });
        let response = if matches {
            answer(Vec::new(), kind, caching)?.with_status(304)
        } else {
            let bytes = self.storage.content(hash)?;
            let bytes = bytes
                .ok_or_else(|| worker::Error::RustError(format!("content {hash} is missing")))?;
            answer(bytes, kind, caching)?
        };
        response.headers().set("etag", &etag)?;
        Ok(response)
    }
}

/// A value of a query.
fn parameter(query: &str, name: &str) -> worker::Result<Option<String>> {
    let url = Url::parse(&format!("https://room/?{query}"))?;
    let found = url.query_pairs().find(|(key, _)| key == name);
    Ok(found.map(|(_, value)| value.into_owned()))
}

fn answer(body: Vec<u8>, kind: &str, caching: &Caching) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", kind)?;
    headers.set("cache-control", caching.header())?;
    headers.set("x-content-type-options", "nosniff")?;
    Ok(Response::from_bytes(body)?.with_headers(headers))
}

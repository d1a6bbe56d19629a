//! From a release's files to an assets-only Worker in the dispatch namespace.

use hotplate_cloudflare_api::{
    AssetFile, AssetsConfig, AssetsMetadata, Client, Error, ScriptMetadata,
};
use hotplate_linker::ReleaseFile;
use hotplate_protocol::BuildJob;

/// Which behaviour of the platform deployments get.
const COMPATIBILITY_DATE: &str = "2026-11-01";

/// Uploads a release. When this returns, the script answers in the namespace.
pub(crate) async fn upload(
    client: &Client,
    job: &BuildJob,
    files: Vec<ReleaseFile>,
) -> Result<(), Error> {
    let namespace = client.namespace(&job.namespace);
    let assets: Vec<AssetFile> = files
        .into_iter()
        .map(|file| AssetFile {
            content_type: content_type(&file.path).map(str::to_owned),
            path: format!("/{}", file.path),
            bytes: file.bytes,
        })
        .collect();
    let jwt = namespace
        .upload_assets(&job.script_name, &job.app, &assets)
        .await?;
    let metadata = ScriptMetadata {
        compatibility_date: COMPATIBILITY_DATE.to_owned(),
        tags: vec![
            format!("app:{}", job.app),
            format!("deployment:{}", job.deployment_id),
        ],
        assets: Some(AssetsMetadata {
            jwt,
            config: AssetsConfig {
                not_found_handling: Some("single-page-application".to_owned()),
                ..AssetsConfig::default()
            },
        }),
        ..ScriptMetadata::default()
    };
    namespace
        .upload_script(&job.script_name, &metadata, &[])
        .await?;
    Ok(())
}

/// What a file is served as, by its ending.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

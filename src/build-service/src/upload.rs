//! From a release to a Worker in the dispatch namespace: its files, and its server's code if it has one.

use crate::release::Deployable;
use crate::server::{AssetRules, COMPATIBILITY_DATE, LinkedServer, RunWorkerFirst};
use hotplate_cloudflare_api::{
    AssetFile, AssetsConfig, AssetsMetadata, Client, Error, Module, ModuleType, ScriptMetadata,
};
use hotplate_linker::{ReleaseFile, ServerModule, ServerModuleKind};
use hotplate_protocol::{BuildJob, Secrets};
use serde_json::{Value, json};

/// What a path that no file has gets: the page, as these are single-page apps.
const NOT_FOUND_HANDLING: &str = "single-page-application";

/// Uploads a release. When this returns, the script answers in the namespace.
pub(crate) async fn upload(
    client: &Client,
    job: &BuildJob,
    deployable: Deployable,
) -> Result<(), Error> {
    let files = deployable.release.files;
    let namespace = client.namespace(&job.namespace);
    let (rules, files): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.path == HEADERS_FILE);
    let headers = header_rules(&files, &rules);
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
    let mut metadata = ScriptMetadata {
        compatibility_date: COMPATIBILITY_DATE.to_owned(),
        tags: vec![
            format!("app:{}", job.app),
            format!("deployment:{}", job.deployment_id),
        ],
        assets: Some(AssetsMetadata {
            jwt,
            config: assets_config(deployable.assets, headers),
        }),
        ..ScriptMetadata::default()
    };
    let modules = match deployable.server {
        Some(server) => add_server(&mut metadata, server, &job.secrets),
        None => Vec::new(),
    };
    namespace
        .upload_script(&job.script_name, &metadata, &modules)
        .await?;
    Ok(())
}

fn assets_config(rules: AssetRules, headers: String) -> AssetsConfig {
    let not_found = rules.not_found_handling;
    AssetsConfig {
        html_handling: rules.html_handling,
        not_found_handling: Some(not_found.unwrap_or_else(|| NOT_FOUND_HANDLING.to_owned())),
        run_worker_first: rules.run_worker_first.map(|rule| match rule {
            RunWorkerFirst::All(all) => json!(all),
            RunWorkerFirst::Paths(paths) => json!(paths),
        }),
        headers: Some(headers),
        redirects: None,
    }
}

/// Makes the script one with code of its own; answers its modules.
fn add_server(
    metadata: &mut ScriptMetadata,
    server: LinkedServer,
    secrets: &Secrets,
) -> Vec<Module> {
    let settings = server.settings;
    metadata.main_module = server.modules.first().map(|main| main.name.clone());
    metadata.compatibility_date = settings.compatibility_date;
    metadata.compatibility_flags = settings.compatibility_flags;
    let vars = settings.vars.into_iter().map(|(name, value)| match value {
        Value::String(text) => json!({ "type": "plain_text", "name": name, "text": text }),
        value => json!({ "type": "json", "name": name, "json": value }),
    });
    let secrets = secrets
        .0
        .iter()
        .map(|(name, value)| json!({ "type": "secret_text", "name": name, "text": value }));
    metadata.bindings = vars.chain(secrets).collect();
    metadata
        .bindings
        .push(json!({ "type": "assets", "name": settings.assets_binding }));
    server.modules.into_iter().map(module).collect()
}

fn module(module: ServerModule) -> Module {
    Module {
        name: module.name,
        kind: match module.kind {
            ServerModuleKind::Esm => ModuleType::Esm,
            ServerModuleKind::Wasm => ModuleType::Wasm,
            ServerModuleKind::Data => ModuleType::Data,
        },
        bytes: module.bytes,
    }
}

/// The app's own rules, as Cloudflare and Netlify have them: `public/_headers`. It is not served.
const HEADERS_FILE: &str = "_headers";
/// Folder of what the linker names by its content.
const HASHED: &str = "assets/";
/// Rules of one file that the platform reads.
const RULES: usize = 90;

/// How files may be cached: what is named by its content for ever, everything else after asking
/// again, which is the platform's default. The app's own rules come last, so they win.
fn header_rules(files: &[ReleaseFile], own: &[ReleaseFile]) -> String {
    let is_hashed = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let hash = stem.rsplit_once('-').map(|(_, hash)| hash);
        hash.is_some_and(|hash| hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    let (hashed, named): (Vec<&str>, Vec<&str>) = files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| path.starts_with(HASHED))
        .partition(|path| is_hashed(path));
    let mut rules = "/*\n  Accept-Ranges: bytes\n".to_owned();
    let mut keep = |pattern: &str| {
        rules.push('/');
        rules.push_str(pattern);
        rules.push_str("\n  Cache-Control: public, max-age=31536000, immutable\n");
    };
    // One rule for the folder, unless the app has files of its own in `public/assets`.
    if named.is_empty() {
        if !hashed.is_empty() {
            keep("assets/*");
        }
    } else {
        hashed.iter().take(RULES).for_each(|path| keep(path));
    }
    for file in own {
        rules.push_str(&String::from_utf8_lossy(&file.bytes));
    }
    rules
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

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<ReleaseFile> {
        let file = |path: &&str| ReleaseFile {
            path: (*path).to_owned(),
            bytes: b"/own\n  X-Own: 1\n".to_vec(),
        };
        paths.iter().map(file).collect()
    }

    #[test]
    fn only_what_is_named_by_its_content_is_kept() {
        let ranges = "/*\n  Accept-Ranges: bytes\n";
        let keep = "\n  Cache-Control: public, max-age=31536000, immutable\n";
        for (paths, rules) in [
            (&["index.html"][..], ranges.to_owned()),
            (
                &["index.html", "assets/index-1a2b3c4d.js"],
                format!("{ranges}/assets/*{keep}"),
            ),
            (
                &["assets/index-1a2b3c4d.js", "assets/logo.png"],
                format!("{ranges}/assets/index-1a2b3c4d.js{keep}"),
            ),
        ] {
            assert_eq!(header_rules(&files(paths), &[]), rules, "{paths:?}");
        }
        let own = header_rules(&files(&["index.html"]), &files(&[HEADERS_FILE]));
        assert_eq!(own, format!("{ranges}/own\n  X-Own: 1\n"));
    }
}

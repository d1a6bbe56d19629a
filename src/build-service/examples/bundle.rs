//! `cargo run -p hotplate-build-service --example bundle -- <cache>` reads a folder a line and answers each
//! with one line of JSON: `{release: {files: {path: text}} | {diagnostics}, preview: {registry, vendor,
//! diagnostics}}`. A tool for tests and benchmarks.

use hotplate_build_service::artifacts::ArtifactStore;
use hotplate_build_service::folder_app::FolderApp;
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::path::Path;

fn bundle(folder: &Path, artifacts: &ArtifactStore) -> std::io::Result<Value> {
    let app = FolderApp::open(folder)?;
    let release = match app.release(artifacts) {
        Ok(release) => {
            let files: serde_json::Map<String, Value> = release
                .files
                .into_iter()
                .map(|file| (file.path, String::from_utf8_lossy(&file.bytes).into()))
                .collect();
            json!({ "files": files, "diagnostics": release.warnings })
        }
        Err(diagnostics) => json!({ "diagnostics": diagnostics }),
    };
    let preview = match app.preview(artifacts) {
        Ok(scripts) => json!({
            "registry": scripts.registry, "vendor": scripts.vendor, "diagnostics": scripts.diagnostics,
        }),
        Err(diagnostics) => json!({ "diagnostics": diagnostics }),
    };
    Ok(json!({ "release": release, "preview": preview }))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = std::env::args().nth(1).ok_or("name a cache folder")?;
    let artifacts = ArtifactStore::open(cache.into())?;
    for line in std::io::stdin().lock().lines() {
        let answer = bundle(Path::new(&line?), &artifacts)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

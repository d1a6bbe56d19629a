//! `cargo run --release -p hotplate-build-service --example bench -- <folder> <cache>` bundles the folder cold
//! and prints `{preview_ms, preview_bytes, release_ms, release_bytes, release_gzip, peak_kb}`; then each
//! line of input names a file that was written, and is answered with `{edit_ms, modules, linked}` or, after
//! `release`, with `{release_ms}`. With `preview <out>` or `release <out>` it is a bundler's command instead:
//! writes that, says nothing and ends. With `compile` it compiles the folder's files again and again and prints
//! `{files: [{path, lines, us}]}`, medians. For `tests/bench/bundlers.mjs`.

use hotplate_build_service::artifacts::ArtifactStore;
use hotplate_build_service::folder_app::FolderApp;
use hotplate_compiler::{Options, Source, compile};
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn ms(from: Instant) -> f64 {
    from.elapsed().as_secs_f64() * 1_000.0
}

fn tell(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

/// The most memory this process ever held, where the system says it.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("name a folder")?;
    let cache = args.next().ok_or("name a cache folder, or `-` for none")?;
    let artifacts = match cache.as_str() {
        "-" => ArtifactStore::in_memory(),
        folder => ArtifactStore::open(folder.into())?,
    };
    match (args.next().as_deref(), args.next()) {
        (None, _) => talk(&folder, &artifacts),
        (Some("compile"), None) => compile_files(Path::new(&folder)),
        (Some("preview"), Some(out)) => {
            let app = FolderApp::open(Path::new(&folder))?;
            let scripts = app
                .preview(&artifacts)
                .map_err(|diagnostics| said(&diagnostics))?;
            write(&out, "registry.js", scripts.registry.as_bytes())?;
            write(&out, "vendor.js", scripts.vendor.as_bytes())
        }
        (Some("release"), Some(out)) => {
            let app = FolderApp::open(Path::new(&folder))?;
            let release = app
                .release(&artifacts)
                .map_err(|diagnostics| said(&diagnostics))?;
            let mut files = release.files.iter();
            files.try_for_each(|file| write(&out, &file.path, &file.bytes))
        }
        (Some(other), _) => Err(format!("`{other}` is no command").into()),
    }
}

fn said(diagnostics: &[hotplate_protocol::Diagnostic]) -> String {
    format!("{diagnostics:?}")
}

fn write(out: &str, path: &str, bytes: &[u8]) -> Outcome {
    let place = Path::new(out).join(path);
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(place, bytes)?)
}

/// Compilations of one file.
const RUNS: usize = 201;

fn compile_files(folder: &Path) -> Outcome {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let content = std::fs::read(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let id = format!("/src/{name}");
        let source = Source {
            id: &id,
            content: &content,
        };
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let from = Instant::now();
            let compiled = compile(&source, &Options::development());
            times.push(ms(from) * 1_000.0);
            compiled
                .artifact
                .ok_or_else(|| said(&compiled.diagnostics))?;
        }
        times.sort_by(f64::total_cmp);
        let lines = String::from_utf8_lossy(&content).lines().count();
        files.push(json!({ "path": name, "lines": lines, "us": times.get(RUNS / 2) }));
    }
    Ok(tell(&json!({ "files": files }))?)
}

fn talk(folder: &str, artifacts: &ArtifactStore) -> Outcome {
    let from = Instant::now();
    let app = FolderApp::open(Path::new(folder))?;
    let (mut preview, scripts) = app
        .open_preview(artifacts)
        .map_err(|diagnostics| said(&diagnostics))?;
    let preview_ms = ms(from);
    let preview_peak_kb = peak_kb();
    let from = Instant::now();
    let release = app
        .release(artifacts)
        .map_err(|diagnostics| said(&diagnostics))?;
    let release_ms = ms(from);
    tell(&json!({
        "preview_ms": preview_ms, "preview_bytes": scripts.registry.len() + scripts.vendor.len(),
        "preview_peak_kb": preview_peak_kb, "release_ms": release_ms, "release_bytes": release.bundle.bytes,
        "release_gzip": release.bundle.gzip_bytes, "peak_kb": peak_kb(),
    }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let from = Instant::now();
        if line == "release" {
            app.release(artifacts)
                .map_err(|diagnostics| said(&diagnostics))?;
            tell(&json!({ "release_ms": ms(from) }))?;
        } else {
            let edited = preview.edit(artifacts, &[line]);
            tell(
                &json!({ "edit_ms": ms(from), "modules": edited.modules, "linked": edited.linked }),
            )?;
        }
    }
    Ok(())
}

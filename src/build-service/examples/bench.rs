//! `cargo run --release -p hotplate-build-service --example bench -- <folder> <cache>` bundles the folder cold
//! and prints `{preview_ms, preview_bytes, release_ms, release_bytes, release_gzip, peak_kb}`; then each
//! line of input names a file that was written, and is answered with `{edit_ms, modules, linked}` or, after
//! `release`, with `{release_ms}`. For `tests/bench/bundlers.mjs`.

use hotplate_build_service::artifacts::ArtifactStore;
use hotplate_build_service::folder_app::FolderApp;
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("name a folder")?;
    let cache = args.next().ok_or("name a cache folder")?;
    let artifacts = ArtifactStore::open(cache.into())?;
    let said = |diagnostics: Vec<_>| format!("{diagnostics:?}");

    let from = Instant::now();
    let app = FolderApp::open(Path::new(&folder))?;
    let (mut preview, scripts) = app.open_preview(&artifacts).map_err(said)?;
    let preview_ms = ms(from);
    let preview_peak_kb = peak_kb();
    let from = Instant::now();
    let release = app.release(&artifacts).map_err(said)?;
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
            app.release(&artifacts).map_err(said)?;
            tell(&json!({ "release_ms": ms(from) }))?;
        } else {
            let edited = preview.edit(&artifacts, &[line]);
            tell(
                &json!({ "edit_ms": ms(from), "modules": edited.modules, "linked": edited.linked }),
            )?;
        }
    }
    Ok(())
}

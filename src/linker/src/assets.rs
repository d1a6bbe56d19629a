//! Which modules are assets, and under which URL a preview serves them.

use crate::resolution_paths::split_query;
use hotplate_compiler::is_compilable;

/// Whether a module id stands for a file's URL instead of its content.
pub fn is_asset(id: &str) -> bool {
    let (path, _) = split_query(id);
    let has = |flag| has_flag(id, flag);
    if has("worker") || has("sharedworker") || has("worker_file") {
        return false;
    }
    if has("url") {
        return true;
    }
    let is_wasm = || path.ends_with(".wasm") && has("init");
    !(has("raw") || has("inline") || is_wasm() || is_compilable(path))
}

/// Whether the query of an id has a flag.
fn has_flag(id: &str, flag: &str) -> bool {
    let (_, query) = split_query(id);
    let mut flags = query.trim_start_matches('?').split('&');
    flags.any(|part| part.split('=').next() == Some(flag))
}

/// The module that a worker starts with, when an id stands for the URL of a worker.
pub(crate) fn worker_entry(id: &str) -> Option<String> {
    has_flag(id, "worker_file").then(|| split_query(id).0.to_owned())
}

/// Whether a worker's script travels inside the script that starts it.
#[cfg(feature = "minify")]
pub(crate) fn is_inline_worker(id: &str) -> bool {
    worker_entry(id).is_some() && has_flag(id, "inline")
}

/// The preview URL of a worker; `version` makes it a new one when anything that it runs is new.
pub(crate) fn worker_url(entry: &str, version: u64) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~@".contains(&byte);
    let entry: String = entry
        .bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    format!("/@live/worker.js?entry={entry}&v={version:016x}")
}

/// The preview URL of a file: its path, and enough of its hash to be a new URL when the content is new.
pub fn asset_url(path: &str, hash: &str) -> String {
    format!("/{path}?v={}", hash.get(..8).unwrap_or(hash))
}

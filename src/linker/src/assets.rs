//! Which modules are assets, and under which URL a preview serves them.

use crate::resolution_paths::split_query;
use crate::tree::Tree;
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
    let is_component = || path.ends_with(".svg") && has("react");
    !(has("raw") || has("inline") || is_wasm() || is_component() || is_compilable(path))
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
    let entry = in_query(entry);
    format!("/@live/worker.js?entry={entry}&v={version:016x}")
}

/// A module id as a value of a query.
pub(crate) fn in_query(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~@".contains(&byte);
    id.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The preview URL of a picture of the tree: pages put it in place of the one they show. Of other files
/// (a JSON file that was fetched, a font) nobody can tell what became of them.
pub(crate) fn picture_url(path: &str, tree: &Tree) -> Option<String> {
    let (_, extension) = path.rsplit_once('.')?;
    let is_picture = [
        "svg", "png", "jpg", "jpeg", "gif", "webp", "avif", "ico", "bmp", "apng",
    ]
    .iter()
    .any(|known| extension.eq_ignore_ascii_case(known));
    let meta = tree.0.get(path).filter(|_| is_picture)?;
    let path = path.strip_prefix("public/").unwrap_or(path);
    Some(asset_url(path, &meta.hash))
}

/// The preview URL of a file: its path, and enough of its hash to be a new URL when the content is new.
pub fn asset_url(path: &str, hash: &str) -> String {
    format!("/{path}?v={}", hash.get(..8).unwrap_or(hash))
}

//! Which modules are assets, and under which URL a preview serves them.

use crate::resolution_paths::split_query;
use hotplate_compiler::is_compilable;

/// Whether a module id stands for a file's URL instead of its content.
pub fn is_asset(id: &str) -> bool {
    let (path, query) = split_query(id);
    let mut flags = query
        .trim_start_matches('?')
        .split('&')
        .map(|flag| flag.split('=').next().unwrap_or(flag));
    if flags.clone().any(|flag| flag == "url") {
        return true;
    }
    let is_text = flags.any(|flag| flag == "raw" || flag == "inline");
    !is_text && !is_compilable(path)
}

/// The preview URL of a file: its path, and enough of its hash to be a new URL when the content is new.
pub fn asset_url(path: &str, hash: &str) -> String {
    format!("/{path}?v={}", hash.get(..8).unwrap_or(hash))
}

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

/// A file as a `data:` URL.
pub(crate) fn data_url(bytes: &[u8], extension: &str) -> String {
    format!(
        "data:{};base64,{}",
        media_type(extension),
        data_encoding::BASE64.encode(bytes)
    )
}

/// The types of files that packages refer to by URL; anything else is told by its bytes.
fn media_type(extension: &str) -> &'static str {
    match extension.to_ascii_lowercase().as_str() {
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" | "cur" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "eot" => "application/vnd.ms-fontobject",
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        "json" => "application/json",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

//! Files of packages as `data:` URLs: a vendor chunk stands alone.

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

//! The few pages and texts the platform itself shows, and who gets them.

use worker::{Headers, Request, Response};

/// What an app's modules may use; also written by `hotplate types`.
const CLIENT_TYPES: &str = include_str!("../../../worker-shims/live-client/types/client.d.ts");

/// The types for editors, those in browsers on other origins too.
pub(crate) fn client_types() -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "text/plain; charset=utf-8")?;
    headers.set("access-control-allow-origin", "*")?;
    headers.set("cache-control", "public, max-age=3600")?;
    Ok(Response::ok(CLIENT_TYPES)?.with_headers(headers))
}

/// Whether a person's browser asks for a page (and not a script, an image, a program).
pub(crate) fn is_navigation(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).ok().flatten();
    match header("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => header("accept").is_some_and(|accept| accept.contains("text/html")),
    }
}

/// The page of an error. All text is escaped: parts of it come from the request.
pub(crate) fn error_page(status: u16, title: &str, detail: &str) -> String {
    page(
        title,
        &format!(
            "<p class=\"status\">{status}</p><h1>{}</h1><p>{}</p>",
            escape(title),
            escape(detail)
        ),
    )
}

/// The console: where the API is and how to begin.
pub(crate) fn console_page(api: &str) -> String {
    let api = escape(api);
    page(
        "Hotplate",
        &format!(
            "<h1>Hotplate</h1><p>Live previews and deployments of React apps.</p>\
             <p>The API is at <code>{api}/v1</code>. Every call carries \
             <code>Authorization: Bearer &lt;token&gt;</code>.</p>\
             <p>To push a folder and watch it: <code>hotplate dev &lt;folder&gt;</code>. \
             <a href=\"/healthz\">Health</a></p>"
        ),
    )
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title><style>\
         :root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}\
         body{{max-width:36rem;margin:15vh auto;padding:0 1.5rem}}\
         .status{{margin:0;opacity:.6}}h1{{margin:0 0 1rem;font-size:1.6rem}}\
         code{{font-size:.9em}}</style></head><body>{body}</body></html>",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                other => out.push(other),
            }
            out
        })
}

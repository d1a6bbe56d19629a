//! A release's `index.html`: its chunks in place of the app's own scripts and sheets, and its files hashed.

use super::scripts::PageLoads;
use super::{Entries, ReleaseApp, asset_name, emit};
use crate::app_resolver::AppResolution;
use crate::html;
use crate::resolution_paths::split_query;
use hotplate_protocol::{Diagnostic, Severity};
use std::collections::BTreeMap;

/// The page, with the assets it refers to itself added to `files`.
pub(super) fn rewrite(
    app: &ReleaseApp<'_>,
    entries: &Entries,
    loads: &PageLoads,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<String, Vec<Diagnostic>> {
    let mut head = String::new();
    if let Some(entry) = &loads.entry {
        head.extend([
            "<script type=\"module\" crossorigin src=\"/",
            entry,
            "\"></script>",
        ]);
    }
    // Without it a browser would hear of these only after it had the entry.
    for chunk in &loads.before {
        head.extend([
            "<link rel=\"modulepreload\" crossorigin href=\"/",
            chunk,
            "\">",
        ]);
    }
    if let Some(sheet) = &loads.sheet {
        head.extend([
            "<link rel=\"stylesheet\" crossorigin href=\"/",
            sheet,
            "\">",
        ]);
    }
    // What the page refers to itself (`<link rel="icon" href="/src/icon.svg">`) becomes an asset.
    let mut urls = BTreeMap::new();
    for source in html::references(app.index_html) {
        if let AppResolution::App(id) = app
            .resolver
            .resolve("/index.html", &html::page_specifier(&source))
        {
            let path = split_query(id.trim_start_matches('/')).0;
            if !entries.has(&source)
                && let Some(bytes) = (app.content)(path)
            {
                let extension = path
                    .rsplit('/')
                    .next()
                    .and_then(|name| name.rsplit_once('.'))
                    .map_or("", |(_, ext)| ext);
                let emitted = emit(
                    files,
                    asset_name(path, extension),
                    extension,
                    bytes.to_vec(),
                );
                urls.insert(source, format!("/{emitted}"));
            }
        }
    }
    html::release(
        app.index_html,
        &head,
        &|source| entries.has(source),
        &|source| urls.get(source).cloned(),
    )
    .ok_or_else(|| {
        vec![Diagnostic {
            file: "index.html".to_owned(),
            ..Diagnostic::without_place(
                Severity::Error,
                "malformed_html",
                "index.html cannot be read as HTML",
            )
        }]
    })
}

//! What the fuzzing starts from: the fixtures of the other tests, as files and as apps.

use crate::mutate::Pool;
use crate::support::{Files, read};
use std::collections::BTreeMap;
use std::path::Path;

/// Larger fixtures are left out: they are slow, and what they show small ones do, too.
const MOST_BYTES: usize = 16 * 1024;

/// Which files share their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    Script,
    Style,
    Data,
    Page,
}

impl Language {
    /// Of a path, by its extension; `None` for what is no text.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with(".env") {
            return Some(Self::Data);
        }
        match name.rsplit('.').next()? {
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "mts" | "cjs" | "cts" => Some(Self::Script),
            "css" => Some(Self::Style),
            "json" => Some(Self::Data),
            "html" | "svg" => Some(Self::Page),
            _ => None,
        }
    }
}

/// Everything to start from.
pub(crate) struct Corpus {
    /// Every text, by language: path and text.
    pub(crate) texts: BTreeMap<Language, Vec<(String, String)>>,
    /// Where pieces of texts are taken from.
    pub(crate) pools: BTreeMap<Language, Pool>,
    /// Whole apps; their packages are left out.
    pub(crate) apps: Vec<Files>,
}

impl Corpus {
    pub(crate) fn read() -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
        let all = read(&fixtures);
        let mut texts = BTreeMap::<Language, Vec<(String, String)>>::new();
        let mut apps = BTreeMap::<String, Files>::new();
        for (path, bytes) in all {
            if bytes.len() > MOST_BYTES {
                continue;
            }
            if let Some((app, file)) = place_in_app(&path) {
                apps.entry(app).or_default().insert(file, bytes.clone());
            }
            if let (Some(language), Ok(text)) = (Language::of(&path), String::from_utf8(bytes)) {
                texts.entry(language).or_default().push((path, text));
            }
        }
        let pools = texts.iter();
        let pools = pools.map(|(language, texts)| {
            (
                *language,
                Pool::of(texts.iter().map(|(_, text)| text.as_str())),
            )
        });
        Self {
            pools: pools.collect(),
            texts,
            apps: apps.into_values().filter_map(with_page).collect(),
        }
    }
}

/// Which app a fixture's file belongs to, and where it is there.
fn place_in_app(path: &str) -> Option<(String, String)> {
    let depth = match path.split('/').next()? {
        "execution" | "linker" => 3,
        "conventions" => 2,
        _ => return None,
    };
    let (at, _) = path.match_indices('/').nth(depth - 1)?;
    let (app, file) = (path.get(..at)?, path.get(at + 1..)?);
    let is_part = !file
        .split('/')
        .any(|part| part == "packages" || part == "node_modules");
    is_part.then(|| (app.to_owned(), file.to_owned()))
}

/// An app with a page that starts its `main` file, when it has one.
fn with_page(mut files: Files) -> Option<Files> {
    if !files.contains_key("index.html") {
        let entry = ["main.js", "main.jsx", "main.ts", "main.tsx"].into_iter();
        let entry = entry.into_iter().find(|name| files.contains_key(*name))?;
        let page = format!("<script type=\"module\" src=\"/{entry}\"></script>");
        files.insert("index.html".to_owned(), page.into_bytes());
    }
    Some(files)
}

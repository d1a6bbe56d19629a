//! The text of a release's chunks, and the table by which the page finds them.
//!
//! A chunk is an ES module that gives a function which defines its modules; only the page's own has
//! the runtime, starts the app and knows the names of the others. So a change in one of them changes
//! it and the page's, and nothing else.

use super::chunks::{Chunk, Chunks};
use super::records::{MODULES, Records};
use super::text::{ReleaseMap, Text};
use super::{asset_name, emit, emitted_path, sheets};
use crate::record::{json, literal};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The runtime of releases, built from `worker-shims/live-client`.
const RUNTIME: &str = include_str!("../../../../../worker-shims/live-client/dist/release.js");

/// Packages of the page that are a chunk of their own have at least so many bytes: what changes with
/// every edit should not carry them along, and a few lines are not worth a request.
const PACKAGES_BYTES: usize = 16 * 1024;

/// What the page loads by itself.
#[derive(Debug, Default)]
pub(super) struct PageLoads {
    /// Its script.
    pub(super) entry: Option<String>,
    /// Chunks that the script imports.
    pub(super) before: Vec<String>,
    /// Its sheet.
    pub(super) sheet: Option<String>,
}

/// What was written.
pub(super) struct Written {
    pub(super) page: PageLoads,
    /// Paths of scripts and sheets.
    pub(super) code: BTreeSet<String>,
    /// Of the scripts.
    pub(super) maps: Vec<ReleaseMap>,
}

/// How the runtime finds chunks.
#[derive(Serialize)]
struct Table<'a> {
    /// Names beside the page's script, each once.
    files: Vec<&'a str>,
    /// Which of them a dynamic import of a module needs.
    chunks: BTreeMap<String, Vec<usize>>,
    /// What is evaluated.
    start: Vec<Option<u32>>,
}

/// Puts the chunks among the files.
pub(super) fn write(
    records: Records<'_>,
    chunks: &Chunks<'_>,
    starts: &[&str],
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Written {
    let mut page = PageLoads::default();
    let mut names = Vec::new();
    let mut of_chunk = Vec::new();
    let mut maps = Vec::new();
    for chunk in &chunks.others {
        let first = names.len();
        let name = chunk_name(chunk);
        names.extend(sheet(records, chunk, name, files));
        let modules = records.of(chunk.modules.iter().copied());
        names.push(emit_script(files, &mut maps, name, module(modules)));
        of_chunk.push(first..names.len());
    }
    page.sheet = sheet(records, &chunks.page, "index", files);
    if !starts.is_empty() {
        let (packages, own): (Vec<&str>, Vec<&str>) = chunks
            .page
            .modules
            .iter()
            .partition(|id| id.starts_with("npm:"));
        let packages_code = records.of(packages.iter().copied());
        let (own, apart) = if packages_code.len() < PACKAGES_BYTES {
            (chunks.page.modules.clone(), false)
        } else {
            (own, true)
        };
        let mut code = Text::default();
        if apart {
            let path = emit_script(files, &mut maps, "vendor", module(packages_code));
            code.push("import __hotplate_vendor__ from");
            code.push(&literal(&beside(&path)));
            code.push(";\n");
            page.before.push(path);
        }
        code.push(RUNTIME.trim_end());
        code.push("\n");
        if apart {
            code.push("__hotplate_vendor__(__hotplate__.modules);\n");
        }
        code.push(&format!("({MODULES}=>{{\n"));
        code.append(records.of(own.iter().copied()));
        code.push("})(__hotplate__.modules);\n");
        let table = Table {
            files: names.iter().map(|path| in_assets(path)).collect(),
            chunks: records.numbers.keyed(
                chunks
                    .dynamic
                    .iter()
                    .map(|(target, needed)| {
                        let ranges = needed.iter().filter_map(|chunk| of_chunk.get(*chunk));
                        (*target, ranges.cloned().flatten().collect())
                    })
                    .collect(),
            ),
            start: starts.iter().map(|id| records.numbers.get(id)).collect(),
        };
        code.push("__hotplate__.start(import.meta.url,");
        code.push(&json(&table));
        code.push(");\n");
        page.entry = Some(emit_script(files, &mut maps, "index", code));
    }
    let code = names
        .into_iter()
        .chain(page.before.iter().cloned())
        .chain(page.entry.clone())
        .chain(page.sheet.clone())
        .collect();
    Written { page, code, maps }
}

fn emit_script(
    files: &mut BTreeMap<String, Vec<u8>>,
    maps: &mut Vec<ReleaseMap>,
    name: &str,
    text: Text,
) -> String {
    let (code, map) = text.finish(|code| emitted_path(name, "js", code.as_bytes()));
    let path = map.file.clone();
    files.insert(path.clone(), code.into_bytes());
    maps.push(map);
    path
}

/// `assets/x.js` → `x.js`.
fn in_assets(path: &str) -> &str {
    path.strip_prefix("assets/").unwrap_or(path)
}

fn beside(path: &str) -> String {
    format!("./{}", in_assets(path))
}

/// After the file that comes last, which is the one that is imported dynamically if there is one.
fn chunk_name<'a>(chunk: &Chunk<'a>) -> &'a str {
    let id = chunk.modules.last().copied().unwrap_or("chunk");
    let path = id.split('?').next().unwrap_or(id);
    let name = path.rsplit('/').next().unwrap_or(path);
    asset_name(id, name.rsplit_once('.').map_or("", |(_, end)| end))
}

fn sheet(
    records: Records<'_>,
    chunk: &Chunk<'_>,
    name: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Option<String> {
    let css = sheets::join(records.graph, &chunk.modules, records.url_of);
    (!css.is_empty()).then(|| emit(files, name, "css", css.into_bytes()))
}

fn module(records: Text) -> Text {
    let mut text = Text::default();
    text.push(&format!("export default {MODULES}=>{{\n"));
    text.append(records);
    text.push("}\n");
    text
}

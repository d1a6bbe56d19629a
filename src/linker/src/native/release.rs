//! Releases: an app and its packages as hashed files that need nothing but a static host.
//!
//! Chunks (script and style sheet) of the page and of what it imports dynamically, assets, public files
//! and the page. Equal input gives equal bytes. Uploading and limits are the build service's business.

mod chunks;
mod memory;
mod numbers;
mod page;
pub(super) mod prune;
mod records;
mod scripts;
mod sheets;
mod text;
mod workers;

use self::chunks::Chunks;
use self::memory::KnownFunction;
pub use self::memory::ReleaseMemory;
use self::numbers::Numbers;
use self::records::Records;
pub use self::text::ReleaseMap;
use super::graph::Graph;
use super::host::{Loaded, ModuleHost, ROOT};
use crate::app_resolver::{AppResolution, AppResolver};
use crate::resolution_paths::split_query;
use crate::tree::Tree;
use crate::{diagnose, html};
use data_encoding::HEXLOWER;
use flate2::{Compression, write::GzEncoder};
use hotplate_compiler::ModuleKind;
use hotplate_protocol::{Bundle, Chunk, Diagnostic};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

/// What is released.
#[derive(Clone, Copy)]
pub struct ReleaseApp<'a> {
    /// Its files.
    pub tree: &'a Tree,
    /// Resolves its specifiers.
    pub resolver: &'a AppResolver,
    /// Text of `index.html`.
    pub index_html: &'a str,
    /// Changes whenever a specifier could mean something else than before, or code be compiled otherwise.
    pub context: &'a str,
    /// Content of a file of the tree; asked for `public/` and for what the page itself refers to.
    pub content: &'a (dyn Fn(&str) -> Option<Arc<[u8]>> + Sync),
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// No leading slash: `assets/index-1a2b3c4d.js`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A linked release.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Sorted by path.
    pub files: Vec<ReleaseFile>,
    /// Its code's sizes.
    pub bundle: Bundle,
    /// What does not stop it.
    pub warnings: Vec<Diagnostic>,
    /// How large each module of it is, by id.
    pub modules: BTreeMap<String, u64>,
    /// The source maps of its scripts, sorted by path; they are nobody's to see but the app's owner's.
    pub maps: Vec<ReleaseMap>,
}

/// Links an app's release.
pub fn link_release(
    host: &dyn ModuleHost,
    app: &ReleaseApp<'_>,
    memory: &mut ReleaseMemory,
) -> Result<Release, Vec<Diagnostic>> {
    memory.begin(app.context.to_owned());
    let entries = Entries::read(app)?;
    let roots: Vec<String> = entries
        .sheets
        .iter()
        .chain(&entries.scripts)
        .map(|(_, id)| id.clone())
        .collect();
    let is_public = |id: &str| is_public(app.tree, id);
    let mut graph = Graph::walk_from(&mut memory.known, host, &roots, &is_public)?;
    prune::prune(&mut graph, &roots);
    write_functions(host, &mut graph, memory)?;
    let order = graph.execution_order(&roots);
    let mut files = BTreeMap::new();
    let urls = emit_assets(&graph, &order, &mut files);
    let workers = workers::emit(&graph, &order, urls, &is_public, &mut files);
    let url_of = |id: &str| {
        let url = workers.urls.get(id).cloned();
        url.or_else(|| is_public(id).then(|| split_query(id).0.to_owned()))
    };

    let starts: Vec<&str> = entries.scripts.iter().map(|(_, id)| id.as_str()).collect();
    let chunks = Chunks::of(&graph, &order, &roots);
    let numbers = Numbers::of_chunks(&chunks);
    let records = Records {
        graph: &graph,
        numbers: &numbers,
        url_of: &url_of,
        inlined: &workers.inlined,
    };
    let written = scripts::write(records, &chunks, &starts, &mut files);
    let mut code = written.code;
    code.extend(workers.maps.iter().map(|map| map.file.clone()));
    let bundle = measure(&files, &code, memory);

    let page = page::rewrite(app, &entries, &written.page, &mut files)?;
    files.insert("index.html".to_owned(), page.into_bytes());
    for path in app.tree.0.keys() {
        if let Some(name) = path.strip_prefix("public/")
            && name != "index.html"
            && let Some(bytes) = (app.content)(path)
        {
            files.insert(name.to_owned(), bytes.to_vec());
        }
    }
    let mut maps = written.maps;
    maps.extend(workers.maps);
    maps.sort_by(|left, right| left.file.cmp(&right.file));
    let files = files
        .into_iter()
        .map(|(path, bytes)| ReleaseFile { path, bytes })
        .collect();
    Ok(Release {
        files,
        bundle,
        modules: sizes(&graph),
        warnings: graph.warnings,
        maps,
    })
}

/// What came of writing one module: its id and code, if it has any.
type Written = Result<Option<(String, KnownFunction)>, Vec<Diagnostic>>;

/// Has the code of every module written with the names that are wanted of it.
fn write_functions(
    host: &dyn ModuleHost,
    graph: &mut Graph,
    memory: &mut ReleaseMemory,
) -> Result<(), Vec<Diagnostic>> {
    let known = &*memory;
    let results: Vec<Written> = graph
        .modules
        .par_iter_mut()
        .map(|(id, module)| {
            let is_written = module.barrel.is_none()
                && module
                    .artifact()
                    .is_some_and(|artifact| artifact.kind != ModuleKind::Style);
            if !is_written {
                return Ok(None);
            }
            let stamp = host.stamp(id);
            let function = match known.function(id, stamp.as_deref(), module.keep.as_ref()) {
                Some(function) => function,
                None => host.function(id, module.keep.as_ref())?,
            };
            module.function = Some(Arc::clone(&function));
            Ok(stamp.map(|stamp| {
                let known = KnownFunction::new(stamp, module.keep.clone(), function);
                (id.clone(), known)
            }))
        })
        .collect();
    let mut errors = Vec::new();
    memory.functions.clear();
    for result in results {
        match result {
            Ok(known) => memory.functions.extend(known),
            Err(diagnostics) => errors.extend(diagnostics),
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn sizes(graph: &Graph) -> BTreeMap<String, u64> {
    let modules = graph.modules.iter();
    modules
        .map(|(id, module)| {
            let bytes = match &module.loaded {
                Loaded::Module(artifact) => {
                    let code = module.function.as_ref().unwrap_or(artifact);
                    code.code.len() + artifact.css.as_ref().map_or(0, String::len)
                }
                Loaded::Asset { bytes, .. } => bytes.len(),
                // Its script is measured by what that is made of.
                Loaded::Worker { .. } | Loaded::External | Loaded::Empty => 0,
            };
            (id.clone(), bytes as u64)
        })
        .collect()
}

/// What the page starts: as written, and as module id.
struct Entries {
    scripts: Vec<(String, String)>,
    sheets: Vec<(String, String)>,
}

impl Entries {
    fn read(app: &ReleaseApp<'_>) -> Result<Self, Vec<Diagnostic>> {
        let page = html::scan(app.index_html);
        let mut errors = Vec::new();
        let mut resolve = |sources: Vec<String>| -> Vec<(String, String)> {
            let mut found = Vec::new();
            for source in sources {
                match app
                    .resolver
                    .resolve("/index.html", &html::page_specifier(&source))
                {
                    AppResolution::App(id) => found.push((source, id)),
                    AppResolution::NotFound { suggestion } => {
                        errors.push(diagnose::entry_missing(&source, suggestion.as_deref()));
                    }
                    AppResolution::Public(_)
                    | AppResolution::External(_)
                    | AppResolution::Package(_) => {}
                }
            }
            found
        };
        let entries = Self {
            scripts: resolve(page.scripts),
            sheets: resolve(page.sheets),
        };
        if errors.is_empty() {
            Ok(entries)
        } else {
            Err(errors)
        }
    }

    fn has(&self, source: &str) -> bool {
        self.scripts
            .iter()
            .chain(&self.sheets)
            .any(|(entry, _)| entry == source)
    }
}

/// Whether an id is a file that the host serves as it is.
fn is_public(tree: &Tree, id: &str) -> bool {
    let path = split_query(id.trim_start_matches('/')).0;
    id != ROOT && id.starts_with('/') && !tree.has(path) && tree.has(&format!("public/{path}"))
}

/// Puts assets among the files; answers their URLs by module id.
fn emit_assets(
    graph: &Graph,
    order: &[String],
    files: &mut BTreeMap<String, Vec<u8>>,
) -> BTreeMap<String, String> {
    let mut urls = BTreeMap::new();
    for id in order {
        if let Some(Loaded::Asset { bytes, extension }) =
            graph.modules.get(id).map(|module| &module.loaded)
        {
            let path = emit(files, asset_name(id, extension), extension, bytes.to_vec());
            urls.insert(id.clone(), format!("/{path}"));
        }
    }
    urls
}

/// `/src/logo.big.svg?url` → `logo.big`.
fn asset_name<'a>(id: &'a str, extension: &str) -> &'a str {
    let path = split_query(id).0;
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(extension)
        .and_then(|stem| stem.strip_suffix('.'))
        .unwrap_or(name)
}

/// Adds `assets/<name>-<hash8>.<extension>`; answers the path.
fn emit(
    files: &mut BTreeMap<String, Vec<u8>>,
    name: &str,
    extension: &str,
    bytes: Vec<u8>,
) -> String {
    let path = emitted_path(name, extension, &bytes);
    files.insert(path.clone(), bytes);
    path
}

/// The path of content with that name.
fn emitted_path(name: &str, extension: &str, bytes: &[u8]) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(bytes));
    path_of(name, &hash, extension)
}

/// `assets/<name>-<hash8>.<extension>`.
fn path_of(name: &str, hash: &str, extension: &str) -> String {
    // Names come from tenants; a URL needs no escapes this way.
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let dot = if extension.is_empty() { "" } else { "." };
    format!(
        "assets/{name}-{}{dot}{extension}",
        hash.get(..8).unwrap_or_default()
    )
}

fn measure(
    files: &BTreeMap<String, Vec<u8>>,
    code: &BTreeSet<String>,
    memory: &mut ReleaseMemory,
) -> Bundle {
    let texts: Vec<(&String, &[u8])> = code
        .iter()
        .filter_map(|path| Some((path, files.get(path)?.as_slice())))
        .collect();
    let packed = memory.gzip_sizes(&texts.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>());
    let mut chunks: Vec<Chunk> = texts
        .into_iter()
        .zip(packed)
        .map(|((path, bytes), gzip_bytes)| Chunk {
            file: path.clone(),
            bytes: bytes.len() as u64,
            gzip_bytes,
        })
        .collect();
    chunks.sort_by(|left, right| {
        right
            .bytes
            .cmp(&left.bytes)
            .then_with(|| left.file.cmp(&right.file))
    });
    Bundle {
        bytes: chunks.iter().map(|chunk| chunk.bytes).sum(),
        gzip_bytes: chunks.iter().map(|chunk| chunk.gzip_bytes).sum(),
        chunks,
        server: None,
    }
}

/// Size at gzip's usual level.
pub(super) fn gzip_size(bytes: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // A vector takes every byte.
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_or(0, |packed| packed.len() as u64)
}

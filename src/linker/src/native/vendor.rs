//! Vendor chunks: the packages an app asks for, as one classic script of registry calls.
//!
//! A chunk stands alone: assets of packages are part of it as `data:` URLs.

use super::data_url::data_url;
use super::graph::{Graph, GraphModule, NOTHING, is_external};
use super::host::{Loaded, ModuleHost, ROOT, failed_root};
use super::record::alias;
use super::worker;
use crate::builtins::EMPTY;
use crate::resolution_paths::{fragment_of, split_query};
use crate::{CSS_IMPORT, record, styles};
use hotplate_compiler::ImportKind;
use hotplate_protocol::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};

/// A linked vendor chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorChunk {
    /// A classic script that defines the chunk's modules and aliases.
    pub code: String,
    /// What does not stop the chunk.
    pub warnings: Vec<Diagnostic>,
}

/// Links what `specifiers` (bare, as the app imports them) reach.
pub fn link_vendor(
    host: &dyn ModuleHost,
    specifiers: &BTreeSet<String>,
) -> Result<VendorChunk, Vec<Diagnostic>> {
    let mut aliases = BTreeMap::new();
    let mut errors = Vec::new();
    for specifier in specifiers {
        let (kind, plain) = match specifier.strip_prefix(CSS_IMPORT) {
            Some(plain) => (ImportKind::CssImport, plain),
            None => (ImportKind::Static, specifier.as_str()),
        };
        let (bare, query) = split_query(plain);
        match host.resolve(ROOT, bare, kind) {
            Ok(resolved) => {
                aliases.insert(specifier, format!("{}{query}", resolved.id));
            }
            Err(failure) => errors.push(failed_root(plain, &failure)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let roots: Vec<String> = aliases.values().cloned().collect();
    let graph = Graph::walk(host, &roots, &|_| false)?;
    let mut code = String::new();
    write_all(&mut code, &graph, &roots, &mut BTreeSet::new());
    for (specifier, id) in &aliases {
        alias(&mut code, &format!("npm:{specifier}"), id);
    }
    Ok(VendorChunk {
        code,
        warnings: graph.warnings,
    })
}

/// Calls that define what `roots` reach; `open` are the workers around.
fn write_all(code: &mut String, graph: &Graph, roots: &[String], open: &mut BTreeSet<String>) {
    let mut nothing_is_asked_for = false;
    for id in graph.execution_order(roots) {
        if let Some(module) = graph.modules.get(&id) {
            write(code, &id, module, graph, open);
            nothing_is_asked_for |= module.links.iter().any(|link| link.id == NOTHING);
        }
    }
    if nothing_is_asked_for {
        record::define(code, NOTHING, EMPTY, &BTreeMap::<&str, String>::new());
    }
}

fn write(
    code: &mut String,
    id: &str,
    module: &GraphModule,
    graph: &Graph,
    open: &mut BTreeSet<String>,
) {
    let nothing = BTreeMap::<&str, String>::new();
    match &module.loaded {
        // A worker that starts its own kind has its own address.
        Loaded::Worker { entry } if open.contains(entry) => {
            let own =
                "{kind:\"esm\",imports:[],*run(h){h.export({default:()=>location.href});yield}}";
            record::define(code, id, own, &nothing);
        }
        Loaded::Worker { entry } => {
            open.insert(entry.clone());
            let mut modules = String::new();
            write_all(&mut modules, graph, std::slice::from_ref(entry), open);
            open.remove(entry);
            let script = worker::script(entry, &modules);
            record::define(code, id, &worker::inline_record(&script), &nothing);
        }
        Loaded::Empty | Loaded::External => record::define(code, id, EMPTY, &nothing),
        Loaded::Asset { bytes, extension } => {
            record::define(
                code,
                id,
                &record::asset(&data_url(bytes, extension)),
                &nothing,
            );
        }
        Loaded::Module(artifact) => {
            if let Some(css) = &artifact.css {
                let text =
                    styles::substitute(css, &|specifier| asset_text(specifier, module, graph));
                record::css(code, id, &text);
            }
            record::define(code, id, &artifact.code, &module.deps());
        }
    }
}

fn asset_text(specifier: &str, module: &GraphModule, graph: &Graph) -> Option<String> {
    let link = module
        .links
        .iter()
        .find(|link| link.kind == ImportKind::Asset && link.specifier == specifier)?;
    if is_external(&link.id) {
        return Some(link.id.clone());
    }
    match &graph.modules.get(&link.id)?.loaded {
        Loaded::Asset { bytes, extension } => {
            Some(data_url(bytes, extension) + fragment_of(specifier))
        }
        Loaded::Module(_) | Loaded::Empty | Loaded::External | Loaded::Worker { .. } => None,
    }
}

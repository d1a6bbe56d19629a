//! The native side's module graph: what a vendor chunk or a release is made of.
//!
//! Walks from its roots through a [`ModuleHost`], which knows disks, packages and caches. What the
//! modules become is decided by `vendor` and `release`.

use super::host::{LinkFailure, Loaded, ModuleHost, Resolved, failed};
use super::record::Edge;
use crate::assets::worker_entry;
use crate::resolution_paths::split_query;
use hotplate_compiler::{ImportKind, ImportRecord, ModuleArtifact, ModuleKind, Reexport};
use hotplate_protocol::{Diagnostic, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// A module of the graph.
#[derive(Debug)]
pub(crate) struct GraphModule {
    pub(crate) loaded: Loaded,
    /// In source order: what each import became.
    pub(crate) links: Vec<Link>,
    /// The record in place of the artifact's, once pruning has written a smaller one.
    pub(crate) code: Option<String>,
    node: bool,
}

/// One import that resolved.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) specifier: String,
    pub(crate) kind: ImportKind,
    pub(crate) names: Vec<String>,
    pub(crate) reexports: Vec<Reexport>,
    pub(crate) id: String,
    pub(crate) side_effects: bool,
}

impl Link {
    /// Whether the target is a module of the graph.
    pub(crate) fn is_internal(&self) -> bool {
        !is_external(&self.id)
    }
}

impl GraphModule {
    /// The `deps` of its record.
    pub(crate) fn deps(&self) -> BTreeMap<&str, Edge> {
        let mut deps = BTreeMap::new();
        let style = self
            .artifact()
            .is_some_and(|artifact| artifact.kind == ModuleKind::Style);
        for link in &self.links {
            // Sheets carry URLs in their text, and the runtime leaves other origins' URLs alone.
            if link.kind == ImportKind::Asset && (style || is_external(&link.id)) {
                continue;
            }
            // A static import says which of a package's two faces counts, whatever `require` would get.
            if link.kind == ImportKind::Static || !deps.contains_key(link.specifier.as_str()) {
                deps.insert(
                    link.specifier.as_str(),
                    Edge {
                        id: link.id.clone(),
                        node: self.node,
                    },
                );
            }
        }
        deps
    }

    /// The compiled module, if it is one.
    pub(crate) fn artifact(&self) -> Option<&ModuleArtifact> {
        match &self.loaded {
            Loaded::Module(artifact) => Some(artifact),
            Loaded::Asset { .. } | Loaded::Empty | Loaded::Worker { .. } => None,
        }
    }
}

/// Everything reachable from some roots.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) modules: BTreeMap<String, GraphModule>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Graph {
    /// Walks in waves, so that a wave's modules compile side by side and the result is the same every time.
    pub(crate) fn walk(
        host: &dyn ModuleHost,
        roots: &[String],
        is_served: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut graph = Self::default();
        let mut errors = Vec::new();
        let mut wave: BTreeSet<String> = roots.iter().cloned().collect();
        while !wave.is_empty() {
            let mut next = BTreeSet::new();
            for (id, loaded) in load_all(host, wave) {
                let loaded = match loaded {
                    Ok(loaded) => loaded,
                    Err(diagnostics) => {
                        errors.extend(diagnostics);
                        Loaded::Empty
                    }
                };
                let module = graph.link(host, &id, loaded, &mut errors);
                let targets = module
                    .links
                    .iter()
                    .filter(|link| link.is_internal() && !is_served(&link.id));
                next.extend(targets.map(|link| link.id.clone()));
                next.extend(module.starts().cloned());
                graph.modules.insert(id, module);
            }
            wave = next
                .into_iter()
                .filter(|id| !graph.modules.contains_key(id))
                .collect();
        }
        if errors.iter().any(Diagnostic::is_error) {
            Err(errors)
        } else {
            Ok(graph)
        }
    }

    fn link(
        &mut self,
        host: &dyn ModuleHost,
        id: &str,
        loaded: Loaded,
        errors: &mut Vec<Diagnostic>,
    ) -> GraphModule {
        let mut links = Vec::new();
        if let Loaded::Module(artifact) = &loaded {
            for import in &artifact.imports {
                match resolve(host, id, import) {
                    Ok(resolved) => links.push(Link {
                        specifier: import.specifier.clone(),
                        kind: import.kind,
                        names: import.names.clone(),
                        reexports: import.reexports.clone(),
                        id: resolved.id,
                        side_effects: resolved.side_effects,
                    }),
                    Err(failure) => match severity(id, import, &failure) {
                        Some(Severity::Error) => {
                            errors.push(failed(id, import, Severity::Error, &failure));
                        }
                        Some(Severity::Warning) => {
                            self.warnings
                                .push(failed(id, import, Severity::Warning, &failure));
                            if matches!(failure, LinkFailure::NodeBuiltin { .. }) {
                                links.push(Link::to_nothing(import));
                            }
                        }
                        None => {}
                    },
                }
            }
            for (index, glob) in artifact.globs.iter().enumerate() {
                links.extend(host.glob(id, glob).into_iter().map(|found| Link {
                    specifier: glob.specifier(index, &found.path),
                    kind: glob.kind(),
                    names: vec!["*".to_owned()],
                    reexports: Vec::new(),
                    id: found.id,
                    side_effects: true,
                }));
            }
        }
        GraphModule {
            loaded,
            links,
            code: None,
            node: host.node_mode(id),
        }
    }

    /// Reachable modules in the order they execute: what is imported statically (or by `require`, which
    /// stands first in most `CommonJS` files) before its importer, then what is imported dynamically.
    pub(crate) fn execution_order(&self, roots: &[String]) -> Vec<String> {
        enum Step<'a> {
            Enter(&'a str),
            Leave(&'a str),
        }
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let mut later: std::collections::VecDeque<&str> =
            roots.iter().map(String::as_str).collect();
        while let Some(root) = later.pop_front() {
            // An own stack: import chains may be longer than the thread's.
            let mut stack = vec![Step::Enter(root)];
            while let Some(step) = stack.pop() {
                match step {
                    Step::Leave(id) => order.push(id.to_owned()),
                    Step::Enter(id) => {
                        let Some(module) = self.modules.get(id) else {
                            continue;
                        };
                        if !seen.insert(id) {
                            continue;
                        }
                        stack.push(Step::Leave(id));
                        let (dynamic, now): (Vec<_>, Vec<_>) = module
                            .links
                            .iter()
                            .partition(|link| link.kind == ImportKind::Dynamic);
                        later.extend(dynamic.into_iter().map(|link| link.id.as_str()));
                        stack.extend(now.into_iter().rev().map(|link| Step::Enter(&link.id)));
                    }
                }
            }
        }
        order
    }
}

impl Link {
    /// A static import of something browsers do not have: the record needs an edge to instantiate.
    fn to_nothing(import: &ImportRecord) -> Self {
        Self {
            specifier: import.specifier.clone(),
            kind: import.kind,
            names: import.names.clone(),
            reexports: import.reexports.clone(),
            id: NOTHING.to_owned(),
            side_effects: false,
        }
    }
}

/// Id of the module without content.
pub(crate) const NOTHING: &str = "npm:nothing";

fn resolve(
    host: &dyn ModuleHost,
    importer: &str,
    import: &ImportRecord,
) -> Result<Resolved, LinkFailure> {
    let (specifier, query) = split_query(&import.specifier);
    let as_url = matches!(import.kind, ImportKind::Asset | ImportKind::CssImport);
    let mut resolved = if as_url && is_bare(specifier) {
        // URLs are relative without `./`; packages come second, as in Vite.
        host.resolve(importer, &format!("./{specifier}"), import.kind)
            .or_else(|_| host.resolve(importer, specifier, import.kind))
    } else {
        host.resolve(importer, specifier, import.kind)
    }?;
    if !is_external(&resolved.id) {
        resolved.id.push_str(query);
        let by_content = !crate::is_asset(&resolved.id) && worker_entry(&resolved.id).is_none();
        if import.kind == ImportKind::Asset && by_content {
            resolved.id = format!("{}?url", split_query(&resolved.id).0);
        }
    }
    Ok(resolved)
}

/// How much a failed import stops; `None`: what the code means to cope with.
fn severity(importer: &str, import: &ImportRecord, failure: &LinkFailure) -> Option<Severity> {
    let in_package = importer.starts_with("npm:");
    match import.kind {
        // Optional features of packages stand in try/catch; the registry throws at run time.
        ImportKind::Require | ImportKind::Dynamic if in_package => None,
        _ if matches!(failure, LinkFailure::NodeBuiltin { .. }) => Some(Severity::Warning),
        ImportKind::Asset => Some(Severity::Warning),
        ImportKind::Static | ImportKind::Dynamic | ImportKind::Require | ImportKind::CssImport => {
            Some(Severity::Error)
        }
    }
}

pub(crate) fn is_bare(specifier: &str) -> bool {
    !specifier.starts_with(['.', '/', '#'])
}

pub(crate) fn is_external(id: &str) -> bool {
    ["http://", "https://", "data:", "//"]
        .iter()
        .any(|scheme| id.starts_with(scheme))
        || id == NOTHING
}

type LoadedModule = (String, Result<Loaded, Vec<Diagnostic>>);

fn load_all(host: &dyn ModuleHost, ids: BTreeSet<String>) -> Vec<LoadedModule> {
    use rayon::prelude::*;
    let ids: Vec<String> = ids.into_iter().collect();
    ids.into_par_iter().map(|id| load(host, id)).collect()
}

fn load(host: &dyn ModuleHost, id: String) -> LoadedModule {
    let loaded = match worker_entry(&id) {
        Some(entry) => Ok(Loaded::Worker { entry }),
        None => host.load(&id),
    };
    (id, loaded)
}

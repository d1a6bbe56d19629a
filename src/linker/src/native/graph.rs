//! The native side's module graph: what a vendor chunk or a release is made of.
//!
//! Walks from its roots through a [`ModuleHost`], which knows disks, packages and caches. What the
//! modules become is decided by `vendor` and `release`.

use super::host::{LinkFailure, Loaded, ModuleHost, Resolved, failed};
use super::record::Edge;
use crate::assets::worker_entry;
use crate::diagnose;
use crate::resolution_paths::{fragment_of, split_query};
use crate::styles::{MAX_CONDITIONED, is_conditioned};
use hotplate_compiler::{ImportKind, ImportRecord, ModuleArtifact, ModuleKind, Reexport};
use hotplate_protocol::{Diagnostic, Severity};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A module of the graph.
#[derive(Debug, Clone)]
pub(crate) struct GraphModule {
    pub(crate) loaded: Loaded,
    /// In source order: what each import became.
    pub(crate) links: Arc<Vec<Link>>,
    /// The record in place of the artifact's, once pruning has written a smaller one.
    pub(crate) code: Option<String>,
    /// The same as data.
    pub(crate) barrel: Option<Barrel>,
    /// The exports that somebody reads, once pruning knows; `None`: all of them.
    pub(crate) keep: Option<BTreeSet<String>>,
    /// Its code for a release.
    pub(crate) function: Option<Arc<ModuleArtifact>>,
    node: bool,
}

/// A module that only passes names on, with those that are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Barrel {
    /// Specifiers, in order.
    pub(crate) imports: Vec<String>,
    pub(crate) names: Vec<BarrelName>,
    /// Positions of imports that it has `export *` from.
    pub(crate) stars: Vec<usize>,
}

/// One name that a barrel passes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BarrelName {
    pub(crate) exported: String,
    /// Position of the import.
    pub(crate) import: usize,
    /// `*`: the namespace.
    pub(crate) imported: String,
}

/// One import that resolved.
#[derive(Debug, Clone)]
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
        for link in self.links.iter() {
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

    /// Modules of the graph that it needs.
    fn targets(&self, is_served: &dyn Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        self.links
            .iter()
            .filter(|link| link.is_internal() && !is_served(&link.id))
            .map(|link| link.id.as_str())
            .chain(self.starts().map(String::as_str))
    }

    /// The compiled module, if it is one.
    pub(crate) fn artifact(&self) -> Option<&ModuleArtifact> {
        match &self.loaded {
            Loaded::Module(artifact) => Some(artifact),
            Loaded::Asset { .. } | Loaded::Empty | Loaded::External | Loaded::Worker { .. } => None,
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
    /// Visits modules side by side as they are found, and takes note of them in waves, so that the result
    /// is the same every time.
    pub(crate) fn walk(
        host: &dyn ModuleHost,
        roots: &[String],
        is_served: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::walk_from(&mut HashMap::new(), host, roots, is_served)
    }

    /// The same, with those of `known` that are as they were; it knows what was visited afterwards.
    pub(crate) fn walk_from(
        known: &mut HashMap<String, Known>,
        host: &dyn ModuleHost,
        roots: &[String],
        is_served: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Self, Vec<Diagnostic>> {
        let before = std::mem::take(known);
        let visits = Visits {
            host,
            known: &before,
            is_served,
            done: Mutex::default(),
            conditioned: AtomicUsize::new(0),
        };
        rayon::scope(|scope| visits.start(scope, roots.iter().cloned()));
        let conditioned = visits.conditioned.into_inner();
        let mut visited = visits
            .done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut graph = Self::default();
        let mut errors = Vec::new();
        if conditioned > MAX_CONDITIONED {
            errors.push(diagnose::too_many_conditions(""));
        }
        let mut wave: BTreeSet<String> = roots.iter().cloned().collect();
        while !wave.is_empty() {
            let mut next = BTreeSet::new();
            for id in wave {
                // Taken already: it stood in an earlier wave.
                let Some(visited) = visited.remove(&id).flatten() else {
                    continue;
                };
                if let Some(stamp) = host.stamp(&id) {
                    let visited = visited.clone();
                    known.insert(id.clone(), Known { stamp, visited });
                }
                let Visited {
                    module,
                    said,
                    warnings,
                } = visited;
                errors.extend(said);
                graph.warnings.extend(warnings);
                next.extend(module.targets(is_served).map(str::to_owned));
                graph.modules.insert(id, module);
            }
            wave = next;
        }
        if errors.iter().any(Diagnostic::is_error) {
            Err(errors)
        } else {
            Ok(graph)
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
        let mut seen = HashSet::new();
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
    let whole = import.specifier.as_str();
    let whole = match import.kind {
        ImportKind::Asset => whole.strip_suffix(fragment_of(whole)).unwrap_or(whole),
        _ => whole,
    };
    let (specifier, query) = split_query(whole);
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

/// A module as it was visited, and what it was then.
#[derive(Debug)]
pub(crate) struct Known {
    stamp: String,
    visited: Visited,
}

/// One module that was visited.
#[derive(Debug, Clone)]
struct Visited {
    module: GraphModule,
    /// What its file and its imports are said to have wrong.
    said: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// A walk under way. A task for each module rather than a wave for each step: a long file at the end of a
/// short chain (React's client) does not hold up what is beside it.
struct Visits<'a> {
    host: &'a dyn ModuleHost,
    known: &'a HashMap<String, Known>,
    is_served: &'a (dyn Fn(&str) -> bool + Sync),
    /// `None` as long as a module is being visited.
    done: Mutex<HashMap<String, Option<Visited>>>,
    /// Sheets under conditions that were asked for.
    conditioned: AtomicUsize,
}

impl Visits<'_> {
    fn done(&self) -> MutexGuard<'_, HashMap<String, Option<Visited>>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visited(&self, id: &str) -> Visited {
        match self.known.get(id) {
            Some(known) if self.host.stamp(id).as_ref() == Some(&known.stamp) => {
                known.visited.clone()
            }
            Some(_) | None => visit(self.host, id),
        }
    }

    fn start<'s>(&'s self, scope: &rayon::Scope<'s>, ids: impl Iterator<Item = String>) {
        let mut done = self.done();
        for id in ids {
            if done.contains_key(&id) {
                continue;
            }
            if is_conditioned(&id)
                && self.conditioned.fetch_add(1, Ordering::Relaxed) >= MAX_CONDITIONED
            {
                continue;
            }
            done.insert(id.clone(), None);
            scope.spawn(move |scope| {
                let visited = self.visited(&id);
                let targets: Vec<String> = visited
                    .module
                    .targets(self.is_served)
                    .map(str::to_owned)
                    .collect();
                self.done().insert(id, Some(visited));
                self.start(scope, targets.into_iter());
            });
        }
    }
}

fn visit(host: &dyn ModuleHost, id: &str) -> Visited {
    let mut said = Vec::new();
    let mut warnings = Vec::new();
    let loaded = match worker_entry(id) {
        Some(entry) => Loaded::Worker { entry },
        None => host.load(id).unwrap_or_else(|diagnostics| {
            said = diagnostics;
            Loaded::Empty
        }),
    };
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
                        said.push(failed(id, import, Severity::Error, &failure));
                    }
                    Some(Severity::Warning) => {
                        warnings.push(failed(id, import, Severity::Warning, &failure));
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
    let module = GraphModule {
        node: host.node_mode(id),
        loaded,
        links: Arc::new(links),
        code: None,
        barrel: None,
        keep: None,
        function: None,
    };
    Visited {
        module,
        said,
        warnings,
    }
}

//! Cheap pruning: modules of `side_effects: false` packages that no used name comes from.
//!
//! Works on whole modules by the names that imports ask for, and on the names of barrels; other single
//! exports are left in their module.

use crate::native::graph::{Graph, GraphModule};
use crate::native::host::Loaded;
use crate::record::literal;
use hotplate_compiler::{ImportKind, ModuleKind};
use std::collections::{BTreeMap, BTreeSet};

/// Which of a module's names somebody wants.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Wanted {
    all: bool,
    names: BTreeSet<String>,
}

impl Wanted {
    /// Whether that told anything new.
    fn add(&mut self, other: &Self) -> bool {
        if self.all {
            return false;
        }
        let before = (self.all, self.names.len());
        self.all |= other.all;
        self.names.extend(other.names.iter().cloned());
        before != (self.all, self.names.len())
    }
}

/// Takes the content of modules that nothing is wanted of, and with it what only they import.
pub(in crate::native) fn prune(graph: &mut Graph, roots: &[String]) {
    let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
    let mut queue: Vec<String> = Vec::new();
    // What a worker runs nobody imports; a page that starts none of it leaves it out at the end.
    let workers = graph.worker_entries();
    for root in roots.iter().chain(&workers) {
        wanted.insert(
            root.clone(),
            Wanted {
                all: true,
                names: BTreeSet::new(),
            },
        );
        queue.push(root.clone());
    }
    while let Some(id) = queue.pop() {
        let Some((module, want)) = graph.modules.get(&id).zip(wanted.get(&id).cloned()) else {
            continue;
        };
        let Some(artifact) = module.artifact() else {
            continue;
        };
        for link in &module.links {
            let mut asked = Wanted {
                all: link.kind != ImportKind::Static || link.names.iter().any(|name| name == "*"),
                names: link.names.iter().cloned().collect(),
            };
            for name in &link.reexports {
                if want.all || want.names.contains(&name.exported) {
                    asked.all |= name.imported == "*";
                    asked.names.insert(name.imported.clone());
                }
            }
            if artifact.export_stars.contains(&link.specifier) {
                asked.all |= want.all;
                // `export *` passes on what the module does not export itself, and never `default`.
                let passed = want.names.iter().filter(|name| {
                    *name != "default"
                        && !artifact.exports.contains(*name)
                        && may_export(graph, &link.id, name)
                });
                asked.names.extend(passed.cloned());
            }
            let idle = !asked.all && asked.names.is_empty();
            if idle && !link.side_effects {
                continue;
            }
            let is_new = !wanted.contains_key(&link.id);
            if wanted.entry(link.id.clone()).or_default().add(&asked) || is_new {
                queue.push(link.id.clone());
            }
        }
    }
    for (id, module) in &mut graph.modules {
        match wanted.get(id) {
            None => {
                // Importers' records still instantiate it.
                module.loaded = Loaded::Empty;
                module.links.clear();
            }
            Some(wanted) if !wanted.all => narrow(module, wanted),
            Some(_) => {}
        }
    }
    // What nobody's record reaches any more need not be there even empty.
    let page = graph.execution_order(roots);
    let workers = graph.workers(&page).into_values().collect::<Vec<_>>();
    let reached = page.into_iter().chain(graph.execution_order(&workers));
    let reached: BTreeSet<String> = reached.collect();
    graph.modules.retain(|id, _| reached.contains(id));
}

/// Writes a barrel anew with the names that are wanted: the barrel of an icon set is larger than the
/// icons that an app shows.
fn narrow(module: &mut GraphModule, wanted: &Wanted) {
    let Some(artifact) = module.artifact().filter(|artifact| artifact.is_barrel) else {
        return;
    };
    let stars = artifact.export_stars.clone();
    let (mut imports, mut getters, mut star_calls, mut constants) =
        (Vec::new(), Vec::new(), String::new(), String::new());
    module.links.retain_mut(|link| {
        link.reexports
            .retain(|name| wanted.names.contains(&name.exported));
        let is_star = stars.contains(&link.specifier);
        link.kind != ImportKind::Static
            || link.side_effects
            || is_star
            || !link.reexports.is_empty()
    });
    for link in module
        .links
        .iter()
        .filter(|link| link.kind == ImportKind::Static)
    {
        let specifier = literal(&link.specifier);
        let namespace = format!("_{}", imports.len());
        for name in &link.reexports {
            let value = match name.imported.as_str() {
                "*" => namespace.clone(),
                imported => format!("{namespace}[{}]", literal(imported)),
            };
            getters.push(format!("[{}]:()=>{value}", literal(&name.exported)));
        }
        if stars.contains(&link.specifier) {
            star_calls.extend(["h.exportAll(", &specifier, ");"]);
        }
        if !link.reexports.is_empty() {
            constants.extend(["const ", &namespace, "=h.import(", &specifier, ");"]);
        }
        imports.push(specifier);
    }
    module.code = Some(format!(
        "{{kind:\"esm\",imports:[{}],*run(h){{h.export({{{}}});{star_calls}{constants}yield}}}}",
        imports.join(","),
        getters.join(","),
    ));
}

/// Whether a module's own exports leave it open that it has one of that name.
fn may_export(graph: &Graph, id: &str, name: &str) -> bool {
    let artifact = graph.modules.get(id).and_then(GraphModule::artifact);
    artifact.is_none_or(|artifact| {
        artifact.kind != ModuleKind::Esm
            || !artifact.export_stars.is_empty()
            || artifact.exports.iter().any(|export| export == name)
    })
}

//! Cheap pruning: modules of `side_effects: false` packages that no used name comes from.
//!
//! Works on whole modules by the names that imports ask for, and on the names of barrels. What becomes of
//! the other modules' names is the compiler's work, which is told those that are wanted.

use crate::native::graph::{Barrel, BarrelName, Graph, GraphModule, Link};
use crate::native::host::Loaded;
use crate::record::literal;
use hotplate_compiler::{ImportKind, ModuleArtifact, ModuleKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Which of a module's names somebody wants.
#[derive(Debug, Default)]
struct Wanted<'a> {
    all: bool,
    names: HashSet<&'a str>,
}

/// What has become known of a module's names.
struct News<'a> {
    id: &'a str,
    /// Nothing was known of it before.
    first: bool,
    /// All of its names are wanted from now on.
    all: bool,
    names: Vec<&'a str>,
}

/// By exported name: the links that carry it, and what it is called there.
type Passed<'a> = HashMap<&'a str, Vec<(&'a Link, &'a str)>>;

/// A walk from name to name.
struct Walk<'a> {
    graph: &'a Graph,
    wanted: HashMap<&'a str, Wanted<'a>>,
    queue: Vec<News<'a>>,
    /// Of modules that pass names on: which links carry a name.
    passed: HashMap<&'a str, Passed<'a>>,
}

impl<'a> Walk<'a> {
    fn want(&mut self, id: &'a str, all: bool, names: impl IntoIterator<Item = &'a str>) {
        let first = !self.wanted.contains_key(id);
        let wanted = self.wanted.entry(id).or_default();
        if wanted.all && !first {
            return;
        }
        let names: Vec<&str> = names
            .into_iter()
            .filter(|name| wanted.names.insert(name))
            .collect();
        wanted.all = all;
        if first || all || !names.is_empty() {
            self.queue.push(News {
                id,
                first,
                all,
                names,
            });
        }
    }

    fn run(&mut self) {
        while let Some(news) = self.queue.pop() {
            let Some(module) = self.graph.modules.get(news.id) else {
                continue;
            };
            let Some(artifact) = module.artifact() else {
                continue;
            };
            if news.first {
                self.first(module);
            }
            self.pass_on(module, artifact, &news);
        }
    }

    /// What a module asks for itself, whatever is wanted of it.
    fn first(&mut self, module: &'a GraphModule) {
        for link in module.links.iter() {
            let all = link.kind != ImportKind::Static || link.names.iter().any(|name| name == "*");
            if all || link.side_effects || !link.names.is_empty() {
                self.want(&link.id, all, link.names.iter().map(String::as_str));
            }
        }
    }

    fn pass_on(&mut self, module: &'a GraphModule, artifact: &'a ModuleArtifact, news: &News<'a>) {
        if !self.passed.contains_key(news.id) {
            let mut passed = Passed::new();
            for link in module.links.iter() {
                for name in &link.reexports {
                    let carriers = passed.entry(&name.exported).or_default();
                    carriers.push((link, &name.imported));
                }
            }
            self.passed.insert(news.id, passed);
        }
        let mut asked: Vec<(&'a str, bool, &'a str)> = Vec::new();
        if let Some(passed) = self.passed.get(news.id) {
            let mut ask = |(link, imported): &(&'a Link, &'a str)| {
                asked.push((&link.id, *imported == "*", imported));
            };
            if news.all {
                passed.values().flatten().for_each(&mut ask);
            } else {
                let carriers = news.names.iter().filter_map(|name| passed.get(name));
                carriers.flatten().for_each(&mut ask);
            }
        }
        for (id, all, name) in asked {
            self.want(id, all, [name]);
        }
        if artifact.export_stars.is_empty() {
            return;
        }
        let own: HashSet<&str> = artifact.exports.iter().map(String::as_str).collect();
        for link in module.links.iter() {
            if !artifact.export_stars.contains(&link.specifier) {
                continue;
            }
            // `export *` passes on what the module does not export itself, and never `default`.
            let graph = self.graph;
            let names: Vec<&str> = news
                .names
                .iter()
                .copied()
                .filter(|name| {
                    *name != "default" && !own.contains(name) && may_export(graph, &link.id, name)
                })
                .collect();
            if news.all || !names.is_empty() {
                self.want(&link.id, news.all, names);
            }
        }
    }
}

/// Takes the content of modules that nothing is wanted of, and with it what only they import.
pub(in crate::native) fn prune(graph: &mut Graph, roots: &[String]) {
    // What a worker runs nobody imports; a page that starts none of it leaves it out at the end.
    let workers = graph.worker_entries();
    let mut walk = Walk {
        graph,
        wanted: HashMap::new(),
        queue: Vec::new(),
        passed: HashMap::new(),
    };
    for root in roots.iter().chain(&workers) {
        walk.want(root, true, []);
    }
    walk.run();
    let wanted: HashMap<String, Option<BTreeSet<String>>> = walk
        .wanted
        .into_iter()
        .map(|(id, wanted)| {
            let names = wanted.names.into_iter().map(str::to_owned);
            (id.to_owned(), (!wanted.all).then(|| names.collect()))
        })
        .collect();
    for (id, module) in &mut graph.modules {
        match wanted.get(id) {
            None => {
                // Importers' records still instantiate it.
                module.loaded = Loaded::Empty;
                module.links = Arc::default();
            }
            Some(Some(wanted)) => narrow(module, wanted),
            Some(None) => {}
        }
    }
    // What nobody's record reaches any more need not be there even empty.
    let page = graph.execution_order(roots);
    let workers = graph.workers(&page).into_values().collect::<Vec<_>>();
    let reached = page.into_iter().chain(graph.execution_order(&workers));
    let reached: BTreeSet<String> = reached.collect();
    graph.modules.retain(|id, _| reached.contains(id));
}

/// Leaves a module the names that are wanted. A barrel is written anew with them: that of an icon set is
/// larger than the icons that an app shows.
fn narrow(module: &mut GraphModule, wanted: &BTreeSet<String>) {
    let Some(artifact) = module.artifact() else {
        return;
    };
    if !artifact.is_barrel {
        let keep: BTreeSet<String> = artifact
            .exports
            .iter()
            .filter(|name| wanted.contains(*name))
            .cloned()
            .collect();
        module.keep = (keep.len() < artifact.exports.len()).then_some(keep);
        return;
    }
    let stars = artifact.export_stars.clone();
    let mut barrel = Barrel::default();
    Arc::make_mut(&mut module.links).retain_mut(|link| {
        link.reexports
            .retain(|name| wanted.contains(&name.exported));
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
        let import = barrel.imports.len();
        barrel
            .names
            .extend(link.reexports.iter().map(|name| BarrelName {
                exported: name.exported.clone(),
                import,
                imported: name.imported.clone(),
            }));
        if stars.contains(&link.specifier) {
            barrel.stars.push(import);
        }
        barrel.imports.push(link.specifier.clone());
    }
    module.code = Some(record(&barrel));
    module.barrel = Some(barrel);
}

/// The record of a barrel.
fn record(barrel: &Barrel) -> String {
    let specifier = |import: usize| {
        let specifier = barrel.imports.get(import);
        literal(specifier.map_or("", String::as_str))
    };
    let getters = barrel.names.iter().map(|name| {
        let namespace = format!("_{}", name.import);
        let value = match name.imported.as_str() {
            "*" => namespace,
            imported => format!("{namespace}[{}]", literal(imported)),
        };
        format!("[{}]:()=>{value}", literal(&name.exported))
    });
    let getters: Vec<String> = getters.collect();
    let stars = barrel.stars.iter();
    let star_calls = stars.map(|import| format!("h.exportAll({});", specifier(*import)));
    let star_calls = star_calls.collect::<Vec<_>>().concat();
    let named: BTreeSet<usize> = barrel.names.iter().map(|name| name.import).collect();
    let constants = named
        .into_iter()
        .map(|import| format!("const _{import}=h.import({});", specifier(import)));
    let constants = constants.collect::<Vec<_>>().concat();
    let imports: Vec<String> = barrel.imports.iter().map(|text| literal(text)).collect();
    format!(
        "{{kind:\"esm\",imports:[{}],*run(h){{h.export({{{}}});{star_calls}{constants}yield}}}}",
        imports.join(","),
        getters.join(","),
    )
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

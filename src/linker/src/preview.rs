//! The live preview's module graph, kept from edit to edit.
//!
//! Holds what is reachable from `index.html` and nothing more; after an edit it does work in
//! proportion to that edit. It is a cache: a fresh one given every path gives the same answers.

mod declared;
mod exports;
mod node;
mod walk;
mod workers;

use crate::app_resolver::{AppResolution, AppResolver};
use crate::assets::{in_query, picture_url};
use crate::resolution_paths::{bases_of, split_query};
use crate::styles::{Joined, substitute};
use crate::tree::{Artifacts, Tree};
use crate::{diagnose, dotenv, html, package_name, record};
pub use declared::Declared;
use declared::is_manifest;
use hotplate_compiler::{ImportKind, Mode};
use hotplate_protocol::{CssUpdate, Diagnostic, ModuleUpdate};
use node::{Node, Rendered};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use walk::Work;
use workers::Workers;

/// What a link did, for tests that show it does no more than needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Modules whose imports were resolved anew.
    pub linked: u64,
}

/// What an edit changes in the registry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linked {
    /// New and changed modules, by id.
    pub modules: Vec<ModuleUpdate>,
    /// Ids that are no longer reachable.
    pub removed: Vec<String>,
    /// New and changed style sheets.
    pub css: Vec<CssUpdate>,
    /// New URLs of pictures that changed, whoever shows them.
    pub assets: Vec<String>,
    /// Every link error and warning of the reachable graph, not of this edit alone.
    pub diagnostics: Vec<Diagnostic>,
    /// Why the page must be loaded anew.
    pub reload: Option<String>,
    /// How much was done.
    pub counters: Counters,
}

/// What the reachable modules need of npm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorNeeds {
    /// Package → range: all `dependencies`, as packages ask for each other, and those of
    /// `devDependencies` that `specifiers` name.
    pub dependencies: BTreeMap<String, String>,
    /// Bare specifiers.
    pub specifiers: BTreeSet<String>,
    /// `overrides` of `package.json`.
    pub overrides: Option<serde_json::Value>,
}

/// Everything reachable as one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// The calls.
    pub script: String,
    /// Where each module's record begins in it, in order.
    pub places: Vec<RecordPlace>,
}

/// Where a record begins in a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPlace {
    /// Of the module.
    pub id: String,
    /// 1-based.
    pub line: u32,
    /// UTF-16 code units before it on that line.
    pub column: u32,
}

/// The graph.
#[derive(Debug, Default)]
pub struct Preview {
    started: bool,
    resolver: AppResolver,
    nodes: BTreeMap<String, Node>,
    importers: BTreeMap<String, BTreeSet<String>>,
    /// Base path → modules whose resolution asked for it.
    watchers: BTreeMap<String, BTreeSet<String>>,
    /// Bare specifier → modules that import it.
    packages: BTreeMap<String, BTreeSet<String>>,
    workers: Workers,
    declared: Declared,
    roots: BTreeSet<String>,
    root_diagnostics: Vec<Diagnostic>,
    /// Modules of which something is said.
    troubled: BTreeSet<String>,
    /// Modules that ask for others by pattern.
    patterned: BTreeSet<String>,
    /// Those of `packages` that package.json does not name.
    undeclared: BTreeSet<String>,
    /// How many nodes are sheets under conditions.
    conditioned: usize,
    needs: Option<VendorNeeds>,
    /// How often `needs` was made anew.
    needs_version: u64,
    /// Public values of the tree's `.env` files.
    env: BTreeMap<String, String>,
}

impl Preview {
    /// An empty graph; the first `link` fills it, whatever `changed` says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings the graph to `tree`, whose paths in `changed` (written or deleted) are new.
    pub fn link(&mut self, tree: &Tree, changed: &[String], artifacts: &dyn Artifacts) -> Linked {
        let first = !self.started;
        self.started = true;
        let asks_for_roots = first || changed.iter().any(|path| self.may_move_roots(path, tree));
        let mut dirty = self.take_changes(tree, changed, artifacts, first);
        let mut work = Work::default();
        if first || changed.iter().any(|path| dotenv::is_env_file(path)) {
            self.env = dotenv::public_values(Mode::Development, &|path| artifacts.text(path));
        }
        if first || changed.iter().any(|path| is_manifest(path)) {
            self.declared = Declared::read(&|path| artifacts.text(path));
            let touched = self.nodes.iter();
            let touched = touched.filter(|(_, node)| node.depends_on_declared());
            dirty.extend(touched.map(|(id, _)| id.clone()));
            work.packages_changed = true;
        }
        if asks_for_roots {
            let before = self.roots.clone();
            self.read_roots(artifacts);
            work.lost.extend(before.difference(&self.roots).cloned());
        }
        dirty.extend(
            self.roots
                .iter()
                .filter(|root| !self.nodes.contains_key(*root))
                .cloned(),
        );
        work.queue.extend(dirty);
        while let Some(id) = work.queue.pop_first() {
            self.visit(id, tree, artifacts, &mut work);
        }
        let mut removed = self.sweep(&mut work);
        removed.extend(
            work.gone
                .iter()
                .filter(|id| {
                    self.nodes
                        .get(*id)
                        .is_none_or(|node| node.module_hash.is_none())
                })
                .cloned(),
        );
        self.renew_workers(&mut work, &removed);
        self.check_exports(&work);
        if work.packages_changed {
            self.read_packages();
        }
        let mut linked = Linked {
            removed,
            counters: Counters {
                linked: work.linked,
            },
            ..Linked::default()
        };
        for id in work
            .modules
            .iter()
            .filter(|id| self.nodes.contains_key(*id))
        {
            if let Some(rendered) = self.render(id, artifacts) {
                linked.modules.push(ModuleUpdate {
                    id: id.clone(),
                    code: rendered.code,
                    deps: rendered.deps,
                });
            }
        }
        self.add_linked_sheets(&mut work);
        for id in work.css.iter().filter(|id| self.nodes.contains_key(*id)) {
            if let Some(code) = self.render(id, artifacts).and_then(|rendered| rendered.css) {
                linked.css.push(CssUpdate {
                    id: id.clone(),
                    code,
                });
            }
        }
        linked.diagnostics = self.diagnostics();
        if !first {
            linked.reload = reload_reason(changed, tree);
            linked.assets = changed
                .iter()
                .filter_map(|path| picture_url(path, tree))
                .collect();
        }
        linked
    }

    /// Registry calls for everything reachable, style texts first.
    pub fn registry(&self, artifacts: &dyn Artifacts) -> Registry {
        let mut out = String::new();
        let mut definitions = String::new();
        let mut places = Vec::new();
        let mut lines = 0;
        for id in self.nodes.keys() {
            let Some(rendered) = self.render(id, artifacts) else {
                continue;
            };
            if let Some(css) = &rendered.css {
                record::css(&mut out, id, css);
            }
            let head = record::define_head(id).encode_utf16().count();
            places.push(RecordPlace {
                id: id.clone(),
                line: lines,
                column: u32::try_from(head).unwrap_or(u32::MAX),
            });
            let from = definitions.len();
            record::define(&mut definitions, id, &rendered.code, &rendered.deps);
            lines += line_ends(definitions.get(from..).unwrap_or_default());
        }
        let before = line_ends(&out) + 1;
        for place in &mut places {
            place.line += before;
        }
        out.push_str(&definitions);
        Registry {
            script: out,
            places,
        }
    }

    /// Public values of the tree's `.env` files.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// The live page; `None` when the tree has no `index.html`. `env` is everything that is public.
    pub fn html(
        &self,
        artifacts: &dyn Artifacts,
        env: &BTreeMap<String, String>,
        config_json: &str,
        client_url: &str,
    ) -> Option<String> {
        let text = html::with_env(&artifacts.text("index.html")?, Mode::Development, env);
        html::preview(&text, client_url, config_json, &|source| self.root(source))
    }

    /// What the reachable modules need of npm; `None` when they need nothing.
    pub fn vendor(&self) -> Option<&VendorNeeds> {
        self.needs.as_ref()
    }

    /// Another number whenever what `vendor` answers may be something else.
    pub fn vendor_version(&self) -> u64 {
        self.needs_version
    }

    /// Whether a module is reachable.
    pub fn contains(&self, id: &str) -> bool {
        self.nodes.contains_key(id)
    }

    /// Whether any module of the file at `path` is reachable.
    pub fn contains_path(&self, path: &str) -> bool {
        path == "index.html" || self.ids_of(path).next().is_some()
    }

    /// A style sheet as `<link>` gets it: imported sheets before it, URLs replaced.
    pub fn css_text(&self, path: &str, artifacts: &dyn Artifacts) -> Option<String> {
        let mut joined = Joined::default();
        // The page may ask for it with a query of its own.
        let mut ids = self.ids_of(path).filter(|id| {
            let node = self.nodes.get(*id);
            node.is_some_and(|node| node.css_hash.is_some())
        });
        let whole = |id: &&String| split_query(id).1.is_empty() || self.roots.contains(*id);
        let root = ids.find(whole)?.clone();
        let sheets = self.sheets_of(&root, artifacts)?;
        for id in &sheets {
            // Where the packages' files are, pages know that run the vendor chunk.
            let css = self.render(id, artifacts)?.css?;
            joined.push(&substitute(&css, &|_| None));
        }
        let mut text = joined.text();
        if sheets.len() == 1 {
            text.push_str(&source_map_comment(&root));
        }
        Some(text)
    }

    /// A sheet and what it imports, in the order they apply. What is not in the app, such as a package's
    /// sheets, comes with the vendor chunk.
    fn sheets_of(&self, root: &str, artifacts: &dyn Artifacts) -> Option<Vec<String>> {
        enum Step {
            Enter(String),
            Leave(String),
        }
        self.nodes
            .get(root)
            .filter(|node| node.css_hash.is_some())?;
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        // An own stack: chains of imports may be longer than the thread's.
        let mut stack = vec![Step::Enter(root.to_owned())];
        while let Some(step) = stack.pop() {
            match step {
                Step::Leave(id) => order.push(id),
                Step::Enter(id) => {
                    let Some(node) = self.nodes.get(&id).filter(|node| node.css_hash.is_some())
                    else {
                        continue;
                    };
                    if !seen.insert(id.clone()) {
                        continue;
                    }
                    let imports = artifacts.artifact(&id);
                    let imports = imports.iter().flat_map(|artifact| artifact.imports.iter());
                    let targets = imports
                        .filter(|import| import.kind == ImportKind::CssImport)
                        .filter_map(|import| node.deps.get(&import.specifier));
                    let targets: Vec<Step> = targets.cloned().map(Step::Enter).collect();
                    stack.push(Step::Leave(id));
                    stack.extend(targets.into_iter().rev());
                }
            }
        }
        Some(order)
    }

    /// Sheets that the page links get a new text when one that they import does.
    fn add_linked_sheets(&self, work: &mut Work) {
        let is_sheet = |id: &String| {
            self.nodes
                .get(id)
                .is_some_and(|node| node.css_hash.is_some())
        };
        if !self.roots.iter().any(is_sheet) {
            return;
        }
        let changed = work.css.iter().chain(&work.modules);
        let mut seen: BTreeSet<&String> = changed.filter(|id| is_sheet(id)).collect();
        let mut queue: Vec<&String> = seen.iter().copied().collect();
        let mut linked = BTreeSet::new();
        while let Some(id) = queue.pop() {
            if self.roots.contains(id) {
                linked.insert(id.clone());
            }
            let importers = self.importers.get(id).into_iter().flatten();
            let new = importers.filter(|importer| is_sheet(importer) && seen.insert(*importer));
            queue.extend(new);
        }
        work.css.extend(linked);
    }

    /// Takes note of files that came, went or changed; answers which modules that touches.
    fn take_changes(
        &mut self,
        tree: &Tree,
        changed: &[String],
        artifacts: &dyn Artifacts,
        first: bool,
    ) -> BTreeSet<String> {
        let config = changed
            .iter()
            .any(|path| self.resolver.depends_on(path, &|path| artifacts.text(path)));
        if first || config {
            self.resolver = AppResolver::new(tree, &|path| artifacts.text(path), Mode::Development);
            return self.nodes.keys().cloned().collect();
        }
        let mut dirty = BTreeSet::new();
        for path in changed {
            let (is, was) = (tree.has(path), self.resolver.paths().contains(path));
            if is == was {
                dirty.extend(self.ids_of(path).cloned());
                continue;
            }
            if is {
                self.resolver.insert(path);
            } else {
                self.resolver.remove(path);
            }
            dirty.extend(self.ids_of(path).cloned());
            for base in bases_of(path) {
                dirty.extend(self.watchers.get(&base).into_iter().flatten().cloned());
            }
            // What "did you mean" names may be another file now, and patterns may match it.
            dirty.extend(self.troubled.iter().cloned());
            let matching = self.patterned.iter().filter(|id| {
                let patterns = self.nodes.get(*id).map(|node| node.patterns.iter());
                let mut patterns = patterns.into_iter().flatten();
                patterns.any(|pattern| pattern.matches(path))
            });
            dirty.extend(matching.cloned());
        }
        dirty
    }

    /// Ids of the modules made of the file at `path`, whatever their query.
    fn ids_of<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a String> + use<'a> {
        let id = format!("/{}", path.strip_prefix("public/").unwrap_or(path));
        self.nodes
            .range(id.clone()..)
            .map(|(key, _)| key)
            .take_while({
                let id = id.clone();
                move |key| key.starts_with(id.as_str())
            })
            .filter(move |key| split_query(key).0 == id)
    }

    fn root(&self, source: &str) -> Option<String> {
        match self
            .resolver
            .resolve("/index.html", &html::page_specifier(source))
        {
            AppResolution::App(id) => Some(id),
            _ => None,
        }
    }

    /// Whether a changed file may make the page start other modules.
    fn may_move_roots(&self, path: &str, tree: &Tree) -> bool {
        path == "index.html"
            || self.resolver.config().depends_on(path)
            || tree.has(path) != self.resolver.paths().contains(path)
    }

    fn read_roots(&mut self, artifacts: &dyn Artifacts) {
        let page = artifacts
            .text("index.html")
            .map(|text| html::scan(&text))
            .unwrap_or_default();
        self.roots.clear();
        self.root_diagnostics.clear();
        for source in page.scripts.iter().chain(&page.sheets) {
            match self
                .resolver
                .resolve("/index.html", &html::page_specifier(source))
            {
                AppResolution::App(id) => {
                    self.roots.insert(id);
                }
                AppResolution::NotFound { suggestion } => {
                    self.root_diagnostics
                        .push(diagnose::entry_missing(source, suggestion.as_deref()));
                }
                AppResolution::Public(_)
                | AppResolution::External(_)
                | AppResolution::Package(_) => {}
            }
        }
    }

    /// What the app needs of npm, after its imports of packages or its package.json changed.
    fn read_packages(&mut self) {
        let mut needs = VendorNeeds {
            overrides: self.declared.overrides.clone(),
            ..VendorNeeds::default()
        };
        self.needs_version += 1;
        self.undeclared.clear();
        for specifier in self.packages.keys() {
            let package = package_name(specifier);
            if !self.declared.names(package) {
                self.undeclared.insert(specifier.clone());
            }
            if let Some(range) = self.declared.range(package) {
                needs.dependencies.insert(package.to_owned(), range.clone());
                needs.specifiers.insert(specifier.clone());
            }
        }
        let all = self.declared.dependencies.iter();
        needs
            .dependencies
            .extend(all.map(|(name, range)| (name.clone(), range.clone())));
        self.needs = (!needs.specifiers.is_empty()).then_some(needs);
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = self.root_diagnostics.clone();
        if self.needs.is_some() {
            let paths = self.resolver.paths();
            all.extend(diagnose::unread_lockfiles(&|path| paths.contains(path)));
        }
        for node in self.troubled.iter().filter_map(|id| self.nodes.get(id)) {
            all.extend(
                node.diagnostics
                    .iter()
                    .chain(&node.export_diagnostics)
                    .cloned(),
            );
        }
        for specifier in &self.undeclared {
            let package = package_name(specifier);
            let users = self.packages.get(specifier).into_iter().flatten();
            let diagnose = if self.declared.range(package).is_some() {
                diagnose::dependency_undeclared
            } else {
                diagnose::dependency_missing
            };
            all.extend(users.filter_map(|id| {
                let import = self.nodes.get(id)?.packages.get(specifier)?;
                Some(diagnose(id, import, package))
            }));
        }
        all
    }

    fn render(&self, id: &str, artifacts: &dyn Artifacts) -> Option<Rendered> {
        self.nodes.get(id)?.render(id, artifacts)
    }
}

/// Where a live sheet's source map is.
fn source_map_comment(id: &str) -> String {
    let id = in_query(id);
    format!("/*# sourceMappingURL=/@live/map?id={id} */\n")
}

fn line_ends(text: &str) -> u32 {
    let ends = text.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX)
}

fn reload_reason(changed: &[String], tree: &Tree) -> Option<String> {
    changed
        .iter()
        .find(|path| {
            *path == "index.html"
                || path.starts_with("public/") && picture_url(path, tree).is_none()
                || dotenv::is_env_file(path)
        })
        .map(|path| format!("{path} changed"))
}

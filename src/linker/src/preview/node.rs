//! One module of the preview's graph: what its imports mean, and its text in the registry.

use super::declared::Declared;
use crate::app_resolver::{AppResolution, AppResolver};
use crate::assets::{asset_url, is_asset, worker_entry, worker_url};
use crate::builtins::{EMPTY, EMPTY_ID};
use crate::glob::Patterns;
use crate::resolution_paths::{fragment_of, split_query};
use crate::tree::{Artifacts, Tree};
use crate::{CSS_IMPORT, diagnose, is_node_builtin, package_name, record, styles};
use hotplate_compiler::{ImportKind, ImportRecord, ModuleArtifact, ModuleKind};
use hotplate_protocol::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What other modules may import from one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Exports {
    /// Names, `export *` not resolved.
    pub(super) names: BTreeSet<String>,
    /// Targets of `export *`; `None` stands for one whose names are unknown (a package, `CommonJS`).
    pub(super) stars: Vec<Option<String>>,
    /// Whether the names are known at all.
    pub(super) known: bool,
}

/// A linked module.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Specifier → id.
    pub(super) deps: BTreeMap<String, String>,
    /// Modules of the app that it needs.
    pub(super) targets: BTreeSet<String>,
    /// Bare specifier → where it is imported first.
    pub(super) packages: BTreeMap<String, ImportRecord>,
    /// Paths whose coming or going may give an import another meaning.
    pub(super) bases: BTreeSet<String>,
    /// What it asks for by pattern: the coming and going of a match makes it another module.
    pub(super) patterns: Vec<Patterns>,
    /// `url()` of a sheet → its URL.
    urls: BTreeMap<String, String>,
    /// The URL, for an asset.
    url: Option<String>,
    pub(super) is_asset: bool,
    /// Whether it asks for a file of a package: it is one as long as package.json says so.
    package_files: bool,
    /// Of the content, where the URL does not say it.
    pub(super) version: String,
    /// The module that a worker starts with, when this is the worker's URL.
    pub(super) worker: Option<String>,
    /// Static imports of app modules, with the names asked for.
    pub(super) imports: Vec<(String, ImportRecord)>,
    pub(super) exports: Exports,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) export_diagnostics: Vec<Diagnostic>,
    /// Over record and deps; `None` as long as nothing has compiled.
    pub(super) module_hash: Option<u64>,
    /// Over the style text as sent; `None` when it is no sheet.
    pub(super) css_hash: Option<u64>,
}

/// A module's text.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) code: String,
    pub(super) deps: BTreeMap<String, String>,
    pub(super) css: Option<String>,
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Node {
    /// Links the module `id`; `None` when the tree has no file for it.
    pub(super) fn link(
        id: &str,
        tree: &Tree,
        resolver: &AppResolver,
        declared: &Declared,
        artifacts: &dyn Artifacts,
    ) -> Option<Self> {
        let (path, _) = split_query(id.trim_start_matches('/'));
        let mut node = Self::default();
        if id == EMPTY_ID {
            node.module_hash = Some(0);
            return Some(node);
        }
        if let Some(meta) = tree.0.get(path) {
            if let Some(entry) = worker_entry(id) {
                node.targets.insert(entry.clone());
                node.worker = Some(entry);
                node.exports_a_url();
                // Its URL follows from what it reaches.
                return Some(node);
            }
            if is_asset(id) {
                node.become_asset(asset_url(path, &meta.hash));
            } else if let Some(artifact) = artifacts.artifact(id) {
                node.take_imports(id, &artifact, tree, resolver, declared);
            }
            // Without an artifact the file has never compiled: the compiler's diagnostics say why.
        } else if let Some(meta) = tree.0.get(&format!("public/{path}")) {
            node.become_asset(format!("/{path}"));
            node.version.clone_from(&meta.hash);
        } else {
            return None;
        }
        if let Some(rendered) = node.render(id, artifacts) {
            node.module_hash = Some(hash((&rendered.code, &rendered.deps)));
            node.css_hash = rendered.css.map(hash);
        }
        Some(node)
    }

    /// Whether anything is said of it.
    pub(super) fn is_troubled(&self) -> bool {
        !(self.diagnostics.is_empty() && self.export_diagnostics.is_empty())
    }

    fn become_asset(&mut self, url: String) {
        self.is_asset = true;
        self.url = Some(url);
        self.exports_a_url();
    }

    fn exports_a_url(&mut self) {
        self.exports.known = true;
        self.exports.names.insert("default".to_owned());
    }

    /// Takes the URL of a worker's version; answers whether that is another one.
    pub(super) fn become_worker(&mut self, version: u64) -> bool {
        let Some(entry) = &self.worker else {
            return false;
        };
        let url = worker_url(entry, version);
        let is_new = self.url.as_ref() != Some(&url);
        self.module_hash = Some(hash(&url));
        self.url = Some(url);
        is_new
    }

    /// Stays the worker it was until somebody looks at what it reaches.
    pub(super) fn keep_worker(&mut self, before: &Self) {
        if self.worker.is_some() && self.worker == before.worker {
            self.url.clone_from(&before.url);
            self.module_hash = before.module_hash;
        }
    }

    fn take_imports(
        &mut self,
        id: &str,
        artifact: &ModuleArtifact,
        tree: &Tree,
        resolver: &AppResolver,
        declared: &Declared,
    ) {
        let style = artifact.kind == ModuleKind::Style;
        self.exports = Exports {
            names: artifact.exports.iter().cloned().collect(),
            stars: Vec::new(),
            known: artifact.kind == ModuleKind::Esm || style,
        };
        if style {
            self.exports.names.insert("default".to_owned());
        }
        for import in &artifact.imports {
            let asset = import.kind == ImportKind::Asset;
            if import.specifier.starts_with('/') {
                self.bases
                    .insert(import.specifier.trim_start_matches('/').to_owned());
            }
            let fragment = if asset {
                fragment_of(&import.specifier)
            } else {
                ""
            };
            let target = match self.resolve(id, import, resolver) {
                AppResolution::App(target) if asset => as_url(&target),
                AppResolution::App(target) | AppResolution::Public(target) => target,
                AppResolution::Package(specifier) if asset => {
                    self.package_files = true;
                    // `new URL("x.png", …)` of a file that is not there is no package either.
                    if declared.range(package_name(&specifier)).is_some() {
                        let specifier = as_url(&specifier);
                        self.need(import, specifier);
                        if style {
                            // The vendor chunk knows the URL: the page puts it in place.
                            self.urls.insert(
                                import.specifier.clone(),
                                styles::placeholder(&import.specifier),
                            );
                        }
                    } else if style {
                        self.diagnostics
                            .push(diagnose::unresolved(id, import, None));
                    }
                    continue;
                }
                AppResolution::Package(specifier)
                    if is_node_builtin(&specifier)
                        && declared.range(package_name(&specifier)).is_none() =>
                {
                    self.diagnostics.push(diagnose::node_builtin(id, import));
                    EMPTY_ID.to_owned()
                }
                AppResolution::Package(specifier) => {
                    let specifier = match import.kind {
                        ImportKind::CssImport => format!("{CSS_IMPORT}{specifier}"),
                        _ => specifier,
                    };
                    self.need(import, specifier);
                    continue;
                }
                AppResolution::External(url) => {
                    if !asset {
                        self.deps.insert(import.specifier.clone(), url);
                    }
                    continue;
                }
                AppResolution::NotFound { suggestion } => {
                    self.diagnostics
                        .push(diagnose::unresolved(id, import, suggestion.as_deref()));
                    continue;
                }
            };
            if style && asset {
                let url = url_of(&target, tree) + fragment;
                self.urls.insert(import.specifier.clone(), url);
            } else {
                self.deps.insert(import.specifier.clone(), target.clone());
            }
            if import.kind == ImportKind::Static
                || import.kind == ImportKind::CssImport && !import.names.is_empty()
            {
                self.imports.push((target.clone(), import.clone()));
            }
            self.targets.insert(target);
        }
        for (index, glob) in artifact.globs.iter().enumerate() {
            let patterns = Patterns::new(id, glob, resolver);
            for found in resolver.matching(&patterns, glob) {
                let import = glob.import(index, &found.path);
                self.deps.insert(import.specifier, found.id.clone());
                self.targets.insert(found.id);
            }
            self.patterns.push(patterns);
        }
        self.exports.stars = artifact
            .export_stars
            .iter()
            .map(|star| {
                self.deps
                    .get(star)
                    .filter(|target| !target.starts_with("npm:"))
                    .cloned()
            })
            .collect();
    }

    /// An import of a package.
    fn need(&mut self, import: &ImportRecord, specifier: String) {
        self.deps
            .insert(import.specifier.clone(), format!("npm:{specifier}"));
        self.packages
            .entry(specifier)
            .or_insert_with(|| import.clone());
    }

    /// What an import means. URLs are relative without `./`; packages come second, as in Vite.
    fn resolve(
        &mut self,
        id: &str,
        import: &ImportRecord,
        resolver: &AppResolver,
    ) -> AppResolution {
        let specifier = match import.kind {
            ImportKind::Asset => {
                let end = import.specifier.len() - fragment_of(&import.specifier).len();
                import.specifier.get(..end).unwrap_or_default()
            }
            _ => import.specifier.as_str(),
        };
        self.bases.extend(resolver.bases(id, specifier));
        let resolution = resolver.resolve(id, specifier);
        let as_url = matches!(import.kind, ImportKind::Asset | ImportKind::CssImport);
        if !as_url || !matches!(resolution, AppResolution::Package(_)) {
            return resolution;
        }
        let relative = format!("./{specifier}");
        self.bases.extend(resolver.bases(id, &relative));
        match resolver.resolve(id, &relative) {
            AppResolution::App(target) => AppResolution::App(target),
            AppResolution::Public(_)
            | AppResolution::Package(_)
            | AppResolution::External(_)
            | AppResolution::NotFound { .. } => resolution,
        }
    }

    /// Whether another package.json may give an import another meaning: a package of a builtin's name, or a
    /// package's file.
    pub(super) fn depends_on_declared(&self) -> bool {
        self.package_files
            || self.targets.contains(EMPTY_ID)
            || self.packages.keys().any(|name| is_node_builtin(name))
    }

    /// The module's text; `None` when there is nothing compiled to show.
    pub(super) fn render(&self, id: &str, artifacts: &dyn Artifacts) -> Option<Rendered> {
        if id == EMPTY_ID {
            return Some(Rendered {
                code: EMPTY.to_owned(),
                deps: BTreeMap::new(),
                css: None,
            });
        }
        if let Some(url) = &self.url {
            return Some(Rendered {
                code: record::asset(url),
                deps: BTreeMap::new(),
                css: None,
            });
        }
        let artifact = artifacts.artifact(id)?;
        let css = artifact
            .css
            .as_ref()
            .map(|css| styles::substitute(css, &|specifier| self.urls.get(specifier).cloned()));
        Some(Rendered {
            code: artifact.code.clone(),
            deps: self.deps.clone(),
            css,
        })
    }
}

/// A compilable file asked for by URL is an asset all the same.
fn as_url(id: &str) -> String {
    if is_asset(id) || worker_entry(id).is_some() {
        id.to_owned()
    } else {
        format!("{}?url", split_query(id).0)
    }
}

fn url_of(id: &str, tree: &Tree) -> String {
    let path = split_query(id.trim_start_matches('/')).0;
    let file = tree.0.get(path);
    let file = file.or_else(|| tree.0.get(&format!("public/{path}")));
    file.map_or_else(|| format!("/{path}"), |meta| asset_url(path, &meta.hash))
}

//! What a specifier means inside an app: a module of the tree, a public file, a package, a URL.
//!
//! Pure: asks only which paths the tree has. How packages resolve is the build service's business.

use crate::resolution_paths::{find, folder, join, split_query};
use crate::subpath_imports::SubpathImports;
use crate::tree::Tree;
use crate::tsconfig::{PathMappings, TsConfig};
use hotplate_compiler::Mode;
use std::collections::BTreeSet;

/// What a specifier means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppResolution {
    /// A module id of the app: `/` + path + query.
    App(String),
    /// A file of `public/`, by its URL path (`/vite.svg`).
    Public(String),
    /// A package's bare specifier, its query included.
    Package(String),
    /// Another origin's URL, or a `data:` URL; left as it is.
    External(String),
    /// Nothing in the tree; `suggestion` is a specifier that would work.
    NotFound {
        /// The nearest specifier that resolves.
        suggestion: Option<String>,
    },
}

/// Where an app's `imports` are.
const MANIFEST: &str = "package.json";

/// Resolves specifiers of one tree.
#[derive(Debug, Clone, Default)]
pub struct AppResolver {
    paths: BTreeSet<String>,
    config: TsConfig,
    mappings: PathMappings,
    imports: SubpathImports,
    mode: Mode,
}

impl AppResolver {
    /// `text` gives the content of configuration files.
    pub fn new(tree: &Tree, text: &dyn Fn(&str) -> Option<String>, mode: Mode) -> Self {
        let config = TsConfig::read(text);
        Self {
            paths: tree.0.keys().cloned().collect(),
            mappings: config.path_mappings(),
            imports: SubpathImports::read(text(MANIFEST), mode),
            config,
            mode,
        }
    }

    /// The app's `tsconfig.json`.
    pub fn config(&self) -> &TsConfig {
        &self.config
    }

    /// Whether a change of the file at `path` gives specifiers other meanings, beyond that it came or went.
    pub(crate) fn depends_on(&self, path: &str, text: &dyn Fn(&str) -> Option<String>) -> bool {
        self.config.depends_on(path)
            || path == MANIFEST && self.imports != SubpathImports::read(text(MANIFEST), self.mode)
    }

    /// A file came.
    pub(crate) fn insert(&mut self, path: &str) {
        self.paths.insert(path.to_owned());
    }

    /// A file went.
    pub(crate) fn remove(&mut self, path: &str) {
        self.paths.remove(path);
    }

    pub(crate) fn paths(&self) -> &BTreeSet<String> {
        &self.paths
    }

    fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Resolves `specifier` as written in the module `importer` (an app module's id).
    pub fn resolve(&self, importer: &str, specifier: &str) -> AppResolution {
        if has_scheme(specifier) {
            return AppResolution::External(specifier.to_owned());
        }
        let (path, query) = split_query(specifier);
        if path.starts_with('#') {
            match self.imports.target(path) {
                // TypeScript's `paths` may have such names as well.
                None if self.mappings.candidates(path).is_empty() => {
                    return AppResolution::NotFound { suggestion: None };
                }
                Some(target) if !is_relative(&target) => {
                    return AppResolution::Package(target + query);
                }
                // A path of the app, among the bases.
                Some(_) | None => {}
            }
        }
        let app = |found: String| AppResolution::App(format!("/{found}{query}"));
        let bases = self.bases(importer, specifier);
        for base in &bases {
            if let Some(found) = find(base, &|path| self.has(path)) {
                return app(found);
            }
        }
        if path.starts_with('/') {
            let public = path.trim_start_matches('/');
            if self.has(&format!("public/{public}")) {
                return AppResolution::Public(format!("/{public}"));
            }
        } else if !is_relative(path)
            && !["@/", "~/", "#"]
                .iter()
                .any(|start| path.starts_with(start))
        {
            return AppResolution::Package(specifier.to_owned());
        }
        AppResolution::NotFound {
            suggestion: bases
                .first()
                .and_then(|base| self.suggest(importer, path, base)),
        }
    }

    /// Paths (no leading slash, no extension added) that the specifier may mean, best first. A module is
    /// resolved anew when a file comes or goes that one of these may mean.
    pub(crate) fn bases(&self, importer: &str, specifier: &str) -> Vec<String> {
        let (path, _) = split_query(specifier);
        let here = folder(importer.trim_start_matches('/'));
        if is_relative(path) {
            return join(here, path).into_iter().collect();
        }
        if path.starts_with('/') {
            return join("", path).into_iter().collect();
        }
        if path.starts_with('#') {
            return match self.imports.target(path) {
                Some(target) if is_relative(&target) => join("", &target).into_iter().collect(),
                Some(_) => Vec::new(),
                None => self.mappings.candidates(path),
            };
        }
        let mut bases = self.mappings.candidates(path);
        // The alias that nearly every Vite template sets up in vite.config, which is not executed here.
        if let Some(rest) = path.strip_prefix("@/").or_else(|| path.strip_prefix("~/")) {
            bases.extend(join("src", rest));
        }
        bases
    }

    /// The nearest file of the folder the specifier points into, as a specifier.
    fn suggest(&self, importer: &str, specifier: &str, base: &str) -> Option<String> {
        let wanted = base.rsplit('/').next()?;
        let into = folder(base);
        let names = self
            .paths
            .iter()
            .filter(|path| folder(path) == into && format!("/{path}") != importer)
            .map(|path| path.rsplit('/').next().unwrap_or(path));
        let best = nearest(wanted, names)?;
        let suggested = if wanted.contains('.') {
            best
        } else {
            script_stem(best)
        };
        let start = specifier.rfind('/').map_or(0, |at| at + 1);
        let (prefix, last) = specifier.split_at(start);
        // Where it ends in `/`, `/.` or another name (`#imports`), a name in its place means another folder.
        (last == wanted).then(|| format!("{prefix}{suggested}"))
    }
}

/// The name most like `wanted`, if any is like it; extensions do not count.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let stem = |name: &str| name.split('.').next().unwrap_or(name).to_lowercase();
    let wanted = stem(wanted);
    names
        .map(|name| {
            let likeness = strsim::normalized_damerau_levenshtein(&wanted, &stem(name));
            (name, likeness)
        })
        .filter(|(_, likeness)| *likeness >= 0.6)
        .max_by(|left, right| left.1.total_cmp(&right.1))
        .map(|(name, _)| name)
}

fn script_stem(name: &str) -> &str {
    [".tsx", ".ts", ".jsx", ".js", ".mjs", ".mts"]
        .iter()
        .find_map(|extension| name.strip_suffix(extension))
        .unwrap_or(name)
}

fn is_relative(path: &str) -> bool {
    path.starts_with("./") || path.starts_with("../") || path == "." || path == ".."
}

/// `https:`, `data:`, `//host`: a URL, not a path. A scheme has two characters at least (RFC 3986, 3.1,
/// and so that a drive letter is none), and `npm:`-like imports of packages do not exist in Vite.
fn has_scheme(specifier: &str) -> bool {
    if specifier.starts_with("//") {
        return true;
    }
    specifier.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
            && matches!(
                scheme,
                "http" | "https" | "data" | "blob" | "mailto" | "tel" | "about"
            )
    })
}

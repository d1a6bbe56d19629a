//! One installed folder: ids of its files, and what specifiers mean in it.
//!
//! Ids are `npm:<name>@<version>/<file>`, the same on every machine, so that artifacts are shared.

use hotplate_compiler::{ImportKind, Platform};
use hotplate_linker::{LinkFailure, Resolved, is_node_builtin};
use hotplate_protocol::VendorMode;
use oxc_resolver::{PackageJson, Resolution, ResolveError, ResolveOptions, Resolver, SideEffects};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Prefix of ids that stand for nothing.
const EMPTY_PREFIX: &str = "npm:empty/";

/// What an id of a package stands for.
pub(crate) enum PackageTarget {
    /// A file on disk.
    File(PathBuf),
    /// `"browser": { "x": false }`.
    Empty,
}

/// An installed folder.
pub(crate) struct PackageFolder {
    root: PathBuf,
    /// `node_modules/react` → `npm:react@19.0.0`.
    ids: HashMap<String, String>,
    /// `react@19.0.0` → `node_modules/react`.
    places: HashMap<String, String>,
    resolvers: BTreeMap<(VendorMode, Platform, Face), Resolver>,
    esm_folders: Mutex<HashMap<PathBuf, bool>>,
}

impl PackageFolder {
    pub(crate) fn open(root: PathBuf) -> std::io::Result<Self> {
        let listing = root.join("node_modules/.package-lock.json");
        let listing: Value = match std::fs::read(&listing) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            // Nothing was installed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Value::Null,
            Err(error) => return Err(error),
        };
        let mut installed: Vec<(&String, &str)> = listing
            .get("packages")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(place, entry)| Some((place, entry.get("version")?.as_str()?)))
            .collect();
        // Shallow first: the hoisted copy of a version has the plain id.
        installed.sort_by_key(|(place, _)| (place.len(), *place));
        let (mut ids, mut places) = (HashMap::new(), HashMap::new());
        for (place, version) in installed {
            let Some((_, name)) = place.rsplit_once("node_modules/") else {
                continue;
            };
            let plain = format!("{name}@{version}");
            let mut unique = plain.clone();
            let mut copy = 1;
            while places.contains_key(&unique) {
                copy += 1;
                unique = format!("{plain}~{copy}");
            }
            ids.insert(place.clone(), format!("npm:{unique}"));
            places.insert(unique, place.clone());
        }
        let base = Resolver::new(ResolveOptions::default());
        let modes = [VendorMode::Development, VendorMode::Production];
        let platforms = [Platform::Browser, Platform::Server];
        let faces = [Face::Import, Face::Require, Face::Style];
        let keys = modes.into_iter().flat_map(|mode| {
            platforms
                .into_iter()
                .flat_map(move |platform| faces.into_iter().map(move |face| (mode, platform, face)))
        });
        let resolvers = keys.map(|key @ (mode, platform, face)| {
            (key, base.clone_with_options(options(mode, platform, face)))
        });
        Ok(Self {
            root,
            ids,
            places,
            resolvers: resolvers.collect(),
            esm_folders: Mutex::new(HashMap::new()),
        })
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What `specifier` means in the package file `importer`, or in the app when that is none.
    pub(crate) fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        kind: ImportKind,
        (mode, platform): (VendorMode, Platform),
    ) -> Result<Resolved, LinkFailure> {
        let not_found = || LinkFailure::NotFound {
            specifier: specifier.to_owned(),
            suggestion: None,
        };
        let folder = match self.target(importer) {
            Some(PackageTarget::File(path)) => path
                .parent()
                .map_or_else(|| self.root.clone(), Path::to_owned),
            Some(PackageTarget::Empty) => return Err(not_found()),
            None => self.root.clone(),
        };
        let face = match kind {
            ImportKind::Require => Face::Require,
            ImportKind::CssImport => Face::Style,
            ImportKind::Static | ImportKind::Dynamic | ImportKind::Asset => Face::Import,
        };
        let resolve = |face| {
            let resolver = self.resolvers.get(&(mode, platform, face));
            resolver.map(|resolver| resolver.resolve(&folder, specifier))
        };
        let resolution = match resolve(face).ok_or_else(not_found)? {
            // A package that shows sheets no face of their own.
            Err(_) if face == Face::Style => resolve(Face::Import).ok_or_else(not_found)?,
            resolution => resolution,
        };
        match resolution {
            Ok(resolution) => self.resolved(&resolution).ok_or_else(not_found),
            Err(ResolveError::Ignored(path)) => Ok(Resolved {
                id: format!(
                    "{EMPTY_PREFIX}{}",
                    path.strip_prefix(&self.root).unwrap_or(&path).display()
                ),
                side_effects: false,
            }),
            Err(error) => Err(self.failure(specifier, &error)),
        }
    }

    fn resolved(&self, resolution: &Resolution) -> Option<Resolved> {
        // Whatever a specifier says, only files of installed packages are reached.
        let (prefix, file) = self.id_parts(resolution.path())?;
        let side_effects = resolution
            .package_json()
            .is_none_or(|json| has_side_effects(json, resolution.path()));
        Some(Resolved {
            id: format!("{prefix}/{file}"),
            side_effects,
        })
    }

    fn id_parts(&self, path: &Path) -> Option<(&str, String)> {
        let relative = path.strip_prefix(&self.root).ok()?.to_str()?;
        let (_, inner) = relative.rsplit_once("node_modules/")?;
        let segments = if inner.starts_with('@') { 2 } else { 1 };
        let name_end = inner
            .match_indices('/')
            .nth(segments - 1)
            .map(|(at, _)| at)?;
        let place_end = relative.len() - inner.len() + name_end;
        let prefix = self.ids.get(relative.get(..place_end)?)?;
        Some((prefix, relative.get(place_end + 1..)?.to_owned()))
    }

    fn failure(&self, specifier: &str, error: &ResolveError) -> LinkFailure {
        let specifier = specifier.to_owned();
        let package = hotplate_linker::package_name(&specifier).to_owned();
        if is_node_builtin(&specifier) {
            return LinkFailure::NodeBuiltin { specifier };
        }
        match error {
            ResolveError::NotFound(_)
                if super::spec::is_name(&package)
                    && !self.ids.contains_key(&format!("node_modules/{package}")) =>
            {
                LinkFailure::DependencyMissing { package }
            }
            ResolveError::NotFound(_) => LinkFailure::NotFound {
                specifier,
                suggestion: None,
            },
            ResolveError::PackagePathNotExported { subpath, .. } => LinkFailure::Refused {
                code: "not_exported".to_owned(),
                message: format!("The package `{package}` does not export `{subpath}`"),
            },
            // Other messages may name folders of this machine.
            _ => LinkFailure::Refused {
                code: "unresolved_import".to_owned(),
                message: format!("`{specifier}` cannot be resolved"),
            },
        }
    }

    /// What an id stands for; `None` when it is no package's.
    pub(crate) fn target(&self, id: &str) -> Option<PackageTarget> {
        if id.starts_with(EMPTY_PREFIX) {
            return Some(PackageTarget::Empty);
        }
        let rest = id.split('?').next().unwrap_or(id).strip_prefix("npm:")?;
        let segments = if rest.starts_with('@') { 2 } else { 1 };
        let end = rest
            .match_indices('/')
            .nth(segments - 1)
            .map(|(at, _)| at)?;
        let place = self.places.get(rest.get(..end)?)?;
        let file = rest.get(end + 1..)?;
        if file.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        Some(PackageTarget::File(self.root.join(place).join(file)))
    }

    /// Whether a file is an ES module for Node: by its ending, or by the nearest `package.json`.
    pub(crate) fn is_node_esm(&self, path: &Path) -> bool {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("mjs" | "mts") => true,
            Some("js" | "jsx" | "ts" | "tsx") => path
                .parent()
                .is_some_and(|folder| self.is_esm_folder(folder)),
            _ => false,
        }
    }

    fn is_esm_folder(&self, folder: &Path) -> bool {
        let known = self
            .esm_folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(folder)
            .copied();
        if let Some(known) = known {
            return known;
        }
        let json = std::fs::read(folder.join("package.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let esm = match json {
            Some(json) => json.get("type").and_then(Value::as_str) == Some("module"),
            None => {
                folder.starts_with(&self.root)
                    && folder
                        .parent()
                        .is_some_and(|parent| self.is_esm_folder(parent))
            }
        };
        self.esm_folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.to_owned(), esm);
        esm
    }
}

fn has_side_effects(json: &PackageJson, path: &Path) -> bool {
    let Ok(file) = path.strip_prefix(json.directory()) else {
        return true;
    };
    let file = file.to_string_lossy();
    let matches = |glob: &str| {
        let glob = glob.trim_start_matches("./");
        // A pattern without a slash is about names anywhere, as in webpack.
        let anywhere =
            !glob.contains('/') && fast_glob::glob_match(format!("**/{glob}"), file.as_ref());
        anywhere || fast_glob::glob_match(glob, file.as_ref())
    };
    match json.side_effects() {
        None => true,
        Some(SideEffects::Bool(value)) => value,
        Some(SideEffects::String(glob)) => matches(glob),
        Some(SideEffects::Array(globs)) => globs.into_iter().any(matches),
    }
}

/// Which of a package's entry points is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Face {
    Import,
    Require,
    /// `@import` of a sheet (Vite's `style` condition and field).
    Style,
}

fn options(mode: VendorMode, platform: Platform, face: Face) -> ResolveOptions {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let mode = match mode {
        VendorMode::Development => "development",
        VendorMode::Production => "production",
    };
    let face = match face {
        Face::Import => "import",
        Face::Require => "require",
        Face::Style => {
            return ResolveOptions {
                condition_names: words(&["style", mode, "default"]),
                main_fields: words(&["style"]),
                extensions: words(&[".css"]),
                symlinks: false,
                ..ResolveOptions::default()
            };
        }
    };
    let conditions = match platform {
        Platform::Browser => words(&[face, "browser", "module", mode, "default"]),
        // Wrangler's.
        Platform::Server => words(&[face, "workerd", "worker", "browser", mode, "default"]),
    };
    ResolveOptions {
        condition_names: conditions,
        alias_fields: vec![words(&["browser"])],
        main_fields: words(&["browser", "module", "main"]),
        extensions: words(&[
            ".mjs", ".js", ".mts", ".ts", ".jsx", ".tsx", ".json", ".cjs",
        ]),
        // npm packs no links; paths then stay inside the folder as they are written.
        symlinks: false,
        ..ResolveOptions::default()
    }
}

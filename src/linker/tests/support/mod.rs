//! An app in memory: files, artifacts by the real compiler, packages for the native walk.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use hotplate_compiler::{ImportKind, ModuleArtifact, Options, Source, compile, is_compilable};
use hotplate_linker::{
    AppResolution, AppResolver, Artifacts, FileMeta, LinkFailure, Loaded, ModuleHost, Resolved,
    Tree, is_asset, package_name,
};
use hotplate_protocol::Diagnostic;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub type Files = BTreeMap<String, Vec<u8>>;
type Compiled = Option<Arc<ModuleArtifact>>;

/// Where the fixtures are.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/linker")
}

/// Every file under a folder, by its path there.
pub fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// An app's tree with what it compiles to.
#[derive(Default)]
pub struct App {
    pub files: Files,
    cache: RefCell<BTreeMap<(String, Vec<u8>), Compiled>>,
}

impl App {
    pub fn new(files: Files) -> Self {
        Self {
            files,
            cache: RefCell::default(),
        }
    }

    pub fn tree(&self) -> Tree {
        Tree(
            self.files
                .iter()
                .map(|(path, bytes)| {
                    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
                    (
                        path.clone(),
                        FileMeta {
                            hash,
                            size: bytes.len() as u64,
                        },
                    )
                })
                .collect(),
        )
    }

    pub fn paths(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }
}

fn path_of(id: &str) -> &str {
    id.split('?').next().unwrap().trim_start_matches('/')
}

impl Artifacts for App {
    fn artifact(&self, id: &str) -> Compiled {
        let content = self.files.get(path_of(id))?;
        let mut cache = self.cache.borrow_mut();
        let key = (id.to_owned(), content.clone());
        cache
            .entry(key)
            .or_insert_with(|| {
                compile(&Source { id, content }, &Options::development())
                    .artifact
                    .map(Arc::new)
            })
            .clone()
    }

    fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.files.get(path)?.clone()).ok()
    }
}

/// An app and packages (`react@1.0.0/index.js`; a package without `sideEffects` in `pure`).
pub struct Host {
    pub files: Files,
    pub packages: Files,
    pub resolver: AppResolver,
    pub options: Options,
    pub pure: Vec<&'static str>,
}

impl Host {
    fn package_file(&self, specifier: &str) -> Option<String> {
        let name = package_name(specifier);
        let rest = specifier.get(name.len()..)?.trim_start_matches('/');
        let file = if rest.is_empty() { "index.js" } else { rest };
        self.packages
            .keys()
            .find(|path| {
                path.starts_with(&format!("{name}@"))
                    && path.split_once('/').is_some_and(|(_, at)| at == file)
            })
            .map(|path| format!("npm:{path}"))
    }
}

impl ModuleHost for Host {
    fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        _: ImportKind,
    ) -> Result<Resolved, LinkFailure> {
        let found = |id: String| {
            let side_effects = !self.pure.iter().any(|pure| id.starts_with(pure));
            Ok(Resolved { id, side_effects })
        };
        let missing = |suggestion| LinkFailure::NotFound {
            specifier: specifier.to_owned(),
            suggestion,
        };
        let bare = if let Some(path) = importer.strip_prefix("npm:") {
            if specifier == "fs" {
                return Err(LinkFailure::NodeBuiltin {
                    specifier: specifier.to_owned(),
                });
            }
            if let Some(relative) = specifier.strip_prefix("./") {
                let file = format!("{}/{relative}", path.rsplit_once('/').unwrap().0);
                return if self.packages.contains_key(&file) {
                    found(format!("npm:{file}"))
                } else {
                    Err(missing(None))
                };
            }
            specifier.to_owned()
        } else {
            match self.resolver.resolve(importer, specifier) {
                AppResolution::App(id)
                | AppResolution::Public(id)
                | AppResolution::External(id) => return found(id),
                AppResolution::Package(bare) => bare,
                AppResolution::NotFound { suggestion } => return Err(missing(suggestion)),
            }
        };
        self.package_file(&bare).map_or_else(
            || {
                Err(LinkFailure::DependencyMissing {
                    package: package_name(&bare).to_owned(),
                })
            },
            found,
        )
    }

    fn load(&self, id: &str) -> Result<Loaded, Vec<Diagnostic>> {
        let plain = id.split('?').next().unwrap();
        let content = match plain.strip_prefix("npm:") {
            Some(path) => self.packages.get(path),
            None => self.files.get(plain.trim_start_matches('/')),
        }
        .unwrap_or_else(|| panic!("{id} was resolved"));
        if is_asset(id) || !is_compilable(plain) && !id.contains('?') {
            let extension = plain.rsplit('.').next().unwrap().to_owned();
            return Ok(Loaded::Asset {
                bytes: Arc::from(content.as_slice()),
                extension,
            });
        }
        let compiled = compile(&Source { id, content }, &self.options);
        compiled
            .artifact
            .map(|artifact| Loaded::Module(Arc::new(artifact)))
            .ok_or(compiled.diagnostics)
    }

    fn node_mode(&self, id: &str) -> bool {
        id.ends_with(".mjs")
    }
}

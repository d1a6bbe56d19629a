//! An app in memory: files, artifacts by the real compiler, packages for the native walk.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

#[cfg(feature = "minify")]
pub mod native;

use hotplate_compiler::{ModuleArtifact, Options, Source, compile};
use hotplate_linker::{Artifacts, FileMeta, Tree};
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

    /// How many modules were compiled so far.
    pub fn compiled(&self) -> usize {
        self.cache.borrow().len()
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

//! An app's own files as a build sees them: where their bytes are, how they compile, what they name.

use crate::artifacts::ArtifactStore;
use crate::config::BUILD_MEMORY_BYTES;
use crate::contents::Contents;
use crate::memory::MemoryBudget;
use hotplate_compiler::{ModuleArtifact, Options, is_compilable};
use hotplate_linker::{AppResolver, Artifacts, FileMeta, Tree, public_values};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the bytes of an app's files are.
pub(crate) enum Bytes {
    /// By hash, as a job brought them.
    Contents(Contents),
    /// By path, under a folder of this machine.
    Folder(PathBuf),
}

/// An app's own files.
pub(crate) struct AppFiles {
    pub(crate) tree: Tree,
    pub(crate) resolver: AppResolver,
    pub(crate) bytes: Bytes,
    pub(crate) options: Options,
    /// Bytes of modules and files that one step of its build may hold.
    pub(crate) memory_bytes: u64,
}

impl AppFiles {
    /// The app of these files. `env` is stronger than what its `.env` files say; the rest of `options` is
    /// weaker than its `tsconfig.json`.
    pub(crate) fn new(
        files: impl IntoIterator<Item = (String, FileMeta)>,
        bytes: Bytes,
        env: &BTreeMap<String, String>,
        options: Options,
    ) -> Self {
        let mut app = Self {
            tree: Tree(files.into_iter().collect()),
            resolver: AppResolver::default(),
            bytes,
            options,
            memory_bytes: BUILD_MEMORY_BYTES,
        };
        app.resolver = AppResolver::new(&app.tree, &|path| app.text(path), app.options.mode);
        app.options = app.resolver.config().compiler_options(app.options.clone());
        app.options.env = public_values(app.options.mode, &|path| app.text(path));
        let env = env
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        app.options.env.extend(env);
        app
    }

    /// The same, whose build may hold so much.
    pub(crate) const fn with_memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// The bytes of a file of the tree.
    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let meta = self.tree.0.get(path)?;
        match &self.bytes {
            Bytes::Contents(contents) => contents
                .read(&meta.hash)
                .inspect_err(|error| tracing::error!(path, %error, "a content is gone"))
                .ok(),
            Bytes::Folder(folder) => std::fs::read(folder.join(path)).ok(),
        }
    }

    /// The text of a file of the tree.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.bytes(path)?).ok()
    }
}

/// The app's compiled modules, as they are at one moment: a link asks for each several times, and its file
/// is read and hashed once.
pub(crate) struct AppArtifacts<'a> {
    app: &'a AppFiles,
    artifacts: &'a ArtifactStore,
    memory: MemoryBudget,
    known: Mutex<HashMap<String, Option<Arc<ModuleArtifact>>>>,
}

impl<'a> AppArtifacts<'a> {
    pub(crate) fn new(app: &'a AppFiles, artifacts: &'a ArtifactStore) -> Self {
        Self {
            app,
            artifacts,
            memory: MemoryBudget::new(app.memory_bytes),
            known: Mutex::default(),
        }
    }

    /// Compiles everything that may be a module side by side, so that a walk finds it compiled. Errors
    /// are told by the link itself, for the modules it reaches.
    pub(crate) fn compile_all(&self) {
        let paths: Vec<&String> = self.app.tree.0.keys().collect();
        paths
            .par_iter()
            .filter(|path| is_compilable(path) && !path.starts_with("public/"))
            .for_each(|path| {
                drop(self.artifact(&format!("/{path}")));
            });
    }
}

impl Artifacts for AppArtifacts<'_> {
    fn artifact(&self, id: &str) -> Option<Arc<ModuleArtifact>> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(artifact) = known().get(id) {
            return artifact.clone();
        }
        let path = id.split('?').next().unwrap_or(id).trim_start_matches('/');
        let compile = |bytes: Vec<u8>| self.artifacts.compile(id, &bytes, &self.app.options);
        // Errors are told by the link itself, for the modules it reaches.
        let artifact = self.app.bytes(path).and_then(|bytes| compile(bytes).ok());
        let artifact = artifact.filter(|it| self.memory.hold_artifact(id, it).is_ok());
        known().insert(id.to_owned(), artifact.clone());
        artifact
    }

    fn text(&self, path: &str) -> Option<String> {
        self.app.text(path)
    }
}

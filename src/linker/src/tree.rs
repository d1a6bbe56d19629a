//! What the linker is told about an app: which files there are, and what they compiled to.

use hotplate_compiler::ModuleArtifact;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the linker knows of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// Lower-case hex SHA-256 of the content.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

/// The files of an app, by path (no leading slash).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, FileMeta>);

impl Tree {
    /// Whether there is a file of that path.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

/// Compiled modules and plain texts of one tree.
pub trait Artifacts {
    /// The last good artifact of a module id (`/src/App.tsx`, `/src/a.txt?raw`).
    fn artifact(&self, id: &str) -> Option<Arc<ModuleArtifact>>;
    /// The text of `index.html`, `package.json` or a `tsconfig*.json`.
    fn text(&self, path: &str) -> Option<String>;
}

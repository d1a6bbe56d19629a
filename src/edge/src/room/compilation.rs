//! Modules of the working tree, compiled when they are asked for and kept in `SQLite`: a file is
//! compiled once per content and options, whatever restarts.

use super::storage::{ArtifactRow, Storage, TextKind};
use data_encoding::HEXLOWER;
use hotplate_compiler::{ModuleArtifact, Options, Source, VERSION, compile};
use hotplate_linker::{Artifacts, Tree};
use hotplate_protocol::{Diagnostic, Severity};
use sha2::{Digest, Sha256};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use worker::{Result, console_error};

/// Most diagnostics kept of one module; more are one mistake's echo.
const DIAGNOSTICS: usize = 50;

/// What is known of one module in memory.
#[derive(Clone)]
struct Known {
    /// Hash of what was compiled last.
    input: String,
    /// The last good artifact, without its map.
    artifact: Option<Arc<ModuleArtifact>>,
    /// What the last compilation said.
    diagnostics: Vec<Diagnostic>,
}

/// The modules in memory; a cache over [`Storage`].
#[derive(Default)]
pub(super) struct Modules {
    known: RefCell<BTreeMap<String, Known>>,
    /// Those of `known` of which something is said.
    troubled: RefCell<BTreeSet<String>>,
    compiled: Cell<u64>,
    looked_at: Cell<u64>,
}

impl Modules {
    /// How often the compiler ran since the room woke.
    pub(super) fn compiled(&self) -> u64 {
        self.compiled.get()
    }

    /// How many modules were looked at to collect what is said of them.
    pub(super) fn looked_at(&self) -> u64 {
        self.looked_at.get()
    }

    /// Forgets a file that is gone.
    pub(super) fn forget(&self, path: &str) {
        let mut known = self.known.borrow_mut();
        let plain = format!("/{path}");
        // `@` comes after `?`: everything between is the file with a query.
        let queries = format!("/{path}?")..format!("/{path}@");
        let ids: Vec<String> = known
            .range(queries)
            .map(|(id, _)| id.clone())
            .chain([plain])
            .collect();
        for id in ids {
            known.remove(&id);
            self.troubled.borrow_mut().remove(&id);
        }
    }

    fn insert(&self, id: &str, known: Known) {
        let mut troubled = self.troubled.borrow_mut();
        if known.diagnostics.is_empty() {
            troubled.remove(id);
        } else {
            troubled.insert(id.to_owned());
        }
        self.known.borrow_mut().insert(id.to_owned(), known);
    }
}

/// Compiles modules of one tree.
pub(super) struct Compilation<'a> {
    pub(super) storage: &'a Storage,
    pub(super) tree: &'a Tree,
    pub(super) options: &'a Options,
    pub(super) modules: &'a Modules,
    /// The update that brings what is compiled now.
    pub(super) since: u64,
}

impl Compilation<'_> {
    /// The bytes of a file of the tree.
    pub(super) fn content(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.tree.0.get(path) {
            Some(file) => self.storage.content(&file.hash),
            None => Ok(None),
        }
    }

    /// What the last compilation of a module said.
    pub(super) fn diagnostics(&self, id: &str) -> Vec<Diagnostic> {
        self.known(id)
            .map(|known| known.diagnostics)
            .unwrap_or_default()
    }

    /// What was said of those modules that were asked for and of which `is_meant` is true.
    pub(super) fn all_diagnostics(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
        let (known, troubled) = (self.modules.known.borrow(), self.modules.troubled.borrow());
        let looked_at = &self.modules.looked_at;
        troubled
            .iter()
            .inspect(|_| looked_at.update(|count| count + 1))
            .filter(|id| is_meant(id))
            .filter_map(|id| known.get(id))
            .flat_map(|module| module.diagnostics.iter().cloned())
            .collect()
    }

    fn known(&self, id: &str) -> Option<Known> {
        self.find(id).unwrap_or_else(|error| {
            console_error!("module {id} could not be read or stored: {error}");
            None
        })
    }

    fn find(&self, id: &str) -> Result<Option<Known>> {
        let path = path_of(id);
        let Some(file) = self.tree.0.get(path) else {
            return Ok(None);
        };
        let input = input_hash(&file.hash, self.options);
        if let Some(known) = self
            .modules
            .known
            .borrow()
            .get(id)
            .filter(|known| known.input == input)
        {
            return Ok(Some(known.clone()));
        }
        let stored = self.storage.artifact(id)?;
        let known = match &stored {
            Some(row) if row.input == input => Known {
                input,
                artifact: self.last_good(id, row.good)?,
                diagnostics: serde_json::from_str(&row.diagnostics)?,
            },
            Some(_) | None => {
                let Some(content) = self.storage.content(&file.hash)? else {
                    return Ok(None);
                };
                self.compile(id, path, input, &content, stored.as_ref())?
            }
        };
        self.modules.insert(id, known.clone());
        Ok(Some(known))
    }

    fn compile(
        &self,
        id: &str,
        path: &str,
        input: String,
        content: &[u8],
        stored: Option<&ArtifactRow>,
    ) -> Result<Known> {
        self.modules.compiled.update(|count| count + 1);
        let last = self.last_good(id, stored.map_or(0, |row| row.good))?;
        // Written first: a file that brings the compiler down (panics and deep stacks end the whole WebAssembly
        // instance) is found with this said of it when the room comes back, and is not compiled again.
        let before = stored.map_or(self.since, |row| row.since);
        self.storage
            .put_artifact(id, path, &input, false, &[crashed(path)], before)?;
        let mut compiled = compile(&Source { id, content }, self.options);
        compiled.diagnostics.truncate(DIAGNOSTICS);
        let is_good = compiled.artifact.is_some();
        // An edit of comments alone moves lines, not code: pages go on with what they have.
        let same_code = match (&last, &compiled.artifact) {
            (Some(last), Some(now)) => last.code == now.code,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let since = stored
            .filter(|_| same_code)
            .map_or(self.since, |row| row.since);
        self.storage
            .put_artifact(id, path, &input, is_good, &compiled.diagnostics, since)?;
        let artifact = match compiled.artifact {
            Some(mut artifact) => {
                match artifact.map.take() {
                    Some(map) => self.storage.put_text(TextKind::Map, id, &map)?,
                    None => self.storage.delete_text(TextKind::Map, id)?,
                }
                self.storage.put_text(
                    TextKind::Artifact,
                    id,
                    &serde_json::to_string(&artifact)?,
                )?;
                Some(Arc::new(artifact))
            }
            None => last,
        };
        Ok(Known {
            input,
            artifact,
            diagnostics: compiled.diagnostics,
        })
    }

    /// Notes that the compiler fails on a file as it is, so that it is not asked again until the file is
    /// another one.
    pub(super) fn set_aside(&self, path: &str) -> Result<()> {
        let Some(file) = self.tree.0.get(path) else {
            return Ok(());
        };
        let input = input_hash(&file.hash, self.options);
        let message = "The compiler failed on this file; the last good module keeps running";
        let diagnostics = [Diagnostic {
            file: path.to_owned(),
            ..Diagnostic::without_place(Severity::Error, "compiler_failed", message)
        }];
        let id = format!("/{path}");
        let known = self.storage.artifacts_of_path(path)?;
        for id in known.iter().filter(|known| **known != id).chain([&id]) {
            // The last good module stays, and with it the update that brought it.
            let since = self
                .storage
                .artifact(id)?
                .map_or(self.since, |row| row.since);
            self.storage
                .put_artifact(id, path, &input, false, &diagnostics, since)?;
        }
        Ok(())
    }

    fn last_good(&self, id: &str, good: u8) -> Result<Option<Arc<ModuleArtifact>>> {
        if good == 0 {
            return Ok(None);
        }
        if let Some(known) = self.modules.known.borrow().get(id)
            && let Some(artifact) = &known.artifact
        {
            return Ok(Some(Arc::clone(artifact)));
        }
        let text = self.storage.text(TextKind::Artifact, id)?;
        Ok(text
            .map(|text| serde_json::from_str(&text))
            .transpose()?
            .map(Arc::new))
    }
}

impl Artifacts for Compilation<'_> {
    fn artifact(&self, id: &str) -> Option<Arc<ModuleArtifact>> {
        self.known(id)?.artifact
    }

    fn text(&self, path: &str) -> Option<String> {
        match self.content(path) {
            Ok(content) => content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => {
                console_error!("{path} could not be read: {error}");
                None
            }
        }
    }
}

fn crashed(path: &str) -> Diagnostic {
    Diagnostic {
        file: path.to_owned(),
        fix: Some("Change the file; it is compiled again when it differs.".to_owned()),
        ..Diagnostic::without_place(
            Severity::Error,
            "compiler_crashed",
            "The compiler broke down on this file; the last good module keeps running",
        )
    }
}

/// Everything a module's artifact depends on.
fn input_hash(content_hash: &str, options: &Options) -> String {
    let text = format!("{VERSION}\0{}\0{content_hash}", options.fingerprint());
    HEXLOWER.encode(&Sha256::digest(text))
}

/// The file that a module id is made of.
pub(super) fn path_of(id: &str) -> &str {
    let path = id.split_once('?').map_or(id, |(path, _)| path);
    path.strip_prefix('/').unwrap_or(path)
}

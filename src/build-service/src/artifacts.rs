//! Compiled modules by content: memory first, then disk. The compiler itself is asked last.

mod writer;

use crate::contents::sha256;
use crate::disk;
use crate::metrics::ArtifactCounts;
use crate::work::guarded;
use hotplate_compiler::{ModuleArtifact, Options, Source, VERSION, compile};
use hotplate_protocol::{Diagnostic, Severity};
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
pub(crate) use writer::Building;
use writer::Writer;

/// Bytes of artifacts kept in memory.
const MEMORY_BYTES: usize = 48 * 1024 * 1024;
/// Bytes kept on disk.
const DISK_BYTES: u64 = 1024 * 1024 * 1024;

/// The cache.
pub struct ArtifactStore {
    pub(crate) counts: ArtifactCounts,
    disk: Option<Disk>,
    memory: Mutex<Memory>,
}

/// What outlives the process.
struct Disk {
    folder: PathBuf,
    writer: Writer,
}

#[derive(Default)]
struct Memory {
    artifacts: HashMap<String, Arc<ModuleArtifact>>,
    /// Oldest first.
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Memory {
    fn insert(&mut self, key: String, artifact: Arc<ModuleArtifact>) {
        let size = artifact.code.len()
            + artifact.map.as_ref().map_or(0, String::len)
            + artifact.css.as_ref().map_or(0, String::len);
        if self.artifacts.insert(key.clone(), artifact).is_some() {
            return;
        }
        self.order.push_back((key, size));
        self.bytes += size;
        while self.bytes > MEMORY_BYTES
            && let Some((oldest, size)) = self.order.pop_front()
        {
            self.artifacts.remove(&oldest);
            self.bytes -= size;
        }
    }
}

impl ArtifactStore {
    /// Opens the cache, making its folder and dropping the oldest when it grew too large.
    pub fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        disk::trim(&folder, DISK_BYTES)?;
        Ok(Self {
            counts: ArtifactCounts::default(),
            disk: Some(Disk {
                writer: Writer::start(folder.clone(), DISK_BYTES)?,
                folder,
            }),
            memory: Mutex::default(),
        })
    }

    /// A cache that ends with the process, for programs that bundle once.
    pub fn in_memory() -> Self {
        Self {
            counts: ArtifactCounts::default(),
            disk: None,
            memory: Mutex::default(),
        }
    }

    /// Says that a build runs, as long as the answer is kept: its artifacts are written to disk afterwards.
    pub(crate) fn building(&self) -> Option<Building<'_>> {
        self.disk.as_ref().map(|disk| disk.writer.building())
    }

    /// The artifact of a module, compiled if need be.
    pub fn compile(
        &self,
        id: &str,
        content: &[u8],
        options: &Options,
    ) -> Result<Arc<ModuleArtifact>, Vec<Diagnostic>> {
        let key = sha256(
            format!(
                "{VERSION}\n{}\n{id}\n{}",
                options.fingerprint(),
                sha256(content)
            )
            .as_bytes(),
        );
        if let Some(artifact) = self
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .artifacts
            .get(&key)
        {
            self.counts.memory.inc();
            return Ok(Arc::clone(artifact));
        }
        let place = self.disk.as_ref().map(|disk| {
            let path = disk.folder.join(&key[..2]).join(&key);
            (disk, path)
        });
        let stored = place.as_ref().and_then(|(_, path)| {
            let bytes = std::fs::read(path).ok()?;
            serde_json::from_slice::<ModuleArtifact>(&bytes).ok()
        });
        let artifact = if let Some(artifact) = stored {
            self.counts.disk.inc();
            if let Some((_, path)) = &place {
                disk::touch(path);
            }
            Arc::new(artifact)
        } else {
            let artifact = Arc::new(self.fresh(id, content, options)?);
            if let Some((disk, path)) = place {
                disk.writer.write(path, Arc::clone(&artifact));
            }
            artifact
        };
        self.memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, Arc::clone(&artifact));
        Ok(artifact)
    }

    fn fresh(
        &self,
        id: &str,
        content: &[u8],
        options: &Options,
    ) -> Result<ModuleArtifact, Vec<Diagnostic>> {
        self.counts.compiler.inc();
        let compiled = guarded(|| compile(&Source { id, content }, options)).map_err(|error| {
            vec![Diagnostic {
                file: id.trim_start_matches('/').to_owned(),
                ..Diagnostic::without_place(Severity::Error, "internal", error.to_string())
            }]
        })?;
        compiled.artifact.ok_or(compiled.diagnostics)
    }
}

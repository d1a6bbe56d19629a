//! An app in a folder of this machine, with its packages in `node_modules` as npm left them: the same
//! compiler, linker and resolution as a build, without Worker, installation and upload.
//!
//! For comparisons with other bundlers (`tests/execution.test.mjs`, `tests/bench`).

use crate::app::{AppArtifacts, AppFiles, Bytes};
use crate::artifacts::ArtifactStore;
use crate::host::Host;
use crate::memory::MemoryBudget;
use crate::packages::PackageFolder;
use crate::release;
use crate::vendor::package_options;
use hotplate_compiler::{Options, Platform};
use hotplate_linker::{FileMeta, Preview, Release, ReleaseMemory, link_vendor};
use hotplate_protocol::{Diagnostic, Severity, VendorMode};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

/// The app.
pub struct FolderApp {
    folder: PathBuf,
    files: Vec<(String, FileMeta)>,
    packages: PackageFolder,
    memory: Mutex<ReleaseMemory>,
}

/// A live preview's scripts.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewScripts {
    /// The app's modules.
    pub registry: String,
    /// Its packages; empty when it needs none.
    pub vendor: String,
    /// Everything the compiler and the linker say.
    pub diagnostics: Vec<Diagnostic>,
}

impl FolderApp {
    /// Reads which files and packages there are.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        collect(folder, "", &mut files)?;
        Ok(Self {
            packages: PackageFolder::open(folder.to_owned())?,
            folder: folder.to_owned(),
            files,
            memory: Mutex::default(),
        })
    }

    fn app(&self, options: Options) -> AppFiles {
        let bytes = Bytes::Folder(self.folder.clone());
        AppFiles::new(self.files.clone(), bytes, &BTreeMap::new(), options)
    }

    /// The app with its files as they are now.
    fn app_now(&self, options: Options) -> Result<AppFiles, Vec<Diagnostic>> {
        let mut files = Vec::new();
        collect(&self.folder, "", &mut files).map_err(|error| {
            let message = format!("The folder cannot be read: {error}");
            vec![Diagnostic::without_place(
                Severity::Error,
                "file_unreadable",
                message,
            )]
        })?;
        let bytes = Bytes::Folder(self.folder.clone());
        Ok(AppFiles::new(files, bytes, &BTreeMap::new(), options))
    }

    /// Links its release; the next one costs what has changed until then.
    pub fn release(&self, artifacts: &ArtifactStore) -> Result<Release, Vec<Diagnostic>> {
        let _building = artifacts.building();
        let app = self.app_now(release::release_options())?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        release::link(&app, &self.packages, artifacts, &mut memory).map(|(release, _)| release)
    }

    /// Links its preview, every module of it.
    pub fn preview(&self, artifacts: &ArtifactStore) -> Result<PreviewScripts, Vec<Diagnostic>> {
        self.open_preview(artifacts).map(|(_, scripts)| scripts)
    }
}

/// A live preview that is kept from edit to edit, as a room keeps it.
pub struct OpenPreview {
    app: AppFiles,
    preview: Preview,
}

/// What one edit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedPreview {
    /// Modules of the update.
    pub modules: usize,
    /// Modules whose imports were resolved anew.
    pub linked: u64,
}

impl FolderApp {
    /// Links the whole preview and keeps it; answers its registry and vendor chunk, too.
    pub fn open_preview(
        &self,
        artifacts: &ArtifactStore,
    ) -> Result<(OpenPreview, PreviewScripts), Vec<Diagnostic>> {
        let _building = artifacts.building();
        let app = self.app(Options::development());
        let modules = AppArtifacts::new(&app, artifacts);
        modules.compile_all();
        let mut preview = Preview::new();
        let linked = preview.link(&app.tree, &[], &modules);
        let memory = MemoryBudget::new(app.memory_bytes);
        let host = Host {
            app: None,
            packages: &self.packages,
            artifacts,
            mode: VendorMode::Development,
            options: package_options(VendorMode::Development),
            platform: Platform::Browser,
            memory: &memory,
        };
        let (registry, vendor) = rayon::join(
            || preview.registry(&modules).script,
            || match preview.vendor() {
                Some(needs) => link_vendor(&host, &needs.specifiers).map(|chunk| chunk.code),
                None => Ok(String::new()),
            },
        );
        let scripts = PreviewScripts {
            registry,
            vendor: vendor?,
            diagnostics: linked.diagnostics,
        };
        Ok((OpenPreview { app, preview }, scripts))
    }
}

impl OpenPreview {
    /// Takes over files that were written.
    pub fn edit(&mut self, artifacts: &ArtifactStore, changed: &[String]) -> EditedPreview {
        let modules = AppArtifacts::new(&self.app, artifacts);
        let linked = self.preview.link(&self.app.tree, changed, &modules);
        EditedPreview {
            modules: linked.modules.len(),
            linked: linked.counters.linked,
        }
    }
}

/// Paths under `folder`, packages and hidden folders left out.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, FileMeta)>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if name != "node_modules" && !name.starts_with('.') {
                collect(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() {
            let facts = entry.metadata()?;
            let size = facts.len();
            // Stands for the content, as in other tools that watch folders.
            let written = facts
                .modified()?
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let hash = format!("{size}@{}", written.as_nanos());
            files.push((path, FileMeta { hash, size }));
        }
    }
    Ok(())
}

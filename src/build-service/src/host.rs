//! Where the linker gets modules from: an app's tree, and its packages on disk.

use crate::app::AppFiles;
use crate::artifacts::ArtifactStore;
use crate::memory::MemoryBudget;
use crate::packages::{PackageFolder, PackageTarget};
use hotplate_compiler::{
    FormatHint, GlobImport, ImportKind, ModuleArtifact, Options, Output, Platform,
};
use hotplate_linker::{
    AppResolution, GlobMatch, LinkFailure, Loaded, ModuleHost, Resolved, is_asset,
};
use hotplate_protocol::{Diagnostic, Severity, VendorMode};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The module host of one build.
pub(crate) struct Host<'a> {
    pub(crate) app: Option<&'a AppFiles>,
    pub(crate) packages: &'a PackageFolder,
    pub(crate) artifacts: &'a ArtifactStore,
    pub(crate) mode: VendorMode,
    /// For package files.
    pub(crate) options: Options,
    /// Where what is linked runs.
    pub(crate) platform: Platform,
    /// What is loaded and kept until the link is done.
    pub(crate) memory: &'a MemoryBudget,
}

impl Host<'_> {
    fn resolve_package(
        &self,
        importer: &str,
        specifier: &str,
        kind: ImportKind,
    ) -> Result<Resolved, LinkFailure> {
        let conditions = (self.mode, self.platform);
        self.packages.resolve(importer, specifier, kind, conditions)
    }
}

/// What is behind an id.
enum Content {
    /// Its bytes, and how they compile.
    File(Vec<u8>, Options),
    /// Left out of browsers.
    Empty,
}

fn unreadable(id: &str) -> Vec<Diagnostic> {
    vec![Diagnostic {
        file: id.trim_start_matches('/').to_owned(),
        ..Diagnostic::without_place(
            Severity::Error,
            "file_unreadable",
            "The file cannot be read",
        )
    }]
}

impl Host<'_> {
    fn content(&self, id: &str) -> Result<Content, Vec<Diagnostic>> {
        let path = id.split('?').next().unwrap_or(id);
        let (bytes, mut options) = match self.packages.target(id) {
            Some(PackageTarget::Empty) => return Ok(Content::Empty),
            Some(PackageTarget::File(file)) => {
                let mut options = self.options.clone();
                if self.packages.is_node_esm(&file) {
                    options.format = FormatHint::Esm;
                }
                let bytes = std::fs::read(&file).map_err(|_| unreadable(id))?;
                (bytes, options)
            }
            None => {
                let app = self.app.ok_or_else(|| unreadable(id))?;
                let bytes = app.bytes(path.trim_start_matches('/'));
                (bytes.ok_or_else(|| unreadable(id))?, app.options.clone())
            }
        };
        options.platform = self.platform;
        if self.platform == Platform::Server {
            // Servers are linked from records.
            options.output = Output::Record;
        }
        Ok(Content::File(bytes, options))
    }
}

impl ModuleHost for Host<'_> {
    fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        kind: ImportKind,
    ) -> Result<Resolved, LinkFailure> {
        let whole = |id: String| Resolved {
            id,
            side_effects: true,
        };
        if let Some(app) = self.app
            && !importer.starts_with("npm:")
        {
            return match app.resolver.resolve(importer, specifier) {
                AppResolution::App(id)
                | AppResolution::Public(id)
                | AppResolution::External(id) => Ok(whole(id)),
                AppResolution::Package(bare) => self.resolve_package(importer, &bare, kind),
                AppResolution::NotFound { suggestion } => Err(LinkFailure::NotFound {
                    specifier: specifier.to_owned(),
                    suggestion,
                }),
            };
        }
        if ["http://", "https://", "//", "data:"]
            .iter()
            .any(|scheme| specifier.starts_with(scheme))
        {
            return Ok(whole(specifier.to_owned()));
        }
        self.resolve_package(importer, specifier, kind)
    }

    fn glob(&self, importer: &str, glob: &GlobImport) -> Vec<GlobMatch> {
        match self.app {
            Some(app) if !importer.starts_with("npm:") => app.resolver.glob(importer, glob),
            Some(_) | None => Vec::new(),
        }
    }

    fn stamp(&self, id: &str) -> Option<String> {
        if self.packages.target(id).is_some() {
            // An installation never changes, and ids have versions.
            return Some(String::new());
        }
        let path = id.split('?').next().unwrap_or(id);
        let meta = self.app?.tree.0.get(path.trim_start_matches('/'))?;
        (!meta.hash.is_empty()).then(|| meta.hash.clone())
    }

    fn function(
        &self,
        id: &str,
        keep: Option<&BTreeSet<String>>,
    ) -> Result<Arc<ModuleArtifact>, Vec<Diagnostic>> {
        let (bytes, mut options) = match self.content(id)? {
            Content::File(bytes, options) => (bytes, options),
            Content::Empty => return Err(unreadable(id)),
        };
        options.output = Output::Function {
            keep: keep.cloned(),
        };
        let artifact = self.artifacts.compile(id, &bytes, &options)?;
        self.memory.hold_artifact(id, &artifact)?;
        Ok(artifact)
    }

    fn load(&self, id: &str) -> Result<Loaded, Vec<Diagnostic>> {
        let path = id.split('?').next().unwrap_or(id);
        let (bytes, options) = match self.content(id)? {
            Content::Empty => return Ok(Loaded::Empty),
            Content::File(bytes, options) => (bytes, options),
        };
        if is_asset(id) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let extension = name
                .rsplit_once('.')
                .map_or("", |(_, extension)| extension)
                .to_owned();
            self.memory.hold(id, bytes.len())?;
            return Ok(Loaded::Asset {
                bytes: Arc::from(bytes),
                extension,
            });
        }
        let artifact = self.artifacts.compile(id, &bytes, &options)?;
        self.memory.hold_artifact(id, &artifact)?;
        Ok(Loaded::Module(artifact))
    }

    fn node_mode(&self, id: &str) -> bool {
        match self.packages.target(id) {
            Some(PackageTarget::File(path)) => self.packages.is_node_esm(&path),
            Some(PackageTarget::Empty) | None => false,
        }
    }
}

//! Where the linker gets modules from: an app's tree, and its packages on disk.

use crate::artifacts::ArtifactStore;
use crate::contents::Contents;
use crate::packages::{PackageFolder, PackageTarget};
use hotplate_compiler::{FormatHint, ImportKind, Options, is_compilable};
use hotplate_linker::{
    AppResolution, AppResolver, LinkFailure, Loaded, ModuleHost, Resolved, Tree,
};
use hotplate_protocol::{Diagnostic, Severity, VendorMode};
use std::sync::Arc;

/// An app's own files.
pub(crate) struct AppFiles {
    pub(crate) tree: Tree,
    pub(crate) resolver: AppResolver,
    pub(crate) contents: Contents,
    pub(crate) options: Options,
}

impl AppFiles {
    /// The bytes of a file of the tree.
    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let meta = self.tree.0.get(path)?;
        self.contents
            .read(&meta.hash)
            .inspect_err(|error| tracing::error!(path, %error, "a content is gone"))
            .ok()
    }

    /// The text of a file of the tree.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.bytes(path)?).ok()
    }
}

/// The module host of one build.
pub(crate) struct Host<'a> {
    pub(crate) app: Option<&'a AppFiles>,
    pub(crate) packages: &'a PackageFolder,
    pub(crate) artifacts: &'a ArtifactStore,
    pub(crate) mode: VendorMode,
    /// For package files.
    pub(crate) options: Options,
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
                AppResolution::Package(bare) => {
                    self.packages.resolve(importer, &bare, kind, self.mode)
                }
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
        self.packages.resolve(importer, specifier, kind, self.mode)
    }

    fn load(&self, id: &str) -> Result<Loaded, Vec<Diagnostic>> {
        let unreadable = || {
            vec![Diagnostic {
                file: id.trim_start_matches('/').to_owned(),
                ..Diagnostic::without_place(
                    Severity::Error,
                    "file_unreadable",
                    "The file cannot be read",
                )
            }]
        };
        let (path, query) = id.split_once('?').unwrap_or((id, ""));
        let (bytes, options) = match self.packages.target(id) {
            Some(PackageTarget::Empty) => return Ok(Loaded::Empty),
            Some(PackageTarget::File(file)) => {
                let mut options = self.options.clone();
                if self.packages.is_node_esm(&file) {
                    options.format = FormatHint::Esm;
                }
                (std::fs::read(&file).map_err(|_| unreadable())?, options)
            }
            None => {
                let app = self.app.ok_or_else(unreadable)?;
                (
                    app.bytes(path.trim_start_matches('/'))
                        .ok_or_else(unreadable)?,
                    app.options.clone(),
                )
            }
        };
        if is_asset(path, query) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let extension = name
                .rsplit_once('.')
                .map_or("", |(_, extension)| extension)
                .to_owned();
            return Ok(Loaded::Asset {
                bytes: Arc::from(bytes),
                extension,
            });
        }
        self.artifacts
            .compile(id, &bytes, &options)
            .map(Loaded::Module)
    }

    fn node_mode(&self, id: &str) -> bool {
        match self.packages.target(id) {
            Some(PackageTarget::File(path)) => self.packages.is_node_esm(&path),
            Some(PackageTarget::Empty) | None => false,
        }
    }
}

/// Whether an id is a file used by its URL: `?url`, or no kind of module and not asked for as text.
fn is_asset(path: &str, query: &str) -> bool {
    let mut flags = query
        .split('&')
        .map(|flag| flag.split('=').next().unwrap_or(flag));
    if flags.clone().any(|flag| flag == "url") {
        return true;
    }
    !is_compilable(path) && !flags.any(|flag| flag == "raw" || flag == "inline")
}

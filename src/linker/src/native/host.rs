//! Where the native linker gets modules from, and how that can fail.
//!
//! The build service implements [`ModuleHost`]; nothing here reads a file.

use crate::diagnose::{self, at};
use crate::glob::GlobMatch;
#[cfg(doc)]
use hotplate_compiler::Output;
use hotplate_compiler::{GlobImport, ImportKind, ImportRecord, ModuleArtifact};
use hotplate_protocol::{Diagnostic, Severity};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a specifier resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// A module id, or the URL of an external module.
    pub id: String,
    /// `false` when its package says that nobody needs it for its effects alone.
    pub side_effects: bool,
}

/// Why a specifier did not resolve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFailure {
    /// There is no such file, package or entry point.
    #[error("Cannot find `{specifier}`")]
    NotFound {
        /// As written.
        specifier: String,
        /// A specifier that would work.
        suggestion: Option<String>,
    },
    /// A package that is not installed for this app.
    #[error("The package `{package}` is not among the dependencies of package.json")]
    DependencyMissing {
        /// Its name.
        package: String,
    },
    /// `fs`, `node:path`, …
    #[error("`{specifier}` is a module of Node, which browsers do not have")]
    NodeBuiltin {
        /// As written.
        specifier: String,
    },
    /// Anything else a resolver says.
    #[error("{message}")]
    Refused {
        /// Stable, snake case.
        code: String,
        /// One sentence.
        message: String,
    },
}

impl LinkFailure {
    /// Stable, snake case.
    pub fn code(&self) -> &str {
        match self {
            Self::NotFound { .. } => "unresolved_import",
            Self::DependencyMissing { .. } => "dependency_missing",
            Self::NodeBuiltin { .. } => "node_builtin",
            Self::Refused { code, .. } => code,
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::NotFound { suggestion, .. } => suggestion.as_deref().map(diagnose::did_you_mean),
            Self::DependencyMissing { package } => Some(diagnose::install(package)),
            Self::NodeBuiltin { .. } | Self::Refused { .. } => None,
        }
    }
}

/// A module's content.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// Compiled.
    Module(Arc<ModuleArtifact>),
    /// A file that is used by its URL (see [`crate::is_asset`]).
    Asset {
        /// Its content.
        bytes: Arc<[u8]>,
        /// Without the dot.
        extension: String,
    },
    /// Left out of browsers: `"browser": { "x": false }`.
    Empty,
    /// A module of the platform that the code runs on (`cloudflare:workers`), imported when it runs. Only
    /// hosts of servers have any.
    External,
    /// The URL of a web worker (`?worker_file`); the linker makes it itself and asks no host.
    Worker {
        /// The module that it starts with.
        entry: String,
    },
}

/// Where the native linker gets modules from.
pub trait ModuleHost: Sync {
    /// What `specifier` (without a query) means in the module `importer`; [`ROOT`] imports a vendor
    /// chunk's own specifiers.
    fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        kind: ImportKind,
    ) -> Result<Resolved, LinkFailure>;
    /// The files that the module `importer` asks for by pattern; those of packages ask for none.
    fn glob(&self, importer: &str, glob: &GlobImport) -> Vec<GlobMatch>;
    /// The content of an id, its query (`?raw`, `?url`) included.
    fn load(&self, id: &str) -> Result<Loaded, Vec<Diagnostic>>;
    /// What tells a content of an id from another one, without reading it; `None` where that cannot be told.
    fn stamp(&self, id: &str) -> Option<String>;
    /// The function that a release makes a module's record of ([`Output::Function`]); `keep` are the exports
    /// that somebody reads, `None` for all.
    fn function(
        &self,
        id: &str,
        keep: Option<&BTreeSet<String>>,
    ) -> Result<Arc<ModuleArtifact>, Vec<Diagnostic>>;
    /// Whether a module is in Node's ES module mode (`.mjs`, `"type": "module"`); app modules never are.
    fn node_mode(&self, id: &str) -> bool;
}

/// The importer of what an app asks of its packages.
pub const ROOT: &str = "/";

/// An import of the native graph that did not resolve.
pub(crate) fn failed(
    importer: &str,
    import: &ImportRecord,
    severity: Severity,
    failure: &LinkFailure,
) -> Diagnostic {
    let mut diagnostic = at(
        importer,
        import,
        severity,
        failure.code(),
        failure.to_string(),
    );
    diagnostic.fix = failure.fix();
    diagnostic
}

/// A specifier of a vendor chunk that did not resolve.
pub(crate) fn failed_root(specifier: &str, failure: &LinkFailure) -> Diagnostic {
    let message = match failure {
        LinkFailure::NotFound { .. } => failure.to_string(),
        LinkFailure::DependencyMissing { .. }
        | LinkFailure::NodeBuiltin { .. }
        | LinkFailure::Refused { .. } => format!("`{specifier}`: {failure}"),
    };
    let mut diagnostic = Diagnostic::without_place(Severity::Error, failure.code(), message);
    diagnostic.fix = failure.fix();
    diagnostic
}

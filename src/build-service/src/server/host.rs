//! Where a server's modules come from: the app and its packages, and the platform's own modules, which are
//! left to be imported when it runs.

use crate::host::Host;
use hotplate_compiler::{GlobImport, ImportKind, ModuleArtifact};
use hotplate_linker::{GlobMatch, LinkFailure, Loaded, ModuleHost, Resolved, is_node_builtin};
use hotplate_protocol::Diagnostic;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Which modules of Node a server may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeModules {
    /// All that the platform has (`nodejs_compat`).
    All,
    /// `async_hooks` alone (`nodejs_als`).
    AsyncHooks,
    /// None.
    None,
}

/// The module host of one server.
pub(super) struct ServerHost<'a> {
    pub(super) host: Host<'a>,
    pub(super) node: NodeModules,
}

impl ServerHost<'_> {
    /// The id of a module of the platform, when the specifier means one.
    fn platform_module(&self, specifier: &str) -> Option<String> {
        if is_platform(specifier) {
            return Some(specifier.to_owned());
        }
        let bare = specifier.strip_prefix("node:").unwrap_or(specifier);
        let allowed = match self.node {
            NodeModules::All => is_node_builtin(specifier),
            NodeModules::AsyncHooks => bare == "async_hooks",
            NodeModules::None => false,
        };
        allowed.then(|| format!("node:{bare}"))
    }
}

impl ModuleHost for ServerHost<'_> {
    fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        kind: ImportKind,
    ) -> Result<Resolved, LinkFailure> {
        if let Some(id) = self.platform_module(specifier) {
            return Ok(Resolved {
                id,
                side_effects: true,
            });
        }
        match self.host.resolve(importer, specifier, kind) {
            Err(LinkFailure::NodeBuiltin { specifier }) => Err(LinkFailure::Refused {
                code: "nodejs_compat_missing".to_owned(),
                message: format!(
                    "`{specifier}` is a module of Node; add \"nodejs_compat\" to `compatibility_flags` of the Wrangler file to import it"
                ),
            }),
            resolved => resolved,
        }
    }

    fn glob(&self, importer: &str, glob: &GlobImport) -> Vec<GlobMatch> {
        self.host.glob(importer, glob)
    }

    fn load(&self, id: &str) -> Result<Loaded, Vec<Diagnostic>> {
        if is_platform(id) || id.starts_with("node:") {
            return Ok(Loaded::External);
        }
        self.host.load(id)
    }

    fn stamp(&self, id: &str) -> Option<String> {
        self.host.stamp(id)
    }

    fn function(
        &self,
        id: &str,
        keep: Option<&BTreeSet<String>>,
    ) -> Result<Arc<ModuleArtifact>, Vec<Diagnostic>> {
        self.host.function(id, keep)
    }

    fn node_mode(&self, id: &str) -> bool {
        self.host.node_mode(id)
    }
}

fn is_platform(specifier: &str) -> bool {
    ["cloudflare:", "workerd:"]
        .iter()
        .any(|scheme| specifier.starts_with(scheme))
}

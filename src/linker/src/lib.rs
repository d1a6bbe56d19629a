//! Module artifacts → preview registries, vendor chunks and release files.
//!
//! Decides what a specifier means, which modules are part of an app, and how their records stand
//! together in one script. Does no I/O and reads no clock: artifacts and texts come through
//! [`Artifacts`] in the room and through [`ModuleHost`] in the build service.

mod app_resolver;
mod assets;
mod builtins;
mod diagnose;
mod dotenv;
mod glob;
mod html;
#[cfg(feature = "minify")]
mod native;
mod preview;
mod record;
mod resolution_paths;
mod styles;
mod subpath_imports;
mod tree;
mod tsconfig;

pub use app_resolver::{AppResolution, AppResolver};
pub use assets::{asset_url, is_asset};
pub use builtins::is_node_builtin;
pub use diagnose::{add_frames, unread_lockfiles};
pub use dotenv::public_values;
pub use glob::GlobMatch;
pub use html::with_env;
#[cfg(feature = "minify")]
pub use native::host::{LinkFailure, Loaded, ModuleHost, ROOT, Resolved};
#[cfg(feature = "minify")]
pub use native::release::{
    Release, ReleaseApp, ReleaseFile, ReleaseMap, ReleaseMemory, link_release,
};
#[cfg(feature = "minify")]
pub use native::server::{ServerBundle, ServerModule, ServerModuleKind, link_server};
#[cfg(feature = "minify")]
pub use native::vendor::{VendorChunk, link_vendor};
pub use preview::{Counters, Declared, Linked, Preview, RecordPlace, Registry, VendorNeeds};
pub use tree::{Artifacts, FileMeta, Tree};
pub use tsconfig::TsConfig;

/// Begins the specifiers of a vendor chunk that sheets ask for.
pub(crate) const CSS_IMPORT: &str = "css:";

/// Name of the package that a bare specifier reaches: `@scope/name/x` → `@scope/name`, also when it is
/// one of a vendor chunk's sheets (`css:name`).
pub fn package_name(specifier: &str) -> &str {
    let specifier = specifier.strip_prefix(CSS_IMPORT).unwrap_or(specifier);
    let mut ends = specifier.match_indices('/').map(|(at, _)| at);
    let end = if specifier.starts_with('@') {
        ends.nth(1)
    } else {
        ends.next()
    };
    end.and_then(|end| specifier.get(..end))
        .unwrap_or(specifier)
}

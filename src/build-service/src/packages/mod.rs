//! npm packages: which specs are taken, how they are installed, how specifiers resolve in them.

mod failure;
mod folder;
mod install;
mod lockfile;
mod npm;
mod spec;

pub(crate) use folder::{PackageFolder, PackageTarget};
pub use install::{DependencySet, Packages};

use hotplate_protocol::Diagnostic;

fn failed(what: &str) -> Vec<Diagnostic> {
    vec![spec::about_package_json(
        "install_failed",
        format!("The dependencies could not be installed: {what}"),
    )]
}

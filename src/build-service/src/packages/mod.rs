//! npm packages: which specs are taken, how they are installed, how specifiers resolve in them.

mod failure;
mod folder;
mod install;
mod lockfile;
mod spec;

pub(crate) use folder::{PackageFolder, PackageTarget};
pub use install::{DependencySet, Packages};

//! Whether a release is small enough to be uploaded, and if not, what makes it large.

use crate::release::Deployable;
use hotplate_cloudflare_api::ASSET_BYTES;
use hotplate_domain::limits;
use hotplate_linker::{ReleaseFile, package_name};
use std::collections::BTreeMap;

/// How many modules and how many packages an error names.
const NAMED: usize = 5;

/// How large each module is that a release is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sizes(pub(crate) BTreeMap<String, u64>);

impl Sizes {
    /// The largest modules and packages, for people.
    fn largest(&self) -> String {
        let mut packages: BTreeMap<&str, u64> = BTreeMap::new();
        for (id, bytes) in &self.0 {
            if let Some(package) = package_of(id) {
                *packages.entry(package).or_default() += bytes;
            }
        }
        let modules = self.0.iter().map(|(id, bytes)| (id.as_str(), *bytes));
        let modules = largest(modules);
        match largest(packages.into_iter()) {
            none if none.is_empty() => format!("modules {modules}"),
            packages => format!("packages {packages}; modules {modules}"),
        }
    }
}

/// The package of an npm module: `npm:<name>@<version>/<file>`.
fn package_of(id: &str) -> Option<&str> {
    let specifier = id.strip_prefix("npm:")?;
    let name = package_name(specifier);
    Some(
        name.rsplit_once('@')
            .map_or(name, |(bare, _)| if bare.is_empty() { name } else { bare }),
    )
}

/// Why a release is not uploaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooLarge {
    /// Scripts and sheets together.
    #[error("The bundle has {bytes} bytes; at most {limit} are allowed. The largest: {largest}")]
    Bundle {
        /// Their size.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What is largest, for people.
        largest: String,
    },
    /// The app's own Worker code.
    #[error("The server has {bytes} bytes; at most {limit} are allowed")]
    Server {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// One file.
    #[error("`{path}` has {bytes} bytes; one asset has at most {ASSET_BYTES}")]
    Asset {
        /// Which.
        path: String,
        /// Its size.
        bytes: usize,
    },
    /// All files.
    #[error(
        "The release has {count} files; at most {} are allowed",
        limits::ASSETS
    )]
    Assets {
        /// How many.
        count: usize,
    },
}

impl TooLarge {
    /// Stable, snake case.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Bundle { .. } | Self::Server { .. } => "bundle_too_large",
            Self::Asset { .. } => "asset_too_large",
            Self::Assets { .. } => "too_many_assets",
        }
    }
}

/// Refuses what is over a limit.
pub(crate) fn check(deployable: &Deployable, limit: u64) -> Result<(), TooLarge> {
    let bytes = deployable.release.bundle.bytes;
    if bytes > limit {
        return Err(TooLarge::Bundle {
            bytes,
            limit,
            largest: deployable.sizes.largest(),
        });
    }
    match deployable.server.as_ref().map(|server| server.size().bytes) {
        Some(bytes) if bytes > limit => Err(TooLarge::Server { bytes, limit }),
        Some(_) | None => check_assets(&deployable.release.files),
    }
}

fn check_assets(files: &[ReleaseFile]) -> Result<(), TooLarge> {
    if files.len() > limits::ASSETS {
        return Err(TooLarge::Assets { count: files.len() });
    }
    match files
        .iter()
        .find(|file| file.bytes.len() as u64 > ASSET_BYTES)
    {
        Some(file) => Err(TooLarge::Asset {
            path: file.path.clone(),
            bytes: file.bytes.len(),
        }),
        None => Ok(()),
    }
}

fn largest<'a>(named: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut named: Vec<_> = named.collect();
    named.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let lines: Vec<String> = named
        .iter()
        .take(NAMED)
        .map(|(name, bytes)| format!("{name} {bytes}"))
        .collect();
    lines.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: usize) -> ReleaseFile {
        ReleaseFile {
            path: path.to_owned(),
            bytes: vec![0; bytes],
        }
    }

    #[test]
    fn assets_have_their_limits() {
        let limit = usize::try_from(ASSET_BYTES).unwrap_or(usize::MAX);
        assert_eq!(check_assets(&[file("a.bin", limit)]), Ok(()));
        let error = check_assets(&[file("a.bin", 1), file("b.bin", limit + 1)]);
        assert_eq!(
            error.map_err(|error| error.to_string()),
            Err("`b.bin` has 26214401 bytes; one asset has at most 26214400".to_owned())
        );
        let many = vec![file("a", 0); limits::ASSETS];
        assert_eq!(check_assets(&many), Ok(()));
        let more = vec![file("a", 0); limits::ASSETS + 1];
        assert_eq!(
            check_assets(&more).map_err(|error| error.code()),
            Err("too_many_assets")
        );
    }

    #[test]
    fn the_largest_are_named_first() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let sizes = names.iter().zip(1..).map(|(name, bytes)| (*name, bytes));
        assert_eq!(largest(sizes), "f 6, e 5, d 4, c 3, b 2");
    }

    #[test]
    fn packages_are_summed_up() {
        let ids = [
            ("/src/App.tsx", 3),
            ("npm:react@19.3.1/index.js", 5),
            ("npm:react@19.3.1/cjs/react.js", 5),
            ("npm:@scope/a@1.0.0/index.js", 7),
        ];
        let sizes = ids.iter().map(|(id, bytes)| ((*id).to_owned(), *bytes));
        assert_eq!(
            Sizes(sizes.collect()).largest(),
            "packages react 10, @scope/a 7; modules npm:@scope/a@1.0.0/index.js 7, \
             npm:react@19.3.1/cjs/react.js 5, npm:react@19.3.1/index.js 5, /src/App.tsx 3"
        );
    }
}

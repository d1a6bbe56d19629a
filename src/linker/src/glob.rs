//! Which files of a tree a module's patterns mean (`import.meta.glob`, template literals).
//!
//! Rules of Vite's "Glob Import": patterns are relative to the module or to the root, aliases apply, `!`
//! excludes, files whose names begin with a dot match no star, and a module is no match of its own.

use crate::app_resolver::AppResolver;
use crate::resolution_paths::{folder, join};
use hotplate_compiler::{GlobForm, GlobImport};

/// A file that a module's pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobMatch {
    /// The path as the module sees it, which is the key of `import.meta.glob`'s result.
    pub path: String,
    /// The module's id.
    pub id: String,
}

/// The patterns of one `import.meta.glob`, from the root on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patterns {
    wanted: Vec<String>,
    unwanted: Vec<String>,
    /// Whether keys are relative to the module.
    relative: bool,
    importer: String,
}

impl Patterns {
    pub(crate) fn new(importer: &str, glob: &GlobImport, resolver: &AppResolver) -> Self {
        let importer = importer
            .split('?')
            .next()
            .unwrap_or(importer)
            .trim_start_matches('/');
        let from_root = |pattern: &str| {
            if pattern.starts_with("**") {
                Some(pattern.to_owned())
            } else if pattern.starts_with('.') {
                join(folder(importer), pattern)
            } else {
                resolver.bases(importer, pattern).into_iter().next()
            }
        };
        let (unwanted, wanted): (Vec<&String>, Vec<&String>) = glob
            .patterns
            .iter()
            .partition(|pattern| pattern.starts_with('!'));
        Self {
            relative: glob
                .patterns
                .iter()
                .all(|pattern| pattern.starts_with(['.', '!'])),
            wanted: wanted
                .iter()
                .filter_map(|pattern| from_root(pattern))
                .collect(),
            unwanted: unwanted
                .iter()
                .filter_map(|pattern| from_root(pattern.trim_start_matches('!')))
                .collect(),
            importer: importer.to_owned(),
        }
    }

    /// Whether a file of the tree is meant.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let any = |patterns: &[String]| {
            patterns
                .iter()
                .any(|pattern| fast_glob::glob_match(pattern, path) && !is_hidden(pattern, path))
        };
        path != self.importer && any(&self.wanted) && !any(&self.unwanted)
    }

    fn key(&self, path: &str) -> String {
        if self.relative {
            relative(folder(&self.importer), path)
        } else {
            format!("/{path}")
        }
    }
}

/// A star does not stand for a name that begins with a dot.
fn is_hidden(pattern: &str, path: &str) -> bool {
    let dotted = |text: &str| text.split('/').any(|segment| segment.starts_with('.'));
    dotted(path) && !dotted(pattern)
}

/// `path` as a specifier in the folder `from`.
fn relative(from: &str, path: &str) -> String {
    let from: Vec<&str> = from
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let to: Vec<&str> = path.split('/').collect();
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    let up = "../".repeat(from.len() - shared);
    let down = to.get(shared..).unwrap_or_default().join("/");
    if up.is_empty() {
        format!("./{down}")
    } else {
        up + &down
    }
}

impl AppResolver {
    /// The files that a module asks for by pattern, sorted by path.
    pub fn glob(&self, importer: &str, glob: &GlobImport) -> Vec<GlobMatch> {
        self.matching(&Patterns::new(importer, glob, self), glob)
    }

    /// The same for patterns that were read already.
    pub(crate) fn matching(&self, patterns: &Patterns, glob: &GlobImport) -> Vec<GlobMatch> {
        let matches = self.paths().iter().filter(|path| patterns.matches(path));
        matches
            .map(|path| {
                let id = format!("/{path}{}", glob.query);
                let as_url = glob.form == GlobForm::Asset && !crate::is_asset(&id);
                GlobMatch {
                    path: patterns.key(path),
                    id: if as_url { format!("/{path}?url") } else { id },
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{FileMeta, Tree};

    const FILES: &[&str] = &[
        "src/pages/home.tsx",
        "src/pages/about.tsx",
        "src/pages/about.test.tsx",
        "src/pages/deep/more.tsx",
        "src/pages/.hidden.tsx",
        "src/main.tsx",
        "content/a.md",
        "src/pages/[id].tsx",
    ];

    fn found(importer: &str, patterns: &[&str], query: &str, form: GlobForm) -> Vec<String> {
        let meta = |path: &&str| {
            (
                (*path).to_owned(),
                FileMeta {
                    hash: String::new(),
                    size: 0,
                },
            )
        };
        let tree = Tree(FILES.iter().map(meta).collect());
        let glob = GlobImport {
            patterns: patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect(),
            form,
            query: query.to_owned(),
            line: 1,
            column: 1,
        };
        AppResolver::new(&tree, &|_| None, hotplate_compiler::Mode::Development)
            .glob(importer, &glob)
            .into_iter()
            .map(|found| format!("{} {}", found.path, found.id))
            .collect()
    }

    #[test]
    fn matches_as_vite_does() {
        let lazy = |importer, patterns: &[&str]| found(importer, patterns, "", GlobForm::Lazy);
        assert_eq!(
            lazy(
                "/src/main.tsx",
                &["./pages/*.tsx", "!**/*.test.tsx", "!./pages/[[]*"]
            ),
            [
                "./pages/about.tsx /src/pages/about.tsx",
                "./pages/home.tsx /src/pages/home.tsx"
            ]
            .map(str::to_owned)
        );
        assert_eq!(
            lazy("/src/pages/home.tsx", &["./*.tsx", "!./*.test.tsx"]).len(),
            2,
            "not itself"
        );
        assert_eq!(
            lazy("/src/pages/deep/more.tsx", &["../ho*.tsx", "/content/*"]),
            [
                "/content/a.md /content/a.md",
                "/src/pages/home.tsx /src/pages/home.tsx"
            ],
            "one absolute pattern makes all keys absolute"
        );
        assert_eq!(
            lazy("/src/main.tsx", &["@/pages/**/more.tsx"]),
            ["/src/pages/deep/more.tsx /src/pages/deep/more.tsx"]
        );
        assert_eq!(
            lazy("/src/pages/deep/more.tsx", &["../../../content/*.md"]),
            ["../../../content/a.md /content/a.md"]
        );
    }

    #[test]
    fn queries_and_urls_are_part_of_the_id() {
        assert_eq!(
            found("/src/main.tsx", &["/content/*.md"], "?raw", GlobForm::Eager),
            ["/content/a.md /content/a.md?raw"]
        );
        assert_eq!(
            found("/src/main.tsx", &["./pages/h*.tsx"], "", GlobForm::Asset),
            ["./pages/home.tsx /src/pages/home.tsx?url"]
        );
    }
}

//! Paths of specifiers: joining, normalising, and which files one base may mean.
//!
//! Pure text; whether a file exists is asked elsewhere.

/// Extensions tried in Vite's order (`resolve.extensions`), then style sheets' and JSON's.
pub(crate) const EXTENSIONS: &[&str] = &[
    ".mjs", ".js", ".mts", ".ts", ".jsx", ".tsx", ".json", ".cjs", ".cts", ".css",
];

/// Splits `./a.svg?raw` into path and query (with its `?`).
pub(crate) fn split_query(specifier: &str) -> (&str, &str) {
    specifier
        .find('?')
        .map_or((specifier, ""), |at| specifier.split_at(at))
}

/// What a URL names inside its file: `#icon` of `./sprite.svg#icon`. One that begins with `#` is a package's or an
/// app's own name (`imports` in package.json).
pub(crate) fn fragment_of(specifier: &str) -> &str {
    match specifier.find('#') {
        Some(at) if at > 0 => specifier.get(at..).unwrap_or_default(),
        _ => "",
    }
}

/// Joins a relative path to a folder (`src/components`, no slash at either end) and resolves `.` and `..`.
/// `None` when it leaves the tree.
pub(crate) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut segments: Vec<&str> = folder
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    for segment in relative.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

/// The folder of a path: `src/App.tsx` → `src`, `index.html` → nothing.
pub(crate) fn folder(path: &str) -> &str {
    path.rfind('/')
        .and_then(|at| path.get(..at))
        .unwrap_or_default()
}

/// The file a base means, by Vite's rules: itself, with an extension, a TypeScript file written as
/// JavaScript, the index of a folder.
pub(crate) fn find(base: &str, exists: &dyn Fn(&str) -> bool) -> Option<String> {
    if !base.is_empty() && exists(base) {
        return Some(base.to_owned());
    }
    let with = |stem: &str| {
        EXTENSIONS
            .iter()
            .map(|extension| format!("{stem}{extension}"))
            .find(|path| exists(path))
    };
    if !base.is_empty() {
        if let Some(found) = with(base) {
            return Some(found);
        }
        // `./a.js` written for TypeScript's output means `./a.ts` (TypeScript's own resolution rule).
        for (written, sources) in [
            (".js", &[".ts", ".tsx"][..]),
            (".jsx", &[".tsx"]),
            (".mjs", &[".mts"]),
            (".cjs", &[".cts"]),
        ] {
            if let Some(stem) = base.strip_suffix(written)
                && let Some(found) = sources
                    .iter()
                    .map(|source| format!("{stem}{source}"))
                    .find(|path| exists(path))
            {
                return Some(found);
            }
        }
    }
    with(&if base.is_empty() {
        "index".to_owned()
    } else {
        format!("{base}/index")
    })
}

/// Every base that the coming or going of `path` may give another meaning.
pub(crate) fn bases_of(path: &str) -> Vec<String> {
    let mut bases = vec![path.to_owned()];
    if let Some(stem) = EXTENSIONS
        .iter()
        .find_map(|extension| path.strip_suffix(extension))
    {
        bases.push(stem.to_owned());
        for extension in [".js", ".jsx", ".mjs", ".cjs"] {
            bases.push(format!("{stem}{extension}"));
        }
        if stem == "index" {
            bases.push(String::new());
        } else if let Some(parent) = stem.strip_suffix("/index") {
            bases.push(parent.to_owned());
        }
    }
    if let Some(public) = path.strip_prefix("public/") {
        bases.push(public.to_owned());
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_within_the_tree_only() {
        assert_eq!(join("src/a", "../b/./c").as_deref(), Some("src/b/c"));
        assert_eq!(join("src", "../../x"), None);
        assert_eq!(join("", "./index").as_deref(), Some("index"));
    }

    #[test]
    fn finds_as_vite_does() {
        let files = [
            "src/a.ts",
            "src/a.jsx",
            "src/b/index.tsx",
            "src/c.tsx",
            "src/d.json",
        ];
        let exists = |path: &str| files.contains(&path);
        assert_eq!(find("src/a", &exists).as_deref(), Some("src/a.ts"));
        assert_eq!(find("src/b", &exists).as_deref(), Some("src/b/index.tsx"));
        assert_eq!(find("src/c.js", &exists).as_deref(), Some("src/c.tsx"));
        assert_eq!(find("src/d", &exists).as_deref(), Some("src/d.json"));
        assert_eq!(find("src/e", &exists), None);
    }

    #[test]
    fn what_finds_a_file_is_among_its_bases() {
        for (base, file) in [
            ("src/a", "src/a.ts"),
            ("src/b", "src/b/index.tsx"),
            ("src/c.js", "src/c.tsx"),
            ("x.svg", "public/x.svg"),
        ] {
            assert!(bases_of(file).contains(&base.to_owned()), "{base} {file}");
        }
    }
}

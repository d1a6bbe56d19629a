//! The linker's own diagnostics. What a compiler says of one file is `compiler`'s business.

use crate::styles::MAX_CONDITIONED;
use hotplate_compiler::{ImportKind, ImportRecord, add_frame};
use hotplate_protocol::{Diagnostic, Severity};

/// Gives the linker's diagnostics their code frames; `text` has the app's files.
pub fn add_frames(diagnostics: &mut [Diagnostic], text: &dyn Fn(&str) -> Option<String>) {
    for diagnostic in diagnostics {
        if diagnostic.line > 0
            && diagnostic.frame.is_empty()
            && let Some(text) = text(&diagnostic.file)
        {
            add_frame(diagnostic, &text);
        }
    }
}

/// Warnings about lockfiles of other package managers than npm, whose versions are not used. `has` knows
/// the app's paths. Where npm's own stands beside them, it is the one that counts.
pub fn unread_lockfiles(has: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    if has("package-lock.json") {
        return Vec::new();
    }
    let others = ["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];
    let found = others.into_iter().filter(|path| has(path));
    found
        .map(|path| {
            let message = format!(
                "`{path}` is not read; versions are chosen anew by the ranges of package.json"
            );
            Diagnostic {
                file: path.to_owned(),
                fix: Some(
                    "Add npm's package-lock.json to keep versions: npm install --package-lock-only"
                        .to_owned(),
                ),
                ..Diagnostic::without_place(Severity::Warning, "lockfile_not_read", message)
            }
        })
        .collect()
}

/// A message at the place of an import.
pub(crate) fn at(
    importer: &str,
    import: &ImportRecord,
    severity: Severity,
    code: &str,
    message: String,
) -> Diagnostic {
    let file = importer.split('?').next().unwrap_or(importer);
    Diagnostic {
        file: file.strip_prefix('/').unwrap_or(file).to_owned(),
        line: import.line,
        column: import.column,
        message,
        frame: String::new(),
        severity,
        code: code.to_owned(),
        fix: None,
    }
}

pub(crate) fn unresolved(
    importer: &str,
    import: &ImportRecord,
    suggestion: Option<&str>,
) -> Diagnostic {
    let written = as_written(&import.specifier);
    let message = format!("Cannot find `{written}`");
    // A picture that is not there leaves a hole in the page; browsers and bundlers go on, too.
    let severity = match import.kind {
        ImportKind::Asset => Severity::Warning,
        ImportKind::Static | ImportKind::Dynamic | ImportKind::Require | ImportKind::CssImport => {
            Severity::Error
        }
    };
    let mut diagnostic = at(importer, import, severity, "unresolved_import", message);
    diagnostic.fix = suggestion.map(did_you_mean);
    diagnostic
}

/// A specifier without what the compiler adds to it for style sheets.
pub(crate) fn as_written(specifier: &str) -> &str {
    ["?import=", "&import=", "?segment=", "&segment="]
        .iter()
        .filter_map(|added| specifier.find(added))
        .min()
        .and_then(|end| specifier.get(..end))
        .unwrap_or(specifier)
}

pub(crate) fn did_you_mean(suggestion: &str) -> String {
    format!("did you mean '{suggestion}'?")
}

pub(crate) fn install(package: &str) -> String {
    format!("install it: add \"{package}\" to \"dependencies\" in package.json")
}

pub(crate) fn dependency_missing(
    importer: &str,
    import: &ImportRecord,
    package: &str,
) -> Diagnostic {
    let message = format!("The package `{package}` is not among the dependencies of package.json");
    let mut diagnostic = at(
        importer,
        import,
        Severity::Error,
        "dependency_missing",
        message,
    );
    diagnostic.fix = Some(install(package));
    diagnostic
}

/// A warning: what an app names for its tests or its server does not stop its page.
pub(crate) fn node_builtin(importer: &str, import: &ImportRecord) -> Diagnostic {
    let message = format!(
        "`{}` is a module of Node, which browsers do not have; it is empty here",
        import.specifier
    );
    at(importer, import, Severity::Warning, "node_builtin", message)
}

/// A warning: npm put it where everybody finds it, until whoever asked for it no longer does.
pub(crate) fn dependency_undeclared(
    importer: &str,
    import: &ImportRecord,
    package: &str,
) -> Diagnostic {
    let message = format!(
        "The package `{package}` is there because another package needs it; package.json does not name it"
    );
    let code = "dependency_undeclared";
    let mut diagnostic = at(importer, import, Severity::Warning, code, message);
    diagnostic.fix = Some(install(package));
    diagnostic
}

/// A warning: TypeScript erases types only where it can tell them, and bundlers let such imports pass.
pub(crate) fn missing_export(
    importer: &str,
    import: &ImportRecord,
    name: &str,
    target: &str,
) -> Diagnostic {
    let message = format!(
        "`{}` has no export `{name}`",
        target.trim_start_matches('/')
    );
    at(
        importer,
        import,
        Severity::Warning,
        "missing_export",
        message,
    )
}

/// What stops sheets that import each other under ever more conditions.
pub(crate) fn too_many_conditions(importer: &str) -> Diagnostic {
    let message = format!(
        "More than {MAX_CONDITIONED} style sheets are imported under conditions; do they import each other?"
    );
    let mut diagnostic =
        Diagnostic::without_place(Severity::Error, "css_imports_too_many", message);
    let file = importer.split('?').next().unwrap_or(importer);
    file.trim_start_matches('/')
        .clone_into(&mut diagnostic.file);
    diagnostic
}

/// `index.html` starts a script that is not in the tree.
pub(crate) fn entry_missing(source: &str, suggestion: Option<&str>) -> Diagnostic {
    let message = format!("index.html asks for `{source}`, which is not in the tree");
    let mut diagnostic = Diagnostic::without_place(Severity::Error, "unresolved_import", message);
    "index.html".clone_into(&mut diagnostic.file);
    diagnostic.fix = suggestion.map(did_you_mean);
    diagnostic
}

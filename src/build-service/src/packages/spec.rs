//! Which dependencies are taken: names and ranges of the registry, nothing that reaches elsewhere.
//!
//! A `git`, `file`, `link`, URL or `workspace` spec would make the service read a place that the
//! tenant chose.

use hotplate_protocol::{Diagnostic, Severity};
use serde_json::Value;
use std::collections::BTreeMap;

const NAME_BYTES: usize = 214;
const SPEC_BYTES: usize = 256;

/// A diagnostic about `package.json`.
pub(crate) fn about_package_json(code: &str, message: String) -> Diagnostic {
    Diagnostic {
        file: "package.json".to_owned(),
        ..Diagnostic::without_place(Severity::Error, code, message)
    }
}

/// One diagnostic for each dependency that is not taken.
pub(crate) fn check(dependencies: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let refused = dependencies
        .iter()
        .filter(|(name, spec)| !is_of_registry(name, spec));
    refused
        .map(|(name, spec)| Diagnostic {
            fix: Some("Use a version or a range of the npm registry.".to_owned()),
            ..about_package_json(
                "dependency_refused",
                format!(
                    "The dependency `{name}` with `{spec}` does not come from the npm registry"
                ),
            )
        })
        .collect()
}

/// Deepest `overrides`.
const OVERRIDE_DEPTH: usize = 8;
/// Most entries of `overrides`.
const OVERRIDES: usize = 500;

/// One diagnostic for each entry of npm's `overrides` that is not taken: they reach as far as dependencies do.
pub(crate) fn check_overrides(overrides: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut open = vec![(overrides, 0)];
    let mut seen = 0;
    let refused = |message: String| Diagnostic {
        fix: Some("Use a version or a range of the npm registry.".to_owned()),
        ..about_package_json("dependency_refused", message)
    };
    while let Some((value, depth)) = open.pop() {
        let Some(entries) = value.as_object() else {
            found.push(refused("`overrides` is an object of names".to_owned()));
            continue;
        };
        seen += entries.len();
        if depth >= OVERRIDE_DEPTH || seen > OVERRIDES {
            return vec![refused(format!(
                "`overrides` takes {OVERRIDES} entries, nested at most {OVERRIDE_DEPTH} deep"
            ))];
        }
        for (name, value) in entries {
            // `name@range` overrides only where that range is asked for; `.` is the package itself.
            let at = name.get(1..).and_then(|rest| rest.find('@'));
            let (bare, range) = at.map_or((name.as_str(), ""), |at| name.split_at(at + 1));
            let is_known =
                name == "." || is_name(bare) && is_range_or_tag(range.trim_start_matches('@'));
            match value {
                Value::String(spec) => {
                    let reference = spec.strip_prefix('$').is_some_and(is_name);
                    if !is_known || !(reference || is_registry_spec(spec)) {
                        found.push(refused(format!(
                            "The override `{name}` with `{spec}` does not come from the npm registry"
                        )));
                    }
                }
                nested if is_known => open.push((nested, depth + 1)),
                _ => found.push(refused(format!("The override `{name}` names no package"))),
            }
        }
    }
    found
}

/// Whether a dependency names a package of the registry.
pub(crate) fn is_of_registry(name: &str, spec: &str) -> bool {
    is_name(name) && is_registry_spec(spec)
}

pub(crate) fn is_name(name: &str) -> bool {
    let bare = name.strip_prefix('@').map_or(Some(name), |scoped| {
        scoped
            .split_once('/')
            .filter(|(scope, _)| is_name_part(scope))
            .map(|(_, bare)| bare)
    });
    name.len() <= NAME_BYTES && bare.is_some_and(is_name_part) && bare != Some("node_modules")
}

fn is_name_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with(['.', '_'])
        && part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

fn is_registry_spec(spec: &str) -> bool {
    if spec.len() > SPEC_BYTES {
        return false;
    }
    let Some(alias) = spec.strip_prefix("npm:") else {
        return is_range_or_tag(spec);
    };
    match alias.get(1..).and_then(|rest| rest.find('@')) {
        Some(at) => {
            let (name, range) = alias.split_at(at + 1);
            is_name(name) && is_range_or_tag(range.trim_start_matches('@'))
        }
        None => is_name(alias),
    }
}

fn is_range_or_tag(spec: &str) -> bool {
    // npm takes a leading dot or `~/` for a folder and an archive's ending for a file.
    let archive = [".tgz", ".tar", ".tar.gz"]
        .iter()
        .any(|end| spec.to_ascii_lowercase().ends_with(end));
    !archive
        && !spec.starts_with(['.', '-'])
        && spec
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" ^~<>=|*.+-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_registry_specs_alone() {
        let taken = [
            "^19.0.0",
            "1.2.3",
            "*",
            "",
            "latest",
            ">=1 <2 || 3.x",
            "~1.2",
            "1.0.0-beta.1+b",
            "1 - 2",
            "npm:react@18",
            "npm:@a/b@^1.0.0",
            "npm:react",
            "next-14",
        ];
        let refused = [
            "git+https://example.com/a.git",
            "git@github.com:a/b.git",
            "github:a/b",
            "a/b",
            "file:../x",
            "link:../x",
            "http://example.com/a.tgz",
            "https://example.com/a",
            "workspace:*",
            "npm:x@http://example.com",
            "npm:../x@1",
            "./x",
            "../x",
            "/etc",
            "~/x",
            "x.tgz",
            "X.TAR.GZ",
            ".",
            "..",
            "C:\\x",
            "catalog:",
            "1\n2",
            "-g",
            "npm:",
        ];
        for (specs, expected) in [(&taken[..], true), (&refused[..], false)] {
            for spec in specs {
                let set = BTreeMap::from([("a".to_owned(), (*spec).to_owned())]);
                assert_eq!(check(&set).is_empty(), expected, "{spec}");
            }
        }
    }

    #[test]
    fn takes_overrides_of_the_registry_alone() {
        for (text, expected) in [
            (r#"{"a":"1.0.0","@b/c@^2":"npm:d@3"}"#, 0),
            (r#"{"a":{".":"1","b":{"c":"$a"}}}"#, 0),
            (r#"{"a":"github:x/y"}"#, 1),
            (r#"{"a":{"b":{"c":"file:../x"}},"d":"https://x/y.tgz"}"#, 2),
            (r#"{"a@git+ssh://x":"1"}"#, 1),
            (r#"{"../a":{"b":"1"}}"#, 1),
            (r#"{"a":"npm:../b@1"}"#, 1),
            (r#"{"a":"$../b"}"#, 1),
            (r#"{"a":7}"#, 1),
            ("[]", 1),
        ] {
            let value = serde_json::from_str(text).unwrap_or_default();
            let found = check_overrides(&value);
            assert_eq!(found.len(), expected, "{text}: {found:?}");
            assert!(found.iter().all(|found| found.code == "dependency_refused"));
        }
        let nest = |depth: usize| {
            let text = format!("{}\"1\"{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
            check_overrides(&serde_json::from_str(&text).unwrap_or_default()).len()
        };
        assert_eq!((nest(OVERRIDE_DEPTH), nest(OVERRIDE_DEPTH + 1)), (0, 1));
    }

    #[test]
    fn takes_names_of_packages_alone() {
        for name in ["react", "@types/node", "lodash.merge", "JSONStream", "a_b"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "@",
            "@/x",
            "@a",
            "a/b",
            "../x",
            "..",
            ".x",
            "_x",
            "node_modules",
            "a b",
            "@a/b/c",
            "@../x",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn the_diagnostic_names_the_dependency() {
        let set = BTreeMap::from([("left".to_owned(), "git+ssh://x/y".to_owned())]);
        let found = check(&set);
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|d| d.code == "dependency_refused"
            && d.message.contains("`left`")
            && d.file == "package.json"));
    }
}

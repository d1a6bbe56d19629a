//! `imports` of an app's own package.json: what its specifiers with `#` mean (Node, "Subpath imports").
//!
//! Conditions are those of Vite's browser builds, the mode (`development`, `production`) first.

use hotplate_compiler::Mode;
use serde_json::Value;

/// Conditions that hold in every mode, in this order: that of the file is not kept.
const CONDITIONS: &[&str] = &["browser", "module", "import", "default"];

/// The entries, exact ones first, then the longest prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SubpathImports(Vec<(String, String)>);

impl SubpathImports {
    /// Reads them from the text of a package.json; one that does not parse has none.
    pub(crate) fn read(manifest: Option<String>, mode: Mode) -> Self {
        let manifest: Value = manifest
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let entries = manifest.get("imports").and_then(Value::as_object);
        let mut found: Vec<(String, String)> = entries
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.starts_with('#'))
            .filter_map(|(name, value)| Some((name.clone(), target(value, mode)?)))
            .collect();
        let rank = |name: &str| {
            let prefix = name.split('*').next().map_or(0, str::len);
            (name.contains('*'), std::cmp::Reverse(prefix))
        };
        found.sort_by_key(|(name, _)| rank(name));
        Self(found)
    }

    /// What a specifier stands for: a path of the app that begins with `./`, or a package's specifier.
    pub(crate) fn target(&self, specifier: &str) -> Option<String> {
        self.0.iter().find_map(|(name, target)| {
            let Some((prefix, suffix)) = name.split_once('*') else {
                return (name == specifier).then(|| target.clone());
            };
            let star = specifier.strip_prefix(prefix)?.strip_suffix(suffix)?;
            (!star.is_empty()).then(|| target.replace('*', star))
        })
    }
}

fn target(value: &Value, mode: Mode) -> Option<String> {
    match value {
        Value::String(target) => Some(target.clone()),
        Value::Array(targets) => targets.iter().find_map(|value| target(value, mode)),
        Value::Object(conditions) => [mode.name()]
            .iter()
            .chain(CONDITIONS)
            .find_map(|name| target(conditions.get(*name)?, mode)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_chooses() {
        let text = r##"{"imports": {"#m": {
            "default": "./any.ts", "production": "./p.ts", "development": {"browser": "./d.ts"}
        }}}"##;
        for (mode, expected) in [(Mode::Development, "./d.ts"), (Mode::Production, "./p.ts")] {
            let imports = SubpathImports::read(Some(text.to_owned()), mode);
            assert_eq!(imports.target("#m").as_deref(), Some(expected));
        }
    }

    #[test]
    fn exact_names_then_the_longest_prefix() {
        let text = r##"{"imports": {
                "#*": "./src/*.ts", "#lib/*": {"node": "./node/*", "default": "./src/lib/*.ts"},
                "#lib/exact": ["./src/exact.ts"], "#dep": "react", "#none": null, "plain": "./x"
            }}"##;
        let imports = SubpathImports::read(Some(text.to_owned()), Mode::Production);
        for (specifier, expected) in [
            ("#a/b", Some("./src/a/b.ts")),
            ("#lib/x", Some("./src/lib/x.ts")),
            ("#lib/exact", Some("./src/exact.ts")),
            ("#dep", Some("react")),
            ("plain", None),
        ] {
            assert_eq!(
                imports.target(specifier).as_deref(),
                expected,
                "{specifier}"
            );
        }
        assert_eq!(
            SubpathImports::read(Some("{".to_owned()), Mode::Production).target("#a"),
            None
        );
    }
}

//! An app's `tsconfig.json`, with what it extends and refers to inside the tree.
//!
//! Reads the options that change what a specifier means ([`paths`]) and what a file compiles to
//! ([`options`]); types are nobody's business here. A configuration that a package brings is not
//! followed: packages are not in the tree.

mod options;
mod paths;

pub(crate) use paths::PathMappings;

use crate::resolution_paths::{folder, join};
use hotplate_compiler::Options;
use serde_json::Value;
use std::collections::BTreeSet;

/// Deepest chain of `extends` and `references`.
const DEPTH: usize = 8;

/// `compilerOptions` of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Folder of the file, which its paths are relative to.
    folder: String,
    options: Value,
}

/// The configuration of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TsConfig {
    /// The strongest first: what a configuration refers to (the app's own project, in the solution that
    /// Vite's templates make) before itself, itself before what it extends.
    layers: Vec<Layer>,
    /// Every path that was asked for, there or not.
    paths: BTreeSet<String>,
}

impl TsConfig {
    /// Reads `tsconfig.json` or `jsconfig.json` and what they lead to through `text`.
    pub fn read(text: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut found = Self::default();
        for start in ["tsconfig.json", "jsconfig.json"] {
            found.follow(start, text, 0);
        }
        found
    }

    /// Whether a change of the file at `path` may change this.
    pub fn depends_on(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// `base` with what the app says of JSX, decorators and class fields.
    pub fn compiler_options(&self, base: Options) -> Options {
        let mut all = base;
        for layer in self.layers.iter().rev() {
            options::apply(&mut all, &layer.options);
        }
        all.define_class_fields =
            options::define_class_fields(self.layers.iter().map(|layer| &layer.options));
        all
    }

    /// What the app says of specifiers.
    pub(crate) fn path_mappings(&self) -> PathMappings {
        PathMappings::read(self.layers.iter())
    }

    fn follow(&mut self, path: &str, text: &dyn Fn(&str) -> Option<String>, depth: usize) {
        if depth > DEPTH || !self.paths.insert(path.to_owned()) {
            return;
        }
        let Some(content) = text(path) else { return };
        let Ok(Some(config)) = jsonc_parser::parse_to_serde_value::<Option<Value>>(
            &content,
            &jsonc_parser::ParseOptions::default(),
        ) else {
            return;
        };
        let here = folder(path);
        let references = config.get("references").and_then(Value::as_array);
        for reference in references.into_iter().flatten() {
            let target = reference.get("path").and_then(Value::as_str);
            if let Some(target) = target.and_then(|target| join(here, target)) {
                self.follow(&with_ending(target, "/tsconfig.json"), text, depth + 1);
            }
        }
        if let Some(options) = config.get("compilerOptions") {
            self.layers.push(Layer {
                folder: here.to_owned(),
                options: options.clone(),
            });
        }
        let parents: Vec<&str> = match config.get("extends") {
            Some(Value::String(parent)) => vec![parent],
            // Of several parents the last is the strongest.
            Some(Value::Array(parents)) => parents.iter().rev().filter_map(Value::as_str).collect(),
            Some(_) | None => vec![],
        };
        for parent in parents.into_iter().filter(|parent| parent.starts_with('.')) {
            if let Some(target) = join(here, parent) {
                self.follow(&with_ending(target, ".json"), text, depth + 1);
            }
        }
    }
}

fn with_ending(mut path: String, ending: &str) -> String {
    let is_json = std::path::Path::new(&path)
        .extension()
        .is_some_and(|extension| extension == "json");
    if !is_json {
        path.push_str(ending);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotplate_compiler::JsxRuntime;

    fn read(files: &[(&str, &str)]) -> TsConfig {
        TsConfig::read(&|path| {
            files
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn reads_comments_references_and_extends() {
        let config = read(&[
            (
                "tsconfig.json",
                "{ /* solution */ \"files\": [], \"references\": [{ \"path\": \"./tsconfig.app.json\" },], }",
            ),
            (
                "tsconfig.app.json",
                r#"{ "extends": "./base", "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#,
            ),
            (
                "base.json",
                r#"{ "compilerOptions": { "baseUrl": "./lib" } }"#,
            ),
        ]);
        assert_eq!(
            config.path_mappings().candidates("@/a/b"),
            ["src/a/b", "lib/@/a/b"]
        );
        for (path, expected) in [
            ("base.json", true),
            ("jsconfig.json", true),
            ("other.json", false),
        ] {
            assert_eq!(config.depends_on(path), expected, "{path}");
        }
    }

    #[test]
    fn the_longest_prefix_wins() {
        let mappings = read(&[(
            "tsconfig.json",
            r#"{ "compilerOptions": { "paths": { "*": ["any/*"], "ui/*": ["src/ui/*"], "exact": ["src/exact.ts"] } } }"#,
        )])
        .path_mappings();
        assert_eq!(mappings.candidates("ui/x"), ["src/ui/x"]);
        assert_eq!(mappings.candidates("exact"), ["src/exact.ts"]);
        assert_eq!(mappings.candidates("other"), ["any/other"]);
    }

    #[test]
    fn the_project_is_stronger_than_the_solution_and_that_than_its_base() {
        let options = read(&[
            (
                "tsconfig.json",
                r#"{ "extends": ["./weak.json", "./base.json"], "references": [{ "path": "./tsconfig.app.json" }],
                     "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }"#,
            ),
            ("tsconfig.app.json", r#"{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "preact" } }"#),
            ("base.json", r#"{ "compilerOptions": { "experimentalDecorators": true, "jsxFactory": "x" } }"#),
            ("weak.json", r#"{ "compilerOptions": { "experimentalDecorators": false } }"#),
        ])
        .compiler_options(Options::development());
        assert_eq!(options.jsx.runtime, JsxRuntime::Automatic);
        assert_eq!(
            (
                options.jsx.import_source.as_str(),
                options.jsx.pragma.as_str()
            ),
            ("preact", "h")
        );
        assert!(options.legacy_decorators);
    }

    #[test]
    fn class_fields_follow_the_flag_and_then_the_target() {
        for (config, define) in [
            ("{}", true),
            (r#"{ "target": "ES2021" }"#, false),
            (r#"{ "target": "es2022" }"#, true),
            (r#"{ "target": "ESNext" }"#, true),
            (
                r#"{ "target": "ES6", "useDefineForClassFields": true }"#,
                true,
            ),
            (r#"{ "useDefineForClassFields": false }"#, false),
        ] {
            let text = format!(r#"{{ "compilerOptions": {config} }}"#);
            let options =
                read(&[("tsconfig.json", &text)]).compiler_options(Options::development());
            assert_eq!(options.define_class_fields, define, "{config}");
        }
    }

    #[test]
    fn cycles_and_what_does_not_parse_change_nothing() {
        let cycle = read(&[
            ("tsconfig.json", r#"{ "extends": "./a.json" }"#),
            ("a.json", r#"{ "extends": "./tsconfig.json" }"#),
        ]);
        let garbled = read(&[("tsconfig.json", "{")]);
        for config in [cycle, garbled] {
            assert_eq!(
                config.compiler_options(Options::development()),
                Options::development()
            );
        }
    }
}

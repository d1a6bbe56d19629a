//! `compilerOptions` that change what a specifier means: `baseUrl` and `paths`.
//!
//! Follows `extends` and `references` within the tree; everything else of a tsconfig is the compiler's
//! business. Rules: TypeScript handbook, "Path mapping".

use crate::resolution_paths::{folder, join};
use serde_json::Value;

/// Deepest chain of `extends` and `references`.
const DEPTH: usize = 8;

/// One entry of `paths`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapping {
    prefix: String,
    suffix: String,
    /// Whether the pattern has a star.
    star: bool,
    /// Targets joined to the folder they are relative to.
    targets: Vec<String>,
}

/// The mappings of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PathMappings {
    mappings: Vec<Mapping>,
    base_url: Option<String>,
}

impl PathMappings {
    /// Reads `tsconfig.json` and what it refers to through `text`.
    pub(crate) fn read(text: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut found = Self::default();
        for start in ["tsconfig.json", "jsconfig.json"] {
            found.read_file(start, text, 0);
        }
        // TypeScript takes the pattern with the longest prefix before its star.
        found
            .mappings
            .sort_by_key(|mapping| std::cmp::Reverse(mapping.prefix.len()));
        found
    }

    fn read_file(&mut self, path: &str, text: &dyn Fn(&str) -> Option<String>, depth: usize) {
        if depth > DEPTH {
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
        if let Some(options) = config.get("compilerOptions") {
            self.read_options(options, here);
        }
        let mut follow = |reference: &str, suffix_needed: bool| {
            let Some(mut target) = join(here, reference) else {
                return;
            };
            let is_json = std::path::Path::new(&target)
                .extension()
                .is_some_and(|ext| ext == "json");
            if suffix_needed && !is_json {
                target.push_str("/tsconfig.json");
            } else if !is_json {
                target.push_str(".json");
            }
            self.read_file(&target, text, depth + 1);
        };
        match config.get("extends") {
            Some(Value::String(parent)) if parent.starts_with('.') => follow(parent, false),
            Some(Value::Array(parents)) => {
                for parent in parents
                    .iter()
                    .filter_map(Value::as_str)
                    .filter(|parent| parent.starts_with('.'))
                {
                    follow(parent, false);
                }
            }
            _ => {}
        }
        for reference in config
            .get("references")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(target) = reference.get("path").and_then(Value::as_str) {
                follow(target, true);
            }
        }
    }

    fn read_options(&mut self, options: &Value, here: &str) {
        let base = options
            .get("baseUrl")
            .and_then(Value::as_str)
            .and_then(|base| join(here, base));
        let root = base.clone().unwrap_or_else(|| here.to_owned());
        for (pattern, targets) in options
            .get("paths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let targets: Vec<String> = targets
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|target| join(&root, target.as_str()?))
                .collect();
            let (prefix, suffix, star) = match pattern.split_once('*') {
                Some((prefix, suffix)) => (prefix, suffix, true),
                None => (pattern.as_str(), "", false),
            };
            if self
                .mappings
                .iter()
                .all(|known| known.prefix != prefix || known.suffix != suffix)
            {
                self.mappings.push(Mapping {
                    prefix: prefix.to_owned(),
                    suffix: suffix.to_owned(),
                    star,
                    targets,
                });
            }
        }
        if self.base_url.is_none() {
            self.base_url = base;
        }
    }

    /// Paths (without leading slash) that a specifier may mean, best first.
    pub(crate) fn candidates(&self, specifier: &str) -> Vec<String> {
        let mut candidates = Vec::new();
        for mapping in &self.mappings {
            let matched = if mapping.star {
                specifier
                    .strip_prefix(mapping.prefix.as_str())
                    .and_then(|rest| rest.strip_suffix(mapping.suffix.as_str()))
            } else {
                (specifier == mapping.prefix).then_some("")
            };
            if let Some(matched) = matched {
                candidates.extend(
                    mapping
                        .targets
                        .iter()
                        .map(|target| target.replacen('*', matched, 1)),
                );
                break;
            }
        }
        if let Some(base) = &self.base_url {
            candidates.extend(join(base, specifier));
        }
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> PathMappings {
        PathMappings::read(&|path| {
            files
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn reads_comments_references_and_extends() {
        let mappings = read(&[
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
        assert_eq!(mappings.candidates("@/a/b"), ["src/a/b", "lib/@/a/b"]);
    }

    #[test]
    fn the_longest_prefix_wins() {
        let mappings = read(&[(
            "tsconfig.json",
            r#"{ "compilerOptions": { "paths": { "*": ["any/*"], "ui/*": ["src/ui/*"], "exact": ["src/exact.ts"] } } }"#,
        )]);
        assert_eq!(mappings.candidates("ui/x"), ["src/ui/x"]);
        assert_eq!(mappings.candidates("exact"), ["src/exact.ts"]);
        assert_eq!(mappings.candidates("other"), ["any/other"]);
    }
}

//! `compilerOptions` that change what a specifier means: `baseUrl` and `paths`.
//!
//! Rules: TypeScript handbook, "Path mapping".

use super::Layer;
use crate::resolution_paths::join;
use serde_json::Value;

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
    /// The mappings of all layers, the strongest first.
    pub(crate) fn read<'a>(layers: impl Iterator<Item = &'a Layer>) -> Self {
        let mut found = Self::default();
        for layer in layers {
            found.read_options(&layer.options, &layer.folder);
        }
        // TypeScript takes the pattern with the longest prefix before its star.
        found
            .mappings
            .sort_by_key(|mapping| std::cmp::Reverse(mapping.prefix.len()));
        found
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

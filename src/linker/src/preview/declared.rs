//! What an app says of its packages: `package.json`, and what npm put beside them.

use std::collections::BTreeMap;

/// The packages that package.json names.
#[derive(Debug, Default)]
pub struct Declared {
    /// `dependencies`: package → range.
    pub dependencies: BTreeMap<String, String>,
    development: BTreeMap<String, String>,
    /// Packages of package-lock.json at the top of `node_modules`, where npm lets anybody find them:
    /// name → version.
    hoisted: BTreeMap<String, String>,
    /// npm's `overrides`, when there are any.
    pub overrides: Option<serde_json::Value>,
}

impl Declared {
    /// Reads `package.json` and `package-lock.json` through `text`.
    pub fn read(text: &dyn Fn(&str) -> Option<String>) -> Self {
        let json = |path: &str| -> serde_json::Value {
            text(path)
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default()
        };
        let manifest = json("package.json");
        let lock = json("package-lock.json");
        let locked = lock.get("packages").and_then(serde_json::Value::as_object);
        let hoisted = locked.into_iter().flatten().filter_map(|(place, entry)| {
            let name = place.strip_prefix("node_modules/")?;
            let version = entry.get("version")?.as_str()?;
            (!name.contains("node_modules/")).then(|| (name.to_owned(), version.to_owned()))
        });
        let field = |name: &str| {
            let entries = manifest.get(name).and_then(serde_json::Value::as_object);
            entries
                .into_iter()
                .flatten()
                .filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned())))
                .collect()
        };
        Self {
            dependencies: field("dependencies"),
            development: field("devDependencies"),
            hoisted: hoisted.collect(),
            overrides: manifest
                .get("overrides")
                .filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))
                .cloned(),
        }
    }

    /// Whether package.json names it.
    pub(super) fn names(&self, package: &str) -> bool {
        self.dependencies.contains_key(package) || self.development.contains_key(package)
    }

    /// The range or the version of a package that the app may import.
    pub fn range(&self, package: &str) -> Option<&String> {
        self.dependencies
            .get(package)
            .or_else(|| self.development.get(package))
            .or_else(|| self.hoisted.get(package))
    }
}

/// Whether a file says which packages there are.
pub(super) fn is_manifest(path: &str) -> bool {
    matches!(path, "package.json" | "package-lock.json")
}

//! What of a tenant's `package-lock.json` may be honoured: versions and checksums.
//!
//! Addresses are dropped, so that npm asks the configured registry and no place a tenant chose.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The lockfile to install with, or `None` when it cannot be honoured as a whole.
pub(crate) fn sanitize(text: &str, dependencies: &BTreeMap<String, String>) -> Option<Value> {
    let lock: Value = serde_json::from_str(text).ok()?;
    let version = lock.get("lockfileVersion")?.as_u64()?;
    if !(2..=3).contains(&version) {
        return None;
    }
    let mut packages = Map::new();
    for (place, entry) in lock.get("packages")?.as_object()? {
        if place.is_empty() {
            continue;
        }
        packages.insert(place.clone(), sanitize_entry(place, entry)?);
    }
    packages.insert(String::new(), json!({ "dependencies": dependencies }));
    Some(json!({ "lockfileVersion": 3, "requires": true, "packages": packages }))
}

fn sanitize_entry(place: &str, entry: &Value) -> Option<Value> {
    let entry = entry.as_object()?;
    let inside = place.starts_with("node_modules/")
        && place
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".."));
    let version = entry.get("version")?.as_str()?;
    let resolved = entry
        .get("resolved")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let from_registry =
        resolved.is_empty() || resolved.starts_with("https://") || resolved.starts_with("http://");
    if !inside || !from_registry || entry.contains_key("link") || version.contains([':', '/']) {
        return None;
    }
    let kept = [
        "name",
        "version",
        "integrity",
        "dependencies",
        "peerDependencies",
        "peerDependenciesMeta",
        "optionalDependencies",
        "engines",
        "os",
        "cpu",
        "dev",
        "optional",
        "peer",
        "devOptional",
    ];
    Some(Value::Object(
        entry
            .iter()
            .filter(|(key, _)| kept.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn keeps_versions_and_drops_addresses() {
        let text = r#"{"lockfileVersion":3,"packages":{"":{"name":"x"},
            "node_modules/react":{"version":"19.0.0","resolved":"http://169.254.169.254/x.tgz","integrity":"sha512-a"}}}"#;
        let dependencies = BTreeMap::from([("react".to_owned(), "^19".to_owned())]);
        let lock = sanitize(text, &dependencies).unwrap();
        assert_eq!(
            lock["packages"]["node_modules/react"],
            json!({"version":"19.0.0","integrity":"sha512-a"})
        );
        assert_eq!(lock["packages"][""]["dependencies"]["react"], "^19");
    }

    #[test]
    fn honours_nothing_of_a_lockfile_that_reaches_elsewhere() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"lockfileVersion":1,"dependencies":{}}"#,
            r#"{"lockfileVersion":3}"#,
            r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","resolved":"git+ssh://x"}}}"#,
            r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"file:../x"}}}"#,
            r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"resolved":"x","link":true}}}"#,
            r#"{"lockfileVersion":3,"packages":{"node_modules/../../a":{"version":"1.0.0"}}}"#,
            r#"{"lockfileVersion":3,"packages":{"packages/a":{"version":"1.0.0"}}}"#,
        ] {
            assert_eq!(sanitize(text, &BTreeMap::new()), None, "{text}");
        }
    }
}

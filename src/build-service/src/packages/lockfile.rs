//! What of a tenant's `package-lock.json` may be honoured: versions and checksums.
//!
//! Addresses are dropped, so that npm asks the configured registry and no place a tenant chose.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The lockfile to install with, or `None` when it cannot be honoured as a whole.
pub(crate) fn sanitize(text: &str, dependencies: &BTreeMap<String, String>) -> Option<Value> {
    let lock: Value = serde_json::from_str(text).ok()?;
    match lock.get("lockfileVersion")?.as_u64()? {
        1 => {
            let tree = sanitize_tree(lock.get("dependencies")?)?;
            return Some(json!({ "lockfileVersion": 1, "requires": true, "dependencies": tree }));
        }
        2..=3 => {}
        _ => return None,
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

/// Packages of npm 6's format by name, each with those in its own `node_modules`. What such a file leaves out
/// (peers, platforms), npm asks the registry for.
fn sanitize_tree(entries: &Value) -> Option<Value> {
    let mut tree = Map::new();
    for (name, entry) in entries.as_object()? {
        let mut kept = sanitize_entry(&format!("node_modules/{name}"), entry)?;
        for also in ["requires", "bundled"] {
            if let Some(value) = entry.get(also) {
                kept.as_object_mut()?.insert(also.to_owned(), value.clone());
            }
        }
        // In this format it is what is installed below, where later ones have what is asked for.
        match entry.get("dependencies") {
            Some(inner) => kept
                .as_object_mut()?
                .insert("dependencies".to_owned(), sanitize_tree(inner)?),
            None => None,
        };
        tree.insert(name.clone(), kept);
    }
    Some(Value::Object(tree))
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
    fn keeps_versions_of_npm_6() {
        let text = r#"{"lockfileVersion":1,"requires":true,"dependencies":{"a":{"version":"1.0.0","resolved":"https://x/a.tgz",
            "integrity":"sha512-a","requires":{"b":"^2"},"dependencies":{"b":{"version":"2.1.0","resolved":"https://x/b.tgz"}}}}}"#;
        assert_eq!(
            sanitize(text, &BTreeMap::new()).unwrap(),
            json!({"lockfileVersion":1,"requires":true,"dependencies":{"a":{"version":"1.0.0","integrity":"sha512-a",
                "requires":{"b":"^2"},"dependencies":{"b":{"version":"2.1.0"}}}}})
        );
    }

    #[test]
    fn honours_nothing_of_a_lockfile_that_reaches_elsewhere() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"lockfileVersion":1}"#,
            r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"github:x/y#1"}}}"#,
            r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"../b":{"version":"1.0.0"}}}}}"#,
            r#"{"lockfileVersion":4,"packages":{}}"#,
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

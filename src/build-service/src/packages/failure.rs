//! What npm says when it fails, as diagnostics about `package.json`.

use super::spec::about_package_json;
use hotplate_protocol::Diagnostic;
use serde_json::Value;
use std::collections::BTreeMap;

/// How much of npm's own words is shown.
const SUMMARY_CHARS: usize = 300;

/// npm's error code in its `--json` output.
pub(crate) fn code(stdout: &str) -> String {
    error(stdout)
        .get("code")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn error(stdout: &str) -> Value {
    // Other lines may stand before the object.
    let start = stdout.find('{').unwrap_or(stdout.len());
    let answer: Value =
        serde_json::from_str(stdout.get(start..).unwrap_or_default()).unwrap_or_default();
    answer.get("error").cloned().unwrap_or_default()
}

/// One diagnostic for a failed installation.
pub(crate) fn diagnose(stdout: &str, dependencies: &BTreeMap<String, String>) -> Diagnostic {
    let error = error(stdout);
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let said = format!("{} {}", text("summary"), text("detail"));
    let named = dependencies
        .iter()
        .filter(|(name, _)| names(&said, name))
        .max_by_key(|(name, _)| name.len())
        .map_or_else(
            || "a package that a dependency needs".to_owned(),
            |(name, spec)| format!("`{name}` with `{spec}`"),
        );
    let (code, message) = match text("code") {
        "E404" => (
            "dependency_not_found",
            format!("The npm registry has no {named}"),
        ),
        "ETARGET" => (
            "dependency_version_not_found",
            format!("No version of the npm registry matches {named}"),
        ),
        "ERESOLVE" => (
            "dependency_conflict",
            format!(
                "The dependencies need versions of a package that exclude each other{}",
                conflict(text("detail"))
            ),
        ),
        "EINTEGRITY" => (
            "dependency_integrity",
            "A package does not match the checksum of package-lock.json".to_owned(),
        ),
        // npm unpacks nothing that grows a thousandfold.
        "TAR_ABORT" if text("summary").contains("ratio") => (
            "dependencies_too_large",
            "A package unpacks to too many times its own size".to_owned(),
        ),
        "ENOTFOUND" | "ECONNREFUSED" | "ECONNRESET" | "ETIMEDOUT" | "EAI_AGAIN" | "E500"
        | "E502" | "E503" | "E429" => (
            "registry_unavailable",
            "The npm registry does not answer".to_owned(),
        ),
        _ => (
            "install_failed",
            format!(
                "npm could not install the dependencies: {}",
                short(text("summary"))
            ),
        ),
    };
    about_package_json(code, message)
}

/// Who asks for what, in npm's words: its explanation names one package that was found and the demand
/// that this does not meet.
fn conflict(detail: &str) -> String {
    let after = |title: &str| {
        let (_, rest) = detail.split_once(title)?;
        rest.trim_start().lines().next().map(short)
    };
    match (after("Could not resolve dependency:"), after("Found: ")) {
        (Some(demand), Some(found)) => format!(": {demand} does not take {found}"),
        _ => String::new(),
    }
}

/// Whether `name` stands in `said` as a whole name. Scoped names are escaped in addresses.
fn names(said: &str, name: &str) -> bool {
    let escaped = name.replace('/', "%2f");
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_~.".contains(c);
    [name, &escaped].iter().any(|name| {
        said.match_indices(*name).any(|(at, _)| {
            let before = said[..at].chars().next_back();
            let after = said[at + name.len()..].chars().next();
            !before.is_some_and(|c| is_part(c) || c == '@')
                && !after.is_some_and(|c| is_part(c) && c != '.')
        })
    })
}

fn short(text: &str) -> String {
    text.chars()
        .take(SUMMARY_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_npms_codes() {
        let dependencies: BTreeMap<String, String> =
            [("react", "^99.0.0"), ("react-dom", "*"), ("@x/y", "1")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into();
        let cases = [
            (
                r#"{"error":{"code":"E404","summary":"Not Found - GET https://r/@x%2fy - Not found","detail":""}}"#,
                "dependency_not_found",
                "`@x/y` with `1`",
            ),
            (
                r#"{"error":{"code":"ETARGET","summary":"No matching version found for react@^99.0.0.","detail":""}}"#,
                "dependency_version_not_found",
                "`react` with `^99.0.0`",
            ),
            (
                r#"{"error":{"code":"E404","summary":"deep"}}"#,
                "dependency_not_found",
                "a package that a dependency needs",
            ),
            (
                r#"{"error":{"code":"ERESOLVE","summary":"x"}}"#,
                "dependency_conflict",
                "exclude",
            ),
            (
                r#"{"error":{"code":"ERESOLVE","detail":"While resolving: a\nFound: react@18.3.1\nnode_modules/react\n\nCould not resolve dependency:\npeer react@\"^19\" from react-dom@19.3.1\nmore"}}"#,
                "dependency_conflict",
                "other: peer react@\"^19\" from react-dom@19.3.1 does not take react@18.3.1",
            ),
            (
                r#"{"error":{"code":"EAI_AGAIN","summary":"x"}}"#,
                "registry_unavailable",
                "registry",
            ),
            (
                r#"{"error":{"code":"TAR_ABORT","summary":"max decompression ratio exceeded: 1000.19 > 1000"}}"#,
                "dependencies_too_large",
                "unpacks",
            ),
            ("npm exploded", "install_failed", "npm could not"),
            ("", "install_failed", "npm could not"),
        ];
        for (stdout, code, part) in cases {
            let found = diagnose(stdout, &dependencies);
            assert_eq!(found.code, code, "{stdout}");
            assert!(found.message.contains(part), "{}", found.message);
        }
    }
}

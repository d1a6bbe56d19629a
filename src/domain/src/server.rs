//! Which requests an app's server gets in its preview: the rules of Cloudflare's static assets
//! (<https://developers.cloudflare.com/workers/static-assets/routing/worker-script/>).
//!
//! How the server is made and run is not known here.

use hotplate_protocol::RunWorkerFirst;

/// First modules of a server that no Wrangler file names, without their extension.
const ENTRY: &str = "worker/index.";
/// Files that may name one.
const WRANGLER: &[&str] = &["wrangler.toml", "wrangler.json", "wrangler.jsonc"];
/// Extensions of files that decide how every module is found and compiled.
const DECIDING: &[&str] = &[".json", ".jsonc", ".toml", ".yaml", ".lock"];

/// Whether a file may mean that its app has a server. Without any, nobody need be asked.
pub fn may_have_server(path: &str) -> bool {
    let entry = path.strip_prefix(ENTRY);
    entry.is_some_and(|extension| !extension.contains('/')) || WRANGLER.contains(&path)
}

/// Whether a server depends on what the file says although it does not import it.
pub fn decides(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".env") || DECIDING.iter().any(|end| name.ends_with(end))
}

/// Whether the server answers a path although a file could.
pub fn is_first(rule: &RunWorkerFirst, path: &str) -> bool {
    match rule {
        RunWorkerFirst::All(all) => *all,
        RunWorkerFirst::Paths(paths) => {
            let any = |excluding: bool| {
                paths.iter().any(|rule| match rule.strip_prefix('!') {
                    Some(rule) => excluding && matches(rule, path),
                    None => !excluding && matches(rule, path),
                })
            };
            any(false) && !any(true)
        }
    }
}

/// `*` stands for any text.
fn matches(rule: &str, path: &str) -> bool {
    let mut parts = rule.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    // The earliest place of each part leaves the most for the others.
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tells_who_answers_first() {
        let paths = |rules: &[&str]| {
            RunWorkerFirst::Paths(rules.iter().map(|rule| (*rule).to_owned()).collect())
        };
        for (rule, path, first) in [
            (RunWorkerFirst::All(true), "/a.js", true),
            (RunWorkerFirst::All(false), "/a.js", false),
            (paths(&["/api/*"]), "/api/a/b", true),
            (paths(&["/api/*"]), "/api", false),
            (paths(&["/api/*", "!/api/docs/*"]), "/api/docs/a", false),
            (paths(&["!/api/docs/*", "/api/*"]), "/api/a", true),
            (paths(&["/a*b*c"]), "/a-b-b-c", true),
            (paths(&["/a*b*c"]), "/a-c-b", false),
            (paths(&["/exact"]), "/exact", true),
            (paths(&["/exact"]), "/exact/", false),
            (paths(&["/ab*ba"]), "/aba", false),
            (paths(&[]), "/", false),
        ] {
            assert_eq!(is_first(&rule, path), first, "{rule:?} {path}");
        }
    }

    #[test]
    fn tells_what_a_server_depends_on() {
        for (path, server, deciding) in [
            ("worker/index.ts", true, false),
            ("worker/index.test/a.ts", false, false),
            ("worker/other.ts", false, false),
            ("wrangler.jsonc", true, true),
            ("sub/wrangler.toml", false, true),
            (".env.local", false, true),
            ("package-lock.json", false, true),
            ("src/App.tsx", false, false),
        ] {
            assert_eq!(
                (may_have_server(path), decides(path)),
                (server, deciding),
                "{path}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_the_stars_stand_for_matches(parts in prop::collection::vec("[a-c/]{0,4}", 1..4), fill in "[a-c/]{0,4}") {
            let rule = parts.join("*");
            prop_assert!(matches(&rule, &parts.join(&fill)));
        }
    }
}

//! Stack traces of previews: finding the places in them, and which script of the live host each is in.
//!
//! Browsers write traces in their own ways (`at f (url:3:9)`, `f@url:3:9`); a place is `url:line:column`
//! in all of them, so that is what is looked for, and the rest of the text stays as it is.

use std::ops::Range;

/// A place that a trace names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// Where it stands in the trace, from the URL to the column.
    pub range: Range<usize>,
    /// The script's address.
    pub url: &'a str,
    /// 1-based.
    pub line: u32,
    /// 1-based, in UTF-16 code units.
    pub column: u32,
}

/// A script of the live host that is made of the app's modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script<'a> {
    /// The registry of a page, as of an update.
    Registry {
        /// The update.
        seq: u64,
    },
    /// One module, as an update brought it.
    Module {
        /// Its id, as it stands in the URL.
        id: &'a str,
        /// The update.
        seq: u64,
    },
}

/// Path of the registry on every live host.
pub const REGISTRY: &str = "@live/registry.js";

/// Every place of a trace, in order.
pub fn places(trace: &str) -> Vec<Place<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = trace.get(from..).and_then(next_url).map(|at| from + at) {
        let rest = trace.get(start..).unwrap_or_default();
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if let Some(place) = place(rest.get(..length).unwrap_or_default(), start) {
            found.push(place);
        }
        from = start + length;
    }
    found
}

fn next_url(text: &str) -> Option<usize> {
    text.match_indices("http").map(|(at, _)| at).find(|at| {
        let after = text.get(at + 4..).unwrap_or_default();
        after.starts_with("://") || after.starts_with("s://")
    })
}

fn place(token: &str, start: usize) -> Option<Place<'_>> {
    let token = token.trim_end_matches([')', ']', '>', ',', ';', '.', '"', '\'']);
    let (rest, column) = token.rsplit_once(':')?;
    let (url, line) = rest.rsplit_once(':')?;
    Some(Place {
        range: start..start + token.len(),
        url,
        line: number(line)?,
        column: number(column)?,
    })
}

fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain
        .then(|| digits.parse().ok())?
        .filter(|value| *value > 0)
}

/// The script at `url`, when it is one of the live host at `origin` (with its trailing slash) whose
/// modules are known.
pub fn script<'a>(url: &'a str, origin: &str) -> Option<Script<'a>> {
    // The id begins with the slash that ends the origin.
    let id = url.get(origin.len().checked_sub(1)?..)?;
    let path = url.strip_prefix(origin)?;
    // Appended last, after the module's own query.
    let at = id.rfind("seq=")?;
    let seq = id.get(at + 4..)?.parse().ok()?;
    let id = id.get(..at)?.strip_suffix(['?', '&'])?;
    if path.starts_with(REGISTRY) {
        Some(Script::Registry { seq })
    } else if path.starts_with("@live/") || path.starts_with("@vendor/") {
        None
    } else {
        Some(Script::Module { id, seq })
    }
}

/// The path of a script on its host, without a leading slash: `assets/index-1a2b3c4d.js`.
pub fn script_path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path.get(..end).filter(|path| !path.is_empty())
}

/// The trace with other words for those places that `name` has words for.
pub fn rewrite(trace: &str, mut name: impl FnMut(&Place<'_>) -> Option<String>) -> String {
    let mut out = String::with_capacity(trace.len());
    let mut written = 0;
    for place in places(trace) {
        if let Some(words) = name(&place) {
            out.push_str(trace.get(written..place.range.start).unwrap_or_default());
            out.push_str(&words);
            written = place.range.end;
        }
    }
    out.push_str(trace.get(written..).unwrap_or_default());
    out
}

/// `text`, cut to at most `bytes` with an ellipsis.
pub fn cut(text: &str, bytes: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(ELLIPSIS.len()));
    let mut out = text.get(..end).unwrap_or_default().to_owned();
    out.push_str(ELLIPSIS);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: &str = "http://demo--live.localhost:8787/";

    fn found(trace: &str) -> Vec<(&str, u32, u32)> {
        places(trace)
            .into_iter()
            .map(|place| (place.url, place.line, place.column))
            .collect()
    }

    #[test]
    fn finds_places_as_every_browser_writes_them() {
        let url = "http://demo--live.localhost:8787/src/(group)/App.tsx?seq=12";
        for trace in [
            format!("Error: boom\n    at App ({url}:3:14)"),
            format!("    at async {url}:3:14"),
            format!("    at eval (eval at compile ({url}:3:14), <anonymous>:1:2)"),
            format!("App@{url}:3:14"),
            format!("module code@{url}:3:14\n[native code]"),
            format!("see \"{url}:3:14\"."),
        ] {
            assert_eq!(found(&trace), [(url, 3, 14)], "{trace}");
        }
        let two = format!("a@{url}:1:2\nb@https://x.test/y.js:3:4");
        assert_eq!(found(&two), [(url, 1, 2), ("https://x.test/y.js", 3, 4)]);
    }

    #[test]
    fn finds_nothing_where_no_place_is() {
        for trace in [
            "",
            "Error: http is no place",
            "failed to fetch http://localhost:8787/api",
            "http://localhost:8787/",
            "http://x/a.js:0:1",
            "http://x/a.js:1:99999999999",
            "http://x/a.js:+1:2",
            "https://",
            "at App (webpack://x:1:2)",
        ] {
            assert_eq!(found(trace), [], "{trace}");
        }
    }

    #[test]
    fn paths_of_scripts() {
        for (url, path) in [
            (
                "http://demo.localhost:8787/assets/a-1.js",
                Some("assets/a-1.js"),
            ),
            (
                "https://x.test/assets/a-1.js?retry=1#x",
                Some("assets/a-1.js"),
            ),
            ("https://x.test/", None),
            ("https://x.test/?a", None),
            ("https://x.test", None),
            ("/assets/a-1.js", None),
        ] {
            assert_eq!(script_path(url), path, "{url}");
        }
    }

    #[test]
    fn tells_scripts_apart() {
        let module = |id| Some(Script::Module { id, seq: 12 });
        for (path, expected) in [
            ("src/App.tsx?seq=12", module("/src/App.tsx")),
            ("src/a.css?inline&seq=12", module("/src/a.css?inline")),
            ("src/x.ts?q=seq=1&seq=12", module("/src/x.ts?q=seq=1")),
            ("@live/registry.js?seq=7", Some(Script::Registry { seq: 7 })),
            ("@live/client.js?v=abc&seq=1", None),
            ("@vendor/abc.js?seq=1", None),
            ("src/App.tsx", None),
            ("src/App.tsx?seq=", None),
            ("src/App.tsx?seq=x", None),
            ("src/App.tsx?noseq=3", None),
            ("", None),
        ] {
            assert_eq!(
                script(&format!("{ORIGIN}{path}"), ORIGIN),
                expected,
                "{path}"
            );
        }
        for url in [
            "",
            "http://other--live.localhost:8787/src/App.tsx?seq=1",
            "https://demo--live.localhost:8787/a?seq=1",
        ] {
            assert_eq!(script(url, ORIGIN), None, "{url}");
        }
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcdefg", 6), "abc…");
        assert_eq!(cut("äöüäöü", 8), "äö…");
        assert_eq!(cut("äöü", 1), "…");
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(trace in "(\\PC|http://a/b:1:2|https://|:3:4|\n){0,40}", cut_at in 3usize..50) {
            prop_assert_eq!(rewrite(&trace, |_| None), trace.clone());
            for place in places(&trace) {
                let text = &trace[place.range.clone()];
                prop_assert!(text.starts_with(place.url));
                prop_assert!(text.ends_with(|last: char| last.is_ascii_digit()));
                let _ = script(place.url, ORIGIN);
            }
            prop_assert!(cut(&trace, cut_at).len() <= cut_at);
        }

        #[test]
        fn what_was_written_is_found(line in 1u32.., column in 1u32.., name in "[a-z(]{1,8}") {
            let trace = format!("    at {name} (https://x.test/{name}.js?seq=3:{line}:{column})");
            let rewritten = rewrite(&trace, |place| Some(format!("<{} {}>", place.line, place.column)));
            prop_assert_eq!(rewritten, format!("    at {name} (<{line} {column}>)"));
        }
    }
}

//! Style texts: the compiler leaves `url()`s as placeholders, here they become URLs; and sheets joined.

use crate::resolution_paths::split_query;
use std::collections::BTreeSet;

/// What the compiler writes for `url(<specifier>)`; see `hotplate_compiler`'s style module.
const OPEN: &str = "__hotplate_asset__(";
const CLOSE: &str = ")__";

/// Sheets under conditions in one app at most. Each chain of conditions makes a sheet another module, so a few
/// files that import each other twice would make more of them than there is memory.
pub(crate) const MAX_CONDITIONED: usize = 1_000;

/// Whether a module is a sheet under conditions; see `conditions` of the compiler's style module.
pub(crate) fn is_conditioned(id: &str) -> bool {
    let (path, query) = split_query(id);
    path.ends_with(".css") && (query.starts_with("?import=") || query.contains("&import="))
}

/// Replaces every placeholder by `url(specifier)`; `None` keeps the specifier as written.
pub(crate) fn substitute(css: &str, url: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((specifier, tail)) = after.split_once(CLOSE) else {
            out.push_str(OPEN);
            rest = after;
            continue;
        };
        out.push_str(&url(specifier).unwrap_or_else(|| specifier.to_owned()));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What the compiler writes for `url(<specifier>)`.
pub(crate) fn placeholder(specifier: &str) -> String {
    format!("{OPEN}{specifier}{CLOSE}")
}

/// Sheets one after the other in one text.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    first: String,
    seen: BTreeSet<String>,
    rest: String,
}

impl Joined {
    /// Appends a sheet.
    pub(crate) fn push(&mut self, css: &str) {
        let (head, rest) = split_head(css);
        // Browsers take `@import` only before every rule but `@layer`'s statements.
        for statement in head {
            if self.seen.insert(statement.to_owned()) {
                self.first.push_str(statement);
                self.first.push('\n');
            }
        }
        let rest = rest.trim();
        if !rest.is_empty() {
            self.rest.push_str(rest);
            self.rest.push('\n');
        }
    }

    /// The text.
    pub(crate) fn text(self) -> String {
        self.first + &self.rest
    }
}

/// Takes what has to stand first from the beginning of a sheet: the `@import`s of other hosts and the
/// `@layer` statements before them; `@charset` goes.
fn split_head(css: &str) -> (Vec<&str>, &str) {
    let mut head = Vec::new();
    let mut layers = Vec::new();
    let mut all = css.trim_start();
    let mut rest = all;
    while ["@import", "@charset", "@layer"]
        .iter()
        .any(|name| all.starts_with(name))
    {
        let Some(end) = statement_end(all) else {
            break;
        };
        let (statement, tail) = all.split_at(end);
        all = tail.trim_start();
        if statement.starts_with("@layer") {
            // It stays where it is unless an `@import` follows.
            layers.push(statement);
            continue;
        }
        if statement.starts_with("@import") {
            head.append(&mut layers);
            head.push(statement);
        }
        if layers.is_empty() {
            rest = all;
        }
    }
    (head, rest)
}

/// Where an at-rule without a block ends, after its semicolon; `None` for one with a block.
fn statement_end(css: &str) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, byte) in css.bytes().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, byte) {
            (_, b'\\') => escaped = true,
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.saturating_sub(1),
            (None, b'{') => return None,
            (None, b';') if depth == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_urls() {
        let css = "a{background:url(\"__hotplate_asset__(./x.png)__\")}b{c:d}";
        let url = |specifier: &str| (specifier == "./x.png").then(|| "/assets/x.png".to_owned());
        assert_eq!(
            substitute(css, &url),
            "a{background:url(\"/assets/x.png\")}b{c:d}"
        );
        assert_eq!(
            substitute("x __hotplate_asset__(y", &url),
            "x __hotplate_asset__(y"
        );
    }

    fn joined(sheets: &[&str]) -> String {
        let mut joined = Joined::default();
        for sheet in sheets {
            joined.push(sheet);
        }
        joined.text()
    }

    #[test]
    fn imports_of_other_hosts_come_first_and_once() {
        let css =
            "@charset \"utf-8\";@import \"https://a/x;y.css\";@import url(https://a/b;c);a{b:c}";
        assert_eq!(
            joined(&["x{y:z}", css, css]),
            "@import \"https://a/x;y.css\";\n@import url(https://a/b;c);\nx{y:z}\na{b:c}\na{b:c}\n"
        );
    }

    #[test]
    fn layer_statements_go_along_with_the_imports_they_precede() {
        assert_eq!(
            joined(&[
                "@layer a{b{c:d}}",
                "@layer x,y;@import \"//h/x\" layer(x);e{f:g}"
            ]),
            "@layer x,y;\n@import \"//h/x\" layer(x);\n@layer a{b{c:d}}\ne{f:g}\n"
        );
        assert_eq!(
            joined(&["a{b:c}", "@layer x,y;e{f:g}"]),
            "a{b:c}\n@layer x,y;e{f:g}\n"
        );
    }
}

//! A chunk's style sheet: the sheets of its modules, each once, in execution order.

use crate::native::graph::{Graph, GraphModule, is_external};
use crate::styles::substitute;
use hotplate_compiler::ImportKind;
use std::collections::BTreeSet;

/// Joins the sheets of the modules in `order`.
pub(super) fn join(
    graph: &Graph,
    order: &[&str],
    url_of: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut first = Vec::new();
    let mut seen = BTreeSet::new();
    let mut rest = String::new();
    for module in order.iter().filter_map(|id| graph.modules.get(*id)) {
        let Some(css) = module
            .artifact()
            .and_then(|artifact| artifact.css.as_deref())
        else {
            continue;
        };
        let (imports, css) = split_imports(css);
        // Browsers take `@import` only before everything else.
        first.extend(imports.into_iter().filter(|import| seen.insert(*import)));
        let text = substitute(css, &|specifier| target(module, specifier, url_of));
        let text = text.trim();
        if !text.is_empty() {
            rest.push_str(text);
            rest.push('\n');
        }
    }
    let mut out = String::new();
    for import in first {
        out.push_str(import);
        out.push('\n');
    }
    out + &rest
}

fn target(
    module: &GraphModule,
    specifier: &str,
    url_of: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let link = module
        .links
        .iter()
        .find(|link| link.kind == ImportKind::Asset && link.specifier == specifier)?;
    if is_external(&link.id) {
        Some(link.id.clone())
    } else {
        url_of(&link.id)
    }
}

/// Takes the `@import`s of other hosts and `@charset` from the beginning of a sheet.
fn split_imports(css: &str) -> (Vec<&str>, &str) {
    let mut imports = Vec::new();
    let mut rest = css.trim_start();
    while rest.starts_with("@import") || rest.starts_with("@charset") {
        let Some(end) = statement_end(rest) else {
            break;
        };
        let (statement, tail) = rest.split_at(end);
        if statement.starts_with("@import") {
            imports.push(statement);
        }
        rest = tail.trim_start();
    }
    (imports, rest)
}

/// Where an at-rule without a block ends, after its semicolon.
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
    fn imports_are_told_from_rules() {
        let css =
            "@charset \"utf-8\";@import \"https://a/x;y.css\";@import url(https://a/b;c);a{b:c}";
        let (imports, rest) = split_imports(css);
        assert_eq!(
            imports,
            [
                "@import \"https://a/x;y.css\";",
                "@import url(https://a/b;c);"
            ]
        );
        assert_eq!(rest, "a{b:c}");
    }
}

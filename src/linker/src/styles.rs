//! Style texts: the compiler leaves `url()`s as placeholders, here they become URLs.

/// What the compiler writes for `url(<specifier>)`; see `hotplate_compiler`'s style module.
const OPEN: &str = "__hotplate_asset__(";
const CLOSE: &str = ")__";

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
}

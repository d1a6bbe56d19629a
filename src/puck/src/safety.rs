//! Which links may stand in a page.
//!
//! Decides by URL scheme alone, the way browsers read it (WHATWG URL, "basic URL parser":
//! leading C0 controls and spaces are dropped, tabs and newlines are removed anywhere).

/// Prop names that browsers or components take for a URL.
const URL_PROPS: &[&str] = &[
    "href",
    "src",
    "url",
    "link",
    "to",
    "action",
    "formaction",
    "poster",
    "srcdoc",
];

/// Whether a prop of that name holds a URL: `href`, `imageUrl`, `button_link`, …
pub(crate) fn is_url_prop(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    URL_PROPS.contains(&name.as_str())
        || ["href", "src", "url", "link"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

/// Whether following the URL would run code.
pub(crate) fn runs_code(url: &str) -> bool {
    let cleaned: String = url
        .trim_start_matches(|character: char| character <= ' ')
        .chars()
        .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
        .take(32)
        .collect::<String>()
        .to_ascii_lowercase();
    [
        "javascript:",
        "vbscript:",
        "data:text/html",
        "data:application/xhtml",
        "data:image/svg",
    ]
    .iter()
    .any(|scheme| cleaned.starts_with(scheme))
}

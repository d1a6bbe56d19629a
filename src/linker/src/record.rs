//! Text of registry scripts: `define` and `css` calls (ARCHITECTURE.md, "Registry").
//!
//! Writes JavaScript that is also safe inside `<script>`; decides nothing about modules.

use serde::Serialize;
use std::collections::BTreeMap;

/// A string literal that HTML cannot end and older parsers cannot break.
pub(crate) fn literal(text: &str) -> String {
    escape(serde_json::Value::from(text).to_string())
}

/// JSON of strings and numbers, as safe.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Strings and numbers alone: serialising them cannot fail.
    escape(serde_json::to_string(value).unwrap_or_default())
}

fn escape(json: String) -> String {
    if json.contains(['<', '\u{2028}', '\u{2029}']) {
        json.replace('<', "\\u003c")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029")
    } else {
        json
    }
}

/// What stands before the record in a `define`.
pub(crate) fn define_head(id: &str) -> String {
    format!("__hotplate__.define({},", literal(id))
}

/// Appends `define(id, record, deps)`.
pub(crate) fn define<K: Serialize + Ord, T: Serialize>(
    out: &mut String,
    id: &str,
    code: &str,
    deps: &BTreeMap<K, T>,
) {
    out.push_str(&define_head(id));
    out.push_str(code);
    out.push_str(&define_tail(deps));
}

/// What stands after the record in a `define`.
pub(crate) fn define_tail<K: Serialize + Ord, T: Serialize>(deps: &BTreeMap<K, T>) -> String {
    if deps.is_empty() {
        ");\n".to_owned()
    } else {
        format!(",{});\n", json(deps))
    }
}

/// Appends `css(id, text)`.
pub(crate) fn css(out: &mut String, id: &str, text: &str) {
    out.push_str("__hotplate__.css(");
    out.push_str(&literal(id));
    out.push(',');
    out.push_str(&literal(text));
    out.push_str(");\n");
}

/// The record of an asset: a module whose default export is the URL.
pub(crate) fn asset(url: &str) -> String {
    format!(
        "{{kind:\"esm\",imports:[],*run(h){{h.export({{default:()=>{}}});yield}}}}",
        literal(url)
    )
}

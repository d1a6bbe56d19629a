//! JSON values as JavaScript literals that cannot become code, wherever they stand in TSX.

use serde_json::Value;
use std::fmt::Write as _;

/// A string literal. `<` is escaped so that the module may be inlined in HTML, and the two
/// line separators because older parsers end a line at them.
pub(crate) fn string(text: &str) -> String {
    Value::from(text)
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A property key. `__proto__` written plainly would set the prototype instead
/// (ECMA-262, annex B.3.1), so it is computed.
pub(crate) fn key(name: &str) -> String {
    let literal = string(name);
    if name == "__proto__" {
        format!("[{literal}]")
    } else {
        literal
    }
}

/// Takes over a value with source of its own; gets the value and the name of its field.
pub(crate) type Leaf<'a, E> = dyn FnMut(&Value, Option<&str>) -> Result<Option<String>, E> + 'a;

/// Any value; `leaf` may take over any value with source of its own.
pub(crate) fn value<E>(
    out: &mut String,
    json: &Value,
    name: Option<&str>,
    leaf: &mut Leaf<'_, E>,
) -> Result<(), E> {
    if let Some(source) = leaf(json, name)? {
        out.push_str(&source);
        return Ok(());
    }
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{json}");
        }
        Value::String(text) => out.push_str(&string(text)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                value(out, item, name, leaf)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (field, item)) in fields.iter().enumerate() {
                out.push_str(if index == 0 { " " } else { ", " });
                out.push_str(&key(field));
                out.push_str(": ");
                value(out, item, Some(field), leaf)?;
            }
            out.push_str(if fields.is_empty() { "}" } else { " }" });
        }
    }
    Ok(())
}

//! JavaScript text pieces written by hand: string literals and identifier tests; and lines.

use std::borrow::Cow;

/// The text with line feeds for the carriage returns that stand alone. JavaScript, CSS and editors take them
/// for the end of a line, so they are one; nothing moves.
pub(crate) fn with_plain_lines(text: &str) -> Cow<'_, str> {
    let mut returns = text.match_indices('\r');
    if returns.all(|(at, _)| text.as_bytes().get(at + 1) == Some(&b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut rest = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = rest.next() {
        let ends_line = character == '\r' && rest.peek() != Some(&'\n');
        plain.push(if ends_line { '\n' } else { character });
    }
    Cow::Owned(plain)
}

/// A JavaScript string literal, safe inside a script element too.
pub(crate) fn quote(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace("</script", "<\\/script")
        .replace("<!--", "<\\!--")
}

/// Whether a name may stand after a dot (ASCII names only: others stay string names).
pub(crate) fn is_identifier_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '$')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

/// Whether a name may be declared in module code.
pub(crate) fn is_identifier(name: &str) -> bool {
    is_identifier_name(name) && !RESERVED.contains(&name)
}

/// Words that name no binding in module code.
const RESERVED: [&str; 50] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "NaN",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_scripts_would_misread() {
        assert_eq!(
            quote("a\"\n\u{2028}</script>"),
            r#""a\"\n\u2028<\/script>""#
        );
    }

    #[test]
    fn knows_identifiers() {
        assert!(is_identifier("$a_1"));
        for name in ["", "1a", "a-b", "class", "await", "\u{e9}"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}

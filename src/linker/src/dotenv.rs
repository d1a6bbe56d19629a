//! `.env` files: which of them count, and which of their values a browser may see.
//!
//! Vite's rules ("Env Variables and Modes"): `.env`, `.env.local`, `.env.<mode>`, `.env.<mode>.local`,
//! later ones win, and only names that begin with `VITE_` leave the files. Text as the npm packages
//! `dotenv` and `dotenv-expand` read it, with one difference: `$NAME` knows the files' own names and
//! nothing of the process, whose environment is the platform's. That is why no crate does this: each
//! known one reads the process's variables.

use hotplate_compiler::Mode;
use std::collections::BTreeMap;

/// Prefix of names that a browser may see.
const PUBLIC: &str = "VITE_";
/// Deepest chain of `${A}` that means `${B}` that means …
const EXPANSIONS: usize = 16;
/// Longest expanded value: doubling a name a few times makes any length.
const VALUE_BYTES: usize = 64 * 1024;

/// The files of a mode, the weakest first.
fn files(mode: Mode) -> [String; 4] {
    let name = mode.name();
    [
        ".env".to_owned(),
        ".env.local".to_owned(),
        format!(".env.{name}"),
        format!(".env.{name}.local"),
    ]
}

/// Whether a path is one of those files, of any mode.
pub(crate) fn is_env_file(path: &str) -> bool {
    path == ".env" || path.starts_with(".env.")
}

/// The public values of an app's files.
pub fn public_values(
    mode: Mode,
    text: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let mut raw = BTreeMap::new();
    for content in files(mode).iter().filter_map(|file| text(file)) {
        raw.extend(parse(&content));
    }
    let mut expansion = Expansion {
        raw: &raw,
        done: BTreeMap::new(),
        path: Vec::new(),
    };
    raw.keys()
        .filter(|name| name.starts_with(PUBLIC))
        .map(|name| (name.clone(), expansion.value(name)))
        .collect()
}

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Raw {
    text: String,
    /// Whether `$NAME` means something in it: not between single quotes.
    expands: bool,
}

fn parse(content: &str) -> BTreeMap<String, Raw> {
    let content = content
        .strip_prefix('\u{feff}')
        .unwrap_or(content)
        .replace("\r\n", "\n");
    let mut values = BTreeMap::new();
    let mut rest = content.as_str();
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        let Some((name, start)) = assignment(line) else {
            continue;
        };
        let value = start.trim_start_matches([' ', '\t']);
        let Some(quote) = value.chars().next().filter(|first| "\"'`".contains(*first)) else {
            // A comment may stand behind the value.
            let text = value.split('#').next().unwrap_or_default().trim();
            values.insert(
                name.to_owned(),
                Raw {
                    text: text.to_owned(),
                    expands: true,
                },
            );
            continue;
        };
        // A quoted value may go on over lines; without its end it is what the line says.
        let body_at = content.len() - after.len() - line.len() + (line.len() - value.len()) + 1;
        let body = content.get(body_at..).unwrap_or_default();
        if let Some(close) = closing(body, quote) {
            let (inner, behind) = body.split_at(close);
            let text = if quote == '"' {
                inner
                    .replace("\\n", "\n")
                    .replace("\\r", "\r")
                    .replace("\\\"", "\"")
            } else {
                inner.to_owned()
            };
            values.insert(
                name.to_owned(),
                Raw {
                    text,
                    expands: quote != '\'',
                },
            );
            rest = behind
                .find('\n')
                .and_then(|at| behind.get(at + 1..))
                .unwrap_or_default();
        } else {
            let text = value
                .split('#')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            values.insert(
                name.to_owned(),
                Raw {
                    text,
                    expands: true,
                },
            );
        }
    }
    values
}

/// `NAME=…` or `export NAME: …`: the name and what follows.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map_or(line, str::trim_start);
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (name, rest) = line.split_at(end);
    let value = rest
        .trim_start_matches([' ', '\t'])
        .strip_prefix(['=', ':'])?;
    (!name.is_empty()).then_some((name, value))
}

/// Where the quote closes.
fn closing(body: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    body.char_indices().find_map(|(at, character)| {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return Some(at);
        }
        None
    })
}

/// Replaces names by values, each name's value made once, so that references of references cost no more
/// than the files are long.
struct Expansion<'a> {
    raw: &'a BTreeMap<String, Raw>,
    done: BTreeMap<&'a str, String>,
    /// Names under way: one that leads back to itself is empty there.
    path: Vec<&'a str>,
}

impl<'a> Expansion<'a> {
    fn value(&mut self, name: &str) -> String {
        if let Some(known) = self.done.get(name) {
            return known.clone();
        }
        let raw = self.raw;
        let Some((name, value)) = raw.get_key_value(name) else {
            return String::new();
        };
        if self.path.contains(&name.as_str()) || self.path.len() >= EXPANSIONS {
            return String::new();
        }
        let text = if value.expands {
            self.path.push(name);
            let text = self.text(&value.text);
            self.path.pop();
            text
        } else {
            value.text.clone()
        };
        self.done.insert(name, text.clone());
        text
    }

    /// `text` with `$NAME`, `${NAME}` and `${NAME:-otherwise}` replaced; `\$` is a dollar.
    fn text(&mut self, text: &'a str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            let after = from.get(1..).unwrap_or_default();
            if let Some(before) = before.strip_suffix('\\') {
                out.push_str(before);
                out.push('$');
                rest = after;
                continue;
            }
            out.push_str(before);
            let braced = after
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'));
            let (reference, behind) = braced.unwrap_or_else(|| {
                let end = after
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                after.split_at(end)
            });
            let (name, otherwise) = reference.split_once(":-").unwrap_or((reference, ""));
            if name.is_empty() {
                out.push('$');
                rest = after;
                continue;
            }
            let value = self.value(name);
            out.push_str(if value.is_empty() { otherwise } else { &value });
            out.truncate(out.floor_char_boundary(VALUE_BYTES));
            rest = behind;
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(files: &[(&str, &str)], mode: Mode) -> Vec<(String, String)> {
        let text = |path: &str| {
            files
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, text)| (*text).to_owned())
        };
        public_values(mode, &text).into_iter().collect()
    }

    fn value(line: &str) -> String {
        values(&[(".env", line)], Mode::Development)
            .into_iter()
            .map(|(_, value)| value)
            .collect::<Vec<_>>()
            .join("|")
    }

    #[test]
    fn reads_what_dotenv_reads() {
        for (line, expected) in [
            ("VITE_A=1", "1"),
            ("export VITE_A=1", "1"),
            ("  VITE_A = spaced out  ", "spaced out"),
            ("VITE_A: yaml", "yaml"),
            ("VITE_A=one # two", "one"),
            ("VITE_A='one # two' # three", "one # two"),
            ("VITE_A=\"a\\nb\"", "a\nb"),
            ("VITE_A='a\\nb'", "a\\nb"),
            ("VITE_A=\"over\nlines\"\nVITE_B=2", "over\nlines|2"),
            ("VITE_A=`it's \"both\"`", "it's \"both\""),
            ("VITE_A=\"open", "\"open"),
            ("VITE_A=", ""),
            ("# VITE_A=1", ""),
            ("no assignment", ""),
            ("\u{feff}VITE_A=bom\r\nVITE_B=crlf\r\n", "bom|crlf"),
            ("SECRET=1", ""),
            ("BASE=a.b\nVITE_A=https://${BASE}/$BASE", "https://a.b/a.b"),
            ("VITE_A=${NONE:-else}", "else"),
            ("VITE_A=\\$BASE and 5$", "$BASE and 5$"),
            ("BASE=1\nVITE_A='$BASE'", "$BASE"),
            ("VITE_A=$VITE_A", ""),
        ] {
            assert_eq!(value(line), expected, "{line:?}");
        }
    }

    #[test]
    fn nothing_of_the_process_is_seen() {
        assert_eq!(value("VITE_A=${PATH}$HOME"), "");
    }

    #[test]
    fn later_files_win() {
        let files = [
            (".env", "VITE_A=1\nVITE_B=1\nVITE_C=1\nVITE_D=1"),
            (".env.local", "VITE_B=2"),
            (".env.production", "VITE_C=3"),
            (".env.development", "VITE_C=4"),
            (".env.production.local", "VITE_D=5"),
        ];
        let of = |mode| {
            let all = values(&files, mode).into_iter();
            all.map(|(_, value)| value).collect::<String>()
        };
        assert_eq!(of(Mode::Production), "1235");
        assert_eq!(of(Mode::Development), "1241");
    }

    #[test]
    fn doubling_has_an_end() {
        let doubling: Vec<String> = (0..60)
            .map(|n| format!("VITE_{}=${{VITE_{n}}}${{VITE_{n}}}", n + 1))
            .collect();
        let doubling = doubling.join("\n");
        for start in ["aaaa", ""] {
            let text = format!("VITE_0={start}\n{doubling}");
            let all = values(&[(".env", &text)], Mode::Development);
            assert!(all.iter().all(|(_, value)| value.len() <= VALUE_BYTES + 16));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(VITE_[A-C]|[=:#'\"`$\\\\{}\n \r]|:-|.){0,60}") {
            values(&[(".env", &text)], Mode::Development);
        }

        #[test]
        fn single_quotes_keep_everything(text in "[^'\\\\\r]{0,40}") {
            prop_assert_eq!(value(&format!("VITE_A='{text}'")), text);
        }
    }
}

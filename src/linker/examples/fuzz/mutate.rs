//! Texts made of other texts: tokens and bracketed spans of the corpus put together anew.
//!
//! It knows brackets, strings, comments and words, which scripts, styles, JSON and HTML share; so what it
//! makes is often a program. Random bytes would be refused by the first line of a parser.

use fastrand::Rng;

/// Longest text made.
const MOST_BYTES: usize = 48 * 1024;
/// Longest span of another text that is put into one.
const SPAN_BYTES: usize = 1024;

/// Texts that have broken parsers before, wherever they stand.
const NASTY: &[&str] = &[
    "\u{2028}",
    "\u{feff}",
    "\0",
    "\r",
    "\u{c}",
    "\u{1f600}",
    "e\u{301}",
    "\\u{110000}",
    "\\ud800",
    "\\",
    "/*",
    "*/",
    "//",
    "<!--",
    "-->",
    "#!",
    "`",
    "${",
    "'",
    "\"",
    "0x",
    "1e999",
    "0b2",
    "08",
    "1_0",
    "1n",
    ".5.",
    "#p",
    "@",
    "=>",
    "?.",
    "??=",
    "**",
    "...",
    "<",
    "</",
    "/>",
    "&amp;",
    "%VITE_A%",
    "!important",
    "url(",
    "@import ",
    "composes: a from './x.css';",
    "new.target",
    "import.meta",
    "await ",
    "yield ",
    "let ",
    "static ",
    "get ",
    "async ",
    "using ",
    "enum ",
    "declare ",
    "satisfies ",
    "as const",
    "default",
    "__proto__",
    "constructor",
    "arguments",
    "eval",
    "h",
    "module",
    "exports",
    "require",
    "__esModule",
    "then",
    "\\u0061",
    "/a/v",
    "/[/",
];
const PAIRS: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("`${", "}`"),
    ("<a>", "</a>"),
    ("{()=>{", "}}"),
    ("async()=>{", "}"),
    ("class{static{", "}}"),
    ("@media x{", "}"),
    ("a,b{", "}"),
    ("if(x){", "}"),
    ("(function*(){", "})()"),
];

/// What tokens and spans are taken from.
pub(crate) struct Pool {
    tokens: Vec<String>,
    spans: Vec<String>,
}

impl Pool {
    pub(crate) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let (mut words, mut spans) = (Vec::new(), Vec::new());
        for text in texts {
            let tokens = tokens(text);
            let found = ranges(&tokens).into_iter();
            let found = found.map(|(from, to)| tokens[from..to].concat());
            spans.extend(found.filter(|span| span.len() <= SPAN_BYTES));
            let found = tokens.into_iter().filter(|token| !token.trim().is_empty());
            words.extend(found.map(str::to_owned));
        }
        words.sort();
        words.dedup();
        spans.sort();
        spans.dedup();
        Self {
            tokens: words,
            spans,
        }
    }

    fn token(&self, rng: &mut Rng) -> &str {
        rng.choice(&self.tokens).map_or("", String::as_str)
    }

    fn span(&self, rng: &mut Rng) -> &str {
        rng.choice(&self.spans).map_or("", String::as_str)
    }

    /// `text` after a few changes.
    pub(crate) fn mutate(&self, rng: &mut Rng, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..rng.usize(1..=4) {
            text = self.change(rng, &text);
            let mut end = text.len().min(MOST_BYTES);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        text
    }

    fn change(&self, rng: &mut Rng, text: &str) -> String {
        let mut parts = tokens(text);
        if parts.is_empty() {
            return self.span(rng).to_owned();
        }
        let at = rng.usize(..parts.len());
        let ranges = ranges(&parts);
        let (from, to) = rng.choice(&ranges).copied().unwrap_or((at, at + 1));
        let span = parts[from..to].concat();
        let held: String;
        match rng.u8(..20) {
            0..4 => parts[at] = self.token(rng),
            4..7 => drop(parts.splice(from..to, [self.span(rng)])),
            7..10 => parts.insert(from, self.span(rng)),
            10 => drop(parts.drain(from..to)),
            11 => drop(parts.drain(at..(at + rng.usize(1..6)).min(parts.len()))),
            // One part of the text in another one's place.
            12 | 13 => {
                let (other, end) = rng.choice(&ranges).copied().unwrap_or((at, at + 1));
                held = parts[other..end].concat();
                parts.splice(from..to, [held.as_str()]);
            }
            14 => parts.insert(to, &span),
            15 => {
                let most = [3, 30, 300][rng.usize(..3)];
                let times = rng.usize(2..=most);
                held = span.repeat(times.min(MOST_BYTES / span.len().max(1) + 1));
                parts.insert(to, &held);
            }
            16 => {
                let (open, close) = PAIRS[rng.usize(..PAIRS.len())];
                let times = [1, 1, 2, 60, 400][rng.usize(..5)];
                held = format!("{}{span}{}", open.repeat(times), close.repeat(times));
                parts.splice(from..to, [held.as_str()]);
            }
            17 => parts.insert(at, NASTY[rng.usize(..NASTY.len())]),
            18 => parts.truncate(at),
            // The same word everywhere, so that names clash.
            _ => {
                let new = self.token(rng);
                let old = parts[at];
                parts
                    .iter_mut()
                    .filter(|part| **part == old)
                    .for_each(|part| *part = new);
            }
        }
        parts.concat()
    }
}

/// A text's words, strings, comments, runs of blanks and signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |of: fn(char) -> bool| rest.find(|c| !of(c)).unwrap_or(rest.len());
        let end = if first.is_whitespace() {
            run(char::is_whitespace)
        } else if is_word(first) {
            run(is_word)
        } else if matches!(first, '\'' | '"') {
            string_end(rest, first)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else {
            let signs = [
                "...", "===", "!==", "=>", "?.", "??", "&&", "||", "**", "==", "++", "--", "</",
                "/>", "${",
            ];
            let sign = signs.iter().find(|sign| rest.starts_with(**sign));
            sign.map_or(first.len_utf8(), |sign| sign.len())
        };
        let (token, after) = rest.split_at(end);
        found.push(token);
        rest = after;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// Where a string ends; the quote alone when it does not end on its line.
fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    1
}

/// Ranges of tokens that belong together: what is in brackets, with and without them, and statements.
fn ranges(tokens: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    // Where brackets opened, and where the statement in them began.
    let mut open = vec![(0, 0)];
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "(" | "[" | "{" | "${" => open.push((at, at + 1)),
            ")" | "]" | "}" if open.len() > 1 => {
                if let Some((start, statement)) = open.pop() {
                    found.push((start, at + 1));
                    found.push((start + 1, at));
                    found.push((statement, at));
                }
            }
            ";" | "," | ">" => {
                if let Some((_, statement)) = open.last_mut() {
                    found.push((*statement, at + 1));
                    *statement = at + 1;
                }
            }
            blank if blank.contains('\n') => {
                if let Some((_, statement)) = open.last_mut() {
                    found.push((*statement, at + 1));
                    *statement = at + 1;
                }
            }
            _ => {}
        }
    }
    found.retain(|(from, to)| from < to);
    found
}

//! A bound on how deeply a script nests, found by a cheap scan before the parser recurses.
//!
//! It over-counts rather than under-counts, and knows no grammar beyond strings, comments,
//! templates and regular expressions.

/// Deepest bracket nesting accepted. Hand-written code stays below 40, bundles below 120.
const MAX_DEPTH: usize = 200;
/// Longest run of operators, keywords and colons without `;`, `,` or a bracket's end: each may
/// be one level of the syntax tree (`a => b => …`, `!!!…`, `a ? b : c ? …`, `x + y + …`).
const MAX_CHAIN: usize = 1_500;

/// Where a script nests too deeply: the byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep(pub(crate) usize);

/// What a closing bracket returns to.
struct Open {
    closer: u8,
    chain: usize,
    /// A `${` of a template: its `}` goes back into the template's text.
    template: bool,
}

/// Checks a script's nesting.
pub(crate) fn check(text: &str) -> Result<(), TooDeep> {
    Scan {
        bytes: text.as_bytes(),
        at: 0,
        open: Vec::new(),
        chain: 0,
        operand: false,
    }
    .run()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
    chain: usize,
    /// Whether the last token ends an operand, so that `/` divides.
    operand: bool,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn run(mut self) -> Result<(), TooDeep> {
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            match byte {
                b'"' | b'\'' => self.string(byte),
                b'`' => {
                    self.at += 1;
                    self.template()?;
                }
                b'/' if self.peek(1) == b'/' => self.skip_to(b"\n"),
                b'/' if self.peek(1) == b'*' => {
                    self.at += 2;
                    self.skip_to(b"*/");
                }
                b'/' if !self.operand => self.regex(),
                b'(' | b'[' | b'{' => self.enter(byte, false)?,
                b')' | b']' | b'}' => {
                    if self.leave(byte) {
                        self.template()?;
                    }
                }
                b';' | b',' => {
                    self.chain = 0;
                    self.at += 1;
                    self.operand = false;
                }
                byte if byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_$#@\\".contains(&byte) => {
                    self.word()?;
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => {
                    self.link()?;
                    self.at += 1;
                    self.operand = false;
                }
            }
        }
        Ok(())
    }

    fn link(&mut self) -> Result<(), TooDeep> {
        self.chain += 1;
        if self.chain > MAX_CHAIN {
            return Err(TooDeep(self.at));
        }
        Ok(())
    }

    fn enter(&mut self, byte: u8, template: bool) -> Result<(), TooDeep> {
        let closer = match byte {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        self.open.push(Open {
            closer,
            chain: self.chain,
            template,
        });
        if self.open.len() > MAX_DEPTH {
            return Err(TooDeep(self.at));
        }
        self.chain = 0;
        self.at += 1;
        self.operand = false;
        Ok(())
    }

    /// Returns whether the bracket ended a template's `${…}`.
    fn leave(&mut self, byte: u8) -> bool {
        self.at += 1;
        self.operand = byte != b'}';
        // A closer without its opener (in JSX text, say) closes nothing.
        let Some(index) = self.open.iter().rposition(|open| open.closer == byte) else {
            return false;
        };
        let Some(open) = self.open.drain(index..).next() else {
            return false;
        };
        // A block ends a statement; other brackets are operands of the chain around them.
        self.chain = if byte == b'}' && !open.template {
            open.chain.saturating_sub(1)
        } else {
            open.chain
        };
        open.template
    }

    fn word(&mut self) -> Result<(), TooDeep> {
        let start = self.at;
        while {
            let byte = self.peek(0);
            byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_$#@\\".contains(&byte)
        } {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        let keyword = matches!(
            word,
            b"return" | b"typeof" | b"case" | b"in" | b"of" | b"new" | b"delete" | b"void"
                | b"throw" | b"instanceof" | b"await" | b"yield" | b"else" | b"do"
        );
        if keyword || matches!(word, b"if" | b"for" | b"while" | b"with" | b"as" | b"satisfies") {
            self.link()?;
        }
        self.operand = !keyword;
        Ok(())
    }

    fn string(&mut self, quote: u8) {
        self.at += 1;
        loop {
            match self.peek(0) {
                b'\\' => self.at += 2,
                byte if byte == quote => {
                    self.at += 1;
                    break;
                }
                // An apostrophe in JSX text opens no string: give up at the end of the line.
                b'\n' => break,
                _ if self.at >= self.bytes.len() => break,
                _ => self.at += 1,
            }
        }
        self.operand = true;
    }

    fn regex(&mut self) {
        let mut at = self.at + 1;
        let mut class = false;
        loop {
            match self.bytes.get(at) {
                Some(b'\\') => at += 1,
                Some(b'[') => class = true,
                Some(b']') => class = false,
                Some(b'/') if !class => break,
                // Not a regular expression after all (`</div>`).
                None | Some(b'\n') => {
                    self.at += 1;
                    return;
                }
                Some(_) => {}
            }
            at += 1;
        }
        self.at = at + 1;
        self.operand = true;
    }

    fn template(&mut self) -> Result<(), TooDeep> {
        loop {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    break;
                }
                b'$' if self.peek(1) == b'{' => {
                    self.at += 1;
                    return self.enter(b'{', true);
                }
                _ if self.at >= self.bytes.len() => break,
                _ => self.at += 1,
            }
        }
        self.operand = true;
        Ok(())
    }

    fn skip_to(&mut self, end: &[u8]) {
        while self.at < self.bytes.len() {
            if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(end)) {
                self.at += end.len();
                return;
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_code_only() {
        let fine = [
            "(".repeat(150) + &")".repeat(150),
            format!("const s = '{}', t = `{}`; // {}", "(".repeat(500), "[".repeat(500), "{".repeat(500)),
            "x(/[(\\/]/); ".repeat(500),
            "<p>don't (</p>;\n".repeat(100),
            "a(`${b(`${c}`)}`); ".repeat(500),
            "if (a) { b() } else if (c) { d() }\n".repeat(1000),
        ];
        for text in fine {
            assert_eq!(check(&text), Ok(()), "{}", text.get(..40).unwrap_or(&text));
        }
    }

    #[test]
    fn finds_every_kind_of_depth() {
        for unit in ["(", "[", "{", "a=>", "!", "`${", "a?b:", "x+", "typeof ", "if(x)"] {
            assert!(check(&unit.repeat(5000)).is_err(), "{unit}");
        }
    }
}

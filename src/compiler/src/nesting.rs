//! A bound on how deeply a script nests, found by a cheap scan before the parser recurses.
//!
//! It over-counts rather than under-counts, and knows no grammar beyond strings, comments,
//! templates and regular expressions.

/// Deepest bracket nesting accepted. Hand-written code stays below 40, bundles below 120.
const MAX_DEPTH: usize = 200;
/// Longest run of operators, keywords and colons without `;`, `,` or a bracket's end, weighted:
/// each may be one level of the syntax tree (`a => b => …`, `!!!…`, `a ? b : c ? …`).
const MAX_CHAIN: usize = 6_000;
/// What most operators weigh.
const LINK: usize = 4;
/// What binary operators weigh: generated tables are thousands of `a === 1 || a === 2 || …`, and
/// the parser does not recurse for them, though the passes do.
const BINARY_LINK: usize = 2;
/// The longest first, so that a prefix is not taken for the whole.
const BINARY: [&[u8]; 20] = [
    b"===", b"!==", b">>>", b"==", b"!=", b"<=", b">=", b"&&", b"||", b"??", b"**", b"<<", b"+",
    b"-", b"*", b"/", b"%", b"&", b"|", b"^",
];

/// Where a script nests too deeply: the byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep(pub(crate) usize);

/// Most `<` open at once: type arguments nest without any bracket of another kind.
const MAX_ANGLES: usize = 150;
/// Most JSX elements open at once.
const MAX_ELEMENTS: usize = 300;
/// Most places around one another where TypeScript's parser tries one reading and may start again
/// with another, which doubles its work at every level: type assertions (`<T>x` may begin a
/// generic arrow function) and arrow functions in a `?:` (`a ? (b) : c => d`).
const MAX_SPECULATIONS: usize = 12;

/// What `<` may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Angle {
    /// JSX, or type arguments.
    Element,
    /// A type assertion, or type arguments.
    Assertion,
    /// A comparison only.
    Less,
}

/// What a closing bracket returns to.
struct Open {
    closer: u8,
    chain: usize,
    angles: usize,
    elements: usize,
    speculations: usize,
    conditional: bool,
    /// A `${` of a template: its `}` goes back into the template's text.
    template: bool,
}

/// Checks a script's nesting.
pub(crate) fn check(text: &str, angle: Angle) -> Result<(), TooDeep> {
    Scan {
        angle,
        angles: 0,
        elements: 0,
        speculations: 0,
        conditional: false,
        new_line: false,
        last: 0,
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
    angle: Angle,
    angles: usize,
    elements: usize,
    speculations: usize,
    /// Whether `? (` was seen in this expression.
    conditional: bool,
    /// Whether a line ended since the last token.
    new_line: bool,
    /// The last byte of the last token.
    last: u8,
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
                b'"' | b'\'' if self.is_apostrophe() => self.at += 1,
                b'"' | b'\'' => self.string(byte),
                b'`' => {
                    self.at += 1;
                    self.template()?;
                }
                b'/' if self.peek(1) == b'/' && self.is_address() => self.at += 2,
                b'/' if self.peek(1) == b'/' => self.skip_to(b"\n"),
                b'/' if self.peek(1) == b'*' => {
                    self.at += 2;
                    self.skip_to(b"*/");
                }
                b'/' if self.ends_element() => {
                    // Its `>` ends what its `<` began.
                    self.angles = self.angles.saturating_sub(1);
                    self.leave_element();
                    self.operand = true;
                }
                b'/' if !self.operand => self.regex(),
                b'(' | b'[' | b'{' => self.enter(byte, false)?,
                b')' | b']' | b'}' => {
                    if self.leave(byte) {
                        self.template()?;
                    }
                }
                b'<' => self.angle()?,
                b';' | b',' => {
                    // Type arguments have commas too.
                    if byte == b';' || self.angles == 0 {
                        self.chain = 0;
                        self.conditional = false;
                    }
                    if byte == b';' {
                        self.angles = 0;
                        self.speculations = self.open.last().map_or(0, |open| open.speculations);
                    }
                    self.at += 1;
                    self.operand = false;
                }
                byte if is_word(byte) => self.word()?,
                byte if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    self.new_line |= byte == b'\n';
                    continue;
                }
                _ => self.operator(byte)?,
            }
            self.new_line = false;
            self.last = self.before();
        }
        Ok(())
    }

    fn operator(&mut self, byte: u8) -> Result<(), TooDeep> {
        if self.operand
            && let Some(length) = self.binary()
        {
            self.at += length;
            self.operand = false;
            return self.link(BINARY_LINK);
        }
        self.link(LINK)?;
        let arrow = byte == b'>' && self.before() == b'=';
        if arrow && self.conditional {
            self.conditional = false;
            self.speculate()?;
        } else if byte == b'>' {
            self.angles = self.angles.saturating_sub(1);
        } else if byte == b'?' {
            self.conditional |= self.bytes.get(self.at + 1..).is_some_and(|rest| {
                rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'(')
            });
        }
        self.at += 1;
        self.operand = false;
        Ok(())
    }

    /// The length of the binary operator here.
    fn binary(&self) -> Option<usize> {
        let rest = self.bytes.get(self.at..)?;
        let operator = BINARY.iter().find(|operator| rest.starts_with(operator))?;
        Some(operator.len())
    }

    fn angle(&mut self) -> Result<(), TooDeep> {
        if matches!(self.peek(1), b'<' | b'=') {
            return self.operator(b'<');
        }
        self.link(LINK)?;
        let next = self.peek(1);
        let opens = next.is_ascii_alphabetic() || matches!(next, b'_' | b'$' | b'>');
        match self.angle {
            Angle::Element if next == b'/' => {
                self.leave_element();
                return Ok(());
            }
            // `name<` without a blank are type arguments.
            Angle::Element if opens && !is_word(self.before()) => self.elements += 1,
            Angle::Assertion if !self.operand => self.speculate()?,
            Angle::Element | Angle::Assertion | Angle::Less => {}
        }
        self.angles += 1;
        if self.angles > MAX_ANGLES || self.elements > MAX_ELEMENTS {
            return Err(TooDeep(self.at));
        }
        self.at += 1;
        self.operand = false;
        Ok(())
    }

    fn speculate(&mut self) -> Result<(), TooDeep> {
        self.speculations += 1;
        if self.speculations > MAX_SPECULATIONS {
            return Err(TooDeep(self.at));
        }
        Ok(())
    }

    /// Whether the `/` here is that of `<x />`.
    fn ends_element(&self) -> bool {
        self.angle == Angle::Element
            && self.peek(1) == b'>'
            && (self.operand || matches!(self.before(), b'}' | b' ' | b'\n'))
    }

    /// After `</` or `/>`: siblings that follow are not inside this element.
    fn leave_element(&mut self) {
        self.elements = self.elements.saturating_sub(1);
        self.chain = 0;
        self.at += 2;
    }

    /// The byte before this one.
    fn before(&self) -> u8 {
        let at = self.at.checked_sub(1);
        at.and_then(|at| self.bytes.get(at)).copied().unwrap_or(0)
    }

    fn link(&mut self, weight: usize) -> Result<(), TooDeep> {
        self.chain += weight;
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
            angles: self.angles,
            elements: self.elements,
            speculations: self.speculations,
            conditional: self.conditional,
            template,
        });
        if self.open.len() > MAX_DEPTH {
            return Err(TooDeep(self.at));
        }
        self.chain = 0;
        self.angles = 0;
        self.conditional = false;
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
        self.angles = open.angles;
        self.elements = open.elements;
        self.conditional = open.conditional;
        // The end of a block may be the end of its statement (code without semicolons).
        self.speculations = if byte == b'}' {
            self.open.last().map_or(0, |outer| outer.speculations)
        } else {
            open.speculations
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
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        if self.last == b'.' {
            // A property, whatever it is called.
            self.operand = true;
            return Ok(());
        }
        if self.begins_statement(word) {
            self.chain = 0;
            self.angles = 0;
            self.conditional = false;
        }
        let keyword = matches!(
            word,
            b"return"
                | b"typeof"
                | b"case"
                | b"in"
                | b"of"
                | b"new"
                | b"delete"
                | b"void"
                | b"throw"
                | b"instanceof"
                | b"await"
                | b"yield"
                | b"else"
                | b"do"
                | b"default"
        );
        if keyword
            || matches!(
                word,
                b"if" | b"for" | b"while" | b"with" | b"as" | b"satisfies"
            )
        {
            self.link(LINK)?;
        }
        self.operand = !keyword;
        Ok(())
    }

    /// Whether a word begins a statement, in code without semicolons.
    fn begins_statement(&self, word: &[u8]) -> bool {
        if self.last == b'}' {
            // A block is a whole statement; only these words go on after one.
            let continues = matches!(
                word,
                b"else"
                    | b"catch"
                    | b"finally"
                    | b"in"
                    | b"of"
                    | b"instanceof"
                    | b"as"
                    | b"satisfies"
                    | b"is"
                    | b"extends"
                    | b"implements"
                    | b"from"
            );
            // In markup `}` may be followed by text.
            return !continues && (self.new_line || self.angle != Angle::Element);
        }
        if !self.new_line || !(self.operand || self.last == b'>') {
            return false;
        }
        if self.last == b'>' {
            // Type arguments end a statement (`type A = B<C>`); a comparison does not. Two words
            // in a row can only be a declaration.
            return matches!(
                word,
                b"const" | b"let" | b"var" | b"type" | b"interface" | b"export" | b"import"
            ) && self.peek(0) == b' '
                && (is_word(self.peek(1)) || self.peek(1) == b'{');
        }
        match word {
            b"const" | b"let" | b"var" | b"type" | b"interface" | b"export" | b"import"
            | b"return" => true,
            // These may continue what came before, or nest in it.
            b"if" | b"for" | b"while" | b"with" | b"do" | b"else" | b"extends" | b"in" | b"of"
            | b"instanceof" | b"as" | b"satisfies" | b"is" | b"implements" => false,
            // After `)` it may be the body of an `if` or a loop.
            _ => self.last != b')',
        }
    }

    /// Whether the quote here stands in the text of markup (`don't`, `5" wide`): what it would swallow up to
    /// the next one are the ends of elements.
    fn is_apostrophe(&self) -> bool {
        self.elements > 0 && self.operand && is_word(self.before())
    }

    /// Whether the `//` here is that of `https://` in the text of markup.
    fn is_address(&self) -> bool {
        self.elements > 0 && self.before() == b':' && is_word(self.peek(2))
    }

    fn string(&mut self, quote: u8) {
        let start = self.at;
        self.at += 1;
        self.operand = true;
        loop {
            match self.peek(0) {
                b'\\' => self.at += 2,
                byte if byte == quote => {
                    self.at += 1;
                    break;
                }
                // Strings end in their line, but attributes of markup need not.
                b'\n'
                    if !(self.elements > 0
                        && self.bytes.get(start.wrapping_sub(1)) == Some(&b'=')) =>
                {
                    self.at = start + 1;
                    break;
                }
                _ if self.at >= self.bytes.len() => {
                    self.at = start + 1;
                    break;
                }
                _ => self.at += 1,
            }
        }
    }

    fn regex(&mut self) {
        let mut at = self.at + 1;
        let mut class = false;
        // After these it may be a division all the same (`{} / (…) / 1`, `a++ / …`, `a! / …`), and what nests
        // behind it must not be skipped.
        let divides = matches!(self.last, b'}' | b'+' | b'-' | b'!' | b'>');
        let (mut depth, mut deepest, mut signs) = (0_usize, 0, 0_usize);
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
                Some(b'(' | b'{') => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                Some(b')' | b'}') => depth = depth.saturating_sub(1),
                Some(byte) if !is_word(*byte) => signs += 1,
                Some(_) => {}
            }
            at += 1;
        }
        if divides && (deepest > MAX_DEPTH / 4 || signs * LINK > MAX_CHAIN) {
            self.at += 1;
            self.operand = false;
            return;
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
            if self
                .bytes
                .get(self.at..)
                .is_some_and(|rest| rest.starts_with(end))
            {
                self.at += end.len();
                return;
            }
            self.at += 1;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_$#@\\".contains(&byte)
}

#[cfg(test)]
mod tests;

//! Regular expressions that the browser would refuse, as far as a short scan can tell.
//!
//! It checks flags, groups, classes, quantifiers and escapes. It has no tables of Unicode, so the names of
//! properties (`\p{…}`) pass, and does not compare the names of groups.

/// What is wrong with a regular expression, if anything.
pub(super) fn fault(pattern: &str, flags: &str) -> Option<&'static str> {
    let known = flags.chars().all(|flag| "dgimsuvy".contains(flag));
    let repeated = flags
        .char_indices()
        .any(|(at, flag)| flags.get(..at).is_some_and(|before| before.contains(flag)));
    if !known || repeated || (flags.contains('u') && flags.contains('v')) {
        return Some("Invalid flags of a regular expression");
    }
    let mut scan = Scan {
        rest: pattern.chars().peekable(),
        unicode: flags.contains('u') || flags.contains('v'),
        nests: flags.contains('v'),
        named: pattern.contains("(?<") && has_named_group(pattern),
        groups: 0,
        highest_reference: 0,
    };
    scan.run().err()
}

/// Whether a group has a name, which gives `\k` its meaning everywhere.
fn has_named_group(pattern: &str) -> bool {
    let mut starts = pattern.match_indices("(?<");
    starts.any(|(at, _)| {
        let next = pattern.get(at + 3..).and_then(|rest| rest.chars().next());
        next.is_some_and(|next| !matches!(next, '=' | '!'))
    })
}

const NOTHING: &str = "A quantifier of this regular expression repeats nothing";
const GROUP: &str = "A group of this regular expression is not known";
const NAME: &str = "The name of a group of this regular expression is none";
const BRACE: &str = "A bracket of this regular expression stands alone";
const ESCAPE: &str = "An escape of this regular expression is not known";
const RANGE: &str = "A range of this regular expression is out of order";

type Checked = Result<(), &'static str>;

/// What a quantifier after it would repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Something,
}

struct Scan<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    unicode: bool,
    nests: bool,
    named: bool,
    groups: u64,
    highest_reference: u64,
}

impl Scan<'_> {
    fn eat(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn run(&mut self) -> Checked {
        // What the end of each open group can be repeated as.
        let mut open = Vec::new();
        let mut last = Last::Nothing;
        while let Some(character) = self.rest.next() {
            last = match character {
                '\\' => self.escape()?,
                '[' => {
                    self.class()?;
                    Last::Something
                }
                '(' => {
                    open.push(self.group()?);
                    Last::Nothing
                }
                ')' => open
                    .pop()
                    .ok_or("A group of this regular expression is never opened")?,
                '|' | '^' | '$' => Last::Nothing,
                '*' | '+' | '?' => self.quantified(last)?,
                '{' => match self.braces() {
                    Some((from, to)) => {
                        if from > to {
                            return Err(RANGE);
                        }
                        self.quantified(last)?
                    }
                    None if self.unicode => return Err(BRACE),
                    None => Last::Something,
                },
                '}' | ']' if self.unicode => return Err(BRACE),
                _ => Last::Something,
            };
        }
        if !open.is_empty() {
            return Err("A group of this regular expression is never closed");
        }
        if self.highest_reference > self.groups {
            return Err(ESCAPE);
        }
        Ok(())
    }

    fn quantified(&mut self, last: Last) -> Result<Last, &'static str> {
        if last == Last::Nothing {
            return Err(NOTHING);
        }
        self.eat('?');
        Ok(Last::Nothing)
    }

    /// What follows a `{`, when it is a quantifier: least and most. Nothing is read when it is none.
    fn braces(&mut self) -> Option<(u64, u64)> {
        let mut ahead = self.rest.clone();
        let mut number = || {
            let mut digits = String::new();
            while let Some(digit) = ahead.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let value = digits.parse().unwrap_or(u64::MAX);
            (!digits.is_empty()).then_some(value)
        };
        let least = number()?;
        let mut most = least;
        let mut next = ahead.next();
        if next == Some(',') {
            let mut digits = String::new();
            while let Some(digit) = ahead.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            most = digits.parse().unwrap_or(u64::MAX);
            next = ahead.next();
        }
        if next != Some('}') {
            return None;
        }
        self.rest = ahead;
        Some((least, most))
    }

    /// The beginning of a group; what a quantifier after its end would repeat.
    fn group(&mut self) -> Result<Last, &'static str> {
        if !self.eat('?') {
            self.groups += 1;
            return Ok(Last::Something);
        }
        match self.rest.next() {
            Some('=' | '!') if self.unicode => Ok(Last::Nothing),
            // Old scripts repeat what only looks ahead.
            Some(':' | '=' | '!') => Ok(Last::Something),
            Some('<') if self.eat('=') || self.eat('!') => Ok(Last::Nothing),
            Some('<') => {
                self.groups += 1;
                self.name()?;
                Ok(Last::Something)
            }
            Some(first) => {
                let mut modifiers = first.to_string();
                while let Some(modifier) = self.rest.next_if(|next| "ims-".contains(*next)) {
                    modifiers.push(modifier);
                }
                let letters = modifiers.replacen('-', "", 1);
                let repeated = letters.char_indices().any(|(at, letter)| {
                    letters
                        .get(..at)
                        .is_some_and(|known| known.contains(letter))
                });
                let known = letters.chars().all(|letter| "ims".contains(letter));
                if known && !repeated && !letters.is_empty() && self.eat(':') {
                    Ok(Last::Something)
                } else {
                    Err(GROUP)
                }
            }
            None => Err(GROUP),
        }
    }

    /// The name of a group, up to its `>`. Escapes in it are taken as they are.
    fn name(&mut self) -> Checked {
        let mut length = 0;
        loop {
            match self.rest.next() {
                Some('>') if length > 0 => return Ok(()),
                Some(first) if length == 0 && first.is_ascii_digit() => return Err(NAME),
                Some('\\') if self.rest.peek() != Some(&'u') => return Err(NAME),
                Some('\\' | '{' | '}' | '$' | '_') => {}
                Some(character) if character.is_alphanumeric() || !character.is_ascii() => {}
                _ => return Err(NAME),
            }
            length += 1;
        }
    }

    /// An escape outside classes.
    fn escape(&mut self) -> Result<Last, &'static str> {
        match self.rest.next() {
            None => return Err("This regular expression ends in an escape"),
            Some('b' | 'B') => return Ok(Last::Nothing),
            Some('k') if self.unicode || self.named => {
                if !self.eat('<') {
                    return Err(ESCAPE);
                }
                self.name()?;
            }
            Some(digit @ '1'..='9') if self.unicode => {
                let mut number = u64::from(digit.to_digit(10).unwrap_or_default());
                while let Some(next) = self.rest.next_if(char::is_ascii_digit) {
                    let digit = u64::from(next.to_digit(10).unwrap_or_default());
                    number = number.saturating_mul(10).saturating_add(digit);
                }
                self.highest_reference = self.highest_reference.max(number);
            }
            Some(character) => self.character_escape(character)?,
        }
        Ok(Last::Something)
    }

    /// An escape that means the same in a class; anything is one in old scripts.
    fn character_escape(&mut self, character: char) -> Checked {
        if !self.unicode {
            return Ok(());
        }
        let known = match character {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'f' | 'n' | 'r' | 't' | 'v' => true,
            '0' => !self.rest.peek().is_some_and(char::is_ascii_digit),
            'c' => self.rest.next_if(char::is_ascii_alphabetic).is_some(),
            'x' => self.digits(2),
            'u' if self.eat('{') => {
                let mut digits = String::new();
                while let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit) {
                    digits.push(digit);
                }
                let value = u32::from_str_radix(&digits, 16);
                value.is_ok_and(|value| value <= 0x10_ffff) && self.eat('}')
            }
            'u' => self.digits(4),
            'p' | 'P' => self.property(),
            _ => "^$\\.*+?()[]{}|/".contains(character),
        };
        if known { Ok(()) } else { Err(ESCAPE) }
    }

    fn digits(&mut self, count: usize) -> bool {
        (0..count).all(|_| self.rest.next_if(char::is_ascii_hexdigit).is_some())
    }

    fn property(&mut self) -> bool {
        let is_word = |next: &char| next.is_ascii_alphanumeric() || *next == '_';
        if !self.eat('{') || self.rest.next_if(is_word).is_none() {
            return false;
        }
        while self.rest.next_if(is_word).is_some() {}
        if self.eat('=') {
            if self.rest.next_if(is_word).is_none() {
                return false;
            }
            while self.rest.next_if(is_word).is_some() {}
        }
        self.eat('}')
    }

    /// A class, up to its `]`.
    fn class(&mut self) -> Checked {
        if self.nests {
            return self.class_of_sets();
        }
        self.eat('^');
        loop {
            let from = match self.rest.next() {
                Some(']') => return Ok(()),
                Some(character) => self.class_atom(character)?,
                None => return Err("A class of this regular expression is never closed"),
            };
            let mut ahead = self.rest.clone();
            let is_range =
                ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
            if !is_range {
                continue;
            }
            self.rest.next();
            let Some(character) = self.rest.next() else {
                continue;
            };
            let to = self.class_atom(character)?;
            match (from, to) {
                (Atom::Character(from), Atom::Character(to)) if from > to => return Err(RANGE),
                (Atom::Set, _) | (_, Atom::Set) if self.unicode => return Err(RANGE),
                _ => {}
            }
        }
    }

    fn class_atom(&mut self, character: char) -> Result<Atom, &'static str> {
        if character != '\\' {
            return Ok(Atom::Character(character));
        }
        match self.rest.next() {
            None => Err("This regular expression ends in an escape"),
            Some('-' | 'b') if self.unicode => Ok(Atom::Escaped),
            Some(escaped) => {
                self.character_escape(escaped)?;
                Ok(match escaped {
                    'd' | 'D' | 's' | 'S' | 'w' | 'W' => Atom::Set,
                    'p' | 'P' if self.unicode => Atom::Set,
                    _ => Atom::Escaped,
                })
            }
        }
    }

    /// A class of the flag `v`, which may have others in it; operators in it are not checked.
    fn class_of_sets(&mut self) -> Checked {
        let mut depth = 1_usize;
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => drop(self.rest.next()),
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err("A class of this regular expression is never closed")
    }
}

/// One end of a range in a class.
#[derive(Clone, Copy)]
enum Atom {
    Character(char),
    /// A character by its escape; which one is not worked out.
    Escaped,
    /// `\d` and the like.
    Set,
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn accepts_what_browsers_accept() {
        for (pattern, flags) in [
            (r"^(?:a|[(\]]+?)*$", "gi"),
            (r"(?<name>x)\k<name>{2,3}?", "u"),
            (r"[[a-z]&&[aeiou]]", "v"),
            (r"a*", ""),
            (r"(?=a)|(?!b)|(?<=c)|", "dy"),
            (r"]{", ""),
            (r"\d{2,}?x{3}[\w-a]\q\k(?=b)*", ""),
            (r"[\p{Lu}\-\b](?i-s:\u{1f600})\1()", "u"),
            (r"a{,5}{", ""),
        ] {
            assert_eq!(fault(pattern, flags), None, "/{pattern}/{flags}");
        }
    }

    #[test]
    fn refuses_what_browsers_refuse() {
        for (pattern, flags) in [
            ("(", ""),
            (")", ""),
            ("[a", ""),
            ("*a", ""),
            ("a|+", ""),
            ("a", "gg"),
            ("a", "x"),
            ("a", "uv"),
            ("a**", ""),
            ("{2}", ""),
            ("a{3,2}", ""),
            ("(?x)", ""),
            ("(?<1>a)", ""),
            ("(?<a)", ""),
            ("(?<=a)*", ""),
            ("[b-a]", ""),
            ("a{", "u"),
            (r"\q", "u"),
            (r"\1", "u"),
            (r"[\w-a]", "u"),
            (r"\p", "u"),
            (r"(?<a>b)\k", ""),
        ] {
            assert!(fault(pattern, flags).is_some(), "/{pattern}/{flags}");
        }
    }
}

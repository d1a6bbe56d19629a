//! From a byte offset to a diagnostic: line, column and code frame.
//!
//! It knows text only, no syntax tree.

use std::fmt::Write as _;

use hotplate_protocol::{Diagnostic, Severity};

use crate::text::with_plain_lines;

/// Lines shown before and after the place.
const CONTEXT_LINES: usize = 2;
/// Most errors, and most warnings, told of one file: more are one mistake's echo, and each costs a walk
/// through the text.
pub(crate) const MOST: usize = 50;
/// Widest part of a line shown; minified files have lines of megabytes.
const FRAME_WIDTH: usize = 160;

/// The text of one file, to locate messages in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    file: &'a str,
    text: &'a str,
}

/// A stable code with its severity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
}

impl Finding {
    pub(crate) const fn error(code: &'static str) -> Self {
        Self {
            code,
            severity: Severity::Error,
        }
    }

    pub(crate) const fn warning(code: &'static str) -> Self {
        Self {
            code,
            severity: Severity::Warning,
        }
    }
}

impl<'a> Places<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text }
    }

    /// 1-based line and UTF-16 column of a byte offset; offsets beyond the end mean the end.
    pub(crate) fn locate(&self, offset: usize) -> (u32, u32) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before
            .get(line_start..)
            .unwrap_or_default()
            .encode_utf16()
            .count();
        (clamp(line + 1), clamp(column + 1))
    }

    /// The same for a place as a CSS parser counts: its lines end at a form feed or a lone carriage return,
    /// too, which editors and code frames do not take for an end. `line` is 0-based, `column` 1-based.
    pub(crate) fn locate_css(&self, line: u32, column: u32) -> (u32, u32) {
        let mut ends = self.text.char_indices().filter(|(at, character)| {
            matches!(character, '\n' | '\u{c}')
                || *character == '\r' && self.text.as_bytes().get(at + 1) != Some(&b'\n')
        });
        let start = match line.checked_sub(1) {
            None => 0,
            Some(ends_before) => ends
                .nth(ends_before as usize)
                .map_or(self.text.len(), |(at, _)| at + 1),
        };
        let rest = self.text.get(start..).unwrap_or_default();
        let mut units = (column as usize).saturating_sub(1);
        let end = rest.char_indices().find_map(|(at, character)| {
            let width = character.len_utf16();
            if units < width || matches!(character, '\n') {
                return Some(at);
            }
            units -= width;
            None
        });
        self.locate(start + end.unwrap_or(rest.len()))
    }

    /// A diagnostic at a byte offset.
    pub(crate) fn diagnostic(
        &self,
        finding: Finding,
        offset: usize,
        message: impl Into<String>,
    ) -> Diagnostic {
        let (line, column) = self.locate(offset);
        self.diagnostic_at(finding, line, column, message)
    }

    /// A diagnostic at a 1-based line and UTF-16 column.
    pub(crate) fn diagnostic_at(
        &self,
        finding: Finding,
        line: u32,
        column: u32,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            file: self.file.to_owned(),
            line,
            column,
            frame: self.frame(line as usize, column as usize),
            ..Diagnostic::without_place(finding.severity, finding.code, message)
        }
    }

    /// A diagnostic about the file as a whole.
    pub(crate) fn whole(&self, finding: Finding, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            file: self.file.to_owned(),
            ..Diagnostic::without_place(finding.severity, finding.code, message)
        }
    }

    fn frame(&self, line: usize, column: usize) -> String {
        let first = line.saturating_sub(CONTEXT_LINES).max(1);
        let last = line + CONTEXT_LINES;
        let gutter = last.to_string().len();
        // All lines are cut alike, so that the caret stays under its character.
        let cut = if column > FRAME_WIDTH {
            column - FRAME_WIDTH / 2
        } else {
            0
        };
        let mut frame = String::new();
        for (index, text) in self
            .text
            .split('\n')
            .enumerate()
            .skip(first - 1)
            .take(last + 1 - first)
        {
            let number = index + 1;
            let text = text.strip_suffix('\r').unwrap_or(text);
            let shown: String = text.chars().skip(cut).take(FRAME_WIDTH).collect();
            let mark = if number == line { '>' } else { ' ' };
            let row = format!("{mark} {number:>gutter$} | {shown}");
            let _ = writeln!(frame, "{}", row.trim_end());
            if number == line {
                let indent: String = indent(text, column - 1)
                    .skip(cut)
                    .take(FRAME_WIDTH)
                    .collect();
                let _ = writeln!(frame, "  {:>gutter$} | {indent}^", "");
            }
        }
        frame.truncate(frame.trim_end_matches('\n').len());
        frame
    }
}

/// Gives a diagnostic that has a place, and was made without the text, its code frame.
pub fn add_frame(diagnostic: &mut Diagnostic, text: &str) {
    if diagnostic.line > 0 && diagnostic.frame.is_empty() {
        let text = with_plain_lines(text);
        let places = Places::new(&diagnostic.file, &text);
        let column = diagnostic.column.max(1) as usize;
        diagnostic.frame = places.frame(diagnostic.line as usize, column);
    }
}

/// Blanks up to a UTF-16 column, keeping tabs so that the caret lines up.
fn indent(text: &str, units: usize) -> impl Iterator<Item = char> + '_ {
    let mut seen = 0;
    text.chars()
        .take_while(move |character| {
            let here = seen < units;
            seen += character.len_utf16();
            here
        })
        .map(|character| if character == '\t' { '\t' } else { ' ' })
}

fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf16_units_and_frames_keep_tabs() {
        let places = Places::new("a.ts", "let a;\r\n\tlet \u{1f600} = ;\r\nx");
        let offset = "let a;\r\n\tlet \u{1f600} = ".len();
        let found = places.diagnostic(Finding::error("syntax_error"), offset, "no");
        assert_eq!((found.line, found.column), (2, 11));
        assert_eq!(
            found.frame,
            "  1 | let a;\n> 2 | \tlet \u{1f600} = ;\n    | \t        ^\n  3 | x"
        );
    }

    #[test]
    fn lines_of_css_end_where_editors_see_no_end() {
        let places = Places::new("a.css", "a\u{c}b\rc\r\nd\u{1f600}e");
        for (css, expected) in [
            ((0, 1), (1, 1)),
            ((1, 1), (1, 3)),
            ((2, 2), (1, 6)),
            ((3, 1), (2, 1)),
            ((3, 4), (2, 4)),
            ((9, 9), (2, 5)),
        ] {
            assert_eq!(places.locate_css(css.0, css.1), expected, "{css:?}");
        }
    }

    #[test]
    fn offsets_outside_the_text_are_its_end() {
        assert_eq!(Places::new("a", "\u{e9}").locate(99), (1, 2));
        assert_eq!(Places::new("a", "\u{e9}").locate(1), (1, 1));
    }
}

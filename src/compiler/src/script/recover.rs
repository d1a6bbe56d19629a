//! Further syntax errors behind the one that stopped the parser.
//!
//! The statement around a fatal error is blanked out and the rest parsed again, a few times.
//! Statements are told by their first word at the start of a line, as hand-written code has it;
//! where that guess fails, the errors found so far stand alone.

use swc_core::common::comments::SingleThreadedComments;
use swc_core::common::sync::Lrc;
use swc_core::common::{FileName, SourceFile, SourceMap, Spanned};

use hotplate_protocol::Diagnostic;

use super::{parse, report};
use crate::module_id::ModuleId;
use crate::options::Options;
use crate::place::Places;

/// How many statements are blanked at most; a file with more errors shows the rest later.
const MAX_ROUNDS: usize = 10;
/// Longer files are not parsed again and again.
const MAX_BYTES: usize = 256 * 1024;

/// Words that begin a top-level statement.
const STARTS: [&str; 18] = [
    "import ",
    "export ",
    "const ",
    "let ",
    "var ",
    "function ",
    "async ",
    "class ",
    "type ",
    "interface ",
    "enum ",
    "namespace ",
    "declare ",
    "abstract ",
    "if ",
    "for ",
    "while ",
    "@",
];

/// Errors outside the statements that have `found` ones already.
pub(super) fn further_errors(
    id: &ModuleId<'_>,
    file: &SourceFile,
    options: &Options,
    found: &[Diagnostic],
    places: Places<'_>,
) -> Vec<Diagnostic> {
    let mut further = Vec::new();
    let Some(last) = found.last() else {
        return further;
    };
    if file.src.len() > MAX_BYTES {
        return further;
    }
    let mut text = file.src.to_string();
    let mut at = offset_of(&text, last);
    for _ in 0..MAX_ROUNDS {
        blank_statement(&mut text, at);
        let source_map = Lrc::<SourceMap>::default();
        let name = Lrc::new(FileName::Real(id.path.into()));
        let rest = source_map.new_source_file(name, text.clone());
        let comments = SingleThreadedComments::default();
        let Err(rejected) = parse::parse(id, &rest, &comments, options) else {
            break;
        };
        let Some(fatal) = rejected.errors.last() else {
            break;
        };
        let next = fatal.span().lo.0.saturating_sub(rest.start_pos.0) as usize;
        // No way past this one: it would be found for ever.
        if next <= at {
            break;
        }
        at = next;
        further.extend(report::syntax_errors(&rejected.errors, &rest, places));
    }
    further
}

fn offset_of(text: &str, diagnostic: &Diagnostic) -> usize {
    text.split_inclusive('\n')
        .take(diagnostic.line.saturating_sub(1) as usize)
        .map(str::len)
        .sum()
}

/// Replaces the statement around a byte offset by blanks, which keeps all places.
fn blank_statement(text: &mut String, at: usize) {
    let mut start = 0;
    let mut end = text.len();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        if STARTS.iter().any(|word| line.starts_with(word)) {
            if line_start <= at {
                start = line_start;
            } else {
                end = line_start;
                break;
            }
        }
        line_start += line.len();
    }
    let blank: String = text
        .get(start..end)
        .unwrap_or_default()
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    text.replace_range(start..end, &blank);
}

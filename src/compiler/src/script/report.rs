//! Errors of the parser and the passes as diagnostics.
//!
//! It only translates; what is an error is decided where it is found.

use std::sync::{Arc, Mutex, PoisonError};

use swc_core::common::errors::{DiagnosticBuilder, Emitter, Handler};
use swc_core::common::{BytePos, SourceFile, Span, Spanned};
use swc_core::ecma::parser::error::Error;

use hotplate_protocol::Diagnostic;

use crate::place::{Finding, MOST, Places};

/// An error this crate finds in a syntax tree.
#[derive(Debug, Clone)]
pub(super) struct EarlyError {
    pub(super) span: Span,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl EarlyError {
    pub(super) fn diagnostic(self, file: &SourceFile, places: Places<'_>) -> Diagnostic {
        let offset = offset(file, self.span.lo);
        places.diagnostic(Finding::error(self.code), offset, self.message)
    }
}

/// Every syntax error, in source order, each once.
pub(super) fn syntax_errors(
    errors: &[Error],
    file: &SourceFile,
    places: Places<'_>,
) -> Vec<Diagnostic> {
    let mut found: Vec<(usize, String)> = errors
        .iter()
        .map(|error| {
            (
                offset(file, error.span().lo),
                error.kind().msg().into_owned(),
            )
        })
        .collect();
    found.sort();
    found.dedup();
    found
        .into_iter()
        .take(MOST)
        .map(|(offset, message)| places.diagnostic(Finding::error("syntax_error"), offset, message))
        .collect()
}

/// What the passes report through swc's handler.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings(Arc<Mutex<Vec<(Span, String)>>>);

impl Findings {
    pub(super) fn handler(&self) -> Handler {
        Handler::with_emitter(true, false, Box::new(self.clone()))
    }

    pub(super) fn diagnostics(&self, file: &SourceFile, places: Places<'_>) -> Vec<Diagnostic> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut diagnostics: Vec<Diagnostic> = found
            .drain(..)
            .take(MOST)
            .map(|(span, message)| {
                places.diagnostic(
                    Finding::error("unsupported_syntax"),
                    offset(file, span.lo),
                    message,
                )
            })
            .collect();
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        diagnostics
    }
}

impl Emitter for Findings {
    fn emit(&mut self, found: &mut DiagnosticBuilder<'_>) {
        let span = found.span.primary_span().unwrap_or_default();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((span, found.message()));
    }
}

fn offset(file: &SourceFile, position: BytePos) -> usize {
    position.0.saturating_sub(file.start_pos.0) as usize
}

//! Puts right one name in swc's helpers: `_SuppressedError` is declared in one helper and read in
//! another, with different scopes, so that hygiene would rename only one of the two.

use swc_core::common::{Mark, SyntaxContext};
use swc_core::ecma::ast::{Ident, Program};
use swc_core::ecma::visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

/// Gives the name one scope.
pub(super) fn unify(program: &mut Program) {
    program.visit_mut_with(&mut Unify(SyntaxContext::empty().apply_mark(Mark::new())));
}

struct Unify(SyntaxContext);

impl VisitMut for Unify {
    noop_visit_mut_type!();

    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        if ident.sym == "_SuppressedError" {
            ident.ctxt = self.0;
        }
    }
}

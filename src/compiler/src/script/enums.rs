//! A bound on the texts of TypeScript's enums, which are worked out while compiling: members that each name
//! the one before twice would be gigabytes after thirty lines.

use std::collections::HashMap;

use swc_core::ecma::ast::{BinaryOp, Expr, Lit, MemberProp, Program, TsEnumDecl, TsEnumMemberId};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::report::EarlyError;

/// Most bytes of the texts of a file's enums together.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// What counts for a value that is not known.
const UNKNOWN_BYTES: usize = 32;

/// Finds enums whose texts would become too long.
pub(super) fn check(program: &Program) -> Vec<EarlyError> {
    let mut lengths = Lengths::default();
    program.visit_with(&mut lengths);
    lengths.errors
}

#[derive(Default)]
struct Lengths {
    /// By the names of members, of whichever enum: the longest.
    known: HashMap<String, usize>,
    total: usize,
    errors: Vec<EarlyError>,
}

impl Lengths {
    fn of(&self, value: &Expr) -> usize {
        let named = |name: &str| self.known.get(name).copied().unwrap_or(UNKNOWN_BYTES);
        match value {
            Expr::Lit(Lit::Str(text)) => text.value.len(),
            Expr::Tpl(template) => {
                let texts = template.quasis.iter().map(|text| text.raw.len());
                let values = template.exprs.iter().map(|value| self.of(value));
                texts.chain(values).fold(0, usize::saturating_add)
            }
            Expr::Bin(sum) if sum.op == BinaryOp::Add => {
                self.of(&sum.left).saturating_add(self.of(&sum.right))
            }
            Expr::Paren(inner) => self.of(&inner.expr),
            Expr::Ident(name) => named(&name.sym),
            Expr::Member(member) => match &member.prop {
                MemberProp::Ident(name) => named(&name.sym),
                MemberProp::Computed(name) => match &*name.expr {
                    Expr::Lit(Lit::Str(name)) => named(&name.value.to_string_lossy()),
                    _ => UNKNOWN_BYTES,
                },
                MemberProp::PrivateName(_) => UNKNOWN_BYTES,
            },
            _ => UNKNOWN_BYTES,
        }
    }
}

impl Visit for Lengths {
    fn visit_ts_enum_decl(&mut self, declaration: &TsEnumDecl) {
        for member in &declaration.members {
            let length = member.init.as_ref().map_or(0, |value| self.of(value));
            self.total = self.total.saturating_add(length);
            if self.total > MOST_BYTES {
                self.errors.push(EarlyError {
                    span: member.span,
                    code: "enum_too_large",
                    message: "The texts of the enums up to this member are too long".to_owned(),
                });
                return;
            }
            let name = match &member.id {
                TsEnumMemberId::Ident(name) => name.sym.to_string(),
                TsEnumMemberId::Str(name) => name.value.to_string_lossy().into_owned(),
            };
            let longest = self.known.entry(name).or_default();
            *longest = length.max(*longest);
        }
    }
}

//! What a module asks for in its own code: `require()`, `new URL()`, `import.meta.glob()`, and template
//! literals that name files. Static imports are `links`' business.

use swc_core::atoms::Atom;
use swc_core::common::util::take::Take;
use swc_core::common::{DUMMY_SP, Span};
use swc_core::ecma::ast::{CallExpr, Callee, Expr, ExprOrSpread, Lit, NewExpr};

use super::define::property;
use super::glob::{self, Glob};
use super::registry::{Rewriter, is_import_meta};
use crate::artifact::{GlobForm, ImportKind};

impl Rewriter {
    /// `import.meta.glob(…)` → `h.glob(<index>, <eager>, <name>)`.
    pub(super) fn glob(&mut self, call: &mut CallExpr) {
        let read = match glob::read(&call.args, call.span) {
            Ok(read) => read,
            Err(error) => {
                self.errors.push(error);
                return;
            }
        };
        let argument = |expr: Expr| ExprOrSpread {
            spread: None,
            expr: Box::new(expr),
        };
        let mut args = vec![
            argument(Expr::from(self.globs.len())),
            argument(Expr::from(read.glob.form == GlobForm::Eager)),
        ];
        args.extend(read.name.map(|name| argument(Expr::from(name))));
        call.args = args;
        call.callee = Callee::Expr(Box::new(self.host("glob", DUMMY_SP)));
        self.globs.push(read.glob);
    }

    /// Notes the files that a template literal may name.
    pub(super) fn template(&mut self, expr: &Expr, form: GlobForm) {
        if let Expr::Tpl(template) = expr
            && let Some(pattern) = glob::pattern_of(template)
        {
            self.globs.push(Glob {
                patterns: vec![pattern],
                form,
                query: String::new(),
                span: template.span,
            });
        }
    }

    pub(super) fn require(&mut self, args: &[ExprOrSpread]) {
        if let [only] = args
            && let Some((specifier, span)) = specifier(only)
        {
            self.requests.add(&specifier, ImportKind::Require, span);
        }
    }

    /// `new URL("./x", import.meta.url)`: the file's URL is the linker's business.
    pub(super) fn asset(&mut self, new: &mut NewExpr) {
        let Some([first, second]) = new.args.as_deref_mut() else {
            return;
        };
        let of_this_module = matches!(&*second.expr, Expr::Member(member)
            if property(member).as_deref() == Some("url") && is_import_meta(&member.obj));
        if !self.is_global(&new.callee, "URL") || !of_this_module {
            return;
        }
        match specifier(first) {
            Some((specifier, span))
                if specifier.starts_with("./") || specifier.starts_with("../") =>
            {
                self.requests.add(&specifier, ImportKind::Asset, span);
            }
            Some(_) => return,
            None => {
                let known = self.globs.len();
                self.template(&first.expr, GlobForm::Asset);
                if self.globs.len() == known {
                    return;
                }
            }
        }
        let literal = first.expr.take();
        *first.expr = Expr::Call(CallExpr {
            span: DUMMY_SP,
            callee: Callee::Expr(Box::new(self.host("asset", DUMMY_SP))),
            args: vec![ExprOrSpread {
                spread: None,
                expr: literal,
            }],
            ..Default::default()
        });
    }
}

/// Whether a call is `import.meta.glob()`.
pub(super) fn is_glob(callee: &Expr) -> bool {
    matches!(callee, Expr::Member(member)
        if is_import_meta(&member.obj) && property(member).as_deref() == Some("glob"))
}

/// A specifier written as a literal, and its place.
pub(super) fn specifier(arg: &ExprOrSpread) -> Option<(Atom, Span)> {
    if arg.spread.is_some() {
        return None;
    }
    match &*arg.expr {
        Expr::Lit(Lit::Str(text)) => Some((text.value.to_atom_lossy().into_owned(), text.span)),
        Expr::Tpl(template) if template.exprs.is_empty() => {
            let [only] = template.quasis.as_slice() else {
                return None;
            };
            let cooked = only.cooked.as_ref()?;
            Some((cooked.to_atom_lossy().into_owned(), template.span))
        }
        _ => None,
    }
}

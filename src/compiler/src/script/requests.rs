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

    /// `new Worker(new URL("./w.ts", import.meta.url))`: the file is no asset, it is compiled with what it
    /// imports. The query says so, and keeps it apart from imports of the same file.
    pub(super) fn worker(&mut self, new: &mut NewExpr) {
        if !["Worker", "SharedWorker"]
            .iter()
            .any(|name| self.is_global(&new.callee, name))
        {
            return;
        }
        let Some(Expr::New(url)) = new
            .args
            .as_deref_mut()
            .and_then(|args| args.first_mut())
            .map(|first| &mut *first.expr)
        else {
            return;
        };
        let Some(first) = self.url_of_this_module(url) else {
            return;
        };
        let Some((written, span)) =
            specifier(first).filter(|(written, _)| is_file(written.trim_start_matches('/')))
        else {
            return;
        };
        let file = Atom::from(format!("{written}?worker_file"));
        self.requests.add(&file, ImportKind::Asset, span);
        *first.expr = self.asset_call(Expr::Lit(Lit::Str(file.into())));
    }

    /// `new URL("./x", import.meta.url)`: the file's URL is the linker's business.
    pub(super) fn asset(&mut self, new: &mut NewExpr) {
        let Some(first) = self.url_of_this_module(new) else {
            return;
        };
        match specifier(first) {
            Some((specifier, span)) if is_file(&specifier) => {
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
        let literal = *first.expr.take();
        *first.expr = self.asset_call(literal);
    }

    /// The first argument of `new URL(…, import.meta.url)`.
    fn url_of_this_module<'a>(&self, new: &'a mut NewExpr) -> Option<&'a mut ExprOrSpread> {
        if !self.is_global(&new.callee, "URL") {
            return None;
        }
        let Some([first, second]) = new.args.as_deref_mut() else {
            return None;
        };
        matches!(&*second.expr, Expr::Member(member)
            if property(member).as_deref() == Some("url") && is_import_meta(&member.obj))
        .then_some(first)
    }

    fn asset_call(&self, literal: Expr) -> Expr {
        Expr::Call(CallExpr {
            span: DUMMY_SP,
            callee: Callee::Expr(Box::new(self.host("asset", DUMMY_SP))),
            args: vec![ExprOrSpread {
                spread: None,
                expr: Box::new(literal),
            }],
            ..Default::default()
        })
    }
}

/// Whether a URL written beside `import.meta.url` names a file: relative, an alias, or a package's. What
/// begins with `/`, `#` or a scheme is the browser's to resolve.
fn is_file(written: &str) -> bool {
    !written.is_empty() && !written.starts_with(['/', '#', '?']) && !written.contains(':')
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

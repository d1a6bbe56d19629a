//! `process.env.NODE_ENV` and `import.meta.env` become constants, and branches they decide go.
//!
//! Any other `process.env` is `{}`, as in Vite's builds, in the preview too: browsers have no `process`.
//! Code of a server keeps it: what it holds is the platform's business.
//!
//! It folds just what decides such a branch (comparisons of constants, `!`, `&&`, `||`, `??`,
//! `?:`, `if`); it is no optimizer. It runs before imports are collected, so that React's
//! `index.js` asks for one file only.

use swc_core::common::util::take::Take;
use swc_core::common::{DUMMY_SP, Mark, Span, Spanned, SyntaxContext};
use swc_core::ecma::ast::{
    BinExpr, BinaryOp, BlockStmt, Bool, CondExpr, EmptyStmt, Expr, IfStmt, KeyValueProp, Lit,
    MemberExpr, MemberProp, MetaPropKind, Number, ObjectLit, OptChainBase, Pat, Program, Prop,
    PropName, PropOrSpread, SeqExpr, Stmt, Str, UnaryExpr, UnaryOp, VarDecl, VarDeclKind,
    VarDeclarator,
};
use swc_core::ecma::utils::extract_var_ids;
use swc_core::ecma::visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

use crate::options::{Mode, Options, Platform};

/// Whether a text can contain anything to replace; most files skip the pass.
pub(super) fn may_apply(text: &str) -> bool {
    text.contains("process.env") || text.contains("process?.env") || text.contains("import.meta")
}

/// Replaces and folds; answers where constants were put in place of something: which places stand for the
/// mode, and which for an object.
pub(super) fn apply(program: &mut Program, options: &Options, unresolved: Mark) -> Replaced {
    let mut define = Define {
        options,
        unresolved: SyntaxContext::empty().apply_mark(unresolved),
        replaced: Replaced::default(),
    };
    program.visit_mut_with(&mut define);
    define.replaced
}

/// Where a preview's constants were put.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// `process.env.NODE_ENV`.
    pub(super) modes: Vec<Span>,
    /// Any other `process.env`.
    pub(super) objects: Vec<Span>,
}

struct Define<'a> {
    options: &'a Options,
    unresolved: SyntaxContext,
    replaced: Replaced,
}

/// A constant, as far as deciding a branch needs it.
#[derive(Debug, PartialEq)]
enum Known {
    Bool(bool),
    Text(String),
    Nullish,
}

impl Known {
    fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Lit(Lit::Bool(value)) => Some(Self::Bool(value.value)),
            Expr::Lit(Lit::Str(value)) => {
                Some(Self::Text(value.value.to_string_lossy().into_owned()))
            }
            Expr::Lit(Lit::Null(_)) => Some(Self::Nullish),
            Expr::Unary(UnaryExpr {
                op: UnaryOp::Void,
                arg,
                ..
            }) if arg.is_lit() => Some(Self::Nullish),
            Expr::Paren(inner) => Self::of(&inner.expr),
            _ => None,
        }
    }

    fn is_truthy(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Text(value) => !value.is_empty(),
            Self::Nullish => false,
        }
    }
}

impl Define<'_> {
    /// The constant an expression stands for.
    fn constant(&self, expr: &Expr) -> Option<Expr> {
        let member = as_member(expr)?;
        let name = property(member)?;
        if name == "NODE_ENV" && self.is_process_env(&member.obj) {
            return Some(text(self.options.mode.name()));
        }
        if self.options.platform == Platform::Browser && self.is_process_env(expr) {
            return Some(Expr::Object(ObjectLit::default()));
        }
        if self.options.mode == Mode::Development {
            return None;
        }
        if is_import_meta(&member.obj) {
            return match name.as_str() {
                "env" => Some(self.env_object()),
                "hot" => Some(undefined()),
                _ => None,
            };
        }
        let Expr::Member(env) = &*member.obj else {
            return None;
        };
        if is_import_meta(&env.obj) && property(env).as_deref() == Some("env") {
            return Some(self.env_value(&name).unwrap_or_else(undefined));
        }
        None
    }

    fn is_process_env(&self, expr: &Expr) -> bool {
        let Some(env) = as_member(expr) else {
            return false;
        };
        let Expr::Ident(process) = &*env.obj else {
            return false;
        };
        process.sym == "process"
            && process.ctxt == self.unresolved
            && property(env).as_deref() == Some("env")
    }

    fn env_value(&self, name: &str) -> Option<Expr> {
        Some(match name {
            "MODE" => text(self.options.mode.name()),
            "DEV" => boolean(self.options.mode == Mode::Development),
            "PROD" => boolean(self.options.mode == Mode::Production),
            "SSR" => boolean(self.options.platform == Platform::Server),
            "BASE_URL" => text("/"),
            other => text(self.options.env.get(other)?),
        })
    }

    fn env_object(&self) -> Expr {
        let names = ["MODE", "DEV", "PROD", "SSR", "BASE_URL"];
        let all = names
            .into_iter()
            .chain(self.options.env.keys().map(String::as_str));
        Expr::Object(ObjectLit {
            span: DUMMY_SP,
            props: all
                .filter_map(|name| {
                    Some(PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp {
                        key: PropName::Str(name.into()),
                        value: Box::new(self.env_value(name)?),
                    }))))
                })
                .collect(),
        })
    }
}

impl VisitMut for Define<'_> {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Some(constant) = self.constant(expr) {
            let places = match constant {
                Expr::Object(_) => &mut self.replaced.objects,
                _ => &mut self.replaced.modes,
            };
            places.push(expr.span());
            *expr = constant;
            return;
        }
        expr.visit_mut_children_with(self);
        if let Some(folded) = fold(expr) {
            *expr = folded;
        }
    }

    fn visit_mut_stmt(&mut self, stmt: &mut Stmt) {
        stmt.visit_mut_children_with(self);
        if let Stmt::Expr(statement) = stmt
            && matches!(
                Known::of(&statement.expr),
                Some(Known::Bool(_) | Known::Nullish)
            )
        {
            // What is left of `NODE_ENV !== "production" && …`.
            *stmt = Stmt::Empty(EmptyStmt { span: DUMMY_SP });
            return;
        }
        let Stmt::If(decision) = stmt else { return };
        if let Some(known) = Known::of(&decision.test)
            && let Stmt::If(decision) = stmt.take()
        {
            *stmt = keep_branch(decision, known.is_truthy());
        }
    }

    fn visit_mut_stmts(&mut self, stmts: &mut Vec<Stmt>) {
        stmts.visit_mut_children_with(self);
        stmts.retain(|stmt| !stmt.is_empty());
    }
}

/// The branch that runs, and the `var` names of the one that does not.
fn keep_branch(decision: IfStmt, consequent: bool) -> Stmt {
    let (kept, dropped) = if consequent {
        (Some(decision.cons), decision.alt)
    } else {
        (decision.alt, Some(decision.cons))
    };
    let kept = kept.map_or(Stmt::Empty(EmptyStmt { span: DUMMY_SP }), |kept| *kept);
    let names = dropped.map(|dropped| extract_var_ids(&dropped));
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return kept;
    };
    let declaration = VarDecl {
        kind: VarDeclKind::Var,
        decls: names
            .into_iter()
            .map(|name| VarDeclarator {
                span: DUMMY_SP,
                name: Pat::Ident(name.into()),
                init: None,
                definite: false,
            })
            .collect(),
        ..Default::default()
    };
    Stmt::Block(BlockStmt {
        stmts: vec![declaration.into(), kept],
        ..Default::default()
    })
}

fn fold(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::Unary(UnaryExpr {
            op: UnaryOp::Bang,
            arg,
            ..
        }) => Some(boolean(!Known::of(arg)?.is_truthy())),
        Expr::Bin(BinExpr {
            op, left, right, ..
        }) => match op {
            BinaryOp::EqEq | BinaryOp::EqEqEq => {
                Some(boolean(same(&Known::of(left)?, &Known::of(right)?)?))
            }
            BinaryOp::NotEq | BinaryOp::NotEqEq => {
                Some(boolean(!same(&Known::of(left)?, &Known::of(right)?)?))
            }
            BinaryOp::LogicalAnd => {
                let truthy = Known::of(left)?.is_truthy();
                Some(value(if truthy { right } else { left }))
            }
            BinaryOp::LogicalOr => {
                let truthy = Known::of(left)?.is_truthy();
                Some(value(if truthy { left } else { right }))
            }
            BinaryOp::NullishCoalescing => {
                let nullish = Known::of(left)? == Known::Nullish;
                Some(value(if nullish { right } else { left }))
            }
            _ => None,
        },
        Expr::Cond(CondExpr {
            test, cons, alt, ..
        }) => {
            let truthy = Known::of(test)?.is_truthy();
            Some(value(if truthy { cons } else { alt }))
        }
        _ => None,
    }
}

/// Whether two constants are equal; `None` when that would take a conversion.
fn same(left: &Known, right: &Known) -> Option<bool> {
    match (left, right) {
        (Known::Bool(left), Known::Bool(right)) => Some(left == right),
        (Known::Text(left), Known::Text(right)) => Some(left == right),
        _ => None,
    }
}

/// The operand as a value: `(true && a.b)()` must not become `a.b()`, which passes `this`.
fn value(expr: &mut Box<Expr>) -> Expr {
    let expr = expr.take();
    if expr.is_member() || expr.is_super_prop() || expr.is_opt_chain() {
        Expr::Seq(SeqExpr {
            span: DUMMY_SP,
            exprs: vec![Box::new(zero()), expr],
        })
    } else {
        *expr
    }
}

/// `a.b` and `a?.b`.
fn as_member(expr: &Expr) -> Option<&MemberExpr> {
    match expr {
        Expr::Member(member) => Some(member),
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(member) => Some(member),
            OptChainBase::Call(_) => None,
        },
        _ => None,
    }
}

fn is_import_meta(expr: &Expr) -> bool {
    matches!(expr, Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta)
}

/// The name a member expression reads, when it is fixed.
pub(super) fn property(member: &MemberExpr) -> Option<String> {
    match &member.prop {
        MemberProp::Ident(name) => Some(name.sym.to_string()),
        MemberProp::Computed(computed) => match &*computed.expr {
            Expr::Lit(Lit::Str(name)) => Some(name.value.to_string_lossy().into_owned()),
            _ => None,
        },
        MemberProp::PrivateName(_) => None,
    }
}

fn text(value: &str) -> Expr {
    Expr::Lit(Lit::Str(Str::from(value)))
}

fn boolean(value: bool) -> Expr {
    Expr::Lit(Lit::Bool(Bool {
        span: DUMMY_SP,
        value,
    }))
}

pub(super) fn zero() -> Expr {
    Expr::Lit(Lit::Num(Number {
        span: DUMMY_SP,
        value: 0.0,
        raw: None,
    }))
}

pub(super) fn undefined() -> Expr {
    Expr::Unary(UnaryExpr {
        span: DUMMY_SP,
        op: UnaryOp::Void,
        arg: Box::new(zero()),
    })
}

//! Builds the registry record around a module's statements.
//!
//! The shape is ARCHITECTURE.md's "Registry"; every name it introduces is a private identifier
//! that the hygiene pass keeps apart from the file's own names.

use swc_core::atoms::Atom;
use swc_core::common::{DUMMY_SP, SyntaxContext};
use swc_core::ecma::ast::{
    ArrayLit, ArrowExpr, ArrowFunctionBody, Bool, CallExpr, Callee, ComputedPropName, Decl,
    ExportDefaultExpr, Expr, ExprOrSpread, ExprStmt, Function, FunctionBody, Ident, IdentName,
    KeyValueProp, Lit, MemberExpr, MemberProp, MethodProp, Module, ModuleDecl, ModuleItem,
    ObjectLit, Param, Pat, Program, Prop, PropName, PropOrSpread, Stmt, Str, VarDeclKind,
    YieldExpr,
};
use swc_core::ecma::visit::{Visit, VisitWith, noop_visit_type};

use super::Marks;
use super::function;
use super::glob::Glob;
use super::links::{Links, Requests, constant};
use super::registry::Facts;
use crate::artifact::{GlobForm, ImportKind};
use crate::options::Output;
use crate::text::is_identifier_name;

/// `{ kind: "esm", … }`.
pub(super) fn esm(
    mut links: Links,
    requests: &Requests,
    globs: &[Glob],
    h: &Ident,
    facts: Facts,
    output: &Output,
) -> Expr {
    if let Output::Function { keep } = output {
        if let Some(keep) = keep {
            links.exports.retain(|(name, _)| keep.contains(&**name));
        }
        return function::esm(links, requests, h, facts);
    }
    let Links {
        exports,
        stars,
        hoisted,
        body,
        ..
    } = links;
    let mut statements = Vec::with_capacity(body.len() + hoisted.len() + requests.0.len() + 4);
    statements.push(statement(text("use strict")));
    if !exports.is_empty() {
        let getters = exports
            .into_iter()
            .map(|(name, value)| property(export_key(&name), getter(value)))
            .collect();
        statements.push(statement(call(h, "export", object(getters))));
    }
    for star in stars {
        statements.push(statement(call(h, "exportAll", text(&star))));
    }
    let statics = requests
        .0
        .iter()
        .filter(|request| request.kind == ImportKind::Static);
    for request in statics.clone() {
        if let Some(namespace) = &request.namespace {
            statements.push(constant(
                namespace,
                call(h, "import", text(&request.specifier)),
            ));
        }
    }
    statements.extend(hoisted);
    // A module of an import cycle may call this one's hoisted components before its body ran;
    // they start with a call of their signature.
    let (signatures, body): (Vec<Stmt>, Vec<Stmt>) = body
        .into_iter()
        .partition(|stmt| is_refresh_signature(stmt, h));
    statements.extend(signatures);
    statements.push(statement(yields(None)));
    statements.extend(body.into_iter().filter(|stmt| !is_use_strict(stmt)));

    let imports = statics
        .map(|request| Some(argument(text(&request.specifier))))
        .collect();
    let mut properties = vec![
        property(name("kind"), text("esm")),
        property(
            name("imports"),
            Expr::Array(ArrayLit {
                span: DUMMY_SP,
                elems: imports,
            }),
        ),
    ];
    let eager: Vec<_> = (0..globs.len())
        .filter(|index| {
            globs
                .get(*index)
                .is_some_and(|glob| glob.form == GlobForm::Eager)
        })
        .map(|index| Some(argument(Expr::from(index))))
        .collect();
    if !eager.is_empty() {
        let elems = eager;
        properties.push(property(
            name("eager"),
            Expr::Array(ArrayLit {
                span: DUMMY_SP,
                elems,
            }),
        ));
    }
    if facts.refresh {
        properties.push(property(name("refresh"), truth()));
    }
    if facts.is_async {
        properties.push(property(name("async"), truth()));
    }
    properties.push(method(
        Function {
            is_generator: true,
            is_async: facts.is_async,
            ..Default::default()
        },
        vec![h.clone()],
        statements,
    ));
    object(properties)
}

/// `{ kind: "cjs", … }`.
pub(super) fn commonjs(body: Vec<Stmt>, h: &Ident, marks: Marks, output: &Output) -> Expr {
    let parameters = ["module", "exports", "require"].map(|name| {
        // A file that declares `var exports` means the parameter, as in Node.
        let own = SyntaxContext::empty().apply_mark(marks.top_level);
        let mut search = Declares {
            name,
            context: own,
            found: false,
        };
        body.visit_with(&mut search);
        let context = if search.found {
            own
        } else {
            SyntaxContext::empty().apply_mark(marks.unresolved)
        };
        Ident::new(name.into(), DUMMY_SP, context)
    });
    let mut parameters = parameters.to_vec();
    parameters.push(h.clone());
    if matches!(output, Output::Function { .. }) {
        return function::expression(Function::default(), parameters, body);
    }
    object(vec![
        property(name("kind"), text("cjs")),
        method(Function::default(), parameters, body),
    ])
}

/// The module that holds a record for the passes that come after.
pub(super) fn program(record: Expr) -> Program {
    Program::Module(Module {
        span: DUMMY_SP,
        body: vec![ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(
            ExportDefaultExpr {
                span: DUMMY_SP,
                expr: Box::new(record),
            },
        ))],
        shebang: None,
    })
}

/// Looks for a `var` or function of a name at a script's top level.
struct Declares<'a> {
    name: &'a str,
    context: SyntaxContext,
    found: bool,
}

impl Visit for Declares<'_> {
    noop_visit_type!();

    fn visit_var_decl(&mut self, declaration: &swc_core::ecma::ast::VarDecl) {
        if declaration.kind == VarDeclKind::Var {
            for declarator in &declaration.decls {
                declarator.name.visit_with(self);
            }
        }
    }

    fn visit_binding_ident(&mut self, ident: &swc_core::ecma::ast::BindingIdent) {
        self.found |= ident.sym == *self.name && ident.ctxt == self.context;
    }

    fn visit_fn_decl(&mut self, function: &swc_core::ecma::ast::FnDecl) {
        self.found |= function.ident.sym == *self.name && function.ident.ctxt == self.context;
    }

    fn visit_expr(&mut self, _: &Expr) {}
}

pub(super) fn is_use_strict(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Expr(ExprStmt { expr, .. })
        if matches!(&**expr, Expr::Lit(Lit::Str(text)) if text.value == *"use strict"))
}

/// `var _s = h.signature();`, as Fast Refresh's transform puts it at the top of a module.
fn is_refresh_signature(stmt: &Stmt, h: &Ident) -> bool {
    let Stmt::Decl(Decl::Var(declaration)) = stmt else {
        return false;
    };
    !declaration.decls.is_empty()
        && declaration.decls.iter().all(|declarator| {
            matches!(declarator.init.as_deref(), Some(Expr::Call(call))
                if matches!(&call.callee, Callee::Expr(callee)
                    if matches!(&**callee, Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(method), .. })
                        if method.sym == *"signature"
                            && matches!(&**obj, Expr::Ident(host) if host.to_id() == h.to_id()))))
        })
}

fn name(name: &str) -> PropName {
    PropName::Ident(IdentName::new(name.into(), DUMMY_SP))
}

pub(super) fn export_key(exported: &Atom) -> PropName {
    if exported == "__proto__" {
        // As a plain key it would set the object's prototype.
        PropName::Computed(ComputedPropName {
            span: DUMMY_SP,
            expr: Box::new(text(exported)),
        })
    } else if is_identifier_name(exported) {
        name(exported)
    } else {
        PropName::Str(Str::from(exported.clone()))
    }
}

pub(super) fn property(key: PropName, value: Expr) -> PropOrSpread {
    PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp {
        key,
        value: Box::new(value),
    })))
}

fn method(function: Function, parameters: Vec<Ident>, body: Vec<Stmt>) -> PropOrSpread {
    PropOrSpread::Prop(Box::new(Prop::Method(MethodProp {
        key: name("run"),
        function: Box::new(with_body(function, parameters, body)),
    })))
}

pub(super) fn with_body(function: Function, parameters: Vec<Ident>, body: Vec<Stmt>) -> Function {
    let params = parameters
        .into_iter()
        .map(|parameter| Param::from(Pat::Ident(parameter.into())))
        .collect();
    Function {
        params,
        body: Some(FunctionBody {
            span: DUMMY_SP,
            stmts: body,
        }),
        ..function
    }
}

pub(super) fn object(props: Vec<PropOrSpread>) -> Expr {
    Expr::Object(ObjectLit {
        span: DUMMY_SP,
        props,
    })
}

/// Where instantiation ends and evaluation begins.
pub(super) fn yields(arg: Option<Expr>) -> Expr {
    Expr::Yield(YieldExpr {
        span: DUMMY_SP,
        arg: arg.map(Box::new),
        delegate: false,
    })
}

pub(super) fn getter(value: Expr) -> Expr {
    Expr::Arrow(ArrowExpr {
        body: Box::new(ArrowFunctionBody::Expr(Box::new(value))),
        ..Default::default()
    })
}

pub(super) fn call(h: &Ident, member: &str, arg: Expr) -> Expr {
    Expr::Call(CallExpr {
        span: DUMMY_SP,
        callee: Callee::Expr(Box::new(Expr::Member(MemberExpr {
            span: DUMMY_SP,
            obj: Box::new(Expr::Ident(h.clone())),
            prop: MemberProp::Ident(IdentName::new(member.into(), DUMMY_SP)),
        }))),
        args: vec![argument(arg)],
        ..Default::default()
    })
}

pub(super) fn argument(expr: Expr) -> ExprOrSpread {
    ExprOrSpread {
        spread: None,
        expr: Box::new(expr),
    }
}

pub(super) fn statement(expr: Expr) -> Stmt {
    Stmt::Expr(ExprStmt {
        span: DUMMY_SP,
        expr: Box::new(expr),
    })
}

pub(super) fn text(value: &str) -> Expr {
    Expr::Lit(Lit::Str(Str::from(value)))
}

fn truth() -> Expr {
    Expr::Lit(Lit::Bool(Bool {
        span: DUMMY_SP,
        value: true,
    }))
}

//! Early errors of ECMAScript that the parser lets pass.
//!
//! A preview is one script made of all modules: an early error in one of them would stop every
//! module from running, so what the browser would refuse must be found here.

use std::collections::{HashMap, HashSet};

use swc_core::atoms::Atom;
use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::{
    ArrowExpr, AwaitExpr, BreakStmt, Callee, CatchClause, Class, ClassDecl, ClassMember, ClassProp,
    Constructor, ContinueStmt, Decl, DefaultDecl, DoWhileStmt, FnDecl, FnExpr, ForInStmt,
    ForOfStmt, ForStmt, Function, GetterProp, Id, ImportSpecifier, Invalid, Key, LabeledStmt,
    MethodKind, MethodProp, ObjectLit, Param, ParamOrTsParamProp, Pat, PrivateName, PrivateProp,
    Program, Prop, PropName, PropOrSpread, Regex, SetterProp, StaticBlock, Stmt, SuperPropExpr,
    SwitchStmt, UnaryExpr, UnaryOp, UpdateExpr, UsingDecl, VarDecl, VarDeclKind, WhileStmt,
};
use swc_core::ecma::utils::find_pat_ids;
use swc_core::ecma::visit::{Visit, VisitWith, noop_visit_type};

use super::parse::Format;
use super::pattern;
use super::report::EarlyError;

/// Finds the early errors of a program whose types are stripped and scopes resolved.
///
/// Without a format, what is an error in one of them alone is none.
pub(super) fn check(program: &Program, format: Option<Format>) -> Vec<EarlyError> {
    let mut checker = Checker {
        strict: format == Some(Format::Esm),
        may_await: format != Some(Format::CommonJs),
        is_whole: format.is_some(),
        ..Checker::default()
    };
    program.visit_with(&mut checker);
    checker.errors
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    /// `let`, `const`, `class`, `import`: once, and beside nothing else.
    Lexical,
    /// `var` and functions: may repeat.
    Repeatable,
}

/// What `break` and `continue` may name.
#[derive(Debug, Default, Clone)]
struct Jumps {
    loops: usize,
    switches: usize,
    labels: Vec<Atom>,
}

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about the place"
)]
struct Checker {
    declared: HashMap<Id, Declared>,
    jumps: Jumps,
    private_names: Vec<HashSet<Atom>>,
    /// Whether all code is strict; `"use strict"` inside scripts is left to the browser.
    strict: bool,
    /// Whether `super.x` means something here.
    has_home: bool,
    /// Whether `super()` does: in constructors of classes that extend another one.
    has_parent: bool,
    /// Whether the class at work extends another one.
    extends: bool,
    may_await: bool,
    /// Whether the parser had no errors to tell.
    is_whole: bool,
    errors: Vec<EarlyError>,
}

impl Checker {
    fn error(&mut self, span: Span, message: String) {
        self.errors.push(EarlyError {
            span,
            code: "syntax_error",
            message,
        });
    }

    fn declare(&mut self, id: Id, span: Span, kind: Declared) {
        self.named(&id, span);
        match self.declared.get(&id) {
            Some(Declared::Repeatable) if kind == Declared::Repeatable => {}
            Some(_) => self.error(span, format!("`{}` is declared twice", id.0)),
            None => {
                self.declared.insert(id, kind);
            }
        }
    }

    fn named(&mut self, id: &Id, span: Span) {
        if self.strict && matches!(&*id.0, "arguments" | "eval") {
            self.error(span, format!("Nothing can be named `{}` in a module", id.0));
        }
    }

    fn in_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.jumps.loops += 1;
        visit(self);
        self.jumps.loops -= 1;
    }

    /// Jumps do not cross function boundaries, and whether one may wait is its own matter.
    fn in_function(&mut self, may_await: bool, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.jumps);
        let awaited = std::mem::replace(&mut self.may_await, may_await);
        visit(self);
        self.jumps = outer;
        self.may_await = awaited;
    }

    fn with_parent(&mut self, has_parent: bool, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.has_parent, has_parent);
        visit(self);
        self.has_parent = outer;
    }

    fn awaits(&mut self, span: Span) {
        if !self.may_await {
            let message = "`await` outside an async function and the top level of a module";
            self.error(span, message.to_owned());
        }
    }

    fn decorated(&mut self, parameter: &Param) {
        if let Some(decorator) = parameter.decorators.first() {
            let message =
                "Parameters have decorators only with `experimentalDecorators` in tsconfig.json";
            self.error(decorator.span, message.to_owned());
        }
    }

    fn with_home(&mut self, has_home: bool, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.has_home, has_home);
        visit(self);
        self.has_home = outer;
    }

    /// Parameters of strict code and of arrow functions have different names.
    fn parameters<'a>(&mut self, parameters: impl Iterator<Item = &'a Pat>, distinct: bool) {
        let mut seen = HashSet::new();
        for (id, span) in parameters.flat_map(names) {
            self.named(&id, span);
            if !seen.insert(id.clone()) && distinct {
                self.error(span, format!("Parameter `{}` is declared twice", id.0));
            }
            self.declared.entry(id).or_insert(Declared::Repeatable);
        }
    }

    fn private_name(&mut self, name: &PrivateName) {
        let known = self
            .private_names
            .iter()
            .any(|names| names.contains(&name.name));
        if !known {
            self.error(
                name.span,
                format!("`#{}` is not declared in an enclosing class", name.name),
            );
        }
    }
}

impl Visit for Checker {
    noop_visit_type!();

    fn visit_import_specifier(&mut self, specifier: &ImportSpecifier) {
        let local = specifier.local();
        self.declare(local.to_id(), local.span, Declared::Lexical);
    }

    fn visit_var_decl(&mut self, declaration: &VarDecl) {
        let kind = match declaration.kind {
            VarDeclKind::Var => Declared::Repeatable,
            VarDeclKind::Let | VarDeclKind::Const => Declared::Lexical,
        };
        for declarator in &declaration.decls {
            for (id, span) in names(&declarator.name) {
                self.declare(id, span, kind);
            }
        }
        declaration.visit_children_with(self);
    }

    fn visit_using_decl(&mut self, declaration: &UsingDecl) {
        for declarator in &declaration.decls {
            for (id, span) in names(&declarator.name) {
                self.declare(id, span, Declared::Lexical);
            }
        }
        declaration.visit_children_with(self);
    }

    fn visit_fn_decl(&mut self, declaration: &FnDecl) {
        let ident = &declaration.ident;
        self.declare(ident.to_id(), ident.span, Declared::Repeatable);
        self.with_home(false, |inside| declaration.function.visit_with(inside));
    }

    fn visit_fn_expr(&mut self, expression: &FnExpr) {
        self.with_home(false, |inside| expression.function.visit_with(inside));
    }

    fn visit_method_prop(&mut self, method: &MethodProp) {
        self.with_home(true, |inside| method.visit_children_with(inside));
    }

    fn visit_getter_prop(&mut self, getter: &GetterProp) {
        self.with_home(true, |inside| getter.visit_children_with(inside));
    }

    fn visit_setter_prop(&mut self, setter: &SetterProp) {
        self.with_home(true, |inside| setter.visit_children_with(inside));
    }

    fn visit_super_prop_expr(&mut self, expression: &SuperPropExpr) {
        if !self.has_home {
            self.error(expression.span, "`super` outside a method".to_owned());
        }
        expression.visit_children_with(self);
    }

    fn visit_unary_expr(&mut self, unary: &UnaryExpr) {
        if self.strict && unary.op == UnaryOp::Delete && unary.arg.is_ident() {
            self.error(
                unary.span,
                "A variable cannot be deleted in strict code".to_owned(),
            );
        }
        unary.visit_children_with(self);
    }

    fn visit_catch_clause(&mut self, clause: &CatchClause) {
        let caught: Vec<Atom> = clause
            .param
            .iter()
            .flat_map(names)
            .map(|(id, _)| id.0)
            .collect();
        for stmt in &clause.body.stmts {
            let declared: Vec<(Id, Span)> = match stmt {
                Stmt::Decl(Decl::Var(vars)) if vars.kind != VarDeclKind::Var => vars
                    .decls
                    .iter()
                    .flat_map(|decl| names(&decl.name))
                    .collect(),
                Stmt::Decl(Decl::Class(class)) => vec![(class.ident.to_id(), class.ident.span)],
                _ => Vec::new(),
            };
            for (id, span) in declared {
                if caught.contains(&id.0) {
                    self.error(span, format!("`{}` is declared twice", id.0));
                }
            }
        }
        clause.visit_children_with(self);
    }

    fn visit_object_lit(&mut self, object: &ObjectLit) {
        let prototypes = object.props.iter().filter(|prop| {
            matches!(prop, PropOrSpread::Prop(prop) if matches!(&**prop, Prop::KeyValue(entry)
            if match &entry.key {
                PropName::Ident(name) => name.sym == "__proto__",
                PropName::Str(name) => name.value == *"__proto__",
                _ => false,
            }))
        });
        if prototypes.count() > 1 {
            self.error(object.span, "`__proto__` is given twice".to_owned());
        }
        for prop in &object.props {
            let PropOrSpread::Prop(prop) = prop else {
                continue;
            };
            match &**prop {
                Prop::Assign(assigned) => {
                    let message = "`=` gives a default where names are taken out of an object; here it is `:`";
                    self.error(assigned.span(), message.to_owned());
                }
                Prop::Method(MethodProp { function, .. })
                | Prop::Getter(GetterProp { function, .. })
                | Prop::Setter(SetterProp { function, .. })
                    if function.body.is_none() =>
                {
                    self.error(function.span, "A method without a body".to_owned());
                }
                _ => {}
            }
        }
        object.visit_children_with(self);
    }

    fn visit_regex(&mut self, regex: &Regex) {
        if let Some(fault) = pattern::fault(&regex.exp, &regex.flags) {
            self.error(regex.span, fault.to_owned());
        }
    }

    fn visit_class_decl(&mut self, declaration: &ClassDecl) {
        let ident = &declaration.ident;
        self.declare(ident.to_id(), ident.span, Declared::Lexical);
        declaration.class.visit_with(self);
    }

    fn visit_default_decl(&mut self, declaration: &DefaultDecl) {
        let (ident, kind) = match declaration {
            DefaultDecl::Class(class) => (class.ident.as_ref(), Declared::Lexical),
            DefaultDecl::Fn(function) => (function.ident.as_ref(), Declared::Repeatable),
            DefaultDecl::TsInterfaceDecl(_) => (None, Declared::Repeatable),
        };
        if let Some(ident) = ident {
            self.declare(ident.to_id(), ident.span, kind);
        }
        declaration.visit_children_with(self);
    }

    fn visit_function(&mut self, function: &Function) {
        let parameters = function.params.iter().map(|parameter| &parameter.pat);
        self.parameters(parameters, self.strict);
        self.with_parent(false, |inside| {
            inside.in_function(function.is_async, |inside| {
                function.visit_children_with(inside);
            });
        });
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.parameters(arrow.params.iter(), true);
        self.in_function(arrow.is_async, |inside| arrow.visit_children_with(inside));
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        let parameters = constructor
            .params
            .iter()
            .filter_map(|parameter| match parameter {
                ParamOrTsParamProp::Param(parameter) => Some(&parameter.pat),
                ParamOrTsParamProp::TsParamProp(_) => None,
            });
        self.parameters(parameters, true);
        self.with_parent(self.extends, |inside| {
            inside.in_function(false, |inside| constructor.visit_children_with(inside));
        });
    }

    fn visit_static_block(&mut self, block: &StaticBlock) {
        self.in_function(false, |inside| block.visit_children_with(inside));
    }

    fn visit_class_prop(&mut self, property: &ClassProp) {
        property.key.visit_with(self);
        self.in_function(false, |inside| property.value.visit_with(inside));
    }

    fn visit_private_prop(&mut self, property: &PrivateProp) {
        self.in_function(false, |inside| property.value.visit_with(inside));
    }

    fn visit_param(&mut self, parameter: &Param) {
        self.decorated(parameter);
        parameter.visit_children_with(self);
    }

    fn visit_invalid(&mut self, invalid: &Invalid) {
        if self.is_whole {
            self.error(invalid.span, "This cannot be read".to_owned());
        }
    }

    fn visit_update_expr(&mut self, update: &UpdateExpr) {
        // It throws in modules; and the minifier, which knows the value, would write `void 0++`.
        let object = update.arg.as_member().map(|member| &member.obj);
        if object.is_some_and(|object| object.is_lit()) {
            self.error(
                update.span,
                "A property of a constant cannot be changed".to_owned(),
            );
        }
        update.visit_children_with(self);
    }

    fn visit_await_expr(&mut self, expression: &AwaitExpr) {
        self.awaits(expression.span);
        expression.visit_children_with(self);
    }

    fn visit_callee(&mut self, callee: &Callee) {
        if let Callee::Super(parent) = callee
            && !self.has_parent
        {
            let message = "`super()` outside the constructor of a class that extends another one";
            self.error(parent.span, message.to_owned());
        }
        callee.visit_children_with(self);
    }

    fn visit_class(&mut self, class: &Class) {
        class.super_class.visit_with(self);
        let mut names = HashSet::new();
        // Which half of a pair of accessors a name has, and whether it is static.
        let mut halves: HashMap<Atom, (MethodKind, bool)> = HashMap::new();
        for member in &class.body {
            let (name, half) = match member {
                ClassMember::PrivateMethod(method) => {
                    (&method.key, Some((method.kind, method.is_static)))
                }
                ClassMember::PrivateProp(property) => (&property.key, None),
                ClassMember::AutoAccessor(accessor) => match &accessor.key {
                    Key::Private(name) => (name, None),
                    Key::Public(_) => continue,
                },
                _ => continue,
            };
            let half = half.filter(|(kind, _)| *kind != MethodKind::Method);
            let is_new = names.insert(name.name.clone());
            let completes = half.is_some_and(|(kind, is_static)| {
                let other = halves.remove(&name.name);
                other.is_some_and(|other| other.0 != kind && other.1 == is_static)
            });
            if !is_new && !completes {
                let message = format!("`#{}` is declared twice in this class", name.name);
                self.error(name.span, message);
            }
            if let Some(half) = half
                && is_new
            {
                halves.insert(name.name.clone(), half);
            }
        }
        self.private_names.push(names);
        class.decorators.visit_with(self);
        let outer = std::mem::replace(&mut self.extends, class.super_class.is_some());
        self.with_parent(false, |inside| {
            inside.with_home(true, |inside| class.body.visit_with(inside));
        });
        self.extends = outer;
        self.private_names.pop();
    }

    fn visit_private_name(&mut self, name: &PrivateName) {
        self.private_name(name);
    }

    fn visit_for_stmt(&mut self, stmt: &ForStmt) {
        self.in_loop(|inside| stmt.visit_children_with(inside));
    }

    fn visit_for_in_stmt(&mut self, stmt: &ForInStmt) {
        self.in_loop(|inside| stmt.visit_children_with(inside));
    }

    fn visit_for_of_stmt(&mut self, stmt: &ForOfStmt) {
        if stmt.is_await {
            self.awaits(stmt.span);
        }
        self.in_loop(|inside| stmt.visit_children_with(inside));
    }

    fn visit_while_stmt(&mut self, stmt: &WhileStmt) {
        self.in_loop(|inside| stmt.visit_children_with(inside));
    }

    fn visit_do_while_stmt(&mut self, stmt: &DoWhileStmt) {
        self.in_loop(|inside| stmt.visit_children_with(inside));
    }

    fn visit_switch_stmt(&mut self, stmt: &SwitchStmt) {
        self.jumps.switches += 1;
        stmt.visit_children_with(self);
        self.jumps.switches -= 1;
    }

    fn visit_labeled_stmt(&mut self, stmt: &LabeledStmt) {
        let label = stmt.label.sym.clone();
        if self.jumps.labels.contains(&label) {
            self.error(
                stmt.label.span,
                format!("Label `{label}` is declared twice"),
            );
        }
        self.jumps.labels.push(label);
        Stmt::visit_with(&stmt.body, self);
        self.jumps.labels.pop();
    }

    fn visit_break_stmt(&mut self, stmt: &BreakStmt) {
        match &stmt.label {
            Some(label) if !self.jumps.labels.contains(&label.sym) => {
                self.error(
                    label.span,
                    format!("There is no label `{}` here", label.sym),
                );
            }
            None if self.jumps.loops + self.jumps.switches == 0 => {
                self.error(stmt.span, "`break` outside a loop or switch".to_owned());
            }
            Some(_) | None => {}
        }
    }

    fn visit_continue_stmt(&mut self, stmt: &ContinueStmt) {
        match &stmt.label {
            Some(label) if !self.jumps.labels.contains(&label.sym) => {
                self.error(
                    label.span,
                    format!("There is no label `{}` here", label.sym),
                );
            }
            _ if self.jumps.loops == 0 => {
                self.error(stmt.span, "`continue` outside a loop".to_owned());
            }
            Some(_) | None => {}
        }
    }
}

fn names(pat: &Pat) -> Vec<(Id, Span)> {
    let idents: Vec<swc_core::ecma::ast::Ident> = find_pat_ids(pat);
    idents
        .into_iter()
        .map(|ident| (ident.to_id(), ident.span))
        .collect()
}

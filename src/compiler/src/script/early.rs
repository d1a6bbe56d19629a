//! Early errors of ECMAScript that the parser lets pass.
//!
//! A preview is one script made of all modules: an early error in one of them would stop every
//! module from running, so what the browser would refuse must be found here.

use std::collections::{HashMap, HashSet};

use swc_core::atoms::Atom;
use swc_core::common::Span;
use swc_core::ecma::ast::{
    ArrowExpr, BreakStmt, Class, ClassDecl, ClassMember, Constructor, ContinueStmt, DoWhileStmt,
    FnDecl, ForInStmt, ForOfStmt, ForStmt, Function, Id, ImportSpecifier, Key, LabeledStmt, Pat,
    PrivateName, Program, StaticBlock, Stmt, SwitchStmt, UsingDecl, VarDecl, VarDeclKind,
    WhileStmt,
};
use swc_core::ecma::utils::find_pat_ids;
use swc_core::ecma::visit::{Visit, VisitWith, noop_visit_type};

use super::report::EarlyError;

/// Finds the early errors of a program whose types are stripped and scopes resolved.
pub(super) fn check(program: &Program) -> Vec<EarlyError> {
    let mut checker = Checker::default();
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
struct Checker {
    declared: HashMap<Id, Declared>,
    jumps: Jumps,
    private_names: Vec<HashSet<Atom>>,
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
        match self.declared.get(&id) {
            Some(Declared::Repeatable) if kind == Declared::Repeatable => {}
            Some(_) => self.error(span, format!("`{}` is declared twice", id.0)),
            None => {
                self.declared.insert(id, kind);
            }
        }
    }

    fn in_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.jumps.loops += 1;
        visit(self);
        self.jumps.loops -= 1;
    }

    /// Jumps do not cross function boundaries.
    fn in_function(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.jumps);
        visit(self);
        self.jumps = outer;
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
        declaration.function.visit_with(self);
    }

    fn visit_class_decl(&mut self, declaration: &ClassDecl) {
        let ident = &declaration.ident;
        self.declare(ident.to_id(), ident.span, Declared::Lexical);
        declaration.class.visit_with(self);
    }

    fn visit_function(&mut self, function: &Function) {
        for parameter in &function.params {
            for (id, _) in names(&parameter.pat) {
                self.declared.entry(id).or_insert(Declared::Repeatable);
            }
        }
        self.in_function(|inside| function.visit_children_with(inside));
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        for (id, _) in arrow.params.iter().flat_map(names) {
            self.declared.entry(id).or_insert(Declared::Repeatable);
        }
        self.in_function(|inside| arrow.visit_children_with(inside));
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        self.in_function(|inside| constructor.visit_children_with(inside));
    }

    fn visit_static_block(&mut self, block: &StaticBlock) {
        self.in_function(|inside| block.visit_children_with(inside));
    }

    fn visit_class(&mut self, class: &Class) {
        class.super_class.visit_with(self);
        let names = class.body.iter().filter_map(|member| match member {
            ClassMember::PrivateMethod(method) => Some(method.key.name.clone()),
            ClassMember::PrivateProp(property) => Some(property.key.name.clone()),
            ClassMember::AutoAccessor(accessor) => match &accessor.key {
                Key::Private(name) => Some(name.name.clone()),
                Key::Public(_) => None,
            },
            _ => None,
        });
        self.private_names.push(names.collect());
        class.decorators.visit_with(self);
        class.body.visit_with(self);
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

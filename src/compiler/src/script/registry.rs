//! The ES-module-to-registry pass: imported names become live reads of namespaces, and module
//! syntax becomes calls of `h` (ARCHITECTURE.md, "Registry").
//!
//! `links` has taken imports and exports out before; `assemble` builds the record after.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use swc_core::atoms::Atom;
use swc_core::common::{DUMMY_SP, Span, SyntaxContext};
use swc_core::ecma::ast::{
    ArrowExpr, AssignPat, AssignPatProp, AutoAccessor, CallExpr, Callee, Class, ClassProp,
    Constructor, Expr, ForOfStmt, Function, Id, Ident, IdentName, KeyValuePatProp, KeyValueProp,
    MemberExpr, MemberProp, MetaPropKind, ObjectPatProp, OptChainBase, OptChainExpr, Pat,
    PrivateProp, Program, Prop, PropName, SeqExpr, SimpleAssignTarget, StaticBlock,
};
use swc_core::ecma::utils::private_ident;
use swc_core::ecma::visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

use super::assemble;
use super::define::{property, undefined, zero};
use super::glob::Glob;
use super::links::{Binding, Links, Requests};
use super::parse::Format;
use super::report::EarlyError;
use super::requests::{is_glob, specifier};
use super::{Marks, REFRESH_REGISTER, REFRESH_SIGNATURE};
use crate::artifact::{GlobForm, ImportKind};
use crate::options::Output;

/// A record and what is known about it.
#[derive(Debug)]
pub(super) struct Rewritten {
    /// One module whose only item exports the record by default.
    pub(super) program: Program,
    pub(super) format: Format,
    pub(super) requests: Requests,
    pub(super) globs: Vec<Glob>,
    pub(super) exports: Vec<Atom>,
    pub(super) stars: Vec<Atom>,
    pub(super) is_barrel: bool,
    pub(super) facts: Facts,
}

/// What the rewriting saw.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Facts {
    pub(super) refresh: bool,
    pub(super) is_async: bool,
    pub(super) uses_hot: bool,
}

/// Rewrites a program into a record.
pub(super) fn rewrite(
    program: Program,
    format: Format,
    marks: Marks,
    refreshes: bool,
    output: &Output,
) -> Result<Rewritten, Vec<EarlyError>> {
    let unresolved = SyntaxContext::empty().apply_mark(marks.unresolved);
    let items = match program {
        Program::Module(module) => module.body,
        Program::Script(script) => script.body.into_iter().map(Into::into).collect(),
    };
    let mut links = Links::collect(items, unresolved);
    if format == Format::CommonJs && !(links.requests.0.is_empty() && links.exports.is_empty()) {
        links.errors.push(EarlyError {
            span: DUMMY_SP,
            code: "unsupported_syntax",
            message: "`export =` cannot be combined with `import` and `export`".to_owned(),
        });
    }
    if !links.errors.is_empty() {
        return Err(links.errors);
    }
    let mut rewriter = Rewriter {
        bindings: std::mem::take(&mut links.bindings),
        requests: std::mem::take(&mut links.requests),
        format,
        unresolved,
        h: private_ident!("h"),
        functions: 0,
        receivers: 0,
        facts: Facts::default(),
        refreshes,
        globs: Vec::new(),
        read: RefCell::default(),
        errors: Vec::new(),
    };
    links.hoisted.visit_mut_with(&mut rewriter);
    links.body.visit_mut_with(&mut rewriter);
    rewriter.pass_on_unread(&links.exports);
    for (_, value) in &mut links.exports {
        value.visit_mut_with(&mut rewriter);
    }
    let Rewriter {
        requests,
        h,
        facts,
        globs,
        errors,
        ..
    } = rewriter;
    if !errors.is_empty() {
        return Err(errors);
    }
    let exports = links.exports.iter().map(|(name, _)| name.clone()).collect();
    let stars = links.stars.clone();
    let passed: usize = requests
        .0
        .iter()
        .map(|request| request.reexports.len())
        .sum();
    let is_barrel = format == Format::Esm
        && links.body.iter().all(assemble::is_use_strict)
        && links.hoisted.is_empty()
        && links.exports.len() == passed
        && passed + stars.len() > 0;
    let record = match format {
        Format::Esm => assemble::esm(links, &requests, &globs, &h, facts, output),
        Format::CommonJs => assemble::commonjs(links.body, &h, marks, output),
    };
    Ok(Rewritten {
        program: assemble::program(record),
        format,
        requests,
        globs,
        exports,
        stars,
        is_barrel,
        facts,
    })
}

pub(super) struct Rewriter {
    bindings: HashMap<Id, Binding>,
    pub(super) requests: Requests,
    format: Format,
    /// Whether components of this file take part in Fast Refresh.
    refreshes: bool,
    unresolved: SyntaxContext,
    h: Ident,
    /// How many functions are around: `await` outside all of them is top-level.
    functions: usize,
    /// How many things with their own `this` are around.
    receivers: usize,
    facts: Facts,
    pub(super) globs: Vec<Glob>,
    /// Imported names that the module itself reads: the namespace's constant, and the name in it.
    read: RefCell<HashSet<(Id, Option<Atom>)>>,
    pub(super) errors: Vec<EarlyError>,
}

impl Rewriter {
    fn binding(&self, ident: &Ident) -> Option<&Binding> {
        if self.bindings.is_empty() {
            return None;
        }
        let binding = self.bindings.get(&ident.to_id())?;
        self.read
            .borrow_mut()
            .insert((binding.namespace.to_id(), binding.name.clone()));
        Some(binding)
    }

    /// Takes names that were imported and are not read from what the module asks for; those that it
    /// exports (`import { a } from "a"; export { a }`) it passes on.
    fn pass_on_unread(&mut self, exports: &[(Atom, Expr)]) {
        let imported = |name: Option<&Atom>| name.cloned().unwrap_or_else(|| Atom::from("*"));
        let mut read: HashMap<Id, HashSet<Atom>> = HashMap::new();
        for (namespace, name) in self.read.take() {
            let names = read.entry(namespace).or_default();
            names.insert(imported(name.as_ref()));
        }
        let mut passed: HashMap<Id, Vec<(Atom, Atom)>> = HashMap::new();
        for (exported, value) in exports {
            if let Expr::Ident(local) = value
                && let Some(binding) = self.bindings.get(&local.to_id())
            {
                let names = passed.entry(binding.namespace.to_id()).or_default();
                names.push((imported(binding.name.as_ref()), exported.clone()));
            }
        }
        for request in &mut self.requests.0 {
            let Some(namespace) = request.namespace.as_ref().map(Ident::to_id) else {
                continue;
            };
            let names = read.remove(&namespace).unwrap_or_default();
            request.names.retain(|name| names.contains(name));
            let passed = passed.remove(&namespace).into_iter().flatten();
            let unread = passed.filter(|(name, _)| !names.contains(name));
            request.reexports.extend(unread);
        }
    }

    /// `h.<name>`.
    pub(super) fn host(&self, name: &str, span: Span) -> Expr {
        Expr::Member(MemberExpr {
            span,
            obj: Box::new(Expr::Ident(self.h.clone())),
            prop: MemberProp::Ident(IdentName::new(name.into(), DUMMY_SP)),
        })
    }

    pub(super) fn is_global(&self, expr: &Expr, name: &str) -> bool {
        matches!(expr, Expr::Ident(ident) if ident.sym == *name && ident.ctxt == self.unresolved)
    }

    /// Replaces an imported name that is called, so that `this` stays undefined.
    fn callee(&mut self, callee: &mut Box<Expr>) {
        let mut inner = &mut **callee;
        while let Expr::Paren(paren) = inner {
            inner = &mut *paren.expr;
        }
        if let Expr::Ident(ident) = inner
            && let Some(binding) = self.binding(ident)
        {
            let read = Box::new(binding.read(ident.span));
            *inner = if binding.name.is_some() {
                Expr::Seq(SeqExpr {
                    span: DUMMY_SP,
                    exprs: vec![Box::new(zero()), read],
                })
            } else {
                *read
            };
            return;
        }
        callee.visit_mut_with(self);
    }

    fn call(&mut self, call: &mut CallExpr) {
        match &mut call.callee {
            Callee::Import(_) => {
                if let Some(first) = call.args.first()
                    && let Some((specifier, span)) = specifier(first)
                {
                    let request = self.requests.add(&specifier, ImportKind::Dynamic, span);
                    let all = Atom::from("*");
                    if !request.names.contains(&all) {
                        request.names.push(all);
                    }
                } else if let Some(first) = call.args.first() {
                    self.template(&first.expr, GlobForm::Template);
                }
                // Import attributes say what the file's own extension says.
                call.args.truncate(1);
                call.callee = Callee::Expr(Box::new(self.host("dynamicImport", DUMMY_SP)));
                call.args.visit_mut_with(self);
            }
            Callee::Expr(callee) => {
                if is_glob(callee) && self.format == Format::Esm {
                    self.glob(call);
                    return;
                }
                if self.is_global(callee, "require") {
                    self.require(&call.args);
                    if self.format == Format::Esm {
                        **callee = self.host("require", DUMMY_SP);
                    }
                } else {
                    self.callee(callee);
                }
                call.args.visit_mut_with(self);
            }
            Callee::Super(_) => call.args.visit_mut_with(self),
        }
    }

    fn inside(&mut self, functions: usize, receivers: usize, visit: impl FnOnce(&mut Self)) {
        self.functions += functions;
        self.receivers += receivers;
        visit(self);
        self.functions -= functions;
        self.receivers -= receivers;
    }
}

/// `Component`, `React.PureComponent`, …: what class components extend.
fn is_component_class(super_class: &Expr) -> bool {
    let name = match super_class {
        Expr::Ident(ident) => &ident.sym,
        Expr::Member(member) => match &member.prop {
            MemberProp::Ident(name) => &name.sym,
            MemberProp::PrivateName(_) | MemberProp::Computed(_) => return false,
        },
        _ => return false,
    };
    matches!(&**name, "Component" | "PureComponent")
}

impl VisitMut for Rewriter {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Ident(ident) => {
                if let Some(binding) = self.binding(ident) {
                    *expr = binding.read(ident.span);
                } else if ident.sym == *REFRESH_REGISTER {
                    self.facts.refresh = true;
                    *expr = self.host("register", DUMMY_SP);
                } else if ident.sym == *REFRESH_SIGNATURE {
                    *expr = self.host("signature", DUMMY_SP);
                }
            }
            Expr::This(_) if self.receivers == 0 && self.format == Format::Esm => {
                *expr = undefined();
            }
            Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta => {
                *expr = self.host("meta", meta.span);
            }
            Expr::Call(call) => self.call(call),
            Expr::OptChain(OptChainExpr { base, .. }) if base.is_call() => {
                if let OptChainBase::Call(call) = &mut **base {
                    self.callee(&mut call.callee);
                    call.args.visit_mut_with(self);
                }
            }
            Expr::TaggedTpl(tagged) => {
                self.callee(&mut tagged.tag);
                tagged.tpl.visit_mut_with(self);
            }
            Expr::New(new) => {
                self.worker(new);
                self.asset(new);
                new.visit_mut_children_with(self);
            }
            Expr::Member(member) => {
                if is_import_meta(&member.obj) && property(member).as_deref() == Some("hot") {
                    self.facts.uses_hot = true;
                }
                member.visit_mut_children_with(self);
            }
            Expr::Await(_) => {
                self.facts.is_async |= self.functions == 0;
                expr.visit_mut_children_with(self);
            }
            _ => expr.visit_mut_children_with(self),
        }
    }

    fn visit_mut_prop(&mut self, prop: &mut Prop) {
        if let Prop::Shorthand(ident) = prop {
            if let Some(binding) = self.binding(ident) {
                *prop = Prop::KeyValue(KeyValueProp {
                    key: PropName::Ident(IdentName::new(ident.sym.clone(), DUMMY_SP)),
                    value: Box::new(binding.read(ident.span)),
                });
            }
            return;
        }
        prop.visit_mut_children_with(self);
    }

    // Assigning to an import is an error at run time; the namespace object throws it.
    fn visit_mut_simple_assign_target(&mut self, target: &mut SimpleAssignTarget) {
        if let SimpleAssignTarget::Ident(ident) = target
            && let Some(binding) = self.binding(ident)
            && let Expr::Member(member) = binding.read(ident.span)
        {
            *target = SimpleAssignTarget::Member(member);
            return;
        }
        target.visit_mut_children_with(self);
    }

    fn visit_mut_pat(&mut self, pat: &mut Pat) {
        if let Pat::Ident(ident) = pat {
            if let Some(binding) = self.binding(ident) {
                *pat = Pat::Expr(Box::new(binding.read(ident.span)));
            }
            return;
        }
        pat.visit_mut_children_with(self);
    }

    fn visit_mut_object_pat_prop(&mut self, prop: &mut ObjectPatProp) {
        prop.visit_mut_children_with(self);
        if let ObjectPatProp::Assign(AssignPatProp { key, value, span }) = prop
            && let Some(binding) = self.binding(key)
        {
            let target = Pat::Expr(Box::new(binding.read(key.span)));
            let value_pattern = match value.take() {
                Some(default) => Pat::Assign(AssignPat {
                    span: *span,
                    left: Box::new(target),
                    right: default,
                }),
                None => target,
            };
            *prop = ObjectPatProp::KeyValue(KeyValuePatProp {
                key: PropName::Ident(IdentName::new(key.sym.clone(), DUMMY_SP)),
                value: Box::new(value_pattern),
            });
        }
    }

    fn visit_mut_for_of_stmt(&mut self, stmt: &mut ForOfStmt) {
        self.facts.is_async |= stmt.is_await && self.functions == 0;
        stmt.visit_mut_children_with(self);
    }

    fn visit_mut_class(&mut self, class: &mut Class) {
        // The refresh pass registers functions alone; classes are registered by their exports.
        self.facts.refresh |=
            self.refreshes && class.super_class.as_deref().is_some_and(is_component_class);
        class.visit_mut_children_with(self);
    }

    fn visit_mut_function(&mut self, function: &mut Function) {
        self.inside(1, 1, |inside| function.visit_mut_children_with(inside));
    }

    fn visit_mut_arrow_expr(&mut self, arrow: &mut ArrowExpr) {
        self.inside(1, 0, |inside| arrow.visit_mut_children_with(inside));
    }

    fn visit_mut_constructor(&mut self, constructor: &mut Constructor) {
        self.inside(1, 1, |inside| constructor.visit_mut_children_with(inside));
    }

    fn visit_mut_static_block(&mut self, block: &mut StaticBlock) {
        self.inside(1, 1, |inside| block.visit_mut_children_with(inside));
    }

    fn visit_mut_class_prop(&mut self, property: &mut ClassProp) {
        property.key.visit_mut_with(self);
        property.decorators.visit_mut_with(self);
        self.inside(1, 1, |inside| property.value.visit_mut_with(inside));
    }

    fn visit_mut_private_prop(&mut self, property: &mut PrivateProp) {
        property.decorators.visit_mut_with(self);
        self.inside(1, 1, |inside| property.value.visit_mut_with(inside));
    }

    fn visit_mut_auto_accessor(&mut self, accessor: &mut AutoAccessor) {
        accessor.key.visit_mut_with(self);
        accessor.decorators.visit_mut_with(self);
        self.inside(1, 1, |inside| accessor.value.visit_mut_with(inside));
    }
}

pub(super) fn is_import_meta(expr: &Expr) -> bool {
    matches!(expr, Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta)
}

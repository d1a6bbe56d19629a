//! What a module asks of others and offers to them: requests, import bindings, exports.
//!
//! It takes the module syntax out of the tree; `registry` rewrites what remains and `assemble`
//! puts the record together.

use std::collections::{HashMap, HashSet};

use swc_core::atoms::Atom;
use swc_core::common::{DUMMY_SP, Span, SyntaxContext};
use swc_core::ecma::ast::{
    ClassDecl, ClassExpr, ComputedPropName, Decl, DefaultDecl, ExportSpecifier, Expr, FnDecl,
    FnExpr, Id, Ident, IdentName, ImportDecl, ImportSpecifier, KeyValueProp, MemberExpr,
    MemberProp, ModuleDecl, ModuleExportName, ModuleItem, NamedExport, ObjectLit, Pat, Prop,
    PropName, PropOrSpread, Stmt, Str, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_core::ecma::utils::{find_pat_ids, private_ident};

use super::report::EarlyError;
use crate::artifact::ImportKind;
use crate::text::is_identifier_name;

/// One specifier asked for in one way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) specifier: Atom,
    pub(super) kind: ImportKind,
    /// The first place.
    pub(super) span: Span,
    pub(super) names: Vec<Atom>,
    /// Imported and exported names of `export … from`.
    pub(super) reexports: Vec<(Atom, Atom)>,
    /// The constant that holds the namespace, once something reads from it.
    pub(super) namespace: Option<Ident>,
}

/// All requests of a file, in source order.
#[derive(Debug, Default)]
pub(super) struct Requests(
    pub(super) Vec<Request>,
    /// Where each stands: barrels pass on thousands of modules.
    HashMap<(Atom, ImportKind), usize>,
);

impl Requests {
    /// The request of a specifier, made on first sight.
    pub(super) fn add(&mut self, specifier: &Atom, kind: ImportKind, span: Span) -> &mut Request {
        let end = self.0.len();
        let index = *self.1.entry((specifier.clone(), kind)).or_insert(end);
        if index == end {
            self.0.push(Request {
                specifier: specifier.clone(),
                kind,
                span,
                names: Vec::new(),
                reexports: Vec::new(),
                namespace: None,
            });
        }
        &mut self.0[index]
    }
}

impl Request {
    fn read(&mut self, name: Atom) -> Ident {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.namespace()
    }

    /// The same for a name that is only passed on.
    fn pass_on(&mut self, imported: Atom, exported: Atom) -> Ident {
        self.reexports.push((imported, exported));
        self.namespace()
    }

    fn namespace(&mut self) -> Ident {
        let specifier = &self.specifier;
        self.namespace
            .get_or_insert_with(|| private_ident!(namespace_name(specifier)))
            .clone()
    }
}

/// Where an imported name lives.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) namespace: Ident,
    /// `None` for the namespace itself.
    pub(super) name: Option<Atom>,
}

impl Binding {
    /// The expression that reads it.
    pub(super) fn read(&self, span: Span) -> Expr {
        let object = self.namespace.clone();
        match &self.name {
            None => Expr::Ident(Ident { span, ..object }),
            Some(name) => Expr::Member(MemberExpr {
                span,
                obj: Box::new(Expr::Ident(object)),
                prop: member_prop(name),
            }),
        }
    }
}

/// What a module says about other modules, and the statements that are left.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) requests: Requests,
    pub(super) bindings: HashMap<Id, Binding>,
    pub(super) exports: Vec<(Atom, Expr)>,
    /// The names of `exports`.
    exported: HashSet<Atom>,
    pub(super) stars: Vec<Atom>,
    /// The same, to ask whether one is among them: generated files have ten thousands.
    known_stars: HashSet<Atom>,
    /// Statements of the instantiation phase.
    pub(super) hoisted: Vec<Stmt>,
    /// Statements of the evaluation phase.
    pub(super) body: Vec<Stmt>,
    pub(super) errors: Vec<EarlyError>,
}

impl Links {
    pub(super) fn collect(items: Vec<ModuleItem>, unresolved: SyntaxContext) -> Self {
        let mut links = Self::default();
        links.body.reserve(items.len());
        for item in items {
            match item {
                ModuleItem::Stmt(Stmt::Empty(_)) => {}
                ModuleItem::Stmt(stmt) => links.body.push(stmt),
                ModuleItem::ModuleDecl(decl) => links.declaration(decl, unresolved),
            }
        }
        links
    }

    fn declaration(&mut self, decl: ModuleDecl, unresolved: SyntaxContext) {
        match decl {
            ModuleDecl::Import(import) => self.import(&import),
            ModuleDecl::ExportDecl(export) => self.export_declaration(export.decl),
            ModuleDecl::ExportNamed(export) => self.export_list(export, unresolved),
            ModuleDecl::ExportDefaultDecl(export) => self.export_default(export.decl, export.span),
            ModuleDecl::ExportDefaultExpr(export) => {
                let local = private_ident!("_default");
                self.body.push(constant(&local, named_default(export.expr)));
                self.export(Atom::from("default"), local.into(), export.span);
            }
            ModuleDecl::ExportAll(export) => {
                let specifier = export.src.value.to_atom_lossy().into_owned();
                self.requests
                    .add(&specifier, ImportKind::Static, export.src.span);
                if self.known_stars.insert(specifier.clone()) {
                    self.stars.push(specifier);
                }
            }
            ModuleDecl::TsImportEquals(import) => self.unsupported(import.span),
            ModuleDecl::TsExportAssignment(export) => self.unsupported(export.span),
            // `export as namespace X` is about global scripts; it has no run-time meaning.
            ModuleDecl::TsNamespaceExport(_) => {}
        }
    }

    fn unsupported(&mut self, span: Span) {
        self.errors.push(EarlyError {
            span,
            code: "unsupported_syntax",
            message: "`import =` and `export =` cannot stand in an ES module".to_owned(),
        });
    }

    fn import(&mut self, import: &ImportDecl) {
        let specifier = import.src.value.to_atom_lossy().into_owned();
        let request = self
            .requests
            .add(&specifier, ImportKind::Static, import.src.span);
        for specifier in &import.specifiers {
            let name = match specifier {
                ImportSpecifier::Default(_) => Some(Atom::from("default")),
                ImportSpecifier::Namespace(_) => None,
                ImportSpecifier::Named(named) => Some(match &named.imported {
                    Some(imported) => export_name(imported),
                    None => named.local.sym.clone(),
                }),
            };
            let namespace = request.read(name.clone().unwrap_or_else(|| Atom::from("*")));
            self.bindings
                .insert(specifier.local().to_id(), Binding { namespace, name });
        }
    }

    fn export(&mut self, name: Atom, value: Expr, span: Span) {
        if !self.exported.insert(name.clone()) {
            self.errors.push(EarlyError {
                span,
                code: "duplicate_export",
                message: format!("`{name}` is exported twice"),
            });
            return;
        }
        self.exports.push((name, value));
    }

    fn export_declaration(&mut self, decl: Decl) {
        let names: Vec<Ident> = match &decl {
            Decl::Class(class) => vec![class.ident.clone()],
            Decl::Fn(function) => vec![function.ident.clone()],
            Decl::Var(vars) => find_pat_ids(&vars.decls),
            Decl::Using(vars) => find_pat_ids(&vars.decls),
            // Types are gone by now.
            Decl::TsInterface(_) | Decl::TsTypeAlias(_) | Decl::TsEnum(_) | Decl::TsModule(_) => {
                Vec::new()
            }
        };
        for name in names {
            self.export(name.sym.clone(), without_span(&name).into(), name.span);
        }
        self.body.push(Stmt::Decl(decl));
    }

    fn export_default(&mut self, decl: DefaultDecl, span: Span) {
        let (local, statement) = match decl {
            DefaultDecl::Fn(FnExpr {
                ident: Some(ident),
                function,
            }) => (
                without_span(&ident),
                Stmt::Decl(Decl::Fn(FnDecl {
                    ident,
                    declare: false,
                    function,
                })),
            ),
            DefaultDecl::Fn(function) => {
                // A function declaration is callable before evaluation, in import cycles.
                let local = private_ident!("_default");
                let value = named_default(Box::new(Expr::Fn(function)));
                self.hoisted.push(constant(&local, value));
                return self.export(Atom::from("default"), local.into(), span);
            }
            DefaultDecl::Class(ClassExpr {
                ident: Some(ident),
                class,
            }) => (
                without_span(&ident),
                Stmt::Decl(Decl::Class(ClassDecl {
                    ident,
                    declare: false,
                    class,
                })),
            ),
            DefaultDecl::Class(class) => {
                let local = private_ident!("_default");
                let value = named_default(Box::new(Expr::Class(class)));
                (local.clone(), constant(&local, value))
            }
            DefaultDecl::TsInterfaceDecl(_) => return,
        };
        self.body.push(statement);
        self.export(Atom::from("default"), local.into(), span);
    }

    fn export_list(&mut self, list: NamedExport, unresolved: SyntaxContext) {
        if let Some(source) = &list.src {
            let specifier = source.value.to_atom_lossy().into_owned();
            self.requests
                .add(&specifier, ImportKind::Static, source.span);
            for export in &list.specifiers {
                self.reexport(export, &specifier, source.span);
            }
            return;
        }
        for export in list.specifiers {
            let ExportSpecifier::Named(named) = export else {
                continue;
            };
            let ModuleExportName::Ident(local) = &named.orig else {
                continue;
            };
            if local.ctxt == unresolved {
                self.errors.push(EarlyError {
                    span: local.span,
                    code: "undeclared_export",
                    message: format!("`{}` is exported but not declared in this file", local.sym),
                });
                continue;
            }
            let name = export_name(named.exported.as_ref().unwrap_or(&named.orig));
            self.export(name, without_span(local).into(), named.span);
        }
    }

    fn reexport(&mut self, export: &ExportSpecifier, specifier: &Atom, source: Span) {
        let (imported, exported, span) = match export {
            ExportSpecifier::Named(named) => (
                Some(export_name(&named.orig)),
                export_name(named.exported.as_ref().unwrap_or(&named.orig)),
                named.span,
            ),
            ExportSpecifier::Namespace(namespace) => {
                (None, export_name(&namespace.name), namespace.span)
            }
            ExportSpecifier::Default(default) => (
                Some(Atom::from("default")),
                default.exported.sym.clone(),
                default.exported.span,
            ),
        };
        let namespace = self
            .requests
            .add(specifier, ImportKind::Static, source)
            .pass_on(
                imported.clone().unwrap_or_else(|| Atom::from("*")),
                exported.clone(),
            );
        let binding = Binding {
            namespace,
            name: imported,
        };
        self.export(exported, binding.read(DUMMY_SP), span);
    }
}

/// `const <local> = <value>`.
pub(super) fn constant(local: &Ident, value: Expr) -> Stmt {
    VarDecl {
        kind: VarDeclKind::Const,
        decls: vec![VarDeclarator {
            span: DUMMY_SP,
            name: Pat::Ident(local.clone().into()),
            init: Some(Box::new(value)),
            definite: false,
        }],
        ..Default::default()
    }
    .into()
}

/// The value of `export default <expr>`; an anonymous function or class is called "default",
/// which a property of that name gives it.
fn named_default(expr: Box<Expr>) -> Expr {
    let mut inner = &*expr;
    while let Expr::Paren(paren) = inner {
        inner = &paren.expr;
    }
    let anonymous = match inner {
        Expr::Arrow(_) => true,
        Expr::Fn(function) => function.ident.is_none(),
        Expr::Class(class) => class.ident.is_none(),
        _ => false,
    };
    if !anonymous {
        return *expr;
    }
    let name = IdentName::new("default".into(), DUMMY_SP);
    let object = Expr::Object(ObjectLit {
        span: DUMMY_SP,
        props: vec![PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp {
            key: PropName::Ident(name.clone()),
            value: expr,
        })))],
    });
    Expr::Member(MemberExpr {
        span: DUMMY_SP,
        obj: Box::new(object),
        prop: MemberProp::Ident(name),
    })
}

fn export_name(name: &ModuleExportName) -> Atom {
    name.atom().into_owned()
}

fn without_span(ident: &Ident) -> Ident {
    Ident {
        span: DUMMY_SP,
        ..ident.clone()
    }
}

/// `.name`, or `["na-me"]` when it is no identifier.
fn member_prop(name: &Atom) -> MemberProp {
    if is_identifier_name(name) {
        MemberProp::Ident(IdentName::new(name.clone(), DUMMY_SP))
    } else {
        MemberProp::Computed(ComputedPropName {
            span: DUMMY_SP,
            expr: Box::new(Expr::Lit(Str::from(name.clone()).into())),
        })
    }
}

/// A readable name for a namespace constant: the specifier's last part.
fn namespace_name(specifier: &str) -> String {
    let path = specifier.split(['?', '#']).next().unwrap_or_default();
    let last = path
        .rsplit('/')
        .find(|part| !matches!(*part, "" | "." | ".."))
        .unwrap_or("module");
    let stem = last
        .split('.')
        .find(|part| !part.is_empty())
        .unwrap_or(last);
    let clean: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!("_{clean}")
}

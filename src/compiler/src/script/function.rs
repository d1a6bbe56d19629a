//! A module as the function that a release makes its record of: what it imports is its parameters, and it
//! yields what it exports. Same phases as the record of `assemble`, without the names that a release knows.

use std::collections::HashSet;

use swc_core::ecma::ast::{Expr, FnExpr, Function, Id, Ident, Stmt};
use swc_core::ecma::utils::private_ident;
use swc_core::ecma::visit::{Visit, VisitWith, noop_visit_type};

use super::assemble::{
    call, export_key, getter, is_use_strict, object, property, statement, text, with_body, yields,
};
use super::links::{Links, Requests};
use super::registry::Facts;
use crate::artifact::ImportKind;

/// `function* (namespace, …, h) { "use strict"; yield { name: () => value, … }; … }`.
///
/// Namespaces stand in the order of the static imports, those that are read by name; what comes after the
/// last parameter that is used is left out. A module with top-level await calls `h.export` instead: its
/// names are wanted before its first step settles.
pub(super) fn esm(links: Links, requests: &Requests, h: &Ident, facts: Facts) -> Expr {
    let Links {
        exports,
        stars,
        hoisted,
        body,
        ..
    } = links;
    let statics: Vec<_> = requests
        .0
        .iter()
        .filter(|request| request.kind == ImportKind::Static)
        .collect();
    let mut statements = vec![statement(text("use strict"))];
    let getters = (!exports.is_empty()).then(|| {
        let getters = exports.into_iter();
        object(
            getters
                .map(|(name, value)| property(export_key(&name), getter(value)))
                .collect(),
        )
    });
    let mut yielded = None;
    if facts.is_async {
        statements.extend(getters.map(|getters| statement(call(h, "export", getters))));
    } else {
        yielded = getters;
    }
    for star in stars {
        let position = statics.iter().position(|request| request.specifier == star);
        if let Some(position) = position {
            statements.push(statement(call(h, "exportAll", Expr::from(position))));
        }
    }
    statements.extend(hoisted);
    statements.push(statement(yields(yielded)));
    statements.extend(body.into_iter().filter(|stmt| !is_use_strict(stmt)));
    let mut read = Read::default();
    statements.visit_with(&mut read);
    let mut parameters: Vec<Ident> = statics
        .iter()
        .map(|request| {
            let namespace = request.namespace.clone();
            namespace.unwrap_or_else(|| private_ident!("unread"))
        })
        .collect();
    parameters.push(h.clone());
    let used = parameters
        .iter()
        .rposition(|parameter| read.0.contains(&parameter.to_id()));
    parameters.truncate(used.map_or(0, |last| last + 1));
    let function = Function {
        is_generator: true,
        is_async: facts.is_async,
        ..Default::default()
    };
    expression(function, parameters, statements)
}

/// A function expression.
pub(super) fn expression(function: Function, parameters: Vec<Ident>, body: Vec<Stmt>) -> Expr {
    Expr::Fn(FnExpr {
        ident: None,
        function: Box::new(with_body(function, parameters, body)),
    })
}

/// Every name that is read.
#[derive(Default)]
struct Read(HashSet<Id>);

impl Visit for Read {
    noop_visit_type!();

    fn visit_ident(&mut self, ident: &Ident) {
        self.0.insert(ident.to_id());
    }
}

//! `import.meta.glob`, and `import()` and `new URL()` of template literals: what a module asks for by
//! pattern. Which files match is the linker's business.
//!
//! Forms and options as Vite documents them ("Glob Import", "Dynamic Import"): patterns and options are
//! literals, so that they can be read without running anything.

use swc_core::atoms::Atom;
use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::{Expr, ExprOrSpread, Lit, ObjectLit, Prop, PropName, PropOrSpread, Tpl};

use super::report::EarlyError;
use crate::artifact::GlobForm;

/// One pattern request.
#[derive(Debug)]
pub(super) struct Glob {
    pub(super) patterns: Vec<Atom>,
    pub(super) form: GlobForm,
    pub(super) query: String,
    pub(super) span: Span,
}

/// The arguments of `import.meta.glob`, read.
#[derive(Debug)]
pub(super) struct GlobCall {
    pub(super) glob: Glob,
    /// The one export that is wanted of each match.
    pub(super) name: Option<Atom>,
}

/// Reads the arguments of `import.meta.glob`.
pub(super) fn read(args: &[ExprOrSpread], span: Span) -> Result<GlobCall, EarlyError> {
    let (first, options) = match args {
        [first] => (first, None),
        [first, options] => (first, Some(options)),
        _ => return Err(refuse(span, "takes a pattern and options")),
    };
    let mut call = GlobCall {
        glob: Glob {
            patterns: patterns(&first.expr)?,
            form: GlobForm::Lazy,
            query: String::new(),
            span,
        },
        name: None,
    };
    if let Some(options) = options {
        let Expr::Object(options) = unwrapped(&options.expr) else {
            return Err(refuse(
                options.expr.span(),
                "takes its options as an object literal",
            ));
        };
        apply(&mut call, options)?;
    }
    Ok(call)
}

fn apply(call: &mut GlobCall, options: &ObjectLit) -> Result<(), EarlyError> {
    for option in &options.props {
        let (name, value) =
            entry(option).ok_or_else(|| refuse(option.span(), "takes its options as literals"))?;
        let wrong = || refuse(value.span(), "takes its options as literals");
        match name.as_str() {
            "eager" => {
                if boolean(value).ok_or_else(wrong)? {
                    call.glob.form = GlobForm::Eager;
                }
            }
            "import" => call.name = Some(string(value).ok_or_else(wrong)?),
            "query" => call.glob.query = query(value).ok_or_else(wrong)?,
            // Before Vite 5.1 a query was written this way.
            "as" => {
                call.glob.query = format!("?{}", string(value).ok_or_else(wrong)?);
                call.name = Some("default".into());
            }
            "exhaustive" => {}
            other => {
                let message = format!("has no option `{other}` here");
                return Err(refuse(value.span(), &message));
            }
        }
    }
    // `*` is the namespace, which is what one gets without a name.
    call.name.take_if(|name| *name == "*");
    Ok(())
}

fn patterns(expr: &Expr) -> Result<Vec<Atom>, EarlyError> {
    let wrong = |span| refuse(span, "takes patterns as string literals");
    let found = match unwrapped(expr) {
        Expr::Array(list) => list
            .elems
            .iter()
            .map(|element| match element {
                Some(element) if element.spread.is_none() => {
                    string(&element.expr).ok_or_else(|| wrong(element.expr.span()))
                }
                Some(_) | None => Err(wrong(list.span)),
            })
            .collect::<Result<Vec<_>, _>>()?,
        other => vec![string(other).ok_or_else(|| wrong(other.span()))?],
    };
    let is_path = |pattern: &str| {
        let pattern = pattern.trim_start_matches('!');
        ["/", "./", "../", "**", "@/", "~/", "#"]
            .iter()
            .any(|start| pattern.starts_with(start))
    };
    match found.iter().find(|pattern| !is_path(pattern)) {
        Some(bare) => {
            let message =
                format!("takes patterns that start with `./`, `../` or `/`; `{bare}` does not");
            Err(refuse(expr.span(), &message))
        }
        None => Ok(found),
    }
}

fn refuse(span: Span, what: &str) -> EarlyError {
    EarlyError {
        span,
        code: "invalid_glob",
        message: format!("`import.meta.glob` {what}"),
    }
}

/// The pattern of a template literal: each value stands for one name, or a part of it, as in Vite. `None`
/// when it is no relative path with a fixed beginning.
pub(super) fn pattern_of(template: &Tpl) -> Option<Atom> {
    if template.exprs.is_empty() {
        return None;
    }
    let mut pattern = String::new();
    for (index, part) in template.quasis.iter().enumerate() {
        if index > 0 && !pattern.ends_with('*') {
            pattern.push('*');
        }
        let text = part.cooked.as_ref()?.to_atom_lossy().into_owned();
        for character in text.chars() {
            // What a pattern would read as more than itself.
            if "*?[]{}!\\".contains(character) {
                pattern.push('\\');
            }
            pattern.push(character);
        }
    }
    // The start of Vite's rule: a folder must be named, or everything would be part of the app.
    let fixed = pattern.split('*').next().unwrap_or_default();
    let named = fixed.starts_with("./") || fixed.starts_with("../");
    (named && pattern != "./*").then(|| pattern.into())
}

fn entry(property: &PropOrSpread) -> Option<(Atom, &Expr)> {
    let PropOrSpread::Prop(property) = property else {
        return None;
    };
    let Prop::KeyValue(pair) = &**property else {
        return None;
    };
    let name = match &pair.key {
        PropName::Ident(name) => name.sym.clone(),
        PropName::Str(name) => name.value.to_atom_lossy().into_owned(),
        PropName::Num(_) | PropName::Computed(_) | PropName::BigInt(_) => return None,
    };
    Some((name, unwrapped(&pair.value)))
}

/// `'?raw'`, `'raw'` or `{ raw: '', width: 1 }`.
fn query(value: &Expr) -> Option<String> {
    if let Expr::Object(object) = value {
        let mut pairs = Vec::new();
        for property in &object.props {
            let (name, value) = entry(property)?;
            pairs.push(match value {
                Expr::Lit(Lit::Bool(flag)) if flag.value => name.to_string(),
                Expr::Lit(Lit::Num(number)) => format!("{name}={number}"),
                other => match string(other)? {
                    empty if empty.is_empty() => name.to_string(),
                    text => format!("{name}={text}"),
                },
            });
        }
        return Some(format!("?{}", pairs.join("&")));
    }
    let text = string(value)?;
    Some(match text.strip_prefix('?') {
        Some(_) => text.to_string(),
        None if text.is_empty() => String::new(),
        None => format!("?{text}"),
    })
}

fn boolean(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Lit(Lit::Bool(value)) => Some(value.value),
        _ => None,
    }
}

fn string(expr: &Expr) -> Option<Atom> {
    match unwrapped(expr) {
        Expr::Lit(Lit::Str(text)) => Some(text.value.to_atom_lossy().into_owned()),
        Expr::Tpl(template) if template.exprs.is_empty() => Some(
            template
                .quasis
                .first()?
                .cooked
                .as_ref()?
                .to_atom_lossy()
                .into_owned(),
        ),
        _ => None,
    }
}

fn unwrapped(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(paren) = expr {
        expr = &paren.expr;
    }
    expr
}

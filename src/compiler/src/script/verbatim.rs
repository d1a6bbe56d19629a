//! `CommonJS` files of packages in previews: the record is the file's own text around which a function is put.
//!
//! Most of what is compiled cold are such files (React's client alone has 30,000 lines), and nothing in them
//! changes but `process.env.NODE_ENV`: printing them anew would cost as much again as reading them. What would
//! need more than that is left to the passes.

use swc_core::common::{BytePos, Span};
use swc_core::ecma::ast::{Decl, Decorator, Program, Stmt, UsingDecl, VarDeclKind};
use swc_core::ecma::utils::find_pat_ids;
use swc_core::ecma::visit::{Visit, VisitWith, noop_visit_type};

use super::define::Replaced;
use super::parse::{Dialect, Format, Parsed};
use crate::module_id::ModuleId;
use crate::options::{Mode, Options};

const PARAMETERS: [&str; 3] = ["module", "exports", "require"];

/// Whether a file's text can stand in its record as it is.
pub(super) fn may_apply(parsed: &Parsed, id: &ModuleId<'_>, text: &str, options: &Options) -> bool {
    let Program::Script(script) = &parsed.program else {
        return false;
    };
    id.is_package()
        && parsed.format == Format::CommonJs
        && parsed.dialect == (Dialect::JavaScript { jsx: false })
        && options.mode == Mode::Development
        && !options.source_map
        && !text.starts_with("#!")
        && !reads_environment(text)
        // Dynamic imports become calls of `h`.
        && !may_import(text)
        // Comments of scripts that a module or a larger script would read otherwise.
        && !["<!--", "-->", "sourceMappingURL", "sourceURL"]
            .iter()
            .any(|comment| text.contains(comment))
        && !script.body.iter().any(takes_parameter)
        && !((text.contains('@') || text.contains("using ")) && is_lowered(&parsed.program))
}

/// Whether more of `process.env` is read than the mode. An object in its place may begin with a parenthesis,
/// which would continue a line before it that ends without a semicolon.
fn reads_environment(text: &str) -> bool {
    let others = ["process?.env", "[\"env\"]", "['env']"];
    let mut reads = text.split("process.env").skip(1);
    reads.any(|rest| !rest.starts_with(".NODE_ENV") && !rest.starts_with("['NODE_ENV']"))
        || others.iter().any(|other| text.contains(other))
}

/// Whether `import` may be called: what is next, blanks aside, is a parenthesis or a comment.
fn may_import(text: &str) -> bool {
    text.split("import")
        .skip(1)
        .any(|rest| rest.trim_start().starts_with(['(', '/']))
}

/// Whether a statement of the top level gives a parameter's name to something of its own, which only
/// `var` and functions may.
fn takes_parameter(stmt: &Stmt) -> bool {
    let names: Vec<_> = match stmt {
        Stmt::Decl(Decl::Class(class)) => vec![class.ident.sym.clone()],
        Stmt::Decl(Decl::Var(vars)) if vars.kind != VarDeclKind::Var => {
            let ids: Vec<swc_core::ecma::ast::Id> = find_pat_ids(&vars.decls);
            ids.into_iter().map(|(name, _)| name).collect()
        }
        _ => return false,
    };
    names.iter().any(|name| PARAMETERS.contains(&&**name))
}

/// Whether it has syntax that browsers do not have yet.
fn is_lowered(program: &Program) -> bool {
    let mut search = Lowered(false);
    program.visit_with(&mut search);
    search.0
}

struct Lowered(bool);

impl Visit for Lowered {
    noop_visit_type!();

    fn visit_decorator(&mut self, _: &Decorator) {
        self.0 = true;
    }

    fn visit_using_decl(&mut self, _: &UsingDecl) {
        self.0 = true;
    }
}

/// The record of `text`, which begins at `start`, with its constants in place.
pub(super) fn record(
    text: &str,
    start: BytePos,
    replaced: &Replaced,
    mode: Mode,
) -> Option<String> {
    let mode = format!("{:?}", mode.name());
    let modes = replaced.modes.iter().map(|span| (span, mode.as_str()));
    let objects = replaced.objects.iter().map(|span| (span, "({})"));
    let mut constants: Vec<(&Span, &str)> = modes.chain(objects).collect();
    constants.sort_by_key(|(span, _)| span.lo);
    let mut code = String::with_capacity(text.len() + 64);
    code.push_str("{kind:\"cjs\",run(module,exports,require){");
    let mut done = 0;
    let offset = |at: BytePos| usize::try_from(at.0.checked_sub(start.0)?).ok();
    for (span, constant) in constants {
        let (from, to) = (offset(span.lo)?, offset(span.hi)?);
        code.push_str(text.get(done..from)?);
        code.push_str(constant);
        done = to;
    }
    code.push_str(text.get(done..)?);
    // The text may end in a comment.
    code.push_str("\n}}");
    Some(code)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use crate::{Options, Source, compile};

    fn code(text: &str) -> String {
        let options = Options {
            source_map: false,
            ..Options::development()
        };
        let source = Source {
            id: "npm:a@1.0.0/a.cjs",
            content: text.as_bytes(),
        };
        compile(&source, &options).artifact.unwrap().code
    }

    #[test]
    fn the_text_stands_as_it_is_but_for_its_constants() {
        for (text, constant) in [
            (
                "exports.a = 1; // é, the last line",
                "exports.a = 1; // é, the last line",
            ),
            (
                "'é'; if (process.env.NODE_ENV === \"x\") { require('b') }",
                "'é'; if (\"development\" === \"x\") { require('b') }",
            ),
            (
                "(process => process.env.NODE_ENV)(process.env['NODE_ENV'])",
                "(process => process.env.NODE_ENV)(\"development\")",
            ),
            (
                "var exports = module.exports;",
                "var exports = module.exports;",
            ),
            ("imports.using = using (a);", "imports.using = using (a);"),
            ("", ""),
        ] {
            let record = format!("{{kind:\"cjs\",run(module,exports,require){{{constant}\n}}}}");
            assert_eq!(code(text), record, "{text}");
        }
    }

    #[test]
    fn what_needs_more_goes_through_the_passes() {
        for text in [
            "#!/usr/bin/env node\nexports.a = 1",
            "exports.a = () => import(\"b\")",
            "exports.a = () => import /* lazy */ (\"b\")",
            "{ using a = b(); }",
            "@b class A {}",
            "const module = 1; exports.a = module",
            "class require {}",
            "exports.a = process.env",
            "exports.a = process.env.A",
            "exports.a = process.env.NODE_ENV, process?.env.A",
            "a <!-- b",
            "exports.a = 1\n//# sourceMappingURL=a.cjs.map",
        ] {
            let code = code(text);
            assert!(!code.starts_with("{kind:\"cjs\",run"), "{text}: {code}");
        }
    }
}

//! Prints a record and its source map, and fills in the artifact.

use std::collections::BTreeMap;

use swc_core::common::comments::{Comments, SingleThreadedComments};
use swc_core::common::source_map::SourceMapGenConfig;
use swc_core::common::sync::Lrc;
use swc_core::common::{BytePos, DUMMY_SP, FileName, LineCol, SourceMap, Span};
use swc_core::ecma::ast::{Expr, ModuleDecl, ModuleItem, Program};
use swc_core::ecma::codegen::text_writer::{JsWriter, WriteJs, omit_trailing_semi};
use swc_core::ecma::codegen::{Config, Emitter, Node};

use super::parse::Format;
use super::registry::Rewritten;
use super::report::EarlyError;
use crate::artifact::{GlobImport, ImportRecord, ModuleArtifact, ModuleKind, Reexport};
use crate::module_id::ModuleId;
use crate::options::{Mode, Options};

/// Prints a record.
pub(super) fn artifact(
    module: &Rewritten,
    id: &ModuleId<'_>,
    source_map: &Lrc<SourceMap>,
    comments: &SingleThreadedComments,
    options: &Options,
) -> Result<ModuleArtifact, Vec<EarlyError>> {
    let record = record(&module.program).ok_or_else(|| failure("the record was lost"))?;
    let minify = options.minify && cfg!(feature = "minify");
    // Comments matter to later optimizers (`/* @__PURE__ */`) only.
    let keep_comments = options.mode == Mode::Production && !minify;
    let mut mappings = options.source_map.then(Vec::new);
    let mut code = Vec::new();
    let writer = JsWriter::new(source_map.clone(), "\n", &mut code, mappings.as_mut());
    let mut emitter = Emitter {
        cfg: Config::default().with_minify(minify),
        cm: source_map.clone(),
        comments: keep_comments.then_some(comments as &dyn Comments),
        wr: if minify {
            Box::new(omit_trailing_semi(writer)) as Box<dyn WriteJs>
        } else {
            Box::new(writer)
        },
    };
    record
        .emit_with(&mut emitter)
        .map_err(|error| failure(&error.to_string()))?;
    drop(emitter);
    let code = String::from_utf8(code).map_err(|error| failure(&error.to_string()))?;
    let map = match mappings {
        Some(mappings) => Some(map_json(source_map, &mappings, id)?),
        None => None,
    };
    Ok(described(module, code, map, source_map))
}

/// The artifact of a record whose text is known.
pub(super) fn described(
    module: &Rewritten,
    code: String,
    map: Option<String>,
    source_map: &SourceMap,
) -> ModuleArtifact {
    ModuleArtifact {
        kind: match module.format {
            Format::Esm => ModuleKind::Esm,
            Format::CommonJs => ModuleKind::CommonJs,
        },
        code,
        map,
        imports: import_records(module, source_map),
        globs: globs(module, source_map),
        exports: module.exports.iter().map(ToString::to_string).collect(),
        export_stars: module.stars.iter().map(ToString::to_string).collect(),
        is_barrel: module.is_barrel,
        css: None,
        refresh: module.facts.refresh,
        is_async: module.facts.is_async,
        uses_hot: module.facts.uses_hot,
    }
}

fn record(program: &Program) -> Option<&Expr> {
    let Program::Module(module) = program else {
        return None;
    };
    module.body.iter().find_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
            let mut expr = &*export.expr;
            // A function would begin a declaration there.
            while let Expr::Paren(paren) = expr {
                expr = &paren.expr;
            }
            Some(expr)
        }
        ModuleItem::ModuleDecl(_) | ModuleItem::Stmt(_) => None,
    })
}

/// An error of this crate, not of the file; still an answer rather than a panic.
pub(super) fn failure(message: &str) -> Vec<EarlyError> {
    vec![EarlyError {
        span: DUMMY_SP,
        code: "internal_error",
        message: format!("The compiler failed on this file: {message}"),
    }]
}

fn import_records(module: &Rewritten, source_map: &SourceMap) -> Vec<ImportRecord> {
    let mut lines = BTreeMap::new();
    module
        .requests
        .0
        .iter()
        .map(|request| {
            let (line, column) = *lines
                .entry(request.span.lo)
                .or_insert_with(|| place(source_map, request.span));
            ImportRecord {
                specifier: request.specifier.to_string(),
                kind: request.kind,
                line,
                column,
                names: request.names.iter().map(ToString::to_string).collect(),
                reexports: request
                    .reexports
                    .iter()
                    .map(|(imported, exported)| Reexport {
                        imported: imported.to_string(),
                        exported: exported.to_string(),
                    })
                    .collect(),
            }
        })
        .collect()
}

fn globs(module: &Rewritten, source_map: &SourceMap) -> Vec<GlobImport> {
    let globs = module.globs.iter();
    globs
        .map(|glob| {
            let (line, column) = place(source_map, glob.span);
            GlobImport {
                patterns: glob.patterns.iter().map(ToString::to_string).collect(),
                form: glob.form,
                query: glob.query.clone(),
                line,
                column,
            }
        })
        .collect()
}

/// 1-based line and UTF-16 column; imports that passes added (JSX) stand at the file's start.
fn place(source_map: &SourceMap, span: Span) -> (u32, u32) {
    if span.lo.is_dummy() || span.lo.is_reserved_for_comments() {
        return (1, 1);
    }
    let at = source_map.lookup_char_pos(span.lo);
    let line = u32::try_from(at.line).unwrap_or(u32::MAX);
    let before = at
        .line
        .checked_sub(1)
        .and_then(|index| at.file.get_line(index));
    let units: usize = before
        .iter()
        .flat_map(|line| line.chars().take(at.col.0))
        .map(char::len_utf16)
        .sum();
    (line, u32::try_from(units + 1).unwrap_or(u32::MAX))
}

/// How source maps name their one source.
struct MapConfig<'a>(&'a str);

impl SourceMapGenConfig for MapConfig<'_> {
    fn file_name_to_source(&self, _: &FileName) -> String {
        self.0.to_owned()
    }

    fn inline_sources_content(&self, _: &FileName) -> bool {
        true
    }
}

fn map_json(
    source_map: &SourceMap,
    mappings: &[(BytePos, LineCol)],
    id: &ModuleId<'_>,
) -> Result<String, Vec<EarlyError>> {
    let map = source_map.build_source_map(mappings, None, MapConfig(id.path));
    let mut json = Vec::new();
    map.to_writer(&mut json)
        .map_err(|error| failure(&error.to_string()))?;
    String::from_utf8(json).map_err(|error| failure(&error.to_string()))
}

//! JavaScript and TypeScript: the order of the passes from text to registry record.
//!
//! Each pass has its own module; this one only says what runs when, and collects what they found.

mod assemble;
mod class_fields;
mod define;
mod early;
mod emit;
mod enums;
mod function;
mod glob;
mod helper_names;
mod links;
mod parse;
mod pattern;
mod recover;
mod registry;
mod report;
mod requests;
mod verbatim;

use swc_core::common::comments::SingleThreadedComments;
use swc_core::common::errors::HANDLER;
use swc_core::common::sync::Lrc;
use swc_core::common::{BytePos, FileName, GLOBALS, Globals, Mark, SourceMap, SyntaxContext};
use swc_core::ecma::ast::{Pass, Program};
use swc_core::ecma::transforms::base::fixer::fixer;
use swc_core::ecma::transforms::base::helpers::{HELPERS, Helpers, inject_helpers};
use swc_core::ecma::transforms::base::hygiene::hygiene;
use swc_core::ecma::transforms::base::resolver;
use swc_core::ecma::transforms::proposal::decorator_2023_11::decorator_2023_11;
use swc_core::ecma::transforms::proposal::decorators::{Config as DecoratorConfig, decorators};
use swc_core::ecma::transforms::proposal::explicit_resource_management::explicit_resource_management;
use swc_core::ecma::transforms::react;
use swc_core::ecma::transforms::typescript;

use hotplate_protocol::Diagnostic;

use self::parse::{Dialect, Parsed};
use crate::artifact::ModuleArtifact;
use crate::module_id::ModuleId;
use crate::nesting;
use crate::options::{JsxRuntime, Mode, Options, Output};
use crate::place::{Finding, MOST, Places};

/// The two marks every pass needs: names nobody declares, and the file's own top level.
#[derive(Debug, Clone, Copy)]
struct Marks {
    unresolved: Mark,
    top_level: Mark,
}

/// Names the refresh pass writes; not identifiers, so that no program can contain them.
const REFRESH_REGISTER: &str = "hotplate:register";
const REFRESH_SIGNATURE: &str = "hotplate:signature";

/// Compiles a script.
pub(crate) fn compile(
    id: &ModuleId<'_>,
    text: &str,
    places: Places<'_>,
    options: &Options,
) -> Result<ModuleArtifact, Vec<Diagnostic>> {
    let dialect = Dialect::of(id);
    nesting::check(text, dialect.angle()).map_err(|too_deep| {
        vec![places.diagnostic(
            Finding::error("nesting_too_deep"),
            too_deep.0,
            "The code is nested too deeply here; split it into smaller statements",
        )]
    })?;
    GLOBALS.set(&Globals::new(), || {
        let source_map = Lrc::<SourceMap>::default();
        let name = Lrc::new(FileName::Real(id.path.into()));
        let file = source_map.new_source_file(name, text.to_owned());
        let comments = SingleThreadedComments::default();
        let parsed = parse::parse(id, &file, &comments, options).map_err(|rejected| {
            let mut all = report::syntax_errors(&rejected.errors, &file, places);
            let early = rejected.program.map(errors_beside).unwrap_or_default();
            all.extend(
                early
                    .into_iter()
                    .take(MOST)
                    .map(|error| error.diagnostic(&file, places)),
            );
            all.extend(recover::further_errors(id, &file, options, &all, places));
            all.sort_by_key(|error| (error.line, error.column));
            // Two checks may see the same mistake; the parser's words come first.
            all.dedup_by_key(|error| (error.line, error.column));
            all
        })?;
        let findings = report::Findings::default();
        let artifact = HANDLER.set(&findings.handler(), || {
            HELPERS.set(&Helpers::new(false), || {
                Run {
                    id,
                    text,
                    start: file.start_pos,
                    options,
                    source_map,
                    comments,
                }
                .artifact(parsed)
            })
        });
        let mut errors = findings.diagnostics(&file, places);
        match artifact {
            Ok(artifact) if errors.is_empty() => Ok(artifact),
            Ok(_) => Err(errors),
            Err(early) => {
                errors.extend(
                    early
                        .into_iter()
                        .take(MOST)
                        .map(|error| error.diagnostic(&file, places)),
                );
                errors.sort_by_key(|error| (error.line, error.column));
                // A pass may have copied what is wrong.
                errors.dedup();
                Err(errors)
            }
        }
    })
}

/// What else is wrong with a file the parser could read to its end in spite of errors.
fn errors_beside(mut program: Program) -> Vec<report::EarlyError> {
    let (unresolved, top_level) = (Mark::new(), Mark::new());
    program.mutate(resolver(unresolved, top_level, true));
    let mut errors = early::check(&program, None);
    if let Program::Module(module) = program {
        let unresolved = SyntaxContext::empty().apply_mark(unresolved);
        errors.extend(links::Links::collect(module.body, unresolved).errors);
    }
    errors
}

/// One file on its way through the passes.
struct Run<'a> {
    id: &'a ModuleId<'a>,
    text: &'a str,
    /// Where `text` begins in the source map.
    start: BytePos,
    options: &'a Options,
    source_map: Lrc<SourceMap>,
    comments: SingleThreadedComments,
}

impl Run<'_> {
    fn artifact(self, parsed: Parsed) -> Result<ModuleArtifact, Vec<report::EarlyError>> {
        let marks = Marks {
            unresolved: Mark::new(),
            top_level: Mark::new(),
        };
        if verbatim::may_apply(&parsed, self.id, self.text, self.options) {
            return self.verbatim(parsed, marks);
        }
        let Parsed {
            mut program,
            dialect,
            format,
        } = parsed;
        let typescript = dialect.is_typescript();
        if typescript && self.text.contains("enum") {
            let too_large = enums::check(&program);
            if !too_large.is_empty() {
                return Err(too_large);
            }
        }
        program.mutate(resolver(marks.unresolved, marks.top_level, typescript));
        self.strip_and_lower(&mut program, dialect, marks);
        let early = early::check(&program, Some(format));
        if !early.is_empty() {
            return Err(early);
        }
        if define::may_apply(self.text) {
            define::apply(&mut program, self.options, marks.unresolved);
        }
        // Custom hooks live in files without JSX too, and their signatures matter as much.
        if dialect.has_jsx() || self.refreshes() {
            program.mutate(self.jsx(marks));
        }
        program.mutate(inject_helpers(marks.unresolved));
        if self.text.contains("using ") {
            helper_names::unify(&mut program);
        }
        let mut module = registry::rewrite(
            program,
            format,
            marks,
            self.refreshes(),
            &self.options.output,
        )?;
        if self.options.output == Output::Facts {
            return Ok(emit::described(
                &module,
                String::new(),
                None,
                &self.source_map,
            ));
        }
        #[cfg(feature = "minify")]
        if self.options.minify {
            module.program = minify(module.program, &self.source_map, &self.comments);
        }
        module.program.mutate(hygiene());
        module.program.mutate(fixer(Some(&self.comments)));
        emit::artifact(
            &module,
            self.id,
            &self.source_map,
            &self.comments,
            self.options,
        )
    }

    /// The artifact of a file whose text is its record.
    fn verbatim(
        self,
        parsed: Parsed,
        marks: Marks,
    ) -> Result<ModuleArtifact, Vec<report::EarlyError>> {
        let mut program = parsed.program;
        program.mutate(resolver(marks.unresolved, marks.top_level, false));
        let early = early::check(&program, Some(parsed.format));
        if !early.is_empty() {
            return Err(early);
        }
        let mut replaced = define::Replaced::default();
        if define::may_apply(self.text) {
            replaced = define::apply(&mut program, self.options, marks.unresolved);
        }
        // What it asks for is found as in any other file.
        let module = registry::rewrite(program, parsed.format, marks, false, &Output::Record)?;
        let code = verbatim::record(self.text, self.start, &replaced, self.options.mode)
            .ok_or_else(|| emit::failure("a constant has no place in the text"))?;
        Ok(emit::described(&module, code, None, &self.source_map))
    }

    /// TypeScript and proposals become plain JavaScript.
    fn strip_and_lower(&self, program: &mut Program, dialect: Dialect, marks: Marks) {
        // Only TypeScript has legacy decorators, whatever the tsconfig says.
        let legacy = dialect.is_typescript() && self.options.legacy_decorators;
        if legacy && self.text.contains('@') {
            // Legacy decorators read parameter properties and types, so they come first.
            program.mutate(decorators(DecoratorConfig {
                legacy: true,
                emit_metadata: self.options.decorator_metadata,
                use_define_for_class_fields: self.options.define_class_fields,
            }));
        }
        if dialect.is_typescript() {
            if !self.options.define_class_fields {
                class_fields::assign(program);
            }
            let config = typescript::Config {
                native_class_properties: true,
                ..Default::default()
            };
            let classic = self.options.jsx.runtime == JsxRuntime::Classic
                || self.text.contains("@jsxRuntime");
            if dialect.has_jsx() && classic {
                program.mutate(typescript::tsx(
                    self.source_map.clone(),
                    config,
                    typescript::TsxConfig {
                        pragma: Some(self.options.jsx.pragma.clone().into()),
                        pragma_frag: Some(self.options.jsx.pragma_frag.clone().into()),
                    },
                    self.comments.clone(),
                    marks.unresolved,
                    marks.top_level,
                ));
            } else {
                program.mutate(typescript::typescript(
                    config,
                    marks.unresolved,
                    marks.top_level,
                ));
            }
            if !self.options.define_class_fields {
                class_fields::drop_declarations(program);
            }
        }
        // The same pass makes accessors of fields; browsers have neither.
        if self.text.contains('@') && !legacy || self.text.contains("accessor") {
            program.mutate(decorator_2023_11());
        }
        if self.text.contains("using ") {
            program.mutate(explicit_resource_management());
        }
    }

    /// Whether components of this file register for Fast Refresh; those of packages never change.
    fn refreshes(&self) -> bool {
        self.options.mode == Mode::Development && self.options.refresh && !self.id.is_package()
    }

    fn jsx(&self, marks: Marks) -> impl Pass + use<> {
        let development = self.options.mode == Mode::Development;
        let refresh = self.refreshes();
        let runtime = match self.options.jsx.runtime {
            JsxRuntime::Automatic => react::Runtime::Automatic,
            JsxRuntime::Classic => react::Runtime::Classic,
        };
        react::react(
            self.source_map.clone(),
            Some(self.comments.clone()),
            react::Options {
                runtime: Some(runtime),
                import_source: Some(self.options.jsx.import_source.as_str().into()),
                pragma: Some(self.options.jsx.pragma.clone().into()),
                pragma_frag: Some(self.options.jsx.pragma_frag.clone().into()),
                development: Some(development),
                throw_if_namespace: Some(false),
                refresh: refresh.then(|| react::RefreshOptions {
                    refresh_reg: REFRESH_REGISTER.into(),
                    refresh_sig: REFRESH_SIGNATURE.into(),
                    emit_full_signatures: false,
                }),
                ..Default::default()
            },
            marks.top_level,
            marks.unresolved,
        )
    }
}

/// Compresses and mangles one module's record.
#[cfg(feature = "minify")]
fn minify(
    mut program: Program,
    source_map: &Lrc<SourceMap>,
    comments: &SingleThreadedComments,
) -> Program {
    use swc_core::ecma::ast::EsVersion;
    use swc_core::ecma::minifier::optimize;
    use swc_core::ecma::minifier::option::{
        CompressOptions, ExtraOptions, MangleOptions, MinifyOptions,
    };

    // Passes share one syntax context between names of different scopes (the parameter of a TypeScript
    // namespace and what it merges with); the minifier takes equal contexts for one variable. Named
    // apart and resolved anew, they are what they are.
    program.mutate(hygiene());
    let marks = Marks {
        unresolved: Mark::new(),
        top_level: Mark::new(),
    };
    program.mutate(resolver(marks.unresolved, marks.top_level, false));
    let options = MinifyOptions {
        compress: Some(CompressOptions {
            passes: 2,
            // Its work grows with the square of the cases: generated tables have thousands.
            switches: false,
            ecma: EsVersion::Es2022,
            ..Default::default()
        }),
        mangle: Some(MangleOptions::default()),
        ..Default::default()
    };
    let extra = ExtraOptions {
        unresolved_mark: marks.unresolved,
        top_level_mark: marks.top_level,
        mangle_name_cache: None,
    };
    optimize(
        program,
        source_map.clone(),
        Some(comments),
        None,
        &options,
        &extra,
    )
}

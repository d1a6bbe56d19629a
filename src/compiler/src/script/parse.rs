//! From text to syntax tree, and which module system the file uses.
//!
//! All errors the parser can recover from are reported together.

use swc_core::common::SourceFile;
use swc_core::common::comments::SingleThreadedComments;
use swc_core::ecma::ast::{EsVersion, ModuleDecl, Program};
use swc_core::ecma::parser::error::Error;
use swc_core::ecma::parser::{
    EsSyntax, Syntax, TsSyntax, parse_file_as_commonjs, parse_file_as_module, parse_file_as_program,
};

use crate::module_id::ModuleId;
use crate::nesting::Angle;
use crate::options::{FormatHint, Options};

/// Which grammar a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    JavaScript { jsx: bool },
    TypeScript { jsx: bool },
}

impl Dialect {
    pub(super) fn of(id: &ModuleId<'_>) -> Self {
        match id.extension() {
            "ts" | "mts" | "cts" => Self::TypeScript { jsx: false },
            "tsx" => Self::TypeScript { jsx: true },
            "jsx" => Self::JavaScript { jsx: true },
            // JSX in `.js` is common in apps; packages are published without it.
            _ => Self::JavaScript {
                jsx: !id.is_package(),
            },
        }
    }

    pub(super) fn is_typescript(self) -> bool {
        matches!(self, Self::TypeScript { .. })
    }

    pub(super) fn has_jsx(self) -> bool {
        match self {
            Self::JavaScript { jsx } | Self::TypeScript { jsx } => jsx,
        }
    }

    /// What `<` may begin.
    pub(super) fn angle(self) -> Angle {
        match self {
            Self::JavaScript { jsx: true } | Self::TypeScript { jsx: true } => Angle::Element,
            Self::TypeScript { jsx: false } => Angle::Assertion,
            Self::JavaScript { jsx: false } => Angle::Less,
        }
    }

    fn syntax(self, text: &str) -> Syntax {
        match self {
            Self::JavaScript { jsx } => Syntax::Es(EsSyntax {
                jsx,
                decorators: true,
                decorators_before_export: true,
                import_attributes: true,
                // The parser looks ahead for it at every member, where a file may end: only debug builds mind.
                auto_accessors: text.contains("accessor"),
                explicit_resource_management: true,
                ..Default::default()
            }),
            Self::TypeScript { jsx } => Syntax::Typescript(TsSyntax {
                tsx: jsx,
                decorators: true,
                ..Default::default()
            }),
        }
    }
}

/// Which record a script becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Esm,
    CommonJs,
}

/// What the text said.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) program: Program,
    pub(super) dialect: Dialect,
    pub(super) format: Format,
}

/// Which format is meant, as far as the id and the options say.
enum Expected {
    Esm,
    CommonJs,
    /// Told by the text; the format when it has no ES module syntax.
    Either {
        fallback: Format,
    },
}

impl Expected {
    fn of(id: &ModuleId<'_>, text: &str, options: &Options) -> Self {
        match id.extension() {
            "cjs" | "cts" => Self::CommonJs,
            "mjs" | "mts" => Self::Esm,
            _ if options.format == FormatHint::Esm => Self::Esm,
            "ts" | "tsx" | "jsx" if !id.is_package() => Self::Esm,
            _ => {
                let mentions = |word: &str| text.contains(word);
                let fallback = if id.is_package() || mentions("require") || mentions("exports") {
                    Format::CommonJs
                } else {
                    Format::Esm
                };
                // The cheap test first: most CommonJS files never say these words.
                let may_be_module = ["import", "export", "await"].into_iter().any(mentions);
                match fallback {
                    Format::CommonJs if !may_be_module => Self::CommonJs,
                    Format::CommonJs | Format::Esm => Self::Either { fallback },
                }
            }
        }
    }
}

/// A file with syntax errors.
#[derive(Debug)]
pub(super) struct Rejected {
    /// Every error the parser came past, the fatal one last.
    pub(super) errors: Vec<Error>,
    /// The tree, when the parser reached the end.
    pub(super) program: Option<Program>,
}

/// Parses a file.
pub(super) fn parse(
    id: &ModuleId<'_>,
    file: &SourceFile,
    comments: &SingleThreadedComments,
    options: &Options,
) -> Result<Parsed, Rejected> {
    let dialect = Dialect::of(id);
    let attempt = Attempt {
        file,
        comments,
        syntax: dialect.syntax(&file.src),
    };
    let (program, format) = match Expected::of(id, &file.src, options) {
        Expected::Esm => (attempt.module()?, Format::Esm),
        // `export =` is module syntax to the parser.
        Expected::CommonJs if dialect.is_typescript() => (attempt.module()?, Format::CommonJs),
        Expected::CommonJs => (attempt.commonjs()?, Format::CommonJs),
        Expected::Either { fallback } => match attempt.program() {
            Ok(program @ Program::Module(_)) => (program, Format::Esm),
            Ok(Program::Script(_)) | Err(_) if fallback == Format::CommonJs => {
                // Without module syntax the file may `return` at its top level.
                match attempt.commonjs() {
                    Ok(program) => (program, Format::CommonJs),
                    Err(rejected) => return Err(attempt.program().err().unwrap_or(rejected)),
                }
            }
            Ok(Program::Script(_)) => (attempt.module()?, Format::Esm),
            Err(rejected) => return Err(rejected),
        },
    };
    // `export =` and nothing else of ES modules: a CommonJS module written in TypeScript.
    let format = match &program {
        Program::Module(module)
            if module.body.iter().any(|item| {
                item.as_module_decl()
                    .is_some_and(ModuleDecl::is_ts_export_assignment)
            }) =>
        {
            Format::CommonJs
        }
        Program::Module(_) | Program::Script(_) => format,
    };
    Ok(Parsed {
        program,
        dialect,
        format,
    })
}

struct Attempt<'a> {
    file: &'a SourceFile,
    comments: &'a SingleThreadedComments,
    syntax: Syntax,
}

impl Attempt<'_> {
    fn module(&self) -> Result<Program, Rejected> {
        Self::with(|recovered| {
            parse_file_as_module(
                self.file,
                self.syntax,
                EsVersion::latest(),
                Some(self.comments),
                recovered,
            )
            .map(Program::Module)
        })
    }

    fn commonjs(&self) -> Result<Program, Rejected> {
        Self::with(|recovered| {
            parse_file_as_commonjs(
                self.file,
                self.syntax,
                EsVersion::latest(),
                Some(self.comments),
                recovered,
            )
            .map(Program::Script)
        })
    }

    fn program(&self) -> Result<Program, Rejected> {
        Self::with(|recovered| {
            parse_file_as_program(
                self.file,
                self.syntax,
                EsVersion::latest(),
                Some(self.comments),
                recovered,
            )
        })
    }

    fn with(
        parse: impl FnOnce(&mut Vec<Error>) -> Result<Program, Error>,
    ) -> Result<Program, Rejected> {
        let mut errors = Vec::new();
        match parse(&mut errors) {
            Ok(program) if errors.is_empty() => Ok(program),
            Ok(program) => Err(Rejected {
                errors,
                program: Some(program),
            }),
            Err(fatal) => {
                errors.push(fatal);
                Err(Rejected {
                    errors,
                    program: None,
                })
            }
        }
    }
}

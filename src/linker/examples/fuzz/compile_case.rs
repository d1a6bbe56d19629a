//! One file, changed and compiled: what holds of every answer.

use crate::corpus::{Corpus, Language};
use crate::report::Report;
use fastrand::Rng;
use hotplate_compiler::{
    Compiled, FormatHint, JsxRuntime, Mode, ModuleArtifact, ModuleKind, Options, Output, Platform,
    Source, compile,
};
use hotplate_protocol::Diagnostic;

const SCRIPTS: &[&str] = &[
    "/src/a.tsx",
    "/src/a.ts",
    "/src/a.js",
    "/src/a.jsx",
    "/src/a.mjs",
    "/src/a.mts",
    "/src/a.cts",
    "npm:a@1.0.0/a.js",
    "npm:a@1.0.0/a.cjs",
    "npm:a@1.0.0/bin",
];
const STYLES: &[&str] = &[
    "/src/a.css",
    "/src/a.module.css",
    "/src/a.css?inline",
    "npm:a@1.0.0/a.css",
];
const DATA: &[&str] = &["/src/a.json", "/src/a.txt?raw", "npm:a@1.0.0/package.json"];
const PAGES: &[&str] = &["/src/a.svg?react", "/src/a.svg?raw", "/src/a.svg?inline"];

/// What the parser asserts in debug builds alone, and is untrue of some files with errors: a release build
/// tells of the errors.
const DEBUG_ONLY: &[&str] = &[
    "parser should not call peek() without knowing current token",
    "cur() != Token::Eof",
    "assertion failed: expected ",
    "\n right: 1",
];

/// Compiles one changed file and checks the answer; what V8 has to say of its code is asked by `report`.
pub(crate) fn run(corpus: &Corpus, rng: &mut Rng, report: &mut Report) {
    if rng.u8(..20) == 0 {
        return pattern(rng, report);
    }
    let (language, ids) = match rng.u8(..20) {
        0..12 => (Language::Script, SCRIPTS),
        12..17 => (Language::Style, STYLES),
        17 => (Language::Data, DATA),
        _ => (Language::Page, PAGES),
    };
    let (Some(texts), Some(pool)) = (corpus.texts.get(&language), corpus.pools.get(&language))
    else {
        return;
    };
    let Some((path, text)) = rng.choice(texts) else {
        return;
    };
    let mut text = pool.mutate(rng, text);
    if rng.u8(..20) == 0 {
        text = text.replace('\n', "\r\n");
    }
    // Its own extension, most of the time: types are no JavaScript.
    let extension = path.rsplit('.').next().unwrap_or_default();
    let own: Vec<&&str> = ids
        .iter()
        .filter(|id| id.contains(&format!(".{extension}")))
        .collect();
    let id = match rng.choice(&own) {
        Some(own) if rng.u8(..4) > 0 => **own,
        _ => ids[rng.usize(..ids.len())],
    };
    report.input(id, &text);
    check(
        &Source {
            id,
            content: text.as_bytes(),
        },
        &text,
        &options(rng),
        report,
    );
}

/// A regular expression, which is one for the compiler when it is one for V8.
fn pattern(rng: &mut Rng, report: &mut Report) {
    const PIECES: &[&str] = &[
        "a",
        "z",
        "1",
        "-",
        "^",
        "$",
        ".",
        "*",
        "+",
        "?",
        "|",
        "(",
        "(?:",
        "(?=",
        "(?!",
        "(?<=",
        "(?<!",
        "(?<n>",
        "(?-",
        ")",
        ")",
        ")",
        "[",
        "[^",
        "]",
        "]",
        "{",
        "}",
        "{2}",
        "{1,2}",
        "{2,1}",
        "{1,",
        "\\",
        "\\d",
        "\\w",
        "\\b",
        "\\1",
        "\\2",
        "\\k<n>",
        "\\k",
        "\\u{61}",
        "\\u0061",
        "\\x61",
        "\\x",
        "\\p{Lu}",
        "\\P{Script=Greek}",
        "\\p{",
        "\\c",
        "\\-",
        "\\/",
        "\\0",
        "\\q",
        "&&",
        "--",
        "\u{e9}",
        "\u{1f600}",
        "=",
        "<",
        ">",
        ":",
        ",",
    ];
    let body: String = (0..rng.usize(1..8))
        .map(|_| PIECES[rng.usize(..PIECES.len())])
        .collect();
    let flags = ["", "", "g", "u", "u", "iu", "v", "s"][rng.usize(..8)];
    let text = format!("export const found = /{body}/{flags};\n");
    report.input("/src/a.js", &text);
    let source = Source {
        id: "/src/a.js",
        content: text.as_bytes(),
    };
    let compiled = compile(
        &source,
        &Options {
            source_map: false,
            ..Options::development()
        },
    );
    answered(&source, &text, &compiled, report);
    match &compiled.artifact {
        Some(artifact) => report.code("expression", &artifact.code, None),
        None => report.code("refused", &text, None),
    }
}

fn options(rng: &mut Rng) -> Options {
    let mut options = if rng.bool() {
        Options::development()
    } else {
        Options::production()
    };
    if rng.u8(..4) == 0 {
        options.jsx.runtime = JsxRuntime::Classic;
    }
    options.refresh = options.mode == Mode::Development && rng.bool();
    options.legacy_decorators = rng.bool();
    options.decorator_metadata = options.legacy_decorators && rng.bool();
    options.define_class_fields = rng.bool();
    options.source_map = rng.bool();
    if rng.u8(..8) == 0 {
        options.format = FormatHint::Esm;
    }
    if rng.u8(..8) == 0 {
        options.platform = Platform::Server;
    }
    options
        .env
        .insert("VITE_A".to_owned(), "a\"\u{2028}</script>".to_owned());
    options
}

fn check(source: &Source<'_>, text: &str, options: &Options, report: &mut Report) {
    let first = compile(source, options);
    answered(source, text, &first, report);
    let again = compile(source, options);
    if again.artifact != first.artifact || again.diagnostics != first.diagnostics {
        report.finding("compiled again, it is something else");
    }
    let facts = compile(
        source,
        &Options {
            output: Output::Facts,
            ..options.clone()
        },
    );
    let Some(artifact) = &first.artifact else {
        if facts.artifact.is_some() {
            report.finding("as facts it has no errors");
        }
        return report.refused();
    };
    if facts.artifact.as_ref().map(known_of) != Some(known_of(artifact)) {
        report.finding("its facts are not those of its record");
    }
    if artifact.kind == ModuleKind::Style {
        style(source.id, options, artifact, report);
        report.code("expression", &artifact.code, None);
    } else {
        report.code("expression", &artifact.code, artifact.map.as_deref());
    }
    let output = Output::Function { keep: None };
    let function = compile(
        source,
        &Options {
            output,
            ..options.clone()
        },
    );
    match (&function.artifact, artifact.kind) {
        (Some(function), ModuleKind::Esm | ModuleKind::CommonJs) => {
            report.code("expression", &function.code, function.map.as_deref());
        }
        (Some(_), ModuleKind::Style) => {}
        (None, _) => report.finding("as a function it has errors"),
    }
    // Nobody reads any of its exports: what it does stays.
    let output = Output::Function {
        keep: Some(std::collections::BTreeSet::new()),
    };
    match compile(
        source,
        &Options {
            output,
            ..options.clone()
        },
    )
    .artifact
    {
        Some(bare) if artifact.kind == ModuleKind::Esm => {
            report.code("expression", &bare.code, None);
        }
        Some(_) => {}
        None => report.finding("without its exports it has errors"),
    }
}

/// What the linker asks an artifact.
fn known_of(artifact: &ModuleArtifact) -> impl PartialEq + use<'_> {
    (
        artifact.kind,
        &artifact.imports,
        &artifact.globs,
        &artifact.exports,
        &artifact.export_stars,
    )
}

/// A sheet's text is a sheet again.
fn style(id: &str, options: &Options, artifact: &ModuleArtifact, report: &mut Report) {
    let css = artifact.css.as_deref().unwrap_or_default();
    let plain = id.replace(".module.css", ".css");
    // What stands for the URLs of assets is relative, which a variable of a sheet may not be.
    let css = &css.replace("__hotplate_asset__(", "https://app.test/(");
    let again = compile(
        &Source {
            id: &plain,
            content: css.as_bytes(),
        },
        options,
    );
    if again.artifact.is_none() {
        let found = again
            .diagnostics
            .first()
            .map_or("", |found| found.message.as_str());
        report.finding(&format!("its text is no sheet: {found} in {css:?}"));
    }
}

fn answered(source: &Source<'_>, text: &str, compiled: &Compiled, report: &mut Report) {
    if compiled.artifact.is_none() != compiled.diagnostics.iter().any(Diagnostic::is_error) {
        report.finding("it has neither code nor errors, or both");
    }
    for found in &compiled.diagnostics {
        if found.code == "internal_error"
            && !DEBUG_ONLY.iter().any(|said| found.message.contains(said))
        {
            report.finding(&found.message);
        }
        placed(text, (found.line, found.column), &found.code, report);
    }
    let imports = compiled
        .artifact
        .iter()
        .flat_map(|artifact| &artifact.imports);
    for import in imports {
        let place = (import.line, import.column);
        placed(
            text,
            place,
            &format!("import {:?} of {}", import.specifier, source.id),
            report,
        );
    }
}

/// A place is in the file, or is none.
pub(crate) fn placed(text: &str, (line, column): (u32, u32), what: &str, report: &mut Report) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", " \n").replace('\r', "\n");
    let found = (line as usize)
        .checked_sub(1)
        .and_then(|line| text.split('\n').nth(line));
    let is_in = match found {
        Some(found) => column >= 1 && column as usize <= found.encode_utf16().count() + 1,
        None => (line, column) == (0, 0),
    };
    if !is_in {
        report.finding(&format!(
            "{what} is at {line}:{column}, which is not in the file"
        ));
    }
}

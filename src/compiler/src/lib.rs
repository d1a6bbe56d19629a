//! One source file in, one module artifact out: JavaScript, TypeScript, JSX, JSON and CSS become
//! registry records (see "Registry" in `ARCHITECTURE.md`).
//!
//! It sees a single file and nothing else: no other file, no disk, no network, no clock, no
//! threads. Which file a specifier means is the linker's business. It is the only crate that
//! names `swc_*` and lightningcss, and it compiles for wasm32 as it does natively.

mod artifact;
mod data;
mod joined_map;
mod module_id;
mod nesting;
mod options;
mod origin;
mod place;
mod script;
mod style;
mod svg;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hotplate_protocol::Diagnostic;

pub use artifact::{
    Compiled, GlobForm, GlobImport, ImportKind, ImportRecord, ModuleArtifact, ModuleKind, Reexport,
    Source,
};
pub use joined_map::JoinedMap;
pub use options::{FormatHint, JsxOptions, JsxRuntime, Mode, Options, Output, Platform};
pub use origin::{Origin, Origins};
pub use place::add_frame;

use module_id::{ModuleId, Query};
use place::{Finding, Places};

/// Part of every cache key; changes whenever the output for some input changes.
pub const VERSION: &str = "13";

/// The longest file compiled.
pub const MAX_INPUT_BYTES: usize = 10 * 1024 * 1024;

/// Whether a file of this path becomes a module by its extension; everything else is an asset.
pub fn is_compilable(path: &str) -> bool {
    matches!(
        ModuleId::parse(path).extension(),
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "mts" | "cjs" | "cts" | "json" | "css"
    )
}

/// Compiles one file. All errors of the file are reported at once; it never panics outwards.
pub fn compile(source: &Source<'_>, options: &Options) -> Compiled {
    let id = ModuleId::parse(source.id);
    // A bug in a parser must cost one file's diagnostic, not the room or the build service.
    // (On wasm32 panics abort; there the property tests are the only guard.)
    let outcome = catch_unwind(AssertUnwindSafe(|| compile_checked(&id, source, options)))
        .unwrap_or_else(|panic| {
            let detail = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no detail");
            Err(vec![Places::new(id.file(), "").whole(
                Finding::error("internal_error"),
                format!("The compiler failed on this file: {detail}"),
            )])
        });
    match outcome {
        Ok((artifact, warnings)) => Compiled {
            artifact: Some(artifact),
            diagnostics: warnings,
        },
        Err(diagnostics) => Compiled {
            artifact: None,
            diagnostics,
        },
    }
}

/// An artifact with its warnings, or every error.
type Outcome = Result<(ModuleArtifact, Vec<Diagnostic>), Vec<Diagnostic>>;

fn compile_checked(id: &ModuleId<'_>, source: &Source<'_>, options: &Options) -> Outcome {
    let nowhere = Places::new(id.file(), "");
    if source.content.len() > MAX_INPUT_BYTES {
        return Err(vec![nowhere.whole(
            Finding::error("input_too_large"),
            format!(
                "The file has {} bytes; at most {MAX_INPUT_BYTES} are compiled",
                source.content.len()
            ),
        )]);
    }
    match id.query {
        Some(Query::Inline) if id.extension() != "css" => {
            return Ok((
                data::inline(id, source.content, &options.output),
                Vec::new(),
            ));
        }
        Some(Query::Worker(worker)) => {
            return Ok((data::worker(id, worker, &options.output), Vec::new()));
        }
        Some(Query::Init) if id.extension() == "wasm" => {
            return Ok((data::wasm_init(id, &options.output), Vec::new()));
        }
        Some(Query::Raw | Query::Inline | Query::Init | Query::React) | None => {}
    }
    let text = String::from_utf8_lossy(source.content);
    // A byte order mark is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // As a value a text is what it is.
    let text = match id.query {
        Some(Query::Raw) => std::borrow::Cow::Borrowed(text),
        _ => text::with_plain_lines(text),
    };
    let places = Places::new(id.file(), &text);
    let (artifact, mut warnings) = compile_text(id, &text, places, options)?;
    warnings.extend(not_utf8(id, source.content));
    Ok((artifact, warnings))
}

/// What is no UTF-8 is shown as U+FFFD, as every bundler does. People want to know that of their own
/// files; packages (old ones have Latin-1 in their data) they cannot mend.
fn not_utf8(id: &ModuleId<'_>, content: &[u8]) -> Option<Diagnostic> {
    let valid = std::str::from_utf8(content).err()?.valid_up_to();
    let text = String::from_utf8_lossy(content.get(..valid)?);
    (!id.is_package()).then(|| {
        Places::new(id.file(), &text).diagnostic(
            Finding::warning("not_utf8"),
            text.len(),
            "The file is not UTF-8 text; what cannot be read is shown as \u{fffd}",
        )
    })
}

fn compile_text(id: &ModuleId<'_>, text: &str, places: Places<'_>, options: &Options) -> Outcome {
    if id.query == Some(Query::Raw) {
        return Ok((data::raw(text, &options.output), Vec::new()));
    }
    if id.query == Some(Query::React) && id.extension() == "svg" {
        return svg::compile(id, text, places, options);
    }
    match id.extension() {
        "json" => data::json(text, places, &options.output).map(|artifact| (artifact, Vec::new())),
        "css" => style::compile(id, text, places, options),
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "mts" | "cjs" | "cts" => {
            script::compile(id, text, places, options).map(|artifact| (artifact, Vec::new()))
        }
        // Package files without an extension are CommonJS scripts (`bin/x`, `main: "lib/x"`).
        "" if id.is_package() => {
            script::compile(id, text, places, options).map(|artifact| (artifact, Vec::new()))
        }
        other => Err(vec![places.whole(
            Finding::error("not_compilable"),
            format!("Files with the extension `{other}` are assets, not modules"),
        )]),
    }
}

//! Files that are data: JSON, `?raw` text and `?inline` data URLs, as ES module records.
//!
//! The records are written as text; no syntax tree is needed for them.

use data_encoding::BASE64;
use serde_json::Value;

use crate::artifact::{ImportKind, ImportRecord, ModuleArtifact, ModuleKind};
use crate::module_id::{ModuleId, Worker};
use crate::options::Output;
use crate::place::{Finding, Places};
use crate::text::{is_identifier, quote};
use hotplate_protocol::Diagnostic;

/// A JSON file: the value as default export, and each key that is an identifier as an export.
pub(crate) fn json(
    text: &str,
    places: Places<'_>,
    output: &Output,
) -> Result<ModuleArtifact, Vec<Diagnostic>> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // serde_json appends the place, which the diagnostic says already.
        let message = message.split(" at line ").next().unwrap_or_default();
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        let column = text
            .split('\n')
            .nth(error.line().saturating_sub(1))
            .and_then(|line| line.get(..error.column().saturating_sub(1)))
            .map_or(1, |before| before.encode_utf16().count() + 1);
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let mut sentence = message.to_owned();
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        vec![places.diagnostic_at(Finding::error("json_syntax_error"), line, column, sentence)]
    })?;
    let mut exports = vec!["default".to_owned()];
    if let Value::Object(map) = &value {
        exports.extend(
            map.keys()
                .filter(|key| is_identifier(key) && *key != "__proto__")
                .cloned(),
        );
    }
    // `JSON.parse` reads big values faster than the JavaScript parser does, and gives a key
    // `__proto__` its plain meaning.
    // The text as it stands keeps the order of keys.
    let literal = format!("JSON.parse({})", quote(text));
    Ok(value_module(&literal, exports, output))
}

/// Any file's text as default export.
pub(crate) fn raw(text: &str, output: &Output) -> ModuleArtifact {
    value_module(&quote(text), vec!["default".to_owned()], output)
}

/// Any file as a data URL.
pub(crate) fn inline(id: &ModuleId<'_>, content: &[u8], output: &Output) -> ModuleArtifact {
    let url = format!(
        "data:{};base64,{}",
        media_type(id.extension()),
        BASE64.encode(content)
    );
    value_module(&quote(&url), vec!["default".to_owned()], output)
}

/// `import W from "./w?worker"`: what Vite's wrapper does. Classic workers take scripts of any kind, and
/// that a worker's script is one file is the linker's promise.
pub(crate) fn worker(id: &ModuleId<'_>, form: Worker, output: &Output) -> ModuleArtifact {
    let query = if form.inline {
        "?worker_file&inline"
    } else {
        "?worker_file"
    };
    let specifier = sibling(id, query);
    let script = format!("h.asset({})", quote(&specifier));
    let value = if form.url {
        format!("h.asset({}).href", quote(&specifier))
    } else {
        let class = if form.shared {
            "SharedWorker"
        } else {
            "Worker"
        };
        format!(
            "function WorkerWrapper(options) {{ return new {class}({script}, {{ name: options?.name }}); }}"
        )
    };
    let mut artifact = value_module(&value, vec!["default".to_owned()], output);
    artifact.imports.push(asset_import(specifier));
    artifact
}

/// `import init from "./x.wasm?init"`: a function that takes imports and answers the instance, as in Vite.
pub(crate) fn wasm_init(id: &ModuleId<'_>, output: &Output) -> ModuleArtifact {
    let specifier = sibling(id, "?url");
    let value = format!(
        "async function init(imports = {{}}) {{ const response = await fetch(h.asset({})); \
         const bytes = await response.arrayBuffer(); \
         return (await WebAssembly.instantiate(bytes, imports)).instance; }}",
        quote(&specifier)
    );
    let mut artifact = value_module(&value, vec!["default".to_owned()], output);
    artifact.imports.push(asset_import(specifier));
    artifact
}

/// The file itself with another query, as it would write it.
fn sibling(id: &ModuleId<'_>, query: &str) -> String {
    let name = id.path.rsplit('/').next().unwrap_or(id.path);
    format!("./{name}{query}")
}

fn asset_import(specifier: String) -> ImportRecord {
    ImportRecord {
        specifier,
        kind: ImportKind::Asset,
        line: 1,
        column: 1,
        names: Vec::new(),
        reexports: Vec::new(),
    }
}

/// A record whose default export is an expression, and whose other exports are its properties.
pub(crate) fn value_module(
    expression: &str,
    exports: Vec<String>,
    output: &Output,
) -> ModuleArtifact {
    let kept = |name: &&String| match output {
        Output::Function { keep: Some(keep) } => keep.contains(*name),
        Output::Function { keep: None } | Output::Record | Output::Facts => true,
    };
    let getters: Vec<String> = exports
        .iter()
        .filter(kept)
        .map(|name| match name.as_str() {
            "default" => "default: () => value".to_owned(),
            name => format!("{name}: () => value.{name}"),
        })
        .collect();
    let getters = getters.join(", ");
    let code = if *output == Output::Record {
        format!(
            "{{\n    kind: \"esm\",\n    imports: [],\n    *run (h) {{\n        \"use strict\";\n        \
         h.export({{ {getters} }});\n        yield;\n        const value = {expression};\n    }}\n}}"
        )
    } else {
        format!("function*(h){{\"use strict\";yield{{{getters}}};const value={expression}}}")
    };
    // Getters run after evaluation or throw like any binding that is not initialised yet:
    // `value` is in its dead zone until then.
    ModuleArtifact {
        kind: ModuleKind::Esm,
        code,
        map: None,
        imports: Vec::new(),
        exports,
        globs: Vec::new(),
        export_stars: Vec::new(),
        is_barrel: false,
        css: None,
        refresh: false,
        is_async: false,
        uses_hot: false,
    }
}

/// The media type of an extension, for data URLs.
fn media_type(extension: &str) -> &'static str {
    match extension.to_ascii_lowercase().as_str() {
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "css" => "text/css",
        "json" => "application/json",
        "txt" | "md" => "text/plain",
        "html" => "text/html",
        "js" | "mjs" => "text/javascript",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

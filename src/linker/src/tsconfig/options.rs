//! `compilerOptions` that change what a file compiles to: JSX and decorators.

use hotplate_compiler::{JsxRuntime, Options};
use serde_json::Value;

/// Takes over what one `compilerOptions` says.
pub(super) fn apply(options: &mut Options, config: &Value) {
    let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
    match text("jsx").as_deref() {
        Some("react") => options.jsx.runtime = JsxRuntime::Classic,
        Some("react-jsx" | "react-jsxdev") => options.jsx.runtime = JsxRuntime::Automatic,
        // `preserve` leaves JSX to the bundler, whose default is the automatic runtime.
        Some(_) | None => {}
    }
    if let Some(source) = text("jsxImportSource") {
        options.jsx.import_source = source;
    }
    if let Some(pragma) = text("jsxFactory") {
        options.jsx.pragma = pragma;
    }
    if let Some(pragma) = text("jsxFragmentFactory") {
        options.jsx.pragma_frag = pragma;
    }
    if let Some(legacy) = config
        .get("experimentalDecorators")
        .and_then(Value::as_bool)
    {
        options.legacy_decorators = legacy;
    }
}

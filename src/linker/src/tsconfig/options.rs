//! `compilerOptions` that change what a file compiles to: JSX, decorators and class fields.

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
    let flag = |name: &str| config.get(name).and_then(Value::as_bool);
    if let Some(legacy) = flag("experimentalDecorators") {
        options.legacy_decorators = legacy;
    }
    if let Some(metadata) = flag("emitDecoratorMetadata") {
        options.decorator_metadata = metadata;
    }
}

/// Whether class fields are those of ECMAScript: what the strongest configuration says of them, else
/// whether the strongest `target` has them (TypeScript handbook, "useDefineForClassFields"). Without
/// either they are, as in the projects that Vite makes.
pub(super) fn define_class_fields<'a>(strongest_first: impl Iterator<Item = &'a Value>) -> bool {
    let mut by_target = None;
    for config in strongest_first {
        if let Some(define) = config
            .get("useDefineForClassFields")
            .and_then(Value::as_bool)
        {
            return define;
        }
        by_target =
            by_target.or_else(|| config.get("target").and_then(Value::as_str).map(has_fields));
    }
    by_target.unwrap_or(true)
}

fn has_fields(target: &str) -> bool {
    let target = target.to_ascii_lowercase();
    match target.strip_prefix("es") {
        Some("next") => true,
        Some(version) => version.parse().is_ok_and(|year: u32| year >= 2022),
        None => false,
    }
}

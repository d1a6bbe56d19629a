//! The `compilerOptions` that change what a file compiles to: JSX and decorators.
//!
//! Follows `references` and relative `extends` as Vite's templates use them; what a specifier means
//! is the linker's business.

use hotplate_compiler::{JsxRuntime, Options};
use serde_json::Value;

/// Where the application's own options stand, the weakest first.
const FILES: &[&str] = &["tsconfig.base.json", "tsconfig.json", "tsconfig.app.json"];

/// The room's options for a tree.
pub(super) fn options(text: &dyn Fn(&str) -> Option<String>) -> Options {
    let mut options = Options::development();
    for file in FILES {
        let config: Option<Value> = text(file).and_then(|text| {
            jsonc_parser::parse_to_serde_value(&text, &jsonc_parser::ParseOptions::default()).ok()
        });
        if let Some(config) = config
            .as_ref()
            .and_then(|config| config.get("compilerOptions"))
        {
            apply(&mut options, config);
        }
    }
    options
}

/// Whether a change of that file may change the options.
pub(super) fn is_config(path: &str) -> bool {
    FILES.contains(&path)
}

fn apply(options: &mut Options, config: &Value) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_files_win_and_comments_are_read() {
        let options = options(&|path| {
            match path {
            "tsconfig.json" => Some(r#"{ "compilerOptions": { "jsx": "react", "experimentalDecorators": true } }"#.to_owned()),
            "tsconfig.app.json" => Some("{ /* app */ \"compilerOptions\": { \"jsx\": \"react-jsx\", \"jsxImportSource\": \"preact\", }, }".to_owned()),
            _ => None,
        }
        });
        assert_eq!(options.jsx.runtime, JsxRuntime::Automatic);
        assert_eq!(options.jsx.import_source, "preact");
        assert!(options.legacy_decorators);
    }

    #[test]
    fn what_does_not_parse_changes_nothing() {
        assert_eq!(options(&|_| Some("{".to_owned())), Options::development());
    }
}

//! Style sheets: CSS text with placeholders for what it refers to, and local class names.
//!
//! In a preview nesting and modern syntax stay as they are: browsers that run it know them. Releases
//! are lowered and prefixed for the browsers that Vite's builds are for. Joining imported sheets and putting URLs in place is the linker's business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE32_NOPAD;
use lightningcss::css_modules::{Config, CssModuleExports, CssModuleReference, Pattern, Segment};
use lightningcss::dependencies::{Dependency, DependencyOptions, Location};
use lightningcss::error::{ParserError, SelectorError};
use lightningcss::printer::PrinterOptions;
use lightningcss::properties::custom::Token;
use lightningcss::rules::CssRule;
use lightningcss::stylesheet::{MinifyOptions, ParserFlags, ParserOptions, StyleSheet};
use lightningcss::targets::{Browsers, Targets};
use lightningcss::traits::ToCss;
use sha2::{Digest, Sha256};

use hotplate_protocol::{Diagnostic, Severity};

use crate::artifact::{ImportKind, ImportRecord, ModuleArtifact, ModuleKind};
use crate::data;
use crate::module_id::{ModuleId, Query};
use crate::options::{Mode, Options};
use crate::place::{Finding, MOST, Places};
use crate::text::quote;

/// Deepest brackets accepted; lightningcss recurses for each.
const MAX_DEPTH: usize = 100;

/// Vite 8's `build.target`, "baseline-widely-available": Chrome and Edge 111, Firefox 114, Safari 16.4.
/// Versions are written as lightningcss wants them: one byte each for major, minor and patch.
const RELEASE_BROWSERS: Browsers = Browsers {
    android: None,
    chrome: Some(111 << 16),
    edge: Some(111 << 16),
    firefox: Some(114 << 16),
    ie: None,
    ios_saf: Some((16 << 16) | (4 << 8)),
    opera: None,
    safari: Some((16 << 16) | (4 << 8)),
    samsung: None,
};

fn targets(mode: Mode) -> Targets {
    match mode {
        Mode::Development => Targets::default(),
        Mode::Production => RELEASE_BROWSERS.into(),
    }
}

/// Compiles a style sheet; the second part are warnings.
pub(crate) fn compile(
    id: &ModuleId<'_>,
    text: &str,
    places: Places<'_>,
    options: &Options,
) -> Result<(ModuleArtifact, Vec<Diagnostic>), Vec<Diagnostic>> {
    check_nesting(text, places)?;
    let Printed {
        css,
        exports,
        imports,
        warnings,
    } = print(id, text, places, options)?;
    if id.query == Some(Query::Inline) {
        // `import text from "./a.css?inline"`: the compiled text, applied nowhere.
        let mut artifact = data::value_module(&quote(&css), vec!["default".to_owned()]);
        artifact.imports = imports;
        return Ok((artifact, warnings));
    }
    let artifact = ModuleArtifact {
        kind: ModuleKind::Style,
        code: record(&exports),
        map: None,
        imports,
        exports: exports.into_keys().collect(),
        globs: Vec::new(),
        export_stars: Vec::new(),
        is_barrel: false,
        css: Some(css),
        refresh: false,
        is_async: false,
        uses_hot: false,
    };
    Ok((artifact, warnings))
}

/// A style sheet compiled, before it is an artifact.
struct Printed {
    css: String,
    exports: BTreeMap<String, String>,
    imports: Vec<ImportRecord>,
    warnings: Vec<Diagnostic>,
}

/// Browsers skip what they do not know, and packages are full of old hacks; only what breaks the
/// structure of an app's own sheet is an error.
fn finding(id: &ModuleId<'_>, error: &ParserError<'_>) -> Finding {
    let harmless = matches!(
        error,
        ParserError::AtRuleInvalid(_)
            | ParserError::UnexpectedImportRule
            | ParserError::UnexpectedNamespaceRule
            | ParserError::DeprecatedNestRule
            | ParserError::DeprecatedCssModulesValueRule
            | ParserError::InvalidMediaQuery
            | ParserError::SelectorError(
                SelectorError::UnsupportedPseudoClass(_)
                    | SelectorError::UnsupportedPseudoElement(_)
            )
    ) || matches!(error, ParserError::UnexpectedToken(Token::Function(name)) if is_tailwind(name));
    if harmless || id.is_package() {
        Finding::warning("css_ignored")
    } else {
        Finding::error("css_syntax_error")
    }
}

/// Functions of Tailwind that stand where CSS takes none; without its plugin their rules are skipped.
fn is_tailwind(function: &str) -> bool {
    matches!(
        function,
        "theme" | "--theme" | "screen" | "--spacing" | "--alpha"
    )
}

fn print(
    id: &ModuleId<'_>,
    text: &str,
    places: Places<'_>,
    options: &Options,
) -> Result<Printed, Vec<Diagnostic>> {
    let recovered = Arc::new(RwLock::new(Vec::new()));
    let mut sheet = StyleSheet::parse(
        text,
        ParserOptions {
            filename: id.path.to_owned(),
            css_modules: id.is_css_module().then(|| Config {
                pattern: pattern(id.path),
                // Vite's CSS modules leave these names alone.
                grid: false,
                container: false,
                custom_idents: false,
                ..Config::default()
            }),
            // Browsers skip what they do not know; with recovery on, all errors come at once.
            error_recovery: true,
            warnings: Some(recovered.clone()),
            flags: ParserFlags::empty(),
            ..ParserOptions::default()
        },
    )
    .map_err(|error| {
        let finding = Finding::error("css_syntax_error");
        vec![located(places, finding, &error)]
    })?;
    let warnings = told(
        id,
        places,
        &recovered.read().unwrap_or_else(PoisonError::into_inner),
    );
    if warnings.iter().any(Diagnostic::is_error) {
        return Err(warnings);
    }
    let unprintable =
        |message: String| vec![places.whole(Finding::error("css_syntax_error"), message)];
    let targets = targets(options.mode);
    if options.minify {
        // Not only shorter: lightningcss adds prefixes and fallbacks here.
        sheet
            .minify(MinifyOptions {
                targets,
                ..MinifyOptions::default()
            })
            .map_err(|error| unprintable(error.to_string()))?;
    }
    let mut imports = Requests::default();
    take_imports(&mut sheet, &mut imports);
    let printed = sheet
        .to_css(PrinterOptions {
            minify: options.minify,
            targets,
            analyze_dependencies: Some(DependencyOptions {
                remove_imports: false,
            }),
            ..PrinterOptions::default()
        })
        .map_err(|error| unprintable(error.to_string()))?;
    // Placeholders stand in the text in the order of their dependencies: one walk finds all.
    let mut css = String::with_capacity(printed.code.len());
    let mut rest = printed.code.as_str();
    let mut replace = |placeholder: &str, text: &str| {
        if let Some((before, after)) = rest.split_once(placeholder) {
            css.push_str(before);
            css.push_str(text);
            rest = after;
        }
    };
    for dependency in printed.dependencies.unwrap_or_default() {
        let url = match dependency {
            Dependency::Url(url) => url,
            // Only those of other hosts are left.
            Dependency::Import(import) => {
                replace(&import.placeholder, &escape(&import.url));
                continue;
            }
        };
        if is_external(&url.url) {
            replace(&url.placeholder, &escape(&url.url));
            continue;
        }
        let reference = format!("__hotplate_asset__({})__", escape(&url.url));
        replace(&url.placeholder, &reference);
        imports.add(url.url, ImportKind::Asset, url.loc.start);
    }
    css.push_str(rest);
    let exports = class_names(id, printed.exports.unwrap_or_default(), &mut imports);
    Ok(Printed {
        css,
        exports,
        imports: imports.records,
        warnings,
    })
}

/// The parser's complaints, errors and warnings each up to their limit, in source order.
fn told(
    id: &ModuleId<'_>,
    places: Places<'_>,
    found: &[lightningcss::error::Error<ParserError<'_>>],
) -> Vec<Diagnostic> {
    let (mut errors, mut warnings) = (0, 0);
    let kept = found.iter().filter_map(|error| {
        let finding = finding(id, &error.kind);
        let count = match finding.severity {
            Severity::Error => &mut errors,
            Severity::Warning => &mut warnings,
        };
        *count += 1;
        (*count <= MOST).then(|| located(places, finding, error))
    });
    kept.collect()
}

/// What a sheet asks for, each once per kind.
#[derive(Default)]
struct Requests {
    records: Vec<ImportRecord>,
    known: BTreeSet<(ImportKind, String)>,
}

impl Requests {
    fn add(&mut self, specifier: String, kind: ImportKind, place: Location) {
        if self.known.insert((kind, specifier.clone())) {
            self.records.push(ImportRecord {
                specifier,
                kind,
                line: place.line,
                column: place.column,
                names: Vec::new(),
                reexports: Vec::new(),
            });
        }
    }
}

/// Takes local `@import` rules out; those of other hosts stay for the browser.
fn take_imports(sheet: &mut StyleSheet<'_>, requests: &mut Requests) {
    for rule in &mut sheet.rules.0 {
        if let CssRule::Import(import) = rule
            && !is_external(&import.url)
        {
            let place = Location {
                line: import.loc.line + 1,
                column: import.loc.column,
            };
            requests.add(import.url.to_string(), ImportKind::CssImport, place);
            *rule = CssRule::Ignored;
        }
    }
}

/// Text for the inside of a CSS string, where lightningcss puts its placeholders.
fn escape(url: &str) -> String {
    url.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\a ")
}

/// URLs the browser fetches as they stand.
fn is_external(url: &str) -> bool {
    let scheme = url.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    scheme || url.starts_with("//") || url.starts_with('#') || url.is_empty()
}

/// `card` becomes `card_x1y2z`, the same for the same file and name for ever.
fn pattern(path: &str) -> Pattern {
    Pattern {
        segments: [
            Segment::Local,
            Segment::Literal("_".into()),
            Segment::Literal(path_hash(path).into()),
        ]
        .into_iter()
        .collect(),
    }
}

fn path_hash(path: &str) -> String {
    let digest = Sha256::digest(path.as_bytes());
    let mut text = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    text.truncate(5);
    text
}

/// Exported class names; `composes` joins names with spaces, as CSS modules do.
fn class_names(
    id: &ModuleId<'_>,
    exports: CssModuleExports,
    requests: &mut Requests,
) -> BTreeMap<String, String> {
    // Maps of lightningcss have no order of their own.
    let sorted: BTreeMap<_, _> = exports.into_iter().collect();
    sorted
        .into_iter()
        .map(|(local, export)| {
            let mut names = export.name;
            for reference in export.composes {
                names.push(' ');
                match reference {
                    CssModuleReference::Local { name } | CssModuleReference::Global { name } => {
                        names.push_str(&name);
                    }
                    CssModuleReference::Dependency { name, specifier } => {
                        // The other file's names follow from its path alone.
                        let path = join(id.path, &specifier);
                        names.extend([&name, "_", &path_hash(&path)]);
                        let start = Location { line: 1, column: 1 };
                        requests.add(specifier, ImportKind::CssImport, start);
                    }
                }
            }
            (local, names)
        })
        .collect()
}

/// A relative specifier against the file that has it.
fn join(path: &str, specifier: &str) -> String {
    if !specifier.starts_with('.') {
        return specifier.to_owned();
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn record(exports: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = exports
        .iter()
        .map(|(local, names)| {
            let key = if local == "__proto__" {
                "[\"__proto__\"]".to_owned()
            } else {
                quote(local)
            };
            format!("{key}: {}", quote(names))
        })
        .collect();
    if entries.is_empty() {
        return "{ kind: \"style\", exports: {} }".to_owned();
    }
    format!(
        "{{ kind: \"style\", exports: {{ {} }} }}",
        entries.join(", ")
    )
}

fn located(
    places: Places<'_>,
    finding: Finding,
    error: &lightningcss::error::Error<ParserError<'_>>,
) -> Diagnostic {
    let message = match &error.kind {
        ParserError::UnexpectedToken(token) => {
            token.to_css_string(PrinterOptions::default()).map_or_else(
                |_| error.kind.to_string(),
                |text| format!("Unexpected `{text}`"),
            )
        }
        kind => kind.to_string(),
    };
    match &error.loc {
        Some(place) => {
            let (line, column) = places.locate_css(place.line, place.column);
            places.diagnostic_at(finding, line, column, message)
        }
        None => places.whole(finding, message),
    }
}

fn check_nesting(text: &str, places: Places<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut depth = 0_usize;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(vec![places.diagnostic(
                Finding::error("nesting_too_deep"),
                offset,
                "The rules are nested too deeply here",
            )]);
        }
    }
    Ok(())
}

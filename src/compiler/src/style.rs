//! Style sheets: CSS text with placeholders for what it refers to, and local class names.
//!
//! In a preview nesting and modern syntax stay as they are: browsers that run it know them. Releases
//! are lowered and prefixed for the browsers that Vite's builds are for. Joining imported sheets and putting URLs in place is the linker's business.

mod conditions;
mod expansion;
mod names;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE32_NOPAD;
use lightningcss::css_modules::Config;
use lightningcss::dependencies::{Dependency, DependencyOptions, Location};
use lightningcss::error::{ParserError, SelectorError};
use lightningcss::printer::PrinterOptions;
use lightningcss::properties::custom::Token;
use lightningcss::rules::{CssRule, CssRuleList};
use lightningcss::stylesheet::{MinifyOptions, ParserFlags, ParserOptions, StyleSheet};
use lightningcss::targets::{Browsers, Targets};
use lightningcss::traits::ToCss;
use parcel_sourcemap::SourceMap;
use sha2::{Digest, Sha256};

use hotplate_protocol::{Diagnostic, Severity};

use crate::artifact::{ImportKind, ImportRecord, ModuleArtifact, ModuleKind};
use crate::data;
use crate::module_id::{ModuleId, Query};
use crate::options::{Mode, Options};
use crate::place::{Finding, MOST, Places};
use crate::text::quote;
use conditions::Conditions;
use names::Names;

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
    let conditions = Conditions::of(id);
    let printed = if conditions.lead_back_to(id.path) {
        Printed::default()
    } else {
        print(id, text, places, options, &conditions)?
    };
    let warnings = printed.warnings.clone();
    let artifact = if id.query == Some(Query::Inline) {
        inline(printed, options)
    } else {
        sheet(printed)
    };
    Ok((artifact, warnings))
}

/// A sheet that applies when it executes, after the sheets that it imports.
fn sheet(printed: Printed) -> ModuleArtifact {
    let sheets: Vec<&str> = printed
        .imports
        .iter()
        .filter(|import| import.kind == ImportKind::CssImport)
        .map(|import| import.specifier.as_str())
        .collect();
    ModuleArtifact {
        kind: ModuleKind::Style,
        code: printed.names.record(&sheets),
        map: printed.map,
        exports: printed.names.locals(),
        imports: printed.imports,
        globs: Vec::new(),
        export_stars: Vec::new(),
        is_barrel: false,
        css: Some(printed.css),
        refresh: false,
        is_async: false,
        uses_hot: false,
    }
}

/// `import text from "./a.css?inline"`: the text with those of the sheets it imports, applied nowhere.
fn inline(printed: Printed, options: &Options) -> ModuleArtifact {
    let mut parts = Vec::new();
    for import in &printed.imports {
        if import.kind == ImportKind::CssImport {
            parts.push(format!("h.import({}).default", quote(&import.specifier)));
        }
    }
    let mut rest = printed.css.as_str();
    let mut own = Vec::new();
    while let Some((before, after)) = rest.split_once(ASSET) {
        let Some((specifier, after)) = after.split_once(ASSET_END) else {
            break;
        };
        own.push(quote(before));
        own.push(format!("h.asset({}).href", quote(specifier)));
        rest = after;
    }
    own.push(quote(rest));
    parts.push(own.join(" + "));
    let value = parts.join(" + \"\\n\" + ");
    let mut artifact = data::value_module(&value, vec!["default".to_owned()], &options.output);
    let sheets: Vec<String> = printed
        .imports
        .iter()
        .filter(|import| import.kind == ImportKind::CssImport)
        .map(|import| quote(&import.specifier))
        .collect();
    let imports = format!("imports: [{}]", sheets.join(", "));
    artifact.code = artifact.code.replacen("imports: []", &imports, 1);
    // Of a function the sheets are parameters before `h`.
    let unread: Vec<String> = (0..sheets.len())
        .map(|sheet| format!("_{sheet},"))
        .collect();
    let parameters = format!("function*({}h)", unread.concat());
    artifact.code = artifact.code.replacen("function*(h)", &parameters, 1);
    artifact.imports = printed.imports;
    artifact
}

/// A style sheet compiled, before it is an artifact.
#[derive(Default)]
struct Printed {
    css: String,
    map: Option<String>,
    names: Names,
    imports: Vec<ImportRecord>,
    warnings: Vec<Diagnostic>,
}

/// Around the specifier of a `url()`; the linker's `styles` puts the URL in its place.
const ASSET: &str = "__hotplate_asset__(";
const ASSET_END: &str = ")__";

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
    conditions: &Conditions,
) -> Result<Printed, Vec<Diagnostic>> {
    let recovered = Arc::new(RwLock::new(Vec::new()));
    let mut sheet = StyleSheet::parse(
        text,
        ParserOptions {
            filename: id.path.to_owned(),
            css_modules: id.is_css_module().then(|| Config {
                pattern: names::pattern(id.path),
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
    if targets.browsers.is_some() {
        expansion::check(&sheet.rules, places)?;
    }
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
    let rules = std::mem::take(&mut sheet.rules.0);
    let rules = take_imports(id, rules, conditions, &mut imports);
    sheet.rules = conditions.wrap(CssRuleList(rules));
    let mut map = (options.source_map && options.mode == Mode::Development && !id.is_package())
        .then(|| SourceMap::new("/"));
    if let Some(map) = &mut map {
        let source = map.add_source(id.path);
        map.set_source_content(source as usize, text)
            .map_err(|error| unprintable(error.to_string()))?;
    }
    let printed = sheet
        .to_css(PrinterOptions {
            minify: options.minify,
            source_map: map.as_mut(),
            targets,
            analyze_dependencies: Some(DependencyOptions {
                remove_imports: false,
            }),
            ..PrinterOptions::default()
        })
        .map_err(|error| unprintable(error.to_string()))?;
    let dependencies = printed.dependencies.unwrap_or_default();
    let css = fill(&printed.code, dependencies, &mut imports);
    if text.contains('\u{c}') {
        // The library counts lines that editors do not know; the file as a whole is no wrong place.
        for import in &mut imports.records {
            (import.line, import.column) = (0, 0);
        }
    }
    let names = Names::collect(
        &printed.exports.unwrap_or_default(),
        &mut imports,
        &|specifier| with_query(specifier, id, &[]),
    );
    let map = map
        .map(|map| map_json(map, id.path))
        .transpose()
        .map_err(unprintable)?;
    Ok(Printed {
        css,
        map,
        names,
        imports: imports.records,
        warnings,
    })
}

/// The map as JSON. The library makes paths relative to a project's root; ours are addresses.
fn map_json(mut map: SourceMap, path: &str) -> Result<String, String> {
    let json = map.to_json(None).map_err(|error| error.to_string())?;
    let mut json: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&json).map_err(|error| error.to_string())?;
    json.insert("sources".to_owned(), serde_json::json!([path]));
    serde_json::to_string(&json).map_err(|error| error.to_string())
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

/// Puts URLs, or what the linker replaces by them, in place of lightningcss's placeholders.
fn fill(text: &str, dependencies: Vec<Dependency>, imports: &mut Requests) -> String {
    // Placeholders stand in the text in the order of their dependencies: one walk finds all.
    let mut css = String::with_capacity(text.len());
    let mut rest = text;
    let mut replace = |placeholder: &str, url: &str| {
        if let Some((before, after)) = rest.split_once(placeholder) {
            css.push_str(before);
            css.push_str(url);
            rest = after;
        }
    };
    for dependency in dependencies {
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
        let reference = format!("{ASSET}{}{ASSET_END}", escape(&url.url));
        replace(&url.placeholder, &reference);
        imports.add(url.url, ImportKind::Asset, url.loc.start);
    }
    css.push_str(rest);
    css
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

    /// A class that is composed of the sheet at `specifier`.
    fn add_name(&mut self, specifier: &str, name: &str) {
        let record = self
            .records
            .iter_mut()
            .find(|record| record.kind == ImportKind::CssImport && record.specifier == specifier);
        if let Some(record) = record
            && !record.names.iter().any(|known| known == name)
        {
            record.names.push(name.to_owned());
        }
    }
}

/// Takes `@import`s of sheets out of the rules; those of other hosts stay for the browser.
///
/// What stands before such an `@import` (`@layer reset, base;` as a rule, whose order counts) has to apply
/// before it, so it is a module of its own: this file with the query `segment=`, which keeps that part alone.
fn take_imports<'i>(
    id: &ModuleId<'_>,
    rules: Vec<CssRule<'i>>,
    conditions: &Conditions,
    requests: &mut Requests,
) -> Vec<CssRule<'i>> {
    let wanted = id.parameter("segment");
    let mut segment = 0_usize;
    let mut rest = Vec::new();
    for rule in rules {
        let import = match rule {
            CssRule::Import(import) if !is_external(&import.url) => import,
            CssRule::Ignored => continue,
            other => {
                rest.push(other);
                continue;
            }
        };
        let place = Location {
            line: import.loc.line + 1,
            column: import.loc.column,
        };
        if !rest.is_empty() {
            let number = segment.to_string();
            if wanted == Some(number.as_str()) {
                break;
            }
            rest.clear();
            segment += 1;
            let name = id.path.rsplit('/').next().unwrap_or(id.path);
            let parameters = [Some(format!("segment={number}")), conditions.parameter()];
            let specifier = with_query(&format!("./{name}"), id, &parameters);
            requests.add(specifier, ImportKind::CssImport, place);
        }
        let inner = conditions.with(id.path, &conditions::condition(&import));
        let specifier = with_query(&import.url, id, &[inner.parameter()]);
        requests.add(specifier, ImportKind::CssImport, place);
    }
    if wanted.is_some() {
        requests.records.clear();
    }
    rest
}

/// A specifier with more parameters; what is asked for by a sheet that is text is text as well.
fn with_query(specifier: &str, id: &ModuleId<'_>, parameters: &[Option<String>]) -> String {
    let inline = (id.query == Some(Query::Inline)).then(|| "inline".to_owned());
    let mut whole = specifier.to_owned();
    for parameter in inline.iter().chain(parameters.iter().flatten()) {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(parameter);
    }
    whole
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

fn path_hash(path: &str) -> String {
    let digest = Sha256::digest(path.as_bytes());
    let mut text = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    text.truncate(5);
    text
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

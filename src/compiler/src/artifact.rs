//! What goes in and what comes out: `Source`, `Compiled` and the module artifact.
//!
//! Plain data. How it is made is in `script`, `style` and `data`; what its parts mean to the
//! browser is in `ARCHITECTURE.md`, "Registry".

use hotplate_protocol::Diagnostic;
use serde::{Deserialize, Serialize};

/// One file to compile.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The module id: `/src/App.tsx`, `/src/a.txt?raw`, `npm:react@19.3.1/index.js`.
    pub id: &'a str,
    /// The file's bytes.
    pub content: &'a [u8],
}

/// The answer for one file. `artifact` is `None` exactly when `diagnostics` holds an error.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The compiled module.
    pub artifact: Option<ModuleArtifact>,
    /// Every error and warning, in source order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Which record an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// An ES module (JSON and `?raw` files too).
    Esm,
    /// A `CommonJS` module.
    #[serde(rename = "cjs")]
    CommonJs,
    /// A style sheet.
    Style,
}

/// One source file compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about the module"
)]
pub struct ModuleArtifact {
    /// Which record `code` is.
    pub kind: ModuleKind,
    /// The registry record, a JavaScript object expression.
    pub code: String,
    /// Source map v3 (JSON); its line 0 is the first line of `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// Everything the module asks for, in source order, each specifier once per kind.
    pub imports: Vec<ImportRecord>,
    /// What it asks for by pattern; specifiers of the matches of `globs[n]` begin with `glob:<n>:`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub globs: Vec<GlobImport>,
    /// Names exported explicitly (not those of `export *`).
    pub exports: Vec<String>,
    /// Specifiers of `export * from`.
    pub export_stars: Vec<String>,
    /// Whether it does nothing but pass names on, so that a linker may write it anew with fewer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_barrel: bool,
    /// The style text with asset placeholders; only for `ModuleKind::Style`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub css: Option<String>,
    /// Whether it registers components for Fast Refresh.
    pub refresh: bool,
    /// Whether it has top-level await.
    pub is_async: bool,
    /// Whether it reads `import.meta.hot`.
    pub uses_hot: bool,
}

/// How a module asks for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// `import … from`, `export … from`.
    Static,
    /// `import()`.
    Dynamic,
    /// `require()`.
    Require,
    /// `new URL("./x", import.meta.url)` and CSS `url()`.
    Asset,
    /// CSS `@import` and `composes: … from`.
    CssImport,
}

/// One thing a module asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// As written.
    pub specifier: String,
    /// How it is asked for.
    pub kind: ImportKind,
    /// 1-based line of the first place.
    pub line: u32,
    /// 1-based column of the first place, in UTF-16 code units.
    pub column: u32,
    /// Names the module itself reads through it: `default`, `*` for the namespace, or the exported name;
    /// for a sheet's import, the classes that it composes.
    pub names: Vec<String>,
    /// Names that it only passes on: `export { x as y } from`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reexports: Vec<Reexport>,
}

/// One name passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reexport {
    /// What it is called where it comes from; `*` for the namespace.
    pub imported: String,
    /// What the module that passes it on calls it.
    pub exported: String,
}

impl ImportRecord {
    /// Every name asked for, whatever becomes of it.
    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        let passed = self.reexports.iter().map(|name| name.imported.as_str());
        self.names.iter().map(String::as_str).chain(passed)
    }
}

/// How the matches of a pattern are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlobForm {
    /// `import.meta.glob(…)`: each match is a function that imports it.
    Lazy,
    /// `import.meta.glob(…, { eager: true })`: each match is imported statically.
    Eager,
    /// `` import(`./pages/${name}.tsx`) ``; a match's specifier is its path as written there.
    Template,
    /// `` new URL(`./icons/${name}.svg`, import.meta.url) ``; the same for assets.
    Asset,
}

/// Files asked for by pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobImport {
    /// As written, relative to the module or to the root; one that begins with `!` excludes.
    pub patterns: Vec<String>,
    /// How the matches are asked for.
    pub form: GlobForm,
    /// Query that each match gets (`?raw`); empty for none.
    pub query: String,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in UTF-16 code units.
    pub column: u32,
}

impl GlobImport {
    /// How a match with this path is asked for: the key of `deps`.
    pub fn specifier(&self, index: usize, path: &str) -> String {
        match self.form {
            GlobForm::Lazy | GlobForm::Eager => format!("glob:{index}:{path}"),
            GlobForm::Template | GlobForm::Asset => path.to_owned(),
        }
    }

    /// As which kind of import a match counts.
    pub fn kind(&self) -> ImportKind {
        match self.form {
            GlobForm::Eager => ImportKind::Static,
            GlobForm::Lazy | GlobForm::Template => ImportKind::Dynamic,
            GlobForm::Asset => ImportKind::Asset,
        }
    }

    /// The import of one match.
    pub fn import(&self, index: usize, path: &str) -> ImportRecord {
        ImportRecord {
            specifier: self.specifier(index, path),
            kind: self.kind(),
            line: self.line,
            column: self.column,
            names: vec!["*".to_owned()],
            reexports: Vec::new(),
        }
    }
}

//! How to compile: mode, JSX, environment, output wishes, and their fingerprint for cache keys.
//!
//! It holds choices only; nothing here looks at a source file.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the output is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The live preview.
    #[default]
    Development,
    /// A deployment.
    Production,
}

impl Mode {
    /// The value of `process.env.NODE_ENV` and `import.meta.env.MODE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// Which calls JSX becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsxRuntime {
    /// `jsx()`/`jsxDEV()` from `<import_source>/jsx-runtime`.
    Automatic,
    /// `React.createElement()`.
    Classic,
}

/// JSX settings; a file's pragmas override them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JsxOptions {
    /// Which calls JSX becomes.
    pub runtime: JsxRuntime,
    /// The package of the automatic runtime.
    pub import_source: String,
    /// The classic runtime's element function.
    pub pragma: String,
    /// The classic runtime's fragment.
    pub pragma_frag: String,
}

impl Default for JsxOptions {
    fn default() -> Self {
        Self {
            runtime: JsxRuntime::Automatic,
            import_source: "react".to_owned(),
            pragma: "React.createElement".to_owned(),
            pragma_frag: "React.Fragment".to_owned(),
        }
    }
}

/// Whether the module system is told from the text or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatHint {
    /// From the id and the text.
    Detect,
    /// An ES module whatever the text says (`"type": "module"`).
    Esm,
}

/// Where the code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// In a page: there is no `process`.
    Browser,
    /// In an app's own Worker: `process.env` is what that Worker has.
    Server,
}

/// What the code of a script's artifact is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Its registry record.
    Record,
    /// Nothing: what it asks for and what it offers is wanted alone.
    Facts,
    /// A function, which a release makes a record of (ARCHITECTURE.md, "Registry").
    Function {
        /// The exports that somebody reads; `None`: all of them.
        keep: Option<BTreeSet<String>>,
    },
}

/// How to compile one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the user's"
)]
pub struct Options {
    /// Preview or deployment.
    pub mode: Mode,
    /// Whether components register for Fast Refresh (development only).
    pub refresh: bool,
    /// JSX settings.
    pub jsx: JsxOptions,
    /// TypeScript's `experimentalDecorators`.
    pub legacy_decorators: bool,
    /// TypeScript's `emitDecoratorMetadata`, which only legacy decorators have.
    pub decorator_metadata: bool,
    /// TypeScript's `useDefineForClassFields`: whether its class fields are those of ECMAScript.
    pub define_class_fields: bool,
    /// Public `VITE_*` values. In production `import.meta.env.*` becomes constants.
    pub env: BTreeMap<String, String>,
    /// Whether a source map is made.
    pub source_map: bool,
    /// Whether the code is minified (needs the feature `minify`, ignored without it).
    pub minify: bool,
    /// Module system.
    pub format: FormatHint,
    /// Where it runs.
    pub platform: Platform,
    /// What the artifact's code is.
    pub output: Output,
}

impl Default for Options {
    fn default() -> Self {
        Self::development()
    }
}

impl Options {
    /// What the live preview uses.
    pub fn development() -> Self {
        Self {
            mode: Mode::Development,
            refresh: true,
            jsx: JsxOptions::default(),
            legacy_decorators: false,
            decorator_metadata: false,
            define_class_fields: true,
            env: BTreeMap::new(),
            source_map: true,
            minify: false,
            format: FormatHint::Detect,
            platform: Platform::Browser,
            output: Output::Record,
        }
    }

    /// What deployments use.
    pub fn production() -> Self {
        Self {
            mode: Mode::Production,
            refresh: false,
            minify: true,
            ..Self::development()
        }
    }

    /// A hash of everything here that changes output, for cache keys (with `VERSION`).
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        // The derived `Debug` names every field, so a field added later cannot be forgotten.
        hasher.update(format!("{self:?}").as_bytes());
        HEXLOWER.encode(&hasher.finalize())
    }
}

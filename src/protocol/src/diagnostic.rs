//! Diagnostics: located messages from the compiler, the linker and the vendor build.

use serde::{Deserialize, Serialize};

/// How much a diagnostic stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The module keeps its last good artifact; a deployment fails.
    Error,
    /// Reported, stops nothing.
    Warning,
}

/// One located message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Path in the app's tree (`src/App.tsx`); empty when the message is about no file.
    pub file: String,
    /// 1-based; 0 when the message is about the file as a whole.
    pub line: u32,
    /// 1-based, in UTF-16 code units; 0 when the message is about the file as a whole.
    pub column: u32,
    /// What is wrong, one sentence.
    pub message: String,
    /// The lines around the place with a caret under it; empty without a place.
    #[serde(default)]
    pub frame: String,
    /// How much it stops.
    pub severity: Severity,
    /// Stable, snake case: `syntax_error`, `unresolved_import`, …
    pub code: String,
    /// What to do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Diagnostic {
    /// A diagnostic about no particular file.
    pub fn without_place(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line: 0,
            column: 0,
            message: message.into(),
            frame: String::new(),
            severity,
            code: code.to_owned(),
            fix: None,
        }
    }

    /// Whether it stops the module or the deployment.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

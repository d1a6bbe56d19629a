//! What one run tells: a line of JSON per thing, for `tests/fuzz/run.mjs` to judge and count.

use serde_json::json;
use std::io::Write as _;

/// Where a run's findings go.
#[derive(Default)]
pub(crate) struct Report {
    case: u64,
    refused: bool,
}

impl Report {
    /// Begins a case. It is told before anything is done, so that a crash has a number.
    pub(crate) fn begin(&mut self, case: u64) {
        *self = Self {
            case,
            ..Self::default()
        };
        line(&json!({ "case": case }));
    }

    /// A file of the case, told before it is read.
    pub(crate) fn input(&self, name: &str, text: &str) {
        line(&json!({ "input": [name, text], "of": self.case }));
    }

    /// The case's input was answered with errors.
    pub(crate) fn refused(&mut self) {
        self.refused = true;
    }

    /// Something that must not be.
    pub(crate) fn finding(&self, what: &str) {
        line(&json!({ "finding": what, "of": self.case }));
    }

    /// Code that V8 must take: an `expression`, a `script` or a `module`.
    /// V8 must not take a module that is `refused`.
    pub(crate) fn code(&self, form: &str, code: &str, map: Option<&str>) {
        line(&json!({ "form": form, "code": code, "map": map, "of": self.case }));
    }

    /// Ends a case.
    pub(crate) fn end(&self) {
        line(&json!({ "ended": self.case, "refused": self.refused }));
    }
}

fn line(value: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more: there is nobody to tell.
    if writeln!(out, "{value}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

//! What the command prints: lines for people, or one JSON object per line for programs.

use crate::failure::Failure;
use hotplate_protocol::{
    ActivePointer, App, Deployment, DeploymentEvent, Diagnostic, EditResult, Severity,
};
use serde_json::{Value, json};
use std::time::Duration;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    fn say(self, text: impl FnOnce() -> String, value: impl FnOnce() -> Value) {
        if self.json {
            println!("{}", value());
        } else {
            println!("{}", text());
        }
    }

    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            println!(
                "{}",
                json!({ "event": "error", "code": failure.code(), "message": failure.to_string() })
            );
        } else {
            eprintln!("error: {failure}");
        }
    }

    pub(crate) fn created(self, app: &App, new: bool) {
        let word = if new { "created" } else { "exists" };
        self.say(
            || format!("{} {word}: {}", app.slug, app.urls.live),
            || json!({ "event": word, "app": app }),
        );
    }

    pub(crate) fn unchanged(self, app: &str) {
        self.say(
            || format!("{app} is up to date"),
            || json!({ "event": "unchanged", "app": app }),
        );
    }

    pub(crate) fn wrote(self, path: &std::path::Path) {
        self.say(
            || format!("wrote {}", path.display()),
            || json!({ "event": "wrote", "path": path.display().to_string() }),
        );
    }

    pub(crate) fn live(self, url: &str) {
        self.say(
            || format!("live at {url}"),
            || json!({ "event": "live", "url": url }),
        );
    }

    pub(crate) fn waiting(self, failure: &Failure) {
        self.say(
            || format!("waiting: {failure}"),
            || json!({ "event": "waiting", "code": failure.code(), "message": failure.to_string() }),
        );
    }

    pub(crate) fn edit(self, result: &EditResult, took: Duration) {
        let took = took.as_secs_f64() * 1000.0;
        self.say(
            || {
                let what = match result.changed.as_slice() {
                    [] => "nothing changed".to_owned(),
                    [path] => path.clone(),
                    [path, rest @ ..] => format!("{path} and {} more", rest.len()),
                };
                let mut text = format!(
                    "revision {}: {what}, {took:.0} ms (compile {:.1} ms), {} open",
                    result.revision, result.timings.compile_ms, result.clients
                );
                for diagnostic in &result.diagnostics {
                    text.push('\n');
                    text.push_str(&located(diagnostic));
                }
                text
            },
            || {
                let mut value = serde_json::to_value(result).unwrap_or_default();
                if let Some(object) = value.as_object_mut() {
                    object.insert("event".to_owned(), "edit".into());
                    object.insert("ms".to_owned(), took.into());
                }
                value
            },
        );
    }

    pub(crate) fn deployment_started(self, deployment: &Deployment) {
        self.say(
            || {
                format!(
                    "deployment {} of revision {}: {}",
                    deployment.id,
                    deployment.revision,
                    deployment.state.as_str()
                )
            },
            || json!({ "event": "deployment", "deployment": deployment }),
        );
    }

    pub(crate) fn deployment_event(self, event: &DeploymentEvent) {
        self.say(
            || match event {
                DeploymentEvent::State { state, .. } => format!("  {}", state.as_str()),
                DeploymentEvent::Log { message, .. } => format!("    {message}"),
            },
            || serde_json::to_value(event).unwrap_or_default(),
        );
    }

    pub(crate) fn deployment(self, deployment: &Deployment) {
        self.say(
            || {
                let mut text = String::new();
                for diagnostic in deployment.error.iter().flat_map(|error| &error.diagnostics) {
                    text.push_str(&located(diagnostic));
                    text.push('\n');
                }
                let took = deployment
                    .timings
                    .total_ms
                    .map(|ms| format!(" in {ms} ms"))
                    .unwrap_or_default();
                text + &format!("{}{took}: {}", deployment.state.as_str(), deployment.url)
            },
            || json!({ "event": "deployment", "deployment": deployment }),
        );
    }

    pub(crate) fn pointer(self, pointer: &ActivePointer) {
        self.say(
            || {
                let before = pointer
                    .previous
                    .as_deref()
                    .map(|id| format!(" (before: {id})"))
                    .unwrap_or_default();
                format!("active: {}{before}", pointer.active)
            },
            || json!({ "event": "active", "active": pointer.active, "previous": pointer.previous }),
        );
    }

    pub(crate) fn apps(self, apps: &[App]) {
        for app in apps {
            self.say(
                || {
                    let active = app.active_deployment.as_deref().unwrap_or("-");
                    format!(
                        "{:<24} revision {:<6} active {active:<12} {}",
                        app.slug, app.revision, app.urls.live
                    )
                },
                || json!(app),
            );
        }
    }

    pub(crate) fn deployments(self, deployments: &[Deployment]) {
        for deployment in deployments {
            self.say(
                || {
                    let mark = if deployment.active { "*" } else { " " };
                    format!(
                        "{mark} {} {:<10} revision {:<6} {}",
                        deployment.id,
                        deployment.state.as_str(),
                        deployment.revision,
                        deployment.url
                    )
                },
                || json!(deployment),
            );
        }
    }
}

fn located(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!("{severity}: {} ({})", diagnostic.message, diagnostic.code);
    if !diagnostic.file.is_empty() {
        let place = if diagnostic.line > 0 {
            format!(":{}:{}", diagnostic.line, diagnostic.column)
        } else {
            String::new()
        };
        text = format!("{}{place}: {text}", diagnostic.file);
    }
    for more in [Some(diagnostic.frame.as_str()), diagnostic.fix.as_deref()]
        .into_iter()
        .flatten()
        .filter(|more| !more.is_empty())
    {
        text.push('\n');
        text.push_str(more);
    }
    text
}

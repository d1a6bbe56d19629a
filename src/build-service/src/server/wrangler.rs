//! An app's Wrangler file: what its server starts with, how it wants the platform to behave, and what it
//! asks for.
//!
//! Reads the fields that mean something here. What an app asks for and does not get is told with a stable
//! code each; what Wrangler itself does with a file (names, accounts, routes) is nobody's business here.

use hotplate_protocol::{Diagnostic, Severity};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// In Wrangler's order; the first that is there counts.
pub(crate) const FILES: &[&str] = &["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// Fields that would give a server something that there is none of here.
const BINDINGS: &[&str] = &[
    "agent_memory",
    "ai",
    "ai_search",
    "ai_search_namespaces",
    "analytics",
    "analytics_engine_datasets",
    "artifacts",
    "browser",
    "connect",
    "containers",
    "d1_databases",
    "data_blobs",
    "dispatch_namespaces",
    "durable_objects",
    "flagship",
    "hyperdrive",
    "images",
    "k2",
    "kv_namespaces",
    "logfwdr",
    "media",
    "mtls_certificates",
    "pipelines",
    "queues",
    "r2_buckets",
    "ratelimits",
    "secrets_store_secrets",
    "send_email",
    "services",
    "stream",
    "streaming_tail_consumers",
    "tail_consumers",
    "text_blobs",
    "unsafe",
    "vectorize",
    "version_metadata",
    "vpc_networks",
    "vpc_services",
    "wasm_modules",
    "worker_loaders",
    "workflows",
];

/// Fields that would change how the code is built or when it runs.
const SETTINGS: &[&str] = &[
    "alias",
    "build",
    "define",
    "find_additional_modules",
    "no_bundle",
    "python_modules",
    "rules",
    "site",
    "triggers",
];

/// How the files of a deployment answer; Cloudflare's own words and meanings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AssetRules {
    pub(crate) html_handling: Option<String>,
    pub(crate) not_found_handling: Option<String>,
    pub(crate) run_worker_first: Option<RunWorkerFirst>,
}

/// Which requests the server answers although a file could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunWorkerFirst {
    /// All or none.
    All(bool),
    /// Those of these paths; `!` excludes.
    Paths(Vec<String>),
}

/// What an app's Wrangler file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wrangler {
    /// The file; empty when there is none.
    pub(crate) file: String,
    /// The server's first module, as written.
    pub(crate) main: Option<String>,
    pub(crate) compatibility_date: Option<String>,
    pub(crate) compatibility_flags: Vec<String>,
    /// Plain variables.
    pub(crate) vars: BTreeMap<String, Value>,
    /// Names of secrets that the server cannot do without.
    pub(crate) required_secrets: Vec<String>,
    /// What the server calls its files.
    pub(crate) assets_binding: Option<String>,
    pub(crate) assets: AssetRules,
    /// What is asked for in vain.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Wrangler {
    /// Reads the app's file through `text`; of none, everything is as it is by default.
    pub(crate) fn read(text: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Diagnostic>> {
        let Some((file, content)) = FILES
            .iter()
            .find_map(|file| text(file).map(|content| (*file, content)))
        else {
            return Ok(Self::default());
        };
        let fields = parse(file, &content).map_err(|error| vec![*error])?;
        let mut reader = Reader {
            file,
            problems: Vec::new(),
        };
        let mut read = reader.read(&fields);
        let (errors, warnings) = reader.problems.into_iter().partition(Diagnostic::is_error);
        read.warnings = warnings;
        if Vec::is_empty(&errors) {
            Ok(read)
        } else {
            Err(errors)
        }
    }

    /// Whether a flag is set.
    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        self.compatibility_flags.iter().any(|own| own == flag)
    }
}

fn parse(file: &str, content: &str) -> Result<Map<String, Value>, Box<Diagnostic>> {
    let malformed = |at: usize, message: &str| {
        let before = content.get(..at).unwrap_or(content);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(start..).unwrap_or_default();
        Box::new(Diagnostic {
            line: count(before.matches('\n').count() + 1),
            column: count(column.encode_utf16().count() + 1),
            ..about(
                file,
                Severity::Error,
                "malformed_wrangler_file",
                message.trim_end().to_owned(),
            )
        })
    };
    let value = if file.ends_with(".toml") {
        let table: toml::Table = toml::from_str(content).map_err(|error| {
            malformed(error.span().map_or(0, |span| span.start), error.message())
        })?;
        json(toml::Value::Table(table))
    } else {
        let options = jsonc_parser::ParseOptions::default();
        let value: Option<Value> = jsonc_parser::parse_to_serde_value(content, &options)
            .map_err(|error| malformed(error.range().start, &error.kind().to_string()))?;
        value.unwrap_or_default()
    };
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(malformed(0, "a Wrangler file is an object")),
    }
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(value) => value.into(),
        // `compatibility_date = 2026-11-01` is a date without quotes.
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, json(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self, fields: &Map<String, Value>) -> Wrangler {
        let nothing = Map::new();
        let assets = match fields.get("assets") {
            Some(Value::Object(assets)) => assets,
            Some(_) => {
                self.refuse("assets", "an object");
                &nothing
            }
            None => &nothing,
        };
        let secrets = fields.get("secrets").and_then(Value::as_object);
        let wrangler = Wrangler {
            file: self.file.to_owned(),
            main: self.text(fields, "main"),
            compatibility_date: self.date(fields),
            compatibility_flags: self.texts(fields, "compatibility_flags"),
            vars: match fields.get("vars") {
                Some(Value::Object(vars)) => vars.clone().into_iter().collect(),
                Some(_) => {
                    self.refuse("vars", "an object");
                    BTreeMap::new()
                }
                None => BTreeMap::new(),
            },
            required_secrets: secrets.map_or_else(Vec::new, |own| self.texts(own, "required")),
            assets_binding: self.text(assets, "binding"),
            assets: AssetRules {
                html_handling: self.one_of(
                    assets,
                    "html_handling",
                    &[
                        "auto-trailing-slash",
                        "force-trailing-slash",
                        "drop-trailing-slash",
                        "none",
                    ],
                ),
                not_found_handling: self.one_of(
                    assets,
                    "not_found_handling",
                    &["single-page-application", "404-page", "none"],
                ),
                run_worker_first: self.run_worker_first(assets),
            },
            warnings: Vec::new(),
        };
        for field in BINDINGS.iter().filter(|field| asks(fields.get(**field))) {
            self.warn_of_binding(field, fields.get(*field));
        }
        for field in SETTINGS.iter().filter(|field| asks(fields.get(**field))) {
            let message = format!("`{field}` has no effect here");
            self.warn("wrangler_setting_ignored", message);
        }
        wrangler
    }

    fn warn_of_binding(&mut self, field: &str, value: Option<&Value>) {
        let mut names = Vec::new();
        if let Some(value) = value {
            binding_names(value, &mut names);
        }
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let message = match quoted.as_slice() {
            [] => format!("`{field}` is not available here"),
            [name] => format!("`{field}` is not available here: the server's `env` has no {name}"),
            more => format!(
                "`{field}` is not available here: the server's `env` has none of {}",
                more.join(", ")
            ),
        };
        self.warn("binding_unsupported", message);
    }

    fn warn(&mut self, code: &str, message: String) {
        self.problems
            .push(about(self.file, Severity::Warning, code, message));
    }

    fn refuse(&mut self, field: &str, expected: &str) {
        let message = format!("`{field}` must be {expected}");
        let code = "invalid_wrangler_file";
        self.problems
            .push(about(self.file, Severity::Error, code, message));
    }

    fn text(&mut self, fields: &Map<String, Value>, field: &str) -> Option<String> {
        match fields.get(field)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            _ => {
                self.refuse(field, "a text");
                None
            }
        }
    }

    fn one_of(
        &mut self,
        fields: &Map<String, Value>,
        field: &str,
        allowed: &[&str],
    ) -> Option<String> {
        let given = self.text(fields, field)?;
        if !allowed.contains(&given.as_str()) {
            self.refuse(field, &format!("one of {}", allowed.join(", ")));
            return None;
        }
        Some(given)
    }

    fn texts(&mut self, fields: &Map<String, Value>, field: &str) -> Vec<String> {
        let given = match fields.get(field) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>(),
            Some(_) => None,
        };
        given.unwrap_or_else(|| {
            self.refuse(field, "a list of texts");
            Vec::new()
        })
    }

    fn date(&mut self, fields: &Map<String, Value>) -> Option<String> {
        let date = self.text(fields, "compatibility_date")?;
        let is_date = date.len() == 10
            && date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_date {
            self.refuse("compatibility_date", "a date like 2026-11-01");
            return None;
        }
        Some(date)
    }

    fn run_worker_first(&mut self, assets: &Map<String, Value>) -> Option<RunWorkerFirst> {
        let expected = "true, false or a list of paths that begin with `/` or `!/`";
        match assets.get("run_worker_first")? {
            Value::Bool(all) => Some(RunWorkerFirst::All(*all)),
            Value::Array(_) => {
                let paths = self.texts(assets, "run_worker_first");
                let good = |path: &String| path.trim_start_matches('!').starts_with('/');
                if !paths.iter().all(good) {
                    self.refuse("run_worker_first", expected);
                    return None;
                }
                Some(RunWorkerFirst::Paths(paths))
            }
            _ => {
                self.refuse("run_worker_first", expected);
                None
            }
        }
    }
}

/// Whether a field asks for anything.
fn asks(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(values)) => !values.is_empty(),
        Some(Value::Object(fields)) => fields.values().any(|value| asks(Some(value))),
        Some(Value::Bool(true) | Value::Number(_) | Value::String(_)) => true,
    }
}

/// Names by which a server would find what it asks for.
fn binding_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| binding_names(value, names)),
        Value::Object(fields) => {
            let own = fields.get("binding").or_else(|| fields.get("name"));
            match own.and_then(Value::as_str) {
                Some(name) => names.push(name.to_owned()),
                None => fields
                    .values()
                    .for_each(|value| binding_names(value, names)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn about(file: &str, severity: Severity, code: &str, message: String) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        ..Diagnostic::without_place(severity, code, message)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn read(file: &str, content: &str) -> Result<Wrangler, Vec<Diagnostic>> {
        Wrangler::read(&|path| (path == file).then(|| content.to_owned()))
    }

    #[test]
    fn the_three_forms_say_the_same() {
        let toml = r#"
            name = "app"
            main = "./server/main.ts"
            compatibility_date = 2026-05-01
            compatibility_flags = ["nodejs_compat"]
            [vars]
            GREETING = "hello"
            LIMITS = { a = 1 }
            [assets]
            binding = "FILES"
            not_found_handling = "404-page"
            run_worker_first = ["/api/*", "!/api/docs/*"]
        "#;
        let jsonc = r#"{ // the same
            "name": "app", "main": "./server/main.ts", "compatibility_date": "2026-05-01",
            "compatibility_flags": ["nodejs_compat"], "vars": { "GREETING": "hello", "LIMITS": { "a": 1 } },
            "assets": { "binding": "FILES", "not_found_handling": "404-page", "run_worker_first": ["/api/*", "!/api/docs/*"] },
        }"#;
        let mut first = read("wrangler.toml", toml).unwrap();
        let mut second = read("wrangler.jsonc", jsonc).unwrap();
        (first.file, second.file) = (String::new(), String::new());
        assert_eq!(first, second);
        assert_eq!(first.main.as_deref(), Some("./server/main.ts"));
        assert_eq!(first.compatibility_date.as_deref(), Some("2026-05-01"));
        assert!(first.has_flag("nodejs_compat"));
        assert_eq!(first.vars.get("LIMITS"), Some(&json!({ "a": 1 })));
        let paths = vec!["/api/*".to_owned(), "!/api/docs/*".to_owned()];
        assert_eq!(
            first.assets.run_worker_first,
            Some(RunWorkerFirst::Paths(paths))
        );
    }

    #[test]
    fn no_file_asks_for_nothing() {
        assert_eq!(Wrangler::read(&|_| None), Ok(Wrangler::default()));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let config = read(
            "wrangler.json",
            r#"{ "kv_namespaces": [{ "binding": "CACHE", "id": "x" }], "d1_databases": [],
                 "durable_objects": { "bindings": [{ "name": "ROOM", "class_name": "Room" }, { "name": "LOCK", "class_name": "Lock" }] },
                 "ai": { "binding": "AI" }, "triggers": { "crons": ["* * * * *"] }, "observability": { "enabled": true } }"#,
        );
        let told: Vec<(String, String)> = config
            .unwrap()
            .warnings
            .into_iter()
            .map(|warning| (warning.code, warning.message))
            .collect();
        let binding = |message: &str| ("binding_unsupported".to_owned(), message.to_owned());
        assert_eq!(
            told,
            [
                binding("`ai` is not available here: the server's `env` has no `AI`"),
                binding(
                    "`durable_objects` is not available here: the server's `env` has none of `ROOM`, `LOCK`"
                ),
                binding("`kv_namespaces` is not available here: the server's `env` has no `CACHE`"),
                (
                    "wrangler_setting_ignored".to_owned(),
                    "`triggers` has no effect here".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn mistakes_have_a_place_and_a_code() {
        for (file, content, code, place, message) in [
            (
                "wrangler.toml",
                "a = 1\nb = ",
                "malformed_wrangler_file",
                (2, 5),
                "string values must be quoted, expected literal string",
            ),
            (
                "wrangler.json",
                "{\n  \"main\": }",
                "malformed_wrangler_file",
                (2, 11),
                "",
            ),
            (
                "wrangler.json",
                "[]",
                "malformed_wrangler_file",
                (1, 1),
                "a Wrangler file is an object",
            ),
            (
                "wrangler.json",
                r#"{ "main": 7 }"#,
                "invalid_wrangler_file",
                (0, 0),
                "`main` must be a text",
            ),
            (
                "wrangler.json",
                r#"{ "compatibility_date": "today" }"#,
                "invalid_wrangler_file",
                (0, 0),
                "`compatibility_date` must be a date like 2026-11-01",
            ),
            (
                "wrangler.json",
                r#"{ "compatibility_flags": "x" }"#,
                "invalid_wrangler_file",
                (0, 0),
                "`compatibility_flags` must be a list of texts",
            ),
            (
                "wrangler.json",
                r#"{ "assets": { "run_worker_first": ["api"] } }"#,
                "invalid_wrangler_file",
                (0, 0),
                "`run_worker_first` must be true, false or a list of paths that begin with `/` or `!/`",
            ),
            (
                "wrangler.json",
                r#"{ "assets": { "not_found_handling": "spa" } }"#,
                "invalid_wrangler_file",
                (0, 0),
                "`not_found_handling` must be one of single-page-application, 404-page, none",
            ),
        ] {
            let errors = read(file, content).unwrap_err();
            assert_eq!(errors.len(), 1, "{content}");
            let error = &errors[0];
            assert_eq!(
                (error.code.as_str(), (error.line, error.column)),
                (code, place),
                "{content}: {error:?}"
            );
            if !message.is_empty() {
                assert_eq!(error.message, message);
            }
        }
    }
}

//! Every folder of `tests/fixtures/compiler` compiled and compared with its snapshot.
//!
//! `options.json` may give `{"id": …, "options": {…}}`; the id is `/src/<input file>` otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hotplate_compiler::{Compiled, Options, Source, compile};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    id: Option<String>,
    options: Options,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/compiler")
}

fn input(case: &Path) -> PathBuf {
    fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_stem().is_some_and(|stem| stem == "input")
                || path.to_string_lossy().contains("/input.")
        })
        .unwrap_or_else(|| panic!("{} has no input file", case.display()))
}

/// The compiled module as text that is good to read in a diff.
fn render(compiled: &Compiled) -> String {
    let mut text = String::new();
    for diagnostic in &compiled.diagnostics {
        writeln!(
            text,
            "{:?} {} {}:{}:{} {}\n{}\n",
            diagnostic.severity,
            diagnostic.code,
            diagnostic.file,
            diagnostic.line,
            diagnostic.column,
            diagnostic.message,
            diagnostic.frame
        )
        .unwrap();
    }
    let Some(artifact) = &compiled.artifact else {
        return text;
    };
    writeln!(text, "{}\n", artifact.code).unwrap();
    if let Some(css) = &artifact.css {
        writeln!(text, "{css}").unwrap();
    }
    for import in &artifact.imports {
        writeln!(
            text,
            "{:?} {:?} {}:{} {:?}",
            import.kind, import.specifier, import.line, import.column, import.names
        )
        .unwrap();
    }
    write!(
        text,
        "{:?} exports={:?} stars={:?} refresh={} async={} hot={}",
        artifact.kind,
        artifact.exports,
        artifact.export_stars,
        artifact.refresh,
        artifact.is_async,
        artifact.uses_hot
    )
    .unwrap();
    text
}

#[test]
fn fixtures_match_their_snapshots() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "{} fixtures", cases.len());
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let input = input(&case);
        let settings: Case = match fs::read(case.join("options.json")) {
            Ok(json) => serde_json::from_slice(&json).unwrap(),
            Err(_) => Case::default(),
        };
        let file = input.file_name().unwrap().to_string_lossy();
        let id = settings.id.unwrap_or_else(|| format!("/src/{file}"));
        let content = fs::read(&input).unwrap();
        let compiled = compile(
            &Source {
                id: &id,
                content: &content,
            },
            &settings.options,
        );
        assert_eq!(
            compiled.artifact.is_none(),
            compiled
                .diagnostics
                .iter()
                .any(hotplate_protocol::Diagnostic::is_error),
            "{name}: no artifact exactly when there is an error"
        );
        insta::assert_snapshot!(name, render(&compiled));
    }
}

//! `cargo run -p hotplate-compiler --example compile -- <file> [id] [options.json]` prints the
//! compiled module as JSON: `{ artifact, diagnostics }`. A tool for tests and for looking.

use std::error::Error;
use std::io::Write as _;

use hotplate_compiler::{Options, Source, compile};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args
        .next()
        .ok_or("usage: compile <file> [id] [options.json]")?;
    let id = args.next().unwrap_or_else(|| format!("/{path}"));
    let options = match args.next() {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Options::development(),
    };
    let content = std::fs::read(&path)?;
    let source = Source {
        id: &id,
        content: &content,
    };
    let compiled = compile(&source, &options);
    let json = serde_json::json!({
        "artifact": compiled.artifact,
        "diagnostics": compiled.diagnostics,
    });
    writeln!(std::io::stdout(), "{json:#}")?;
    Ok(())
}

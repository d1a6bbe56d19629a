//! Vendor chunks and releases: a fixture app with packages, its files as snapshots.

#![cfg(feature = "minify")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use hotplate_compiler::{Mode, Options};
use hotplate_linker::{AppResolver, Release, ReleaseApp, ReleaseMemory, link_release, link_vendor};
use hotplate_protocol::Diagnostic;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use support::native::Host;
use support::{App, Files, fixtures, read};

fn host(files: Files, options: Options) -> Host {
    let app = App::new(files);
    Host {
        resolver: AppResolver::new(&app.tree(), &|_| None, Mode::Production),
        files: app.files,
        packages: read(&fixtures().join("native/packages")),
        options: Options {
            minify: false,
            source_map: false,
            refresh: false,
            ..options
        },
        pure: vec!["npm:barrel@2.0.0/"],
    }
}

fn release(host: &Host) -> Result<Release, Vec<Diagnostic>> {
    let tree = App::new(host.files.clone()).tree();
    link_release(
        host,
        &ReleaseApp {
            tree: &tree,
            resolver: &host.resolver,
            context: "",
            index_html: std::str::from_utf8(&host.files["index.html"]).unwrap(),
            content: &|path| {
                host.files
                    .get(path)
                    .map(|bytes| Arc::from(bytes.as_slice()))
            },
        },
        &mut ReleaseMemory::default(),
    )
}

fn app() -> Files {
    read(&fixtures().join("native/app"))
}

#[test]
fn a_release_is_whole_and_hashed() {
    let host = host(app(), Options::production());
    let made = release(&host).unwrap();
    let entry = entry(&made);
    let mut out = String::new();
    for file in &made.files {
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        // The runtime is a build of its own; its hash is no business of this snapshot.
        let text = if file.path == entry {
            &text[text.find("\n(__h=>{").unwrap() + 1..]
        } else {
            &text
        };
        writeln!(out, "== {}\n{}", file.path, text.trim_end()).unwrap();
    }
    insta::assert_snapshot!(out.replace(&entry, "assets/index-<hash>.js"));
    assert_eq!(
        made.bundle.chunks.len(),
        4,
        "script and sheet of the page and of what it loads later"
    );
    assert!(made.bundle.gzip_bytes < made.bundle.bytes);
    assert_eq!(
        release(&host).unwrap(),
        made,
        "equal input gives equal bytes"
    );
    if let Ok(folder) = std::env::var("LINKER_OUTPUT") {
        for file in &made.files {
            let path = std::path::Path::new(&folder).join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &file.bytes).unwrap();
        }
    }
}

/// Path of the page's script.
fn entry(made: &Release) -> String {
    let page = made.files.iter().find(|file| file.path == "index.html");
    let page = std::str::from_utf8(&page.unwrap().bytes).unwrap();
    let (_, from) = page
        .split_once("<script type=\"module\" crossorigin src=\"/")
        .unwrap();
    from.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_change_in_what_loads_later_touches_its_chunk_and_the_page() {
    let before = release(&host(app(), Options::production())).unwrap();
    let mut files = app();
    files
        .get_mut("src/lazy.ts")
        .unwrap()
        .extend(b"globalThis.changed = true;");
    let after = release(&host(files, Options::production())).unwrap();
    let new: Vec<&str> = after
        .files
        .iter()
        .filter(|file| !before.files.contains(file))
        .map(|file| file.path.split('-').next().unwrap())
        .collect();
    assert_eq!(new, ["assets/index", "assets/lazy", "index.html"]);
}

/// Files as text, the runtime at the beginning of scripts left out: it is a build of its own.
fn without_runtimes(made: &Release) -> String {
    let mut out = String::new();
    for file in &made.files {
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        let text = text
            .find("\n(__h=>{")
            .map_or(text.as_str(), |at| &text[at + 1..]);
        // What is inlined has a runtime, too.
        let runtimes = text.match_indices("new Blob([\"").map(|(at, _)| at);
        let mut text = text.to_owned();
        for at in runtimes.collect::<Vec<_>>().into_iter().rev() {
            let end = text[at..].find("\\n(__h=>{").unwrap();
            text.replace_range(at + 11..at + end, "<runtime>");
        }
        writeln!(out, "== {}\n{}", file.path, text.trim_end()).unwrap();
    }
    out
}

#[test]
fn workers_are_scripts_of_their_own() {
    let files = read(&fixtures().join("native/workers"));
    let made = release(&host(files.clone(), Options::production())).unwrap();
    let script = |name: &str, made: &Release| {
        let start = format!("assets/{name}-");
        let found = made.files.iter().find(|file| file.path.starts_with(&start));
        found.unwrap().path.clone()
    };
    // Names of scripts follow from the runtime; which script is meant where is what counts.
    let mut out = without_runtimes(&made);
    for name in ["index", "counter", "deep"] {
        let path = script(name, &made);
        out = out.replace(&path, &format!("assets/{name}-<hash>.js"));
    }
    insta::assert_snapshot!(out);
    // What pages download counts in the sizes, whoever starts it; one in a script counts with that script.
    let counted: BTreeSet<&str> = made.bundle.chunks.iter().map(|c| c.file.as_str()).collect();
    let paths = made.files.iter().map(|file| file.path.as_str());
    let scripts: BTreeSet<&str> = paths
        .filter(|path| path.ends_with(".js") || path.ends_with(".css"))
        .collect();
    assert_eq!(counted, scripts);
    assert!(counted.contains(script("deep", &made).as_str()));
    let bytes: u64 = made.bundle.chunks.iter().map(|chunk| chunk.bytes).sum();
    assert_eq!(made.bundle.bytes, bytes);
    let mut edited = files;
    edited.insert("src/late.ts".to_owned(), b"export const late = 2;".to_vec());
    let after = release(&host(edited, Options::production())).unwrap();
    for name in ["index", "counter", "deep"] {
        assert_ne!(
            script(name, &made),
            script(name, &after),
            "{name} starts what was edited"
        );
    }
}

#[test]
fn a_release_with_errors_names_all_of_them() {
    let mut files = app();
    files.insert(
        "src/main.tsx".into(),
        b"import './lost'; import 'absent'; import './bad';".to_vec(),
    );
    files.insert("src/bad.ts".into(), b"const = 1;".to_vec());
    let codes: BTreeSet<String> = release(&host(files, Options::production()))
        .unwrap_err()
        .into_iter()
        .map(|found| found.code)
        .collect();
    let expected = ["dependency_missing", "syntax_error", "unresolved_import"].map(str::to_owned);
    assert_eq!(codes, BTreeSet::from(expected));
}

fn vendor(specifiers: &[&str]) -> Result<hotplate_linker::VendorChunk, Vec<Diagnostic>> {
    let specifiers = specifiers
        .iter()
        .map(|specifier| (*specifier).to_owned())
        .collect();
    link_vendor(&host(Files::new(), Options::development()), &specifiers)
}

#[test]
fn a_vendor_chunk_stands_alone() {
    let chunk = vendor(&["ui", "tolerant", "nodeish", "barrel"]).unwrap();
    insta::assert_snapshot!(chunk.code);
    let warnings: Vec<&str> = chunk
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(warnings, ["node_builtin"]);
}

#[test]
fn a_vendor_chunk_names_what_is_absent() {
    let errors = vendor(&["ui", "absent/x"]).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code, "dependency_missing");
    assert!(errors[0].message.contains("absent"), "{errors:?}");
}

//! One app, edited a few times: what holds of every link.
//!
//! The preview's graph after the edits is that of a new one, a release that remembers is one that does not.

use crate::compile_case::placed;
use crate::corpus::{Corpus, Language};
use crate::report::Report;
use crate::support::native::Host;
use crate::support::{App, Files};
use data_encoding::HEXLOWER;
use fastrand::Rng;
use hotplate_compiler::{Mode, Options, Output};
use hotplate_linker::{
    AppResolver, Linked, Preview, Release, ReleaseApp, ReleaseMemory, link_release,
};
use hotplate_protocol::Diagnostic;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a viewer who got every update has.
#[derive(Default, PartialEq)]
struct Viewer {
    modules: BTreeMap<String, (String, BTreeMap<String, String>)>,
    css: BTreeMap<String, String>,
}

impl Viewer {
    fn apply(&mut self, linked: Linked) {
        for id in &linked.removed {
            self.modules.remove(id);
            self.css.remove(id);
        }
        for module in linked.modules {
            self.modules.insert(module.id, (module.code, module.deps));
        }
        for css in linked.css {
            self.css.insert(css.id, css.code);
        }
    }
}

pub(crate) fn run(corpus: &Corpus, rng: &mut Rng, report: &mut Report) {
    let Some(files) = rng.choice(&corpus.apps) else {
        return;
    };
    let mut app = App::new(files.clone());
    let (mut preview, mut viewer, mut memory) =
        (Preview::new(), Viewer::default(), ReleaseMemory::default());
    viewer.apply(preview.link(&app.tree(), &[], &app));
    for _ in 0..rng.usize(1..=4) {
        let mut changed: Vec<String> = (0..rng.usize(1..=3))
            .flat_map(|_| edit(corpus, rng, &mut app.files))
            .collect();
        changed.sort();
        changed.dedup();
        for path in &changed {
            let text = app
                .files
                .get(path)
                .map(|bytes| String::from_utf8_lossy(bytes));
            report.input(path, text.as_deref().unwrap_or("<deleted>"));
        }
        link(&app, &changed, &mut preview, &mut viewer, report);
        release(&app.files, &mut memory, report);
    }
}

/// Changes a file, adds one or takes one away; answers what it touched.
fn edit(corpus: &Corpus, rng: &mut Rng, files: &mut Files) -> Vec<String> {
    let paths: Vec<String> = files.keys().cloned().collect();
    let Some(path) = rng.choice(&paths).cloned() else {
        return Vec::new();
    };
    match rng.u8(..12) {
        0 => {
            files.remove(&path);
            vec![path]
        }
        1 => {
            let Some(content) = files.remove(&path) else {
                return Vec::new();
            };
            let new = other_path(rng, &path);
            files.insert(new.clone(), content);
            vec![path, new]
        }
        // A file of another app.
        2 => {
            let Some((path, content)) = rng
                .choice(&corpus.apps)
                .and_then(|app| rng.choice(app.iter()))
            else {
                return Vec::new();
            };
            files.insert(path.clone(), content.clone());
            vec![path.clone()]
        }
        // It asks for another file: cycles, itself, what is no module.
        3..6 => {
            let target = rng.choice(&paths).map_or("", String::as_str);
            let query =
                ["", "", "", "?raw", "?url", "?inline", "?worker", "?react"][rng.usize(..8)];
            let text = format!("/{target}{query}");
            let line = match Language::of(&path) {
                Some(Language::Script) => {
                    let forms = [
                        format!("import '{text}';\n"),
                        format!("export * from '{text}';\n"),
                        format!(
                            "import * as all{} from '{text}'; export {{ all{0} }};\n",
                            rng.u8(..4)
                        ),
                        format!("import('{text}');\n"),
                        format!("export {{ default as a{} }} from '{text}';\n", rng.u8(..4)),
                        format!("new URL('{text}', import.meta.url);\n"),
                        "import.meta.glob('./**/*', { eager: true });\n".to_owned(),
                        format!("exports.x = require('{text}');\n"),
                    ];
                    forms[rng.usize(..forms.len())].clone()
                }
                Some(Language::Style) => format!(
                    "@import '{text}' {};\n",
                    ["", "layer(a)", "print"][rng.usize(..3)]
                ),
                _ => return Vec::new(),
            };
            if let Some(bytes) = files.get_mut(&path) {
                bytes.splice(0..0, line.into_bytes());
            }
            vec![path]
        }
        _ => {
            let pool = Language::of(&path).and_then(|language| corpus.pools.get(&language));
            if let (Some(pool), Some(bytes)) = (pool, files.get_mut(&path)) {
                *bytes = pool
                    .mutate(rng, &String::from_utf8_lossy(bytes))
                    .into_bytes();
            }
            vec![path]
        }
    }
}

fn other_path(rng: &mut Rng, path: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    match rng.u8(..5) {
        0 => format!("{stem}/index.ts"),
        1 => format!("{stem}.tsx"),
        2 => format!("{stem}.js"),
        3 => format!("public/{path}"),
        _ => format!("src/{path}"),
    }
}

fn link(
    app: &App,
    changed: &[String],
    preview: &mut Preview,
    viewer: &mut Viewer,
    report: &mut Report,
) {
    let tree = app.tree();
    let linked = preview.link(&tree, changed, app);
    let diagnostics = linked.diagnostics.clone();
    viewer.apply(linked);
    let mut fresh = Preview::new();
    let whole = fresh.link(&tree, &[], app);
    located(&diagnostics, &app.files, report);
    if diagnostics != whole.diagnostics {
        report.finding("diagnostics are others than those of a new link");
    }
    let mut expected = Viewer::default();
    expected.apply(whole);
    if *viewer != expected {
        report.finding("who got every update has another registry than who comes new");
    }
    if preview.vendor() != fresh.vendor() || preview.env() != fresh.env() {
        report.finding("packages or public values are others than those of a new link");
    }
    let registry = preview.registry(app);
    if registry != fresh.registry(app) {
        report.finding("the registry is another one than that of a new link");
    }
    report.code("script", &registry.script, None);
}

/// Places are in files of the app.
fn located(diagnostics: &[Diagnostic], files: &Files, report: &mut Report) {
    for found in diagnostics.iter().filter(|found| !found.file.is_empty()) {
        match files.get(&found.file) {
            Some(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                placed(&text, (found.line, found.column), &found.code, report);
            }
            None => report.finding(&format!(
                "{} is about {}, which is not there",
                found.code, found.file
            )),
        }
    }
}

fn release(files: &Files, memory: &mut ReleaseMemory, report: &mut Report) {
    let remembered = release_with(files, memory);
    let anew = release_with(files, &mut ReleaseMemory::default());
    if remembered != anew {
        report.finding("a release that remembers is another one than one that does not");
    }
    match remembered {
        None => {}
        Some(Ok(release)) => {
            // Pictures and the like are what they are, whatever they are called.
            let code = release.files.iter().filter(|file| {
                file.path.ends_with(".js")
                    && release
                        .bundle
                        .chunks
                        .iter()
                        .any(|chunk| chunk.file == file.path)
            });
            for file in code {
                report.code("module", &String::from_utf8_lossy(&file.bytes), None);
            }
        }
        Some(Err(diagnostics)) => {
            report.refused();
            if !diagnostics.iter().any(Diagnostic::is_error) {
                report.finding("there is neither a release nor an error");
            }
            located(&diagnostics, files, report);
        }
    }
}

/// `None` without a page.
fn release_with(
    files: &Files,
    memory: &mut ReleaseMemory,
) -> Option<Result<Release, Vec<Diagnostic>>> {
    let app = App::new(files.clone());
    let tree = app.tree();
    let text = |path: &str| {
        files
            .get(path)
            .and_then(|bytes| String::from_utf8(bytes.clone()).ok())
    };
    let host = Host {
        resolver: AppResolver::new(&tree, &text, Mode::Production),
        packages: Files::new(),
        options: Options {
            output: Output::Facts,
            source_map: false,
            ..Options::production()
        },
        pure: Vec::new(),
        files: app.files,
    };
    // What specifiers mean by: which files there are, and what the JSON files say.
    let mut context = Sha256::new();
    for (path, meta) in &tree.0 {
        context.update(path.as_bytes());
        if path.ends_with(".json") {
            context.update(meta.hash.as_bytes());
        }
        context.update([0]);
    }
    Some(link_release(
        &host,
        &ReleaseApp {
            tree: &tree,
            resolver: &host.resolver,
            context: &HEXLOWER.encode(&context.finalize()),
            index_html: &text("index.html")?,
            content: &|path| files.get(path).map(|bytes| Arc::from(bytes.as_slice())),
        },
        memory,
    ))
}

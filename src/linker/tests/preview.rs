//! Previews from edit to edit: fixtures with snapshots, and random edits against a fresh link.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use hotplate_linker::{Linked, Preview};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use support::{App, Files, fixtures, read};

/// `src/App.hmr-1.tsx` is `src/App.tsx` from step 1 on; an empty one deletes the file.
fn split_steps(all: Files) -> (Files, BTreeMap<u32, Files>) {
    let (mut first, mut steps) = (Files::new(), BTreeMap::<u32, Files>::new());
    for (path, bytes) in all {
        match path.split_once(".hmr-") {
            Some((base, rest)) => {
                let (step, extension) = rest.split_once('.').unwrap();
                steps
                    .entry(step.parse().unwrap())
                    .or_default()
                    .insert(format!("{base}.{extension}"), bytes);
            }
            None => {
                first.insert(path, bytes);
            }
        }
    }
    (first, steps)
}

fn describe(out: &mut String, title: &str, linked: &Linked, preview: &Preview) {
    writeln!(out, "== {title} (linked {})", linked.counters.linked).unwrap();
    for module in &linked.modules {
        writeln!(out, "module {} {:?}", module.id, module.deps).unwrap();
        if module.id.contains("worker_file") {
            // A worker's URL is another one when anything that it reaches is.
            writeln!(out, "{}", module.code).unwrap();
        }
    }
    for id in &linked.removed {
        writeln!(out, "removed {id}").unwrap();
    }
    for css in &linked.css {
        writeln!(out, "css {} {:?}", css.id, css.code).unwrap();
    }
    for found in &linked.diagnostics {
        writeln!(
            out,
            "{:?} {} {}:{}:{} {} fix={:?}",
            found.severity,
            found.code,
            found.file,
            found.line,
            found.column,
            found.message,
            found.fix
        )
        .unwrap();
    }
    for url in &linked.assets {
        writeln!(out, "asset {url}").unwrap();
    }
    writeln!(out, "reload {:?}", linked.reload).unwrap();
    writeln!(out, "vendor {:?}", preview.vendor()).unwrap();
}

#[test]
fn fixtures_link_as_recorded() {
    let mut count = 0;
    for entry in std::fs::read_dir(fixtures().join("preview")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let (files, steps) = split_steps(read(&folder));
        let mut app = App::new(files);
        let mut preview = Preview::new();
        let mut out = String::new();
        let linked = preview.link(&app.tree(), &app.paths(), &app);
        describe(&mut out, "first", &linked, &preview);
        for (step, files) in steps {
            let changed: Vec<String> = files.keys().cloned().collect();
            for (path, bytes) in files {
                if bytes.is_empty() {
                    app.files.remove(&path);
                } else {
                    app.files.insert(path, bytes);
                }
            }
            let linked = preview.link(&app.tree(), &changed, &app);
            describe(
                &mut out,
                &format!("step {step}: {}", changed.join(" ")),
                &linked,
                &preview,
            );
        }
        if let Some(html) = preview.html(&app, preview.env(), "{}", "/@live/client.js?v=1") {
            writeln!(out, "== html\n{html}").unwrap();
        }
        insta::assert_snapshot!(name, out);
        count += 1;
    }
    assert!(count >= 4, "{count} fixtures");
}

/// Everything that a viewer who got every update has.
#[derive(Debug, Default, PartialEq)]
struct Registry {
    modules: BTreeMap<String, (String, BTreeMap<String, String>)>,
    css: BTreeMap<String, String>,
}

impl Registry {
    fn apply(&mut self, linked: &Linked) {
        for id in &linked.removed {
            self.modules.remove(id);
            self.css.remove(id);
        }
        for module in &linked.modules {
            self.modules.insert(
                module.id.clone(),
                (module.code.clone(), module.deps.clone()),
            );
        }
        for css in &linked.css {
            self.css.insert(css.id.clone(), css.code.clone());
        }
    }
}

const PATHS: &[&str] = &[
    "index.html",
    "tsconfig.json",
    "package.json",
    "src/main.tsx",
    "src/a.ts",
    "src/a.js",
    "src/a/index.ts",
    "src/b.tsx",
    "src/b.css",
    "src/c.css",
    "src/x.svg",
    "public/x.svg",
    "src/d.json",
    "src/deep/e.ts",
    ".env",
];

fn content(path: &str, choice: u8) -> Option<String> {
    let pick = |options: &[&str]| {
        options
            .get(usize::from(choice))
            .map(|text| (*text).to_owned())
    };
    match path.rsplit('.').next().unwrap() {
        "html" => pick(&[
            "<script type=module src=/src/main.tsx></script>",
            "<link rel=stylesheet href=/src/b.css><script type=module src=src/main.tsx></script>",
            "<script type=module src=/src/b.tsx></script>",
        ]),
        "json" if path.starts_with("tsconfig") => pick(&[
            "{}",
            r#"{"compilerOptions":{"paths":{"~lib":["src/a"]}}}"#,
            r#"{"compilerOptions":{"paths":{"~lib":["src/b"]}}}"#,
        ]),
        "json" => pick(&[
            r#"{"dependencies":{"react":"^19"}}"#,
            r#"{"devDependencies":{"~lib":"1"}}"#,
            "{",
        ]),
        "css" => pick(&[
            "@import './c.css'; a{b:url(x.svg)}",
            "a{b:url(/x.svg)}",
            "@import 'c.css';",
            "@layer x, y; @import './b.css' layer(x); @import './c.css' print; a{b:url(x.svg#y)}",
            "@import './c.css' layer; @import './absent.css' layer(y); @import '~lib' print;",
        ]),
        "env" => pick(&["VITE_A=1", "VITE_A=2\nB=1", "B=1"]),
        "svg" => pick(&["<svg/>", "<svg></svg>", "<svg>2</svg>"]),
        _ => pick(&[
            "import { x } from './a'; import './b.css'; export const y = x; export * from './b';",
            "import url from './x.svg'; import { y } from '~lib'; import d from './d'; export const x = [url, y, d];",
            "export const x = import.meta.glob(['./**/*.{ts,css}', '!./b.*'], { query: '?raw' }); export const y = import.meta.glob('./*.{js,tsx}', { eager: true });",
            "import W from './deep/e?worker'; export const x = [W, new Worker(new URL('./a.ts', import.meta.url))];",
            "import u from '/x.svg'; import('./a.js'); export { y as x } from './a'; export default u;",
        ]),
    }
}

fn edit() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((0..PATHS.len(), 0u8..6), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_edits_end_where_a_fresh_link_does(edits in proptest::collection::vec(edit(), 1..12)) {
        let mut app = App::new(Files::new());
        for path in ["index.html", "src/main.tsx", "src/a.ts"] {
            app.files.insert(path.to_owned(), content(path, 0).unwrap().into_bytes());
        }
        let mut preview = Preview::new();
        let mut registry = Registry::default();
        registry.apply(&preview.link(&app.tree(), &[], &app));
        for edit in edits {
            let mut changed = BTreeSet::new();
            for (path, choice) in edit {
                let path = PATHS[path];
                match content(path, choice) {
                    Some(text) => app.files.insert(path.to_owned(), text.into_bytes()),
                    None => app.files.remove(path),
                };
                changed.insert(path.to_owned());
            }
            let changed: Vec<String> = changed.into_iter().collect();
            let linked = preview.link(&app.tree(), &changed, &app);
            registry.apply(&linked);
            let mut fresh = Preview::new();
            let whole = fresh.link(&app.tree(), &app.paths(), &app);
            let mut expected = Registry::default();
            expected.apply(&whole);
            prop_assert_eq!(&registry, &expected);
            prop_assert_eq!(&linked.diagnostics, &whole.diagnostics);
            prop_assert_eq!(preview.vendor(), fresh.vendor());
            prop_assert_eq!(preview.env(), fresh.env());
            let script = preview.registry(&app);
            prop_assert_eq!(&script, &fresh.registry(&app));
            let lines: Vec<&str> = script.script.lines().collect();
            for place in script.places {
                let line = lines[place.line as usize - 1].encode_utf16();
                let before = String::from_utf16(&line.clone().take(place.column as usize).collect::<Vec<_>>()).unwrap();
                prop_assert_eq!(before, format!("__hotplate__.define({:?},", place.id));
                prop_assert_eq!(line.clone().nth(place.column as usize), Some(u16::from(b'{')));
            }
        }
    }
}

/// A module that imports all others, which import each other in a ring.
fn app_of(modules: usize) -> App {
    let mut files = Files::new();
    let mut write = |path: &str, text: String| files.insert(path.to_owned(), text.into_bytes());
    write(
        "index.html",
        "<script type=module src=/src/main.ts></script>".to_owned(),
    );
    let imports: Vec<String> = (0..modules - 1)
        .map(|at| format!("import './m{at}';"))
        .collect();
    write("src/main.ts", imports.join("\n"));
    for at in 0..modules - 1 {
        write(
            &format!("src/m{at}.ts"),
            format!(
                "import {{ x as y }} from './m{}';\nexport const x = [y];\n",
                (at + 1) % (modules - 1)
            ),
        );
    }
    App::new(files)
}

#[test]
fn an_edit_compiles_and_links_what_it_changes() {
    let mut app = app_of(200);
    let mut preview = Preview::new();
    let first = preview.link(&app.tree(), &[], &app);
    assert_eq!((first.counters.linked, app.compiled()), (200, 200));
    let mut edit = |path: &str, text: Option<&str>| {
        match text {
            Some(text) => app.files.insert(path.to_owned(), text.as_bytes().to_vec()),
            None => app.files.remove(path),
        };
        let before = app.compiled();
        let linked = preview.link(&app.tree(), &[path.to_owned()], &app);
        assert!(linked.diagnostics.is_empty(), "{:?}", linked.diagnostics);
        (
            app.compiled() - before,
            linked.counters.linked,
            linked.removed,
        )
    };
    let nothing = Vec::<String>::new();
    let leaf = "import { x as y } from './m8';\nexport const x = [y, 2];\n";
    assert_eq!(
        edit("src/m7.ts", Some(leaf)),
        (1, 1, nothing.clone()),
        "a leaf"
    );
    assert_eq!(
        edit("src/m7.ts", Some(leaf)),
        (0, 1, nothing.clone()),
        "the same content again"
    );
    assert_eq!(
        edit("src/new.ts", Some("export const z = 1;")),
        (0, 0, nothing.clone()),
        "nobody asks for it yet"
    );
    let importing =
        "import { z } from './new';\nimport { x as y } from './m8';\nexport const x = [y, z];\n";
    assert_eq!(
        edit("src/m7.ts", Some(importing)),
        (2, 2, nothing),
        "the importer and what is new"
    );
    let new = vec!["/src/new.ts".to_owned()];
    assert_eq!(
        edit("src/m7.ts", Some(leaf)),
        (0, 1, new),
        "as it was: kept by content"
    );
}

#[test]
fn sheets_that_multiply_each_other_end_with_a_diagnostic() {
    let mut files = Files::new();
    let page = "<link rel=stylesheet href=/src/0.css>";
    files.insert("index.html".to_owned(), page.into());
    for n in 0..40 {
        let next = n + 1;
        let text = format!(
            "@import './{next}.css' layer(a); @import './{next}.css' layer(b); .x{n} {{ color: red }}"
        );
        files.insert(format!("src/{n}.css"), text.into());
    }
    files.insert(
        "src/40.css".to_owned(),
        "@import './0.css' layer(c);".into(),
    );
    let app = App::new(files);
    let mut preview = Preview::new();
    let linked = preview.link(&app.tree(), &app.paths(), &app);
    assert!(linked.counters.linked < 1_100, "{}", linked.counters.linked);
    let told = linked
        .diagnostics
        .iter()
        .filter(|found| found.code == "css_imports_too_many");
    assert!(told.count() > 0);
    // What is left of them is a text all the same.
    assert!(preview.css_text("src/0.css", &app).is_some());
}

//! The resolver against random trees: what it answers exists, and what exists can be named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use hotplate_compiler::Mode;
use hotplate_linker::{AppResolution, AppResolver, Tree};
use proptest::prelude::*;
use support::{App, Files};

fn path() -> impl Strategy<Value = String> {
    let folder = prop_oneof![
        Just("src"),
        Just("src/a"),
        Just("src/a/b"),
        Just("lib"),
        Just("public")
    ];
    let name = prop_oneof![Just("x"), Just("y"), Just("index")];
    let extension = prop_oneof![
        Just("tsx"),
        Just("ts"),
        Just("js"),
        Just("css"),
        Just("svg")
    ];
    (folder, name, extension)
        .prop_map(|(folder, name, extension)| format!("{folder}/{name}.{extension}"))
}

fn tree() -> impl Strategy<Value = (Tree, Vec<String>)> {
    proptest::collection::btree_set(path(), 1..12).prop_map(|paths| {
        let files: Files = paths
            .iter()
            .map(|path| (path.clone(), Vec::new()))
            .collect();
        (App::new(files).tree(), paths.into_iter().collect())
    })
}

/// `../` up from the importer's folder to the root, then down.
fn relative(importer: &str, path: &str) -> String {
    format!("./{}{path}", "../".repeat(importer.matches('/').count()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_file_is_found_by_its_own_name((tree, paths) in tree(), query in prop_oneof![Just(""), Just("?raw"), Just("?url&x=1")]) {
        let resolver = AppResolver::new(&tree, &|_| None, Mode::Development);
        for importer in &paths {
            for path in &paths {
                let expected = AppResolution::App(format!("/{path}{query}"));
                for specifier in [relative(importer, path), format!("/{path}")] {
                    prop_assert_eq!(resolver.resolve(&format!("/{importer}"), &format!("{specifier}{query}")), expected.clone());
                }
            }
        }
    }

    #[test]
    fn answers_and_suggestions_exist((tree, paths) in tree(), specifier in "[./@a-z~:?]{0,12}|(\\./|/|@/|\\.\\./)[abxyzindex/.]{0,10}") {
        let resolver = AppResolver::new(&tree, &|_| None, Mode::Development);
        let importer = format!("/{}", paths[0]);
        match resolver.resolve(&importer, &specifier) {
            AppResolution::App(id) => prop_assert!(tree.has(id.split('?').next().unwrap().trim_start_matches('/')), "{id}"),
            AppResolution::Public(url) => prop_assert!(tree.has(&format!("public{url}")), "{url}"),
            AppResolution::NotFound { suggestion: Some(suggestion) } => {
                let found = resolver.resolve(&importer, &suggestion);
                prop_assert!(matches!(found, AppResolution::App(_)), "{suggestion} → {found:?}");
            }
            AppResolution::NotFound { suggestion: None } | AppResolution::Package(_) | AppResolution::External(_) => {}
        }
    }
}

#[test]
fn a_specifier_that_ends_in_a_folder_gets_no_name_in_its_place() {
    let files = Files::from([
        ("y/y.tsx".to_owned(), Vec::new()),
        ("y/a.ts".to_owned(), Vec::new()),
    ]);
    let resolver = AppResolver::new(&App::new(files).tree(), &|_| None, Mode::Development);
    for specifier in ["./y./", "./y./.", "./x/../y./"] {
        let found = resolver.resolve("/y/a.ts", specifier);
        assert_eq!(
            found,
            AppResolution::NotFound { suggestion: None },
            "{specifier}"
        );
    }
    let found = resolver.resolve("/y/a.ts", "./y.");
    assert!(
        matches!(
            found,
            AppResolution::NotFound {
                suggestion: Some(_)
            }
        ),
        "{found:?}"
    );
}

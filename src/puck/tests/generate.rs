//! What a generator of source must get right, one test per known mistake of others.

#![expect(clippy::unwrap_used, reason = "a test stops at the first failure")]

use hotplate_puck::{DataError, MAX_DEPTH, Options, Page, generate};
use proptest::prelude::*;
use serde_json::{Value, json};

fn page(data: &Value) -> Page {
    generate("home", data, &Options::default()).unwrap()
}

#[test]
fn content_becomes_elements_with_imports() {
    let page = page(&json!({
        "root": { "props": { "title": "Home" } },
        "content": [
            { "type": "Hero", "props": { "id": "Hero-1", "heading": "Hello", "level": 2, "dark": true } },
            { "type": "Text", "props": { "id": "Text-1", "body": "World" } },
        ],
    }));
    insta::assert_snapshot!(page.source);
    assert_eq!(page.components, ["Hero", "Text"]);
}

#[test]
fn slots_anywhere_become_components_at_module_level() {
    let page = page(&json!({ "content": [{ "type": "Columns", "props": {
        "id": "c", "left": [{ "type": "Text", "props": { "id": "t1" } }],
        "rows": [{ "content": [{ "type": "Text", "props": { "id": "t2" } }] }],
    } }] }));
    insta::assert_snapshot!(page.source);
}

#[test]
fn zones_reach_their_component_and_root_zones_the_page() {
    let page = page(&json!({
        "content": [{ "type": "Columns", "props": { "id": "a:b" } }],
        "zones": {
            "a:b:left": [{ "type": "Text", "props": { "id": "t1" } }],
            "root:footer": [{ "type": "Footer", "props": { "id": "f" } }],
        },
    }));
    insta::assert_snapshot!(page.source);
}

#[test]
fn data_never_becomes_code() {
    let hostile = "{alert(1)} </script> ` ${x} */ \u{2028} \" ' \\ <b>";
    let page = page(
        &json!({ "content": [{ "type": "Text", "props": { "id": hostile, "__proto__": 1, "body": hostile } }] }),
    );
    assert!(!page.source.contains("</script"));
    assert!(!page.source.contains('\u{2028}'));
    assert!(page.source.contains(r#"["__proto__"]: 1"#));
    insta::assert_snapshot!(page.source);
}

#[test]
fn links_that_run_code_are_replaced_and_reported() {
    for url in [
        "javascript:alert(1)",
        " \u{1}JaVa\nScRipt:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
    ] {
        let page = page(
            &json!({ "content": [{ "type": "Button", "props": { "id": "b", "buttonHref": url } }] }),
        );
        assert!(page.source.contains(r##""buttonHref": "#""##), "{url}");
        assert_eq!(page.warnings.len(), 1);
        assert_eq!(page.warnings.first().unwrap().code, "puck_unsafe_url");
    }
    let page = page(
        &json!({ "content": [{ "type": "Button", "props": { "id": "b", "text": "javascript: a guide", "href": "/a" } }] }),
    );
    assert!(page.warnings.is_empty());
}

#[test]
fn types_of_the_same_name_do_not_overwrite_one_another() {
    let page = page(&json!({ "content": [
        { "type": "hero banner", "props": { "id": "1" } }, { "type": "HeroBanner", "props": { "id": "2" } },
    ] }));
    assert!(
        page.source.contains("<HeroBanner ") && page.source.contains("<HeroBanner2 "),
        "{}",
        page.source
    );
}

#[test]
fn old_root_props_and_unknown_keys_are_tolerated() {
    let page = page(&json!({ "root": { "title": "Old" }, "content": [], "__puck": {} }));
    assert!(page.source.contains(r#"<title>{"Old"}</title>"#));
}

#[test]
fn what_cannot_be_rendered_is_refused_with_its_place() {
    let refused = |data: Value| generate("p", &data, &Options::default()).unwrap_err();
    assert_eq!(refused(json!([])).code(), "puck_invalid_data");
    let error = refused(json!({ "content": [{ "type": "A", "props": {} }, { "props": {} }] }));
    assert!(error.to_string().starts_with("content[1] "), "{error}");
    let mut deep = json!({ "type": "A", "props": {} });
    for _ in 0..=MAX_DEPTH {
        deep = json!({ "type": "A", "props": { "slot": [deep] } });
    }
    assert!(matches!(
        refused(json!({ "content": [deep] })),
        DataError::TooDeep { .. }
    ));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("type|props|id|content|zones|root|[a-z]{1,6}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_data_is_a_page_or_an_error(data in any_json()) {
        let _ = generate("page", &data, &Options::default());
    }
}

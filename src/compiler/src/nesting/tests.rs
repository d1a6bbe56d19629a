//! What counts as depth, and what must not.

use super::*;

#[test]
fn counts_code_only() {
    let fine = [
        "(".repeat(150) + &")".repeat(150),
        format!(
            "const s = '{}', t = `{}`; // {}",
            "(".repeat(500),
            "[".repeat(500),
            "{".repeat(500)
        ),
        "x(/[(\\/]/); ".repeat(500),
        "a(`${b(`${c}`)}`); ".repeat(500),
        "if (a) { b() } else if (c) { d() }\n".repeat(1000),
        "type A = Map<string, Array<number>>\n".repeat(1000),
        "const f = (a) => a ? (b) : c\n".repeat(40),
        "enum A { X = 1 << 2, Y = 1 << 3,\n".to_owned() + &"Z = 1 << 4,\n".repeat(1000) + "}",
        format!("const x = {}1", "a === 1 || ".repeat(1000)),
        "const x = a.b.c + d.e\nx.y = z.w\n".repeat(1000),
    ];
    for text in fine {
        for angle in [Angle::Element, Angle::Assertion, Angle::Less] {
            assert_eq!(
                check(&text, angle),
                Ok(()),
                "{}",
                text.get(..40).unwrap_or(&text)
            );
        }
    }
}

#[test]
fn siblings_in_markup_are_not_depth() {
    let drawing = format!(
        "<svg>{}</svg>",
        "<path d=\"M0\" x={1} />\n<g><b>t</b></g>".repeat(2000)
    );
    assert_eq!(check(&drawing, Angle::Element), Ok(()));
    for sibling in [
        "<Icon />",
        "<path d=\"M0 0\" />",
        "<Item title='one' onClick={() => go(1 < 2)} />",
        "<p>don't, and can't (ever)</p>",
        "<p>'tis it's users' own</p>\n",
        "<p>5\" wide</p>",
        "<li>see https://example.com</li>",
        "<img\n  alt=\"two\nlines\"\n/>\n",
        "<>{list.map((x) => <b key={x}>{x}</b>)}</>\n",
    ] {
        let page = format!("const a = <main>{}</main>;", sibling.repeat(1000));
        assert_eq!(check(&page, Angle::Element), Ok(()), "{sibling}");
    }
    let nested = "<a>\n".repeat(400);
    assert!(check(&nested, Angle::Element).is_err());
}

#[test]
fn finds_every_kind_of_depth() {
    for unit in [
        "(",
        "[",
        "{",
        "a=>",
        "!",
        "`${",
        "a?b:",
        "x+",
        "typeof ",
        "if(x)",
        "A<",
        "x=<a>",
        "x=<a>(",
        "<T,>",
        "a?(b):c=>",
    ] {
        assert!(
            check(&unit.repeat(9000), Angle::Assertion).is_err(),
            "{unit}"
        );
    }
}

#[test]
fn nothing_hides_behind_a_division() {
    let deep = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    for before in [
        "x = {}",
        "x.in",
        "x?.typeof",
        "x++",
        "x--",
        "x!",
        "x as A<B>",
    ] {
        for after in ["/ 1", "/g", "/"] {
            let text = format!("{before} / {deep} {after}");
            assert!(check(&text, Angle::Assertion).is_err(), "{before}");
        }
    }
    // A pattern after a block, and one that is exported.
    let pattern = "(?:a|[^(]+){2,3}".repeat(100);
    for text in [
        format!("if (a) {{ b }}\n/{pattern}/.test(c)"),
        format!("export default /{}/", pattern.repeat(20)),
    ] {
        assert_eq!(check(&text, Angle::Less), Ok(()));
    }
}

//! Whatever the input, `compile` answers: no panic, no overflow, errors located in the file.

use hotplate_compiler::{MAX_INPUT_BYTES, Mode, Options, Source, compile};
use proptest::prelude::*;

const IDS: [&str; 9] = [
    "/src/a.tsx",
    "/src/a.ts",
    "/src/a.js",
    "/src/a.jsx",
    "npm:a@1.0.0/a.js",
    "npm:a@1.0.0/a.cjs",
    "/src/a.css",
    "/src/a.module.css",
    "/src/a.json",
];

fn check(id: &str, content: &[u8], options: &Options) {
    let compiled = compile(&Source { id, content }, options);
    let errors = compiled
        .diagnostics
        .iter()
        .any(hotplate_protocol::Diagnostic::is_error);
    assert_eq!(compiled.artifact.is_none(), errors);
    for found in &compiled.diagnostics {
        assert_ne!(
            found.code,
            "internal_error",
            "{id}: {} in {:?}",
            found.message,
            String::from_utf8_lossy(content)
        );
    }
}

fn options(mode: Mode) -> Options {
    match mode {
        Mode::Development => Options::development(),
        Mode::Production => Options::production(),
    }
}

/// Pieces that, strung together, reach further into the passes than noise does.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "import a from 'a';",
        "import { b as c } from './b';",
        "import * as d from 'd';",
        "export ",
        "default ",
        "const ",
        "let x = ",
        "function f",
        "class A",
        "extends B",
        "async ",
        "await ",
        "yield ",
        "=> ",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<div>",
        "</div>",
        "<A b={c}/>",
        "`${",
        "`",
        "'",
        "\"",
        "/",
        "//",
        "/*",
        "*/",
        "@dec ",
        "enum E",
        "type T = ",
        "interface I ",
        "namespace N ",
        "as const",
        "satisfies T",
        "!",
        "?.",
        "??",
        "...",
        "=",
        "==",
        "+",
        ";",
        ",",
        ":",
        "?",
        "\n",
        "\u{2028}",
        "\u{feff}",
        "\u{1f600}",
        "\0",
        "x",
        "y1",
        "0",
        "1n",
        ".5",
        "#p",
        "this",
        "super",
        "new.target",
        "import.meta",
        "import('x')",
        "require('r')",
        "process.env.NODE_ENV",
        "if (",
        "else ",
        "for (",
        "of ",
        "while (",
        "return ",
        "break ",
        "l: ",
        "switch (x) { case ",
        "try {",
        "catch (e) {",
        "using u = ",
        "&:hover",
        "url(x)",
        "@media ",
        "@import 'x';",
        ".a",
        "color: red;",
        "composes: a;",
        "/** @jsx h */",
        "/* @jsxRuntime classic */",
        "useState()",
        "export * from 's';",
        "export { a as 'b c' };",
        "declare ",
        "abstract ",
        "static ",
        "get ",
        "set ",
        "delete ",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>(), id in prop::sample::select(&IDS[..])) {
        check(id, text.as_bytes(), &options(Mode::Development));
    }

    #[test]
    fn any_fragments_are_answered(text in fragments(), id in prop::sample::select(&IDS[..]), production in any::<bool>()) {
        let mode = if production { Mode::Production } else { Mode::Development };
        check(id, text.as_bytes(), &options(mode));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), id in prop::sample::select(&IDS[..])) {
        check(id, &bytes, &options(Mode::Development));
    }
}

#[test]
fn nesting_that_would_overflow_the_stack_is_refused() {
    let shapes = [
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
        "<a>",
        "x(",
        "{a:",
        "function(){",
        "class{[",
        "new ",
        "l:",
        "-",
        "...",
        "async()=>",
        "a=",
        "a??",
        "x.y(",
        "else if(x)",
        "for(;;)",
        "while(1)",
        "do ",
        "<T,>",
        "a as ",
        "a[",
        "a.b",
        "?.a",
        "type A=(",
        "type A=B<",
        "let a:[",
        "await ",
        "void ",
        "@a(",
        "}",
        ")",
        "a,",
        "case 1:",
        "a\n.b()\n",
        ".b()",
        "<T,>",
        "x=<a>",
        "x=<a>(",
        "A<",
        "f<T>(",
        "a?(b):c=>",
        "a?(",
        "a=<T,>(x)=>",
        "(a=(",
        "keyof ",
        "a?.b?.(",
        "|A",
        "A extends B?C:",
        "if(x){}else ",
        "<a b={",
        "<a>{",
    ];
    for shape in shapes {
        let text = shape.repeat(100_000 / shape.len());
        for id in [
            "/src/a.tsx",
            "/src/a.ts",
            "npm:a@1.0.0/a.js",
            "/src/a.css",
            "/src/a.json",
        ] {
            check(id, text.as_bytes(), &options(Mode::Development));
        }
    }
}

/// Work that grows with the square of a file's length would take minutes here.
#[test]
fn many_of_everything_is_compiled_in_proportion() {
    type Shape = (&'static str, fn(usize) -> String);
    let shapes: [Shape; 9] = [
        ("/src/a.css", |n| format!(".a{{background:url(x{n})}}\n")),
        ("/src/a.css", |n| format!("@import 'x{n}';\n")),
        ("/src/a.css", |_| ".a{color:red;;:}\n".to_owned()),
        ("/src/a.css", |_| "}\u{c}".to_owned()),
        ("/src/a.module.css", |n| {
            format!(".c{n}{{composes:d from './x{n}'}}\n")
        }),
        ("/src/a.ts", |n| format!("import x{n} from './x{n}';\n")),
        ("/src/a.ts", |n| format!("export const x{n} = {n};\n")),
        ("/src/a.ts", |n| format!("let a{n}; let a{n};\n")),
        ("/src/a.tsx", |n| {
            format!("import('./x{n}'); export * from './y{n}';\n")
        }),
    ];
    for (id, shape) in shapes {
        let text: String = (0..30_000).map(shape).collect();
        check(id, text.as_bytes(), &options(Mode::Development));
        let compiled = compile(
            &Source {
                id,
                content: text.as_bytes(),
            },
            &Options::development(),
        );
        assert!(compiled.diagnostics.len() <= 100, "{id}");
    }
}

#[test]
fn input_over_the_limit_is_refused() {
    let text = " ".repeat(MAX_INPUT_BYTES + 1);
    let source = Source {
        id: "/src/a.ts",
        content: text.as_bytes(),
    };
    let compiled = compile(&source, &Options::development());
    assert_eq!(compiled.diagnostics[0].code, "input_too_large");
    let fits = Source {
        content: &text.as_bytes()[1..],
        ..source
    };
    assert!(compile(&fits, &Options::development()).artifact.is_some());
}

//! Small files that would become large, and large ones that would take long: each is answered, with code that
//! is not much longer than the file or with a diagnostic of a stable code.

use hotplate_compiler::{Compiled, Options, Source, compile};

/// Far more than any of these files may become.
const MOST_BYTES: usize = 20 * 1024 * 1024;

fn answer(name: &str, id: &str, text: &str, options: &Options) -> Compiled {
    let source = Source {
        id,
        content: text.as_bytes(),
    };
    let compiled = compile(&source, options);
    if let Some(artifact) = &compiled.artifact {
        let css = artifact.css.as_ref().map_or(0, String::len);
        assert!(artifact.code.len() + css <= MOST_BYTES, "{name}");
    }
    for found in &compiled.diagnostics {
        assert_ne!(found.code, "internal_error", "{name}: {}", found.message);
    }
    compiled
}

/// `first`, and forty more lines that each name the one before twice.
fn doubled(first: &str, line: impl Fn(usize) -> String) -> String {
    let lines: Vec<String> = (1..=40).map(line).collect();
    format!("{first}\n{}\n", lines.join("\n"))
}

fn nested(open: &str, times: usize, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

/// Name, id and text.
type Case = (&'static str, &'static str, String);

fn that_grow() -> Vec<Case> {
    vec![
        (
            "constants",
            "/src/a.js",
            doubled("const a0 = 'xxxxxxxx';", |n| format!("const a{n} = a{} + a{};", n - 1, n - 1))
                + "console.log(a40);",
        ),
        (
            "arrays",
            "/src/a.js",
            doubled("const a0 = ['x', 'y'];", |n| {
                format!("const a{n} = [...a{}, ...a{}];", n - 1, n - 1)
            }) + "console.log(a40);",
        ),
        (
            "functions",
            "/src/a.js",
            doubled("function f0() { return console.log('x'); }", |n| {
                format!("function f{n}() {{ f{}(); f{}(); }}", n - 1, n - 1)
            }) + "f40();",
        ),
        (
            "methods of texts",
            "/src/a.js",
            "export default ['xxxxxxxx'.repeat(1e9), 'x'.padStart(1e9), 'x'.padEnd(2 ** 30, 'ab'), \
             'x'.concat('y'), Array(1e9).join('x'), [...Array(1e7)], 2 ** 1e9, 10n ** 1000000n];"
                .to_owned(),
        ),
        ("prefixes", "/src/a.css", nested("&:fullscreen{", 60, "color:red", "}")),
        ("prefixed elements", "/src/a.css", nested("&::selection, &:read-only{", 60, "color:red", "}")),
        ("lists of selectors", "/src/a.css", nested("a,b{", 60, "color:red", "}")),
        ("lists in selectors", "/src/a.css", nested("&:is(&,&){", 60, "color:red", "}")),
        ("negations", "/src/a.css", nested(":not(a,b){", 60, "color:red", "}")),
        ("conditions", "/src/a.css", nested("@media (a) or (b){", 60, "a{color:lab(50% 40 20)}", "}")),
        (
            "entities",
            "/src/a.svg?react",
            format!(
                "<!DOCTYPE svg [<!ENTITY a0 'xxxxxxxx'>{}]><svg><text>&a40;</text></svg>",
                doubled("", |n| format!("<!ENTITY a{n} '&a{};&a{};'>", n - 1, n - 1))
            ),
        ),
    ]
}

#[test]
fn what_would_double_at_every_line_does_not() {
    for (name, id, text) in that_grow() {
        answer(name, id, &text, &Options::development());
        answer(name, id, &text, &Options::production());
    }
}

#[test]
fn refusals_have_codes_of_their_own() {
    let code = |id: &str, text: &str| {
        let compiled = answer(id, id, text, &Options::production());
        compiled.diagnostics.first().map(|found| found.code.clone())
    };
    let deep = nested("(", 20_000, "1", ")");
    let texts = doubled("export enum E { A0 = 'xxxxxxxx',", |n| {
        format!("A{n} = `${{A{}}}${{A{}}}`,", n - 1, n - 1)
    });
    let sums = doubled("export enum E { A0 = 'xxxxxxxx',", |n| {
        format!("A{n} = A{} + E.A{},", n - 1, n - 1)
    });
    for (expected, id, text) in [
        ("enum_too_large", "/src/a.ts", format!("{texts}}}")),
        ("enum_too_large", "/src/a.ts", format!("{sums}}}")),
        (
            "nesting_too_deep",
            "/src/a.js",
            format!("x = {{}}/{deep}/1"),
        ),
        ("nesting_too_deep", "/src/a.js", format!("x.in/{deep}/1")),
        ("nesting_too_deep", "/src/a.ts", format!("x!/{deep}/1")),
        (
            "css_nesting_too_large",
            "/src/a.css",
            nested("a,b{", 60, "color:red", "}"),
        ),
        (
            "css_nesting_too_large",
            "/src/a.css",
            nested("&:is(&,&){", 60, "color:red", "}"),
        ),
        (
            "nesting_too_deep",
            "/src/a.css",
            nested("a{", 200, "color:red", "}"),
        ),
        ("nesting_too_deep", "/src/a.js", nested("[", 500, "", "]")),
        (
            "nesting_too_deep",
            "/src/a.js",
            format!("x = {}1", "1 + ".repeat(10_000)),
        ),
        (
            "nesting_too_deep",
            "/src/a.tsx",
            format!("x = {}", nested("<a>", 1_000, "", "</a>")),
        ),
        (
            "nesting_too_deep",
            "/src/a.svg?react",
            format!("<svg>{}</svg>", nested("<g>", 500, "", "</g>")),
        ),
    ] {
        assert_eq!(
            code(id, &text).as_deref(),
            Some(expected),
            "{id} {}",
            &text[..20]
        );
    }
}

/// What is accepted although it is large: generated tables, minified files, data.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn large_files_are_compiled_and_minified() {
    let many =
        |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<String>();
    let cases: Vec<Case> = vec![
        (
            "a switch",
            "/src/a.js",
            format!(
                "export function f(x) {{ switch (x) {{ {} }} }}",
                many(10_000, &|n| format!("case {n}: return 'n{n}';"))
            ),
        ),
        (
            "an array",
            "/src/a.js",
            format!("export default [{}];", many(200_000, &|n| format!("{n},"))),
        ),
        (
            "an object",
            "/src/a.js",
            format!(
                "export default {{{}}};",
                many(50_000, &|n| format!("k{n}: {n},"))
            ),
        ),
        (
            "a sum",
            "/src/a.js",
            format!(
                "export default {}'end';",
                many(1_000, &|n| format!("'part {n}' + x +"))
            ),
        ),
        (
            "conditions in a row",
            "/src/a.js",
            many(10_000, &|n| format!("if (x === {n}) console.log({n});\n")),
        ),
        (
            "one line",
            "/src/a.js",
            many(100_000, &|_| "f(a);".to_owned()),
        ),
        (
            "a text",
            "/src/a.js",
            format!("export default '{}';", "x".repeat(9_000_000)),
        ),
        (
            "a template",
            "/src/a.js",
            format!("export default `{}`;", "line\n".repeat(1_500_000)),
        ),
        (
            "a number",
            "/src/a.js",
            format!("export default {};", "9".repeat(1_000_000)),
        ),
        (
            "a long integer",
            "/src/a.js",
            format!("export default {}n;", "9".repeat(20_000)),
        ),
        (
            "a pattern",
            "/src/a.js",
            format!("export default /{}/;", "(a+)+".repeat(100_000)),
        ),
        (
            "exports",
            "/src/a.ts",
            many(20_000, &|n| format!("export const x{n} = {n};\n")),
        ),
        (
            "imports",
            "/src/a.ts",
            many(20_000, &|n| {
                format!("import {{ x{n} }} from './a{n}'; x{n}();\n")
            }),
        ),
        (
            "functions in functions",
            "/src/a.js",
            nested("(function(){", 90, "x()", "})();"),
        ),
        (
            "classes",
            "/src/a.ts",
            many(3_000, &|n| {
                format!("export class C{n} {{ #a = {n}; get a() {{ return this.#a; }} }}\n")
            }),
        ),
        (
            "rules",
            "/src/a.css",
            many(50_000, &|n| format!(".c{n}{{color:red}}")),
        ),
        (
            "selectors",
            "/src/a.css",
            format!("{}b{{color:red}}", many(50_000, &|n| format!(".c{n},"))),
        ),
        (
            "a declaration",
            "/src/a.css",
            format!("a{{--x:{}}}", "y ".repeat(1_000_000)),
        ),
        (
            "data",
            "/src/a.json",
            format!("[{}0]", "1,".repeat(1_000_000)),
        ),
    ];
    for (name, id, text) in cases {
        let compiled = answer(name, id, &text, &Options::production());
        assert!(
            compiled.artifact.is_some(),
            "{name}: {:?}",
            compiled.diagnostics.first()
        );
    }
}

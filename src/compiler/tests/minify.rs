//! Minified records keep their shape: `cargo test -p hotplate-compiler --features minify`.

#![cfg(feature = "minify")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use hotplate_compiler::{Options, Source, compile};

fn minified(id: &str, text: &str) -> String {
    let source = Source {
        id,
        content: text.as_bytes(),
    };
    let compiled = compile(&source, &Options::production());
    assert_eq!(compiled.diagnostics, []);
    compiled.artifact.unwrap().code
}

#[test]
fn modules_are_compressed_and_mangled() {
    insta::assert_snapshot!(minified(
        "/src/App.tsx",
        r#"import { useState } from "react";
import { label as text } from "./label";
const unusedLocal = 1;
export function App({ initialValue }: { initialValue: number }) {
  const [currentValue, setCurrentValue] = useState(initialValue);
  if (import.meta.env.DEV) console.log("development only");
  return <button onClick={() => setCurrentValue(currentValue + 1)}>{text(currentValue)}</button>;
}
export let counter = 0;
export const add = () => { counter += 1; };
"#
    ));
}

#[test]
fn sloppy_commonjs_stays_sloppy() {
    insta::assert_snapshot!(minified(
        "npm:a@1.0.0/index.js",
        r#"var exports = exports || {};
function helper(longName) { return this || longName; }
if (process.env.NODE_ENV === "production") { module.exports = require("./prod"); } else { module.exports = require("./dev"); }
exports.helper = helper(1);
"#
    ));
}

//! From a place in a module's generated code back to its source, by the module's source map.

use hotplate_protocol::Diagnostic;
use swc_sourcemap::SourceMap;

/// A module's source map, read.
#[derive(Debug)]
pub struct Origins(SourceMap);

/// A place in one of a map's sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'a> {
    /// As the map names it.
    pub source: &'a str,
    /// 1-based.
    pub line: u32,
    /// 1-based, in UTF-16 code units.
    pub column: u32,
    /// The source's text, when the map has it.
    pub content: Option<&'a str>,
}

impl Origins {
    /// Reads a map that `compile` made; `None` for anything else.
    pub fn read(map: &str) -> Option<Self> {
        SourceMap::from_slice(map.as_bytes()).ok().map(Self)
    }

    /// Line (1-based) and column (1-based, in UTF-16 code units) in the source of what stands in the
    /// module's `code` at `line` and `column`, counted likewise. `None` for code that no source has.
    pub fn find(&self, line: u32, column: u32) -> Option<(u32, u32)> {
        let (line, column) = (line.checked_sub(1)?, column.checked_sub(1)?);
        // The one at or before the place; that of an earlier line says nothing about this one.
        let token = self.0.lookup_token(line, column)?;
        (token.get_dst_line() == line && token.has_source())
            .then(|| (token.get_src_line() + 1, token.get_src_col() + 1))
    }

    /// The same for the map of a script in which many modules stand.
    pub fn origin(&self, line: u32, column: u32) -> Option<Origin<'_>> {
        let (found_line, found_column) = self.find(line, column)?;
        let token = self
            .0
            .lookup_token(line.checked_sub(1)?, column.checked_sub(1)?)?;
        Some(Origin {
            source: token.get_source()?,
            line: found_line,
            column: found_column,
            content: self
                .0
                .get_source_contents(token.get_src_id())
                .map(|content| &**content),
        })
    }

    /// Gives a diagnostic about the module its code frame, from the source as it was compiled.
    pub fn add_frame(&self, diagnostic: &mut Diagnostic) {
        if let Some(source) = self.0.get_source_contents(0) {
            crate::add_frame(diagnostic, source);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{ModuleArtifact, Options, Source, compile};
    use hotplate_protocol::Severity;

    fn compiled(content: &str) -> ModuleArtifact {
        let source = Source {
            id: "/src/App.tsx",
            content: content.as_bytes(),
        };
        compile(&source, &Options::development()).artifact.unwrap()
    }

    /// 1-based line and UTF-16 column of `needle`.
    fn place(text: &str, needle: &str) -> (u32, u32) {
        let before = &text[..text.find(needle).unwrap()];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().encode_utf16().count() + 1;
        (line.try_into().unwrap(), column.try_into().unwrap())
    }

    #[test]
    fn places_lead_back_to_the_source() {
        let source = "interface Props { a: string }\n\n// a comment\nexport default function App({ a }: Props) {\n  const smile = \"😀\"; if (!a) throw new RangeError(smile);\n  return <p>{boom(a)}</p>;\n}\nconst boom = (x: string) => x;\n";
        let artifact = compiled(source);
        let origins = Origins::read(&artifact.map.unwrap()).unwrap();
        for needle in ["new RangeError", "boom(a)"] {
            let (line, column) = place(&artifact.code, needle);
            assert_eq!(
                origins.find(line, column),
                Some(place(source, needle)),
                "{needle}"
            );
        }
        let mut diagnostic = Diagnostic {
            file: "src/App.tsx".to_owned(),
            line: 5,
            column: 30,
            ..Diagnostic::without_place(Severity::Error, "runtime_error", "boom")
        };
        origins.add_frame(&mut diagnostic);
        assert!(
            diagnostic.frame.contains("> 5 |   const smile"),
            "{}",
            diagnostic.frame
        );
    }

    #[test]
    fn what_leads_nowhere_is_nothing() {
        let artifact = compiled("export const a = 1;\n");
        let origins = Origins::read(&artifact.map.unwrap()).unwrap();
        for (line, column) in [(0, 1), (1, 0), (9_999, 1), (u32::MAX, u32::MAX)] {
            assert_eq!(origins.find(line, column), None, "{line}:{column}");
        }
        for text in [
            "",
            "{}",
            "null",
            "{\"version\":3}",
            "{\"version\":3,\"sources\":[],\"names\":[],\"mappings\":\"!\"}",
        ] {
            let found = Origins::read(text).and_then(|origins| origins.find(1, 1));
            assert_eq!(found, None, "{text}");
        }
    }
}

//! The source map of a file in which the code of many modules stands, put together from theirs.
//!
//! Which code stands where is the linker's knowledge; maps are read and written here alone.

use swc_sourcemap::{SourceMap, SourceMapBuilder};

/// A map that grows module by module.
pub struct JoinedMap {
    builder: SourceMapBuilder,
    sources_content: bool,
}

impl JoinedMap {
    /// Nothing yet. With `sources_content` it will hold the text of each source.
    pub fn new(sources_content: bool) -> Self {
        Self {
            builder: SourceMapBuilder::new(None),
            sources_content,
        }
    }

    /// Adds the map of a module whose code begins at `line` and `column` (0-based, in UTF-16 code units).
    /// Modules come in the order they stand in. What is no map adds nothing.
    pub fn add(&mut self, map: &str, line: u32, column: u32) {
        let Ok(map) = SourceMap::from_slice(map.as_bytes()) else {
            return;
        };
        let mut sources = Vec::new();
        for (index, source) in (0_u32..).zip(map.sources()) {
            // Paths of an app are relative to its root, in which a map's reader looks for them.
            let path = source.strip_prefix('/').unwrap_or(source).to_owned();
            let id = self.builder.add_source(path.into());
            if self.sources_content {
                let content = map.get_source_contents(index).cloned();
                self.builder.set_source_contents(id, content);
            }
            sources.push(id);
        }
        let names: Vec<u32> = map
            .names()
            .map(|name| self.builder.add_name(name.clone()))
            .collect();
        let known = |ids: &[u32], id: u32| {
            let place = usize::try_from(id).unwrap_or(usize::MAX);
            ids.get(place).copied()
        };
        for token in map.tokens() {
            let shift = if token.get_dst_line() == 0 { column } else { 0 };
            self.builder.add_raw(
                line + token.get_dst_line(),
                shift + token.get_dst_col(),
                token.get_src_line(),
                token.get_src_col(),
                known(&sources, token.get_src_id()),
                known(&names, token.get_name_id()),
                false,
            );
        }
    }

    /// The map as JSON (source map v3).
    pub fn into_json(self) -> String {
        let mut json = Vec::new();
        match self.builder.into_sourcemap().to_writer(&mut json) {
            Ok(()) => String::from_utf8(json).unwrap_or_default(),
            // A vector takes every byte.
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Options, Origins, Source, compile};

    fn module(id: &str, content: &str) -> crate::ModuleArtifact {
        let source = Source {
            id,
            content: content.as_bytes(),
        };
        let options = Options {
            refresh: false,
            ..Options::development()
        };
        compile(&source, &options).artifact.unwrap()
    }

    #[test]
    fn every_module_keeps_its_places() {
        let one = module("/src/one.ts", "\nexport const one = () => { throw ONE };\n");
        let two = module("/src/two.ts", "export const two = () => { throw TWO };\n");
        let head = "// a line before\n😀 d(";
        let text = format!("{head}{});\n{}", one.code, two.code);
        let line_of_two = text[..text.len() - two.code.len()].matches('\n').count();
        for sources_content in [true, false] {
            let mut joined = JoinedMap::new(sources_content);
            joined.add(one.map.as_deref().unwrap(), 1, 5);
            joined.add("no map", 9, 9);
            let line = u32::try_from(line_of_two).unwrap();
            joined.add(two.map.as_deref().unwrap(), line, 0);
            let json = joined.into_json();
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(
                value["sources"],
                serde_json::json!(["src/one.ts", "src/two.ts"])
            );
            assert_eq!(
                value["sourcesContent"][1].as_str().is_some(),
                sources_content
            );
            let origins = Origins::read(&json).unwrap();
            for (needle, place) in [("throw ONE", (2, 28)), ("throw TWO", (1, 28))] {
                let before = &text[..text.find(needle).unwrap()];
                let line = before.matches('\n').count() + 1;
                let last = before.rsplit('\n').next().unwrap();
                let column = last.encode_utf16().count() + 1;
                let found = origins.find(line.try_into().unwrap(), column.try_into().unwrap());
                assert_eq!(found, Some(place), "{needle}");
            }
        }
    }
}

//! Text of a release's scripts that remembers where the code of each module stands, for the source map.

use hotplate_compiler::{JoinedMap, ModuleArtifact};
use std::fmt;
use std::sync::Arc;

/// Where a module's code begins: 0-based line, and column in UTF-16 code units.
#[derive(Clone, PartialEq, Eq)]
struct Part {
    line: u32,
    column: u32,
    artifact: Arc<ModuleArtifact>,
}

/// A script while it is written.
#[derive(Default, Clone)]
pub(super) struct Text {
    code: String,
    parts: Vec<Part>,
    line: u32,
    column: u32,
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.code
    }

    pub(super) fn len(&self) -> usize {
        self.code.len()
    }

    /// Appends what no source has.
    pub(super) fn push(&mut self, text: &str) {
        let last = match text.rfind('\n') {
            Some(end) => {
                self.line += number(text.bytes().filter(|byte| *byte == b'\n').count());
                self.column = 0;
                text.get(end + 1..).unwrap_or_default()
            }
            None => text,
        };
        self.column += number(if last.is_ascii() {
            last.len()
        } else {
            last.encode_utf16().count()
        });
        self.code.push_str(text);
    }

    /// Appends a module's code, blanks at its end left out.
    pub(super) fn push_module(&mut self, artifact: &Arc<ModuleArtifact>) {
        self.parts.push(Part {
            line: self.line,
            column: self.column,
            artifact: Arc::clone(artifact),
        });
        self.push(artifact.code.trim_end());
    }

    /// Appends other text, which begins a line.
    pub(super) fn append(&mut self, other: Self) {
        let line = self.line;
        self.code.push_str(&other.code);
        self.line += other.line;
        self.column = other.column;
        self.parts.extend(other.parts.into_iter().map(|part| Part {
            line: part.line + line,
            ..part
        }));
    }

    /// The code, and what its map is made of: `path` is the script's.
    pub(super) fn finish(self, path: impl FnOnce(&str) -> String) -> (String, ReleaseMap) {
        let file = path(&self.code);
        let parts = self.parts;
        (self.code, ReleaseMap { file, parts })
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The source map of one script, made when it is asked for: a release does not wait for it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReleaseMap {
    /// The script: `assets/index-1a2b3c4d.js`.
    pub file: String,
    parts: Vec<Part>,
}

impl ReleaseMap {
    /// The map (v3); with `sources_content` it holds the sources themselves.
    pub fn json(&self, sources_content: bool) -> String {
        let mut map = JoinedMap::new(sources_content);
        for part in &self.parts {
            if let Some(json) = &part.artifact.map {
                map.add(json, part.line, part.column);
            }
        }
        map.into_json()
    }
}

impl fmt::Debug for ReleaseMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReleaseMap({}, {} modules)", self.file, self.parts.len())
    }
}

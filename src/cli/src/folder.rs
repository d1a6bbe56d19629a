//! A folder as an app's tree: which files belong to it, and what changed.
//!
//! Reads the disk; sends nothing.

use crate::failure::Failure;
use data_encoding::{BASE64, HEXLOWER};
use hotplate_protocol::{FileContent, FileEntry, FileWrite};
use ignore::WalkBuilder;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Never part of an app, whatever `.gitignore` says.
const NEVER: &[&str] = &[
    "node_modules",
    ".git",
    "dist",
    ".wrangler",
    ".hotplate",
    ".DS_Store",
    ".dev.vars",
];

/// One file as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    hash: String,
}

/// A folder and what was last seen in it.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    seen: BTreeMap<String, Seen>,
}

/// What brings one tree to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) writes: Vec<FileWrite>,
    pub(crate) deletes: Vec<String>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deletes.is_empty()
    }

    /// Whether a file would be sent without content.
    pub(crate) fn writes_nothing_into_a_file(&self) -> bool {
        let nothing = content(Vec::new());
        self.writes.iter().any(|write| write.content == nothing)
    }
}

impl Folder {
    pub(crate) fn new(root: &Path) -> Result<Self, Failure> {
        let root = root
            .canonicalize()
            .map_err(|source| Failure::folder(root, source))?;
        if !root.is_dir() {
            return Err(Failure::folder(
                &root,
                std::io::ErrorKind::NotADirectory.into(),
            ));
        }
        Ok(Self {
            root,
            seen: BTreeMap::new(),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Reads what `.gitignore` leaves. A file whose size and time are unchanged is not read again,
    /// unless it is among `touched`: two saves may fall into one tick of the clock.
    pub(crate) fn scan(&mut self, touched: &BTreeSet<PathBuf>) -> Result<(), Failure> {
        let mut seen = BTreeMap::new();
        let walk = WalkBuilder::new(&self.root)
            .hidden(false)
            .require_git(false)
            .filter_entry(|entry| !NEVER.iter().any(|name| entry.file_name() == *name))
            .build();
        for entry in walk {
            // A file may go between being listed and being read.
            let Ok(entry) = entry else { continue };
            let Ok(meta) = entry.metadata() else { continue };
            if !meta.is_file() {
                continue;
            }
            let Some(path) = self.tree_path(entry.path()) else {
                continue;
            };
            let (size, modified) = (meta.len(), meta.modified().ok());
            let unchanged = self.seen.get(&path).filter(|before| {
                before.size == size
                    && before.modified == modified
                    && !touched.contains(entry.path())
            });
            let file = match unchanged {
                Some(before) => before.clone(),
                None => match std::fs::read(entry.path()) {
                    Ok(bytes) => Seen {
                        size,
                        modified,
                        hash: hash(&bytes),
                    },
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(source) => return Err(Failure::folder(entry.path(), source)),
                },
            };
            seen.insert(path, file);
        }
        self.seen = seen;
        Ok(())
    }

    fn tree_path(&self, path: &Path) -> Option<String> {
        let relative = path.strip_prefix(&self.root).ok()?;
        let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    }

    /// What brings `there` to what was last scanned.
    pub(crate) fn changes(&self, there: &BTreeMap<String, String>) -> Result<Changes, Failure> {
        let mut changes = Changes::default();
        for (path, file) in &self.seen {
            if there.get(path) != Some(&file.hash) {
                match std::fs::read(self.root.join(path)) {
                    Ok(bytes) => changes.writes.push(FileWrite {
                        path: path.clone(),
                        content: content(bytes),
                    }),
                    // Gone since the scan: the next event says so.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(source) => return Err(Failure::folder(&self.root.join(path), source)),
                }
            }
        }
        changes.deletes = there
            .keys()
            .filter(|path| !self.seen.contains_key(*path))
            .cloned()
            .collect();
        Ok(changes)
    }
}

/// Path → hash of a listed tree.
pub(crate) fn hashes(files: &[FileEntry]) -> BTreeMap<String, String> {
    files
        .iter()
        .map(|file| (file.path.clone(), file.hash.clone()))
        .collect()
}

/// The tree after `changes`.
pub(crate) fn apply(there: &mut BTreeMap<String, String>, changes: &Changes) {
    for write in &changes.writes {
        let bytes = match &write.content {
            FileContent::Text { content } => hash(content.as_bytes()),
            FileContent::Base64 { base64 } => {
                hash(&BASE64.decode(base64.as_bytes()).unwrap_or_default())
            }
        };
        there.insert(write.path.clone(), bytes);
    }
    for path in &changes.deletes {
        there.remove(path);
    }
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

pub(crate) fn content(bytes: Vec<u8>) -> FileContent {
    match String::from_utf8(bytes) {
        Ok(content) => FileContent::Text { content },
        Err(error) => FileContent::Base64 {
            base64: BASE64.encode(error.as_bytes()),
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first failure")]
    use super::*;
    use std::fs;

    fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Folder) {
        let temporary = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = temporary.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let mut folder = Folder::new(temporary.path()).unwrap();
        folder.scan(&BTreeSet::new()).unwrap();
        (temporary, folder)
    }

    fn paths(changes: &Changes) -> Vec<&str> {
        changes
            .writes
            .iter()
            .map(|write| write.path.as_str())
            .collect()
    }

    #[test]
    fn ignored_files_and_packages_stay_out() {
        let (_temporary, folder) = folder(&[
            (".gitignore", b"*.log\nout/\n"),
            ("src/App.tsx", b"x"),
            ("src/debug.log", b"x"),
            ("out/a.js", b"x"),
            ("node_modules/react/index.js", b"x"),
            ("dist/index.html", b"x"),
            (".git/HEAD", b"x"),
            (".env", b"VITE_A=1"),
        ]);
        let changes = folder.changes(&BTreeMap::new()).unwrap();
        assert_eq!(paths(&changes), [".env", ".gitignore", "src/App.tsx"]);
    }

    #[test]
    fn only_differences_travel() {
        let (temporary, mut folder) =
            folder(&[("a.ts", b"1"), ("b.ts", b"2"), ("c.png", &[0xff, 0xfe])]);
        let mut there = BTreeMap::from([("old.ts".to_owned(), "0".to_owned())]);
        let changes = folder.changes(&there).unwrap();
        assert_eq!(paths(&changes), ["a.ts", "b.ts", "c.png"]);
        assert_eq!(changes.deletes, ["old.ts"]);
        assert!(matches!(
            changes.writes.last().unwrap().content,
            FileContent::Base64 { .. }
        ));
        apply(&mut there, &changes);
        assert!(folder.changes(&there).unwrap().is_empty());

        let path = folder.root().join("b.ts");
        fs::write(&path, b"3").unwrap();
        fs::remove_file(temporary.path().join("a.ts")).unwrap();
        folder.scan(&BTreeSet::from([path])).unwrap();
        let changes = folder.changes(&there).unwrap();
        assert_eq!(
            (paths(&changes), changes.deletes.as_slice()),
            (vec!["b.ts"], &["a.ts".to_owned()][..])
        );
    }
}

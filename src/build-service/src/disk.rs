//! Caches on disk within a budget: what was used longest ago goes first.
//!
//! When an entry was used is its modification time: reading does not tell (file systems are mounted
//! without access times), so whoever reads an entry calls [`touch`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// An entry used this recently is not touched again: it saves a write for every read.
const TOUCHED_LATELY: Duration = Duration::from_mins(10);

/// One thing that may be dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) used: SystemTime,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// Notes that an entry was used. A cache that cannot be written to still serves.
pub(crate) fn touch(path: &Path) {
    let now = SystemTime::now();
    let is_old = std::fs::metadata(path)
        .and_then(|facts| facts.modified())
        .is_ok_and(|used| {
            now.duration_since(used)
                .is_ok_and(|age| age > TOUCHED_LATELY)
        });
    if is_old
        && let Err(error) = File::options()
            .append(true)
            .open(path)
            .and_then(|file| file.set_modified(now))
    {
        tracing::debug!(%error, path = %path.display(), "the time of use was not noted");
    }
}

/// The files of a folder and of its folders, one level down.
pub(crate) fn files(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            for file in std::fs::read_dir(entry.path())? {
                found.extend(file_entry(&file?));
            }
        } else {
            found.extend(file_entry(&entry));
        }
    }
    Ok(found)
}

/// `None` for what is no file, or gone by now.
fn file_entry(entry: &std::fs::DirEntry) -> Option<Entry> {
    let facts = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(Entry {
        used: facts.modified().ok()?,
        path: entry.path(),
        bytes: facts.len(),
    })
}

/// Which entries go so that the rest fits into `budget`, the longest unused first; those of which `keeps`
/// is true stay.
pub(crate) fn surplus(
    mut entries: Vec<Entry>,
    budget: u64,
    keeps: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    entries.sort();
    let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut gone = Vec::new();
    for entry in entries {
        if total <= budget {
            break;
        }
        if !keeps(&entry.path) {
            total -= entry.bytes;
            gone.push(entry.path);
        }
    }
    gone
}

/// Brings a folder of files into its budget.
pub(crate) fn trim(folder: &Path, budget: u64) -> std::io::Result<()> {
    for path in surplus(files(folder)?, budget, |_| false) {
        match std::fs::remove_file(path) {
            // Somebody else was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn write(path: &Path, bytes: usize, age: Duration) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![0; bytes]).unwrap();
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = files(folder)
            .unwrap()
            .into_iter()
            .map(|entry| entry.path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, hours) in [("aa/a", 4), ("aa/b", 3), ("c", 2), ("dd/d", 1)] {
            write(&at(name), 100, Duration::from_hours(hours));
        }
        trim(folder.path(), 400).unwrap();
        assert_eq!(
            names(folder.path()),
            ["a", "b", "c", "d"],
            "a budget may be met"
        );
        touch(&at("aa/a"));
        trim(folder.path(), 250).unwrap();
        assert_eq!(names(folder.path()), ["a", "d"]);
    }

    #[test]
    fn what_is_in_use_stays() {
        let entry = |name: &str, age: u64| Entry {
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(100 - age),
            path: PathBuf::from(name),
            bytes: 10,
        };
        let entries = vec![entry("new", 1), entry("used", 9), entry("old", 5)];
        let gone = surplus(entries, 20, |path| path == Path::new("used"));
        assert_eq!(gone, [PathBuf::from("old")]);
    }
}

//! Trees and the changes between them.

use crate::limits::{TREE_BYTES, TREE_FILES};
use hotplate_protocol::{ErrorCode, FileEntry, RevisionChange};
use std::collections::{BTreeMap, BTreeSet};

/// A tree is over its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Over [`TREE_FILES`].
    #[error("the tree would have {0} files; {TREE_FILES} are allowed")]
    Files(u64),
    /// Over [`TREE_BYTES`].
    #[error("the tree would have {0} bytes; {TREE_BYTES} are allowed")]
    Bytes(u64),
}

impl TreeError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::TreeTooLarge
    }
}

/// Checks a tree's totals.
pub fn check_totals(files: u64, bytes: u64) -> Result<(), TreeError> {
    if files > TREE_FILES {
        Err(TreeError::Files(files))
    } else if bytes > TREE_BYTES {
        Err(TreeError::Bytes(bytes))
    } else {
        Ok(())
    }
}

/// What changes `before` into `after`, sorted by path.
pub fn diff(before: &[FileEntry], after: &[FileEntry]) -> Vec<RevisionChange> {
    let before = by_path(before);
    let after = by_path(after);
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let (old, new) = (before.get(path), after.get(path));
            (old != new).then(|| RevisionChange {
                path: path.to_owned(),
                before: old.map(|&entry| entry.clone()),
                after: new.map(|&entry| entry.clone()),
            })
        })
        .collect()
}

/// The tree as it was before `later`: each revision's changes, from the newest to the oldest.
/// Sorted by path.
pub fn before<'a>(
    current: &[FileEntry],
    later: impl IntoIterator<Item = &'a [RevisionChange]>,
) -> Vec<FileEntry> {
    let mut tree: BTreeMap<String, FileEntry> = current
        .iter()
        .map(|entry| (entry.path.clone(), entry.clone()))
        .collect();
    for change in later.into_iter().flatten() {
        match &change.before {
            Some(entry) => tree.insert(change.path.clone(), entry.clone()),
            None => tree.remove(&change.path),
        };
    }
    tree.into_values().collect()
}

fn by_path(tree: &[FileEntry]) -> BTreeMap<&str, &FileEntry> {
    tree.iter()
        .map(|entry| (entry.path.as_str(), entry))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree() -> impl Strategy<Value = Vec<FileEntry>> {
        proptest::collection::btree_map("[a-f]", 0u64..4, 0..6).prop_map(|files| {
            files
                .into_iter()
                .map(|(path, size)| FileEntry {
                    path,
                    hash: format!("h{size}"),
                    size,
                })
                .collect()
        })
    }

    #[test]
    fn totals_are_met_and_passed() {
        assert_eq!(check_totals(TREE_FILES, TREE_BYTES), Ok(()));
        assert_eq!(
            check_totals(TREE_FILES + 1, 0),
            Err(TreeError::Files(TREE_FILES + 1))
        );
        assert_eq!(
            check_totals(0, TREE_BYTES + 1),
            Err(TreeError::Bytes(TREE_BYTES + 1))
        );
    }

    proptest! {
        #[test]
        fn any_past_tree_can_be_read(trees in proptest::collection::vec(tree(), 1..6)) {
            let changes: Vec<_> = trees.windows(2).map(|pair| diff(&pair[0], &pair[1])).collect();
            let current = trees.last().unwrap();
            for (index, past) in trees.iter().enumerate() {
                let later = changes[index..].iter().rev().map(Vec::as_slice);
                prop_assert_eq!(&before(current, later), past);
            }
        }

        #[test]
        fn equal_trees_have_no_changes(tree in tree()) {
            prop_assert!(diff(&tree, &tree).is_empty());
        }
    }
}

//! `hotplate push`: brings an app's tree to a folder, in as few edits as the body limit allows.

use crate::api::Api;
use crate::failure::Failure;
use crate::folder::{Changes, Folder, apply, hashes};
use crate::output::Output;
use hotplate_protocol::{EditRequest, EditResult, ErrorCode, FileContent};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Well under the API's limit of 32 MiB: JSON escapes make text larger.
const BATCH_BYTES: usize = 12 * 1024 * 1024;
/// Under the API's limit of paths per edit.
const BATCH_PATHS: usize = 4_000;
/// How often a push starts again because somebody else edited.
const CONFLICTS: u32 = 5;

/// A pushed folder and the tree as the API has it now.
pub(crate) struct Pushed {
    pub(crate) folder: Folder,
    pub(crate) there: BTreeMap<String, String>,
}

/// Creates the app when needed and pushes the folder.
pub(crate) async fn run(
    api: &Api,
    app: &str,
    folder: &Path,
    output: Output,
) -> Result<Pushed, Failure> {
    let mut folder = Folder::new(folder)?;
    folder.scan(&BTreeSet::new())?;
    let (app, _) = api.ensure_app(app).await?;
    let mut conflicts = 0;
    loop {
        let tree = api.files(&app.slug).await?;
        let mut there = hashes(&tree.files);
        let changes = folder.changes(&there)?;
        match send(
            api,
            &app.slug,
            Some(tree.revision),
            changes,
            &mut there,
            output,
        )
        .await
        {
            Err(Failure::Refused(problem))
                if problem.code == ErrorCode::RevisionConflict && conflicts < CONFLICTS =>
            {
                conflicts += 1;
            }
            other => return other.map(|()| Pushed { folder, there }),
        }
    }
}

/// Sends changes as one edit, or several when they are too large for one.
pub(crate) async fn send(
    api: &Api,
    app: &str,
    mut base_revision: Option<u64>,
    changes: Changes,
    there: &mut BTreeMap<String, String>,
    output: Output,
) -> Result<(), Failure> {
    if changes.is_empty() {
        output.unchanged(app);
        return Ok(());
    }
    for batch in batches(changes) {
        let edit = EditRequest {
            base_revision,
            writes: batch.writes,
            deletes: batch.deletes,
        };
        let started = std::time::Instant::now();
        let result: EditResult = api.edit(app, &edit).await?;
        base_revision = base_revision.map(|_| result.revision);
        apply(
            there,
            &Changes {
                writes: edit.writes,
                deletes: edit.deletes,
            },
        );
        output.edit(&result, started.elapsed());
    }
    Ok(())
}

fn batches(changes: Changes) -> Vec<Changes> {
    let mut batches = vec![Changes {
        writes: Vec::new(),
        deletes: changes.deletes,
    }];
    let mut bytes = 0;
    for write in changes.writes {
        let size = match &write.content {
            FileContent::Text { content } => content.len(),
            FileContent::Base64 { base64 } => base64.len(),
        };
        let full = |batch: &Changes| {
            let paths = batch.writes.len() + batch.deletes.len();
            paths >= BATCH_PATHS || (bytes + size > BATCH_BYTES && !batch.writes.is_empty())
        };
        if batches.last().is_none_or(full) {
            batches.push(Changes::default());
            bytes = 0;
        }
        bytes += size;
        if let Some(batch) = batches.last_mut() {
            batch.writes.push(write);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotplate_protocol::FileWrite;

    #[test]
    fn a_push_is_one_edit_unless_it_is_too_large() {
        let write = |path: &str, bytes: usize| FileWrite {
            path: path.to_owned(),
            content: FileContent::Text {
                content: "x".repeat(bytes),
            },
        };
        let small = Changes {
            writes: vec![write("a", 1), write("b", 2)],
            deletes: vec!["c".to_owned()],
        };
        assert_eq!(batches(small).len(), 1);
        let large = Changes {
            writes: vec![
                write("a", BATCH_BYTES),
                write("b", 1),
                write("c", BATCH_BYTES * 2),
            ],
            deletes: Vec::new(),
        };
        assert_eq!(
            batches(large)
                .iter()
                .map(|batch| batch.writes.len())
                .collect::<Vec<_>>(),
            [1, 1, 1]
        );
    }
}

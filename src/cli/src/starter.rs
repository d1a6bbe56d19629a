//! `hotplate create`: an app from the built-in starter, so that there is something to see at once.

use crate::api::Api;
use crate::failure::Failure;
use crate::folder::content;
use crate::output::Output;
use hotplate_protocol::{EditRequest, ErrorCode, FileWrite};
use include_dir::{Dir, include_dir};

static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/template");

/// Creates the app and gives it the starter's files; an app that has files keeps them.
pub(crate) async fn create(api: &Api, slug: &str, output: Output) -> Result<(), Failure> {
    let (app, new) = api.ensure_app(slug).await?;
    if app.revision == 0 {
        // `base_revision` keeps this from overwriting whoever was faster.
        let edit = EditRequest {
            base_revision: Some(0),
            writes: files(&TEMPLATE),
            deletes: Vec::new(),
        };
        match api.edit(slug, &edit).await {
            Ok(_) => {}
            Err(Failure::Refused(problem)) if problem.code == ErrorCode::RevisionConflict => {}
            Err(failure) => return Err(failure),
        }
    }
    output.created(&app, new);
    Ok(())
}

fn files(folder: &Dir<'_>) -> Vec<FileWrite> {
    let mut writes: Vec<FileWrite> = folder
        .files()
        .filter_map(|file| {
            let path = file.path().to_str()?.replace('\\', "/");
            Some(FileWrite {
                path,
                content: content(file.contents().to_vec()),
            })
        })
        .collect();
    for below in folder.dirs() {
        writes.extend(files(below));
    }
    writes
}

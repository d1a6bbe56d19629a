//! What the compiler made of each module.

use super::{Storage, TextKind, integer};
use crate::room::schema;
use hotplate_protocol::Diagnostic;
use worker::Result;

/// What the last compilation of a module left.
#[derive(serde::Deserialize)]
pub(in crate::room) struct ArtifactRow {
    /// Hash of what was compiled last.
    pub(in crate::room) input: String,
    /// Whether some compilation succeeded, so that an artifact is stored.
    pub(in crate::room) good: u8,
    /// JSON of what the last one said.
    pub(in crate::room) diagnostics: String,
    /// The first update whose pages run the stored artifact's code.
    pub(in crate::room) since: u64,
}

#[derive(serde::Deserialize)]
struct IdRow {
    id: String,
}

impl Storage {
    pub(in crate::room) fn artifact(&self, id: &str) -> Result<Option<ArtifactRow>> {
        self.first(schema::ARTIFACT, vec![id.into()])
    }

    pub(in crate::room) fn put_artifact(
        &self,
        id: &str,
        path: &str,
        input: &str,
        good: bool,
        diagnostics: &[Diagnostic],
        since: u64,
    ) -> Result<()> {
        let diagnostics = serde_json::to_string(diagnostics)?;
        let values = vec![
            id.into(),
            path.into(),
            input.into(),
            i64::from(good).into(),
            diagnostics.into(),
            integer(since),
        ];
        self.run(schema::PUT_ARTIFACT, values)
    }

    /// Ids of everything that was compiled of a file.
    pub(in crate::room) fn artifacts_of_path(&self, path: &str) -> Result<Vec<String>> {
        let rows: Vec<IdRow> = self.rows(schema::ARTIFACTS_OF_PATH, vec![path.into()])?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Forgets everything that was compiled of a file.
    pub(in crate::room) fn forget_path(&self, path: &str) -> Result<()> {
        for id in self.artifacts_of_path(path)? {
            self.run(schema::DELETE_ARTIFACT, vec![id.as_str().into()])?;
            self.delete_text(TextKind::Artifact, &id)?;
            self.delete_text(TextKind::Map, &id)?;
        }
        Ok(())
    }
}

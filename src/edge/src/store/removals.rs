//! What retention removes: deployments that are marked, and their scripts, which a list names until
//! the namespace's API said that they are gone.

use super::{Store, number, text};
use hotplate_domain::limits;
use serde::Deserialize;
use worker::Result;

/// A deployment that retention may remove.
#[derive(Debug, Deserialize)]
pub(crate) struct Retirable {
    pub(crate) id: String,
    /// Slug of its app.
    pub(crate) app: String,
}

#[derive(Deserialize)]
struct ScriptRow {
    script: String,
}

impl Store {
    /// Deployments that are neither active, nor pinned, nor among the newest `keep` of their app.
    pub(crate) async fn retirable(&self, keep: u64) -> Result<Vec<Retirable>> {
        let values = [number(keep), number(limits::SWEEP_DEPLOYMENTS.into())];
        self.all(include_str!("../../sql/retirable_deployments.sql"), &values)
            .await
    }

    /// Marks a deployment as removed and notes its script; false when it was activated or pinned
    /// meanwhile.
    pub(crate) async fn retire(&self, id: &str, script: &str, now: u64) -> Result<bool> {
        let mark = [text(id), number(now)];
        let removal = [text(id), text(script), number(now)];
        let changed = self
            .transaction(vec![
                self.statement(include_str!("../../sql/retire_deployment.sql"), &mark)?,
                self.statement(include_str!("../../sql/insert_removal.sql"), &removal)?,
            ])
            .await?;
        Ok(changed.first() == Some(&1))
    }

    /// Notes the script of a deployment that ended without being deployed: it may have been uploaded.
    pub(crate) async fn discard(&self, id: &str, script: &str, due_at: u64) -> Result<()> {
        let values = [text(id), text(script), number(due_at)];
        self.run(include_str!("../../sql/insert_removal.sql"), &values)
            .await
            .map(drop)
    }

    /// Scripts whose removal is due.
    pub(crate) async fn due_removals(&self, now: u64) -> Result<Vec<String>> {
        let values = [number(now), number(limits::SWEEP_REMOVALS.into())];
        let rows: Vec<ScriptRow> = self
            .all(include_str!("../../sql/due_removals.sql"), &values)
            .await?;
        Ok(rows.into_iter().map(|row| row.script).collect())
    }

    /// These scripts are gone.
    pub(crate) async fn removals_done(&self, scripts: &[String]) -> Result<()> {
        if scripts.is_empty() {
            return Ok(());
        }
        let statement = |script: &String| {
            self.statement(
                include_str!("../../sql/delete_removal.sql"),
                &[text(script)],
            )
        };
        let statements = scripts.iter().map(statement).collect::<Result<_>>()?;
        self.transaction(statements).await.map(drop)
    }

    /// These scripts could not be removed; `due_at` is the next try.
    pub(crate) async fn postpone_removals(&self, scripts: &[&String], due_at: u64) -> Result<()> {
        if scripts.is_empty() {
            return Ok(());
        }
        let statement = |script: &&String| {
            let values = [text(script), number(due_at)];
            self.statement(include_str!("../../sql/postpone_removal.sql"), &values)
        };
        let statements = scripts.iter().map(statement).collect::<Result<_>>()?;
        self.transaction(statements).await.map(drop)
    }
}

//! The active pointer in D1, and the history it goes back along.

use super::{Store, number, optional_text, text};
use serde::Deserialize;
use worker::Result;

/// Why the pointer is moved by hand; a deployment's own publication is part of its last move.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause {
    /// To a chosen deployment.
    Activate,
    /// To the previous one.
    Rollback,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Rollback => "rollback",
        }
    }
}

/// How a move of the pointer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It points there now.
    Yes,
    /// It did not point where the caller read, or the deployment cannot be shown.
    No,
}

#[derive(Deserialize)]
struct PreviousRow {
    id: Option<String>,
}

#[derive(Deserialize)]
struct ActiveRow {
    active_deployment: Option<String>,
}

impl Store {
    /// Points the app at a deployment, if it still points at `from`.
    pub(crate) async fn activate(
        &self,
        app_id: &str,
        to: &str,
        from: Option<&str>,
        cause: Cause,
        at: u64,
    ) -> Result<Moved> {
        let record = [
            text(app_id),
            text(to),
            optional_text(from),
            text(cause.as_str()),
            number(at),
        ];
        let changed = self
            .transaction(vec![
                self.statement(include_str!("../../sql/record_activation.sql"), &record)?,
                self.statement(
                    include_str!("../../sql/activate.sql"),
                    record.get(..3).unwrap_or(&record),
                )?,
            ])
            .await?;
        Ok(if changed.last() == Some(&1) {
            Moved::Yes
        } else {
            Moved::No
        })
    }

    /// What production showed before `active` was put there.
    pub(crate) async fn previous(&self, app_id: &str, active: &str) -> Result<Option<String>> {
        let values = [text(app_id), text(active)];
        let row: Option<PreviousRow> = self
            .first(include_str!("../../sql/previous_deployment.sql"), &values)
            .await?;
        Ok(row.and_then(|row| row.id))
    }

    /// What production shows: `None` without such an app, `Some(None)` before its first deployment.
    pub(crate) async fn active(&self, slug: &str) -> Result<Option<Option<String>>> {
        let row: Option<ActiveRow> = self
            .first(
                include_str!("../../sql/active_deployment.sql"),
                &[text(slug)],
            )
            .await?;
        Ok(row.map(|row| row.active_deployment))
    }
}

//! The active pointer in D1, and the history it goes back along.

use super::{Store, number, optional_number, optional_text, text};
use hotplate_protocol::{Activation, ActivationCause};
use serde::Deserialize;
use worker::Result;

/// How a move of the pointer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It points there now.
    Yes,
    /// It did not point where the caller read, or the deployment cannot be shown.
    No,
}

/// One move, with its number.
#[derive(Debug, Deserialize)]
pub(crate) struct ActivationRow {
    pub(crate) id: u64,
    deployment_id: String,
    previous: Option<String>,
    cause: ActivationCause,
    moved_by: String,
    at: u64,
}

impl From<ActivationRow> for Activation {
    fn from(row: ActivationRow) -> Self {
        Self {
            active: row.deployment_id,
            previous: row.previous,
            cause: row.cause,
            by: row.moved_by,
            at: row.at,
        }
    }
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
    /// Points the app where `to` says, if it still points where that was moved from. A deployment's
    /// own publication is part of its last move.
    pub(crate) async fn activate(&self, app_id: &str, to: &Activation) -> Result<Moved> {
        let record = [
            text(app_id),
            text(&to.active),
            optional_text(to.previous.as_deref()),
            text(to.cause.as_str()),
            number(to.at),
            text(&to.by),
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

    /// At most `limit` moves of the app's pointer older than `cursor`, newest first.
    pub(crate) async fn activations(
        &self,
        app_id: &str,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ActivationRow>> {
        let values = [text(app_id), optional_number(cursor), number(limit.into())];
        self.all(include_str!("../../sql/list_activations.sql"), &values)
            .await
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

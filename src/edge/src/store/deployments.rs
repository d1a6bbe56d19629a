//! Deployments in D1. Every move is compare-and-swap on `(state, attempt)`, and its event is
//! written in the same transaction.

use super::{Store, number, optional_number, optional_text, text};
use hotplate_domain::{Progress, Urls, limits};
use hotplate_protocol::{Deployment, DeploymentEvent, DeploymentState, DeploymentTimings};
use serde::Deserialize;
use worker::{Error, Result};

/// One deployment with its app's slug.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DeploymentRow {
    pub(crate) id: String,
    pub(crate) app_id: String,
    pub(crate) app: String,
    pub(crate) state: DeploymentState,
    pub(crate) revision: u64,
    message: Option<String>,
    /// JSON of the public values it is built with.
    pub(crate) env: String,
    pub(crate) attempt: u32,
    pub(crate) lease_until: u64,
    pub(crate) taken_up_at: Option<u64>,
    queued_ms: Option<u64>,
    build_ms: Option<u64>,
    upload_ms: Option<u64>,
    verify_ms: Option<u64>,
    total_ms: Option<u64>,
    bundle: Option<String>,
    error: Option<String>,
    active: u32,
    pub(crate) created_at: u64,
    deployed_at: Option<u64>,
}

impl DeploymentRow {
    /// As the API answers it.
    pub(crate) fn into_deployment(self, urls: &Urls) -> Result<Deployment> {
        Ok(Deployment {
            url: urls.deployment(&self.app, &self.id),
            id: self.id,
            app: self.app,
            state: self.state,
            revision: self.revision,
            message: self.message,
            error: self
                .error
                .as_deref()
                .map(serde_json::from_str)
                .transpose()?,
            timings: DeploymentTimings {
                queued_ms: self.queued_ms,
                build_ms: self.build_ms,
                upload_ms: self.upload_ms,
                verify_ms: self.verify_ms,
                total_ms: self.total_ms,
            },
            bundle: self
                .bundle
                .as_deref()
                .map(serde_json::from_str)
                .transpose()?,
            active: self.active != 0,
            created_at: self.created_at,
            deployed_at: self.deployed_at,
        })
    }
}

/// Where a deployment was read to stand; what its next move is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) state: DeploymentState,
    pub(crate) attempt: u32,
}

/// A deployment asked for.
pub(crate) struct Asked<'a> {
    pub(crate) id: &'a str,
    pub(crate) app_id: &'a str,
    pub(crate) revision: u64,
    pub(crate) message: Option<&'a str>,
    pub(crate) env: &'a str,
    pub(crate) at: u64,
}

#[derive(Deserialize)]
struct EventRow {
    position: u64,
    event: String,
}

#[derive(Deserialize)]
struct KeyRow {
    request: String,
    deployment_id: String,
}

impl Store {
    /// Adds a pending deployment; false when its revision has a living one.
    pub(crate) async fn insert_deployment(&self, asked: &Asked<'_>) -> Result<bool> {
        let values = [
            text(asked.id),
            text(asked.app_id),
            number(asked.revision),
            optional_text(asked.message),
            number(asked.at),
            text(asked.env),
        ];
        let event = DeploymentEvent::State {
            at: asked.at,
            state: DeploymentState::Pending,
        };
        let event = [
            text(asked.id),
            text(DeploymentState::Pending.as_str()),
            number(0),
            text(&serde_json::to_string(&event)?),
        ];
        let changed = self
            .transaction(vec![
                self.statement(include_str!("../../sql/insert_deployment.sql"), &values)?,
                self.statement(include_str!("../../sql/insert_event_of_state.sql"), &event)?,
            ])
            .await?;
        Ok(changed.first() == Some(&1))
    }

    /// The living deployment of a revision with these public values.
    pub(crate) async fn deployment_of(
        &self,
        app_id: &str,
        revision: u64,
        env: &str,
    ) -> Result<Option<DeploymentRow>> {
        let values = [text(app_id), number(revision), text(env)];
        self.first(
            include_str!("../../sql/deployment_of_revision.sql"),
            &values,
        )
        .await
    }

    /// The deployment of that id, of whatever app.
    pub(crate) async fn deployment(&self, id: &str) -> Result<Option<DeploymentRow>> {
        self.first(include_str!("../../sql/deployment_by_id.sql"), &[text(id)])
            .await
    }

    /// At most `limit` deployments older than `cursor`, newest first.
    pub(crate) async fn deployments(
        &self,
        app_id: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeploymentRow>> {
        let values = [text(app_id), optional_text(cursor), number(limit.into())];
        self.all(include_str!("../../sql/list_deployments.sql"), &values)
            .await
    }

    /// Moves a deployment from where it was read to stand to `next`, at `now`, with the event;
    /// a deployed one also takes production over unless a newer one has it. False when somebody
    /// else moved it in between.
    pub(crate) async fn advance(
        &self,
        id: &str,
        created_at: u64,
        from: Standing,
        next: &Progress,
        now: u64,
    ) -> Result<bool> {
        let state = next.state();
        let timings = next.timings(created_at);
        let bundle = next.bundle().map(serde_json::to_string).transpose()?;
        let (attempt, taken_up_at) = match next {
            Progress::Building(taken_up)
            | Progress::Deploying { taken_up, .. }
            | Progress::Deployed { taken_up, .. } => (taken_up.attempt, Some(taken_up.at)),
            Progress::Pending
            | Progress::Failed { .. }
            | Progress::Superseded { .. }
            | Progress::Cancelled { .. } => (from.attempt, None),
        };
        let error = match next {
            Progress::Failed { error, .. } => Some(serde_json::to_string(error)?),
            _ => None,
        };
        let deployed_at = match next {
            Progress::Deployed { at, .. } => Some(*at),
            _ => None,
        };
        let event = serde_json::to_string(&DeploymentEvent::State { at: now, state })?;
        let standing = [
            text(id),
            text(from.state.as_str()),
            number(from.attempt.into()),
        ];
        let mut moved = standing.to_vec();
        moved.extend([
            text(state.as_str()),
            number(attempt.into()),
            number(now + limits::LEASE_MS),
            optional_number(taken_up_at),
            optional_number(timings.queued_ms),
            optional_number(timings.build_ms),
            optional_number(timings.upload_ms),
            optional_number(timings.verify_ms),
            optional_number(timings.total_ms),
            optional_text(bundle.as_deref()),
            optional_text(error.as_deref()),
            optional_number(deployed_at),
        ]);
        let mut statements = vec![];
        if from.state != state || attempt != from.attempt {
            let mut values = standing.to_vec();
            values.push(text(&event));
            statements.push(
                self.statement(include_str!("../../sql/insert_event_of_state.sql"), &values)?,
            );
        }
        let position = statements.len();
        statements.push(self.statement(include_str!("../../sql/advance_deployment.sql"), &moved)?);
        if let Some(at) = deployed_at {
            let values = [text(id), number(at)];
            statements
                .push(self.statement(include_str!("../../sql/record_publication.sql"), &values)?);
            statements.push(self.statement(include_str!("../../sql/publish.sql"), &values)?);
        }
        let changed = self.transaction(statements).await?;
        Ok(changed.get(position) == Some(&1))
    }

    /// Keeps others from taking the deployment over; false when one has.
    pub(crate) async fn renew_lease(&self, id: &str, attempt: u32, now: u64) -> Result<bool> {
        let values = [
            text(id),
            number(attempt.into()),
            number(now + limits::LEASE_MS),
        ];
        let changed = self
            .run(include_str!("../../sql/renew_lease.sql"), &values)
            .await?;
        Ok(changed == 1)
    }

    /// Adds a line to a deployment's log, unless the log is full.
    pub(crate) async fn log(&self, id: &str, at: u64, message: &str) -> Result<()> {
        let event = DeploymentEvent::Log {
            at,
            message: message.to_owned(),
        };
        let values = [
            text(id),
            text(&serde_json::to_string(&event)?),
            number(limits::DEPLOYMENT_EVENTS.into()),
        ];
        self.run(include_str!("../../sql/insert_event_of_log.sql"), &values)
            .await
            .map(drop)
    }

    /// Events after `position`, each with its own position.
    pub(crate) async fn events(
        &self,
        id: &str,
        position: u64,
    ) -> Result<Vec<(u64, DeploymentEvent)>> {
        let values = [text(id), number(position)];
        let rows: Vec<EventRow> = self
            .all(include_str!("../../sql/events_after.sql"), &values)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok((
                    row.position,
                    serde_json::from_str(&row.event).map_err(Error::from)?,
                ))
            })
            .collect()
    }

    /// What a key was used for: the request and the deployment.
    pub(crate) async fn idempotency(
        &self,
        app_id: &str,
        key: &str,
    ) -> Result<Option<(String, String)>> {
        let values = [text(app_id), text(key)];
        let row: Option<KeyRow> = self
            .first(include_str!("../../sql/idempotency_key.sql"), &values)
            .await?;
        Ok(row.map(|row| (row.request, row.deployment_id)))
    }

    /// Notes what a key was used for; the first use stays.
    pub(crate) async fn note_idempotency(
        &self,
        app_id: &str,
        key: &str,
        request: &str,
        deployment_id: &str,
        at: u64,
    ) -> Result<()> {
        let values = [
            text(app_id),
            text(key),
            text(request),
            text(deployment_id),
            number(at),
        ];
        self.run(
            include_str!("../../sql/insert_idempotency_key.sql"),
            &values,
        )
        .await
        .map(drop)
    }
}

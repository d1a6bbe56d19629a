//! Deployments in D1. Every move is compare-and-swap on `(state, attempt)`, and its event is
//! written in the same transaction.

use super::{Store, number, optional_number, optional_text, text};
use hotplate_domain::{Progress, Urls, deployment::TakenUp, limits};
use hotplate_protocol::{Deployment, DeploymentEvent, DeploymentState, DeploymentTimings};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use worker::{D1PreparedStatement, Error, Result};

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
    /// JSON of the secrets that its server gets, each sealed.
    pub(crate) secrets: String,
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
    /// JSON of the error that ended the last attempt.
    pub(crate) interruption: Option<String>,
    pinned: u32,
    pub(crate) removed_at: Option<u64>,
}

impl DeploymentRow {
    /// Where it stands, as far as its next move depends on it. What an attempt found out before it
    /// broke off does not count: the next one builds anew.
    pub(crate) const fn progress(&self) -> Progress {
        match self.taken_up_at {
            Some(at) => Progress::Building(TakenUp {
                at,
                attempt: self.attempt,
            }),
            None => Progress::Pending,
        }
    }

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
            pinned: self.pinned != 0,
            removed_at: self.removed_at,
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
    pub(crate) secrets: &'a str,
    pub(crate) at: u64,
    /// Name of the token.
    pub(crate) by: &'a str,
}

/// What became of a request for a deployment.
pub(crate) struct Inserted {
    /// Ids of waiting ones whose place it took.
    pub(crate) superseded: Vec<String>,
}

/// How many deployments wait.
#[derive(Deserialize)]
pub(crate) struct Waiting {
    /// On the whole platform.
    pub(crate) everywhere: u64,
    /// Of the app, at the revision or above.
    pub(crate) of_app: u64,
}

/// A move from one state to the next.
pub(crate) struct Move<'a> {
    pub(crate) from: Standing,
    pub(crate) next: &'a Progress,
    /// When.
    pub(crate) at: u64,
    /// A taking-up, which waits for the app's other build.
    pub(crate) takes_up: bool,
    /// Log lines that came before it, with their times.
    pub(crate) lines: &'a [(u64, String)],
}

#[derive(Deserialize)]
struct EventRow {
    position: u64,
    event: String,
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

#[derive(Deserialize)]
struct KeyRow {
    request: String,
    deployment_id: String,
}

impl Store {
    /// Adds a pending deployment unless its revision has a living one; waiting deployments of older
    /// revisions end with that.
    pub(crate) async fn insert_deployment(&self, asked: &Asked<'_>) -> Result<Inserted> {
        let values = [
            text(asked.id),
            text(asked.app_id),
            number(asked.revision),
            optional_text(asked.message),
            number(asked.at),
            text(asked.env),
            text(asked.by),
            text(asked.secrets),
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
            JsValue::NULL,
        ];
        let superseded = DeploymentEvent::State {
            at: asked.at,
            state: DeploymentState::Superseded,
        };
        let superseding = [text(asked.id), text(&serde_json::to_string(&superseded)?)];
        let at = [text(asked.id), number(asked.at)];
        let results = self
            .batch(vec![
                self.statement(include_str!("../../sql/insert_deployment.sql"), &values)?,
                self.statement(include_str!("../../sql/insert_event_of_state.sql"), &event)?,
                self.statement(
                    include_str!("../../sql/insert_event_of_superseding.sql"),
                    &superseding,
                )?,
                self.statement(include_str!("../../sql/supersede.sql"), &at)?,
            ])
            .await?;
        let rows: Vec<IdRow> = match results.last() {
            Some(result) => result.results()?,
            None => Vec::new(),
        };
        Ok(Inserted {
            superseded: rows.into_iter().map(|row| row.id).collect(),
        })
    }

    /// How many deployments wait, and of the app those that one of `revision` would not supersede.
    pub(crate) async fn waiting(&self, app_id: &str, revision: u64) -> Result<Waiting> {
        let values = [text(app_id), number(revision)];
        let row: Option<Waiting> = self
            .first(include_str!("../../sql/waiting.sql"), &values)
            .await?;
        Ok(row.unwrap_or(Waiting {
            everywhere: 0,
            of_app: 0,
        }))
    }

    /// The app's oldest deployment that can be taken up at once; none while another is being built.
    pub(crate) async fn next_deployment(&self, app_id: &str, now: u64) -> Result<Option<String>> {
        let values = [text(app_id), number(now)];
        let row: Option<IdRow> = self
            .first(include_str!("../../sql/next_deployment.sql"), &values)
            .await?;
        Ok(row.map(|row| row.id))
    }

    /// The waiting deployment whose turn it is: of the app that was served longest ago. None of an app
    /// that has a build.
    pub(crate) async fn next_in_turn(&self, now: u64) -> Result<Option<String>> {
        let row: Option<IdRow> = self
            .first(include_str!("../../sql/next_in_turn.sql"), &[number(now)])
            .await?;
        Ok(row.map(|row| row.id))
    }

    /// Deployments that nobody works on: they wait for long, or their consumer lost its lease.
    pub(crate) async fn stale_deployments(&self, now: u64) -> Result<Vec<String>> {
        let values = [
            number(now.saturating_sub(limits::STALE_MS)),
            number(now),
            number(limits::SWEEP_DEPLOYMENTS.into()),
        ];
        let rows: Vec<IdRow> = self
            .all(include_str!("../../sql/stale_deployments.sql"), &values)
            .await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// The living deployment of a revision with these public values and secrets.
    pub(crate) async fn deployment_of(
        &self,
        app_id: &str,
        revision: u64,
        env: &str,
        secrets: &str,
    ) -> Result<Option<DeploymentRow>> {
        let values = [text(app_id), number(revision), text(env), text(secrets)];
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

    /// Moves a deployment from where it was read to stand, with the event; a deployed one also takes
    /// production over unless a newer one has it. False when somebody else moved it in between, or
    /// when it is to be taken up and its app has another build.
    pub(crate) async fn advance(&self, id: &str, created_at: u64, step: &Move<'_>) -> Result<bool> {
        let Move {
            from,
            next,
            at: now,
            takes_up,
            lines,
        } = *step;
        let waits = optional_number(takes_up.then_some(now));
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
            waits.clone(),
        ]);
        let mut statements = self.log_statements(id, lines)?;
        if from.state != state || attempt != from.attempt {
            let mut values = standing.to_vec();
            values.extend([text(&event), waits]);
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

    /// Lets the deployment go after an attempt that broke off, so that the next one need not wait
    /// for the lease; `error` (JSON) is why. False when somebody else has it.
    pub(crate) async fn release_lease(&self, id: &str, attempt: u32, error: &str) -> Result<bool> {
        let values = [text(id), number(attempt.into()), text(error)];
        let changed = self
            .run(include_str!("../../sql/release_lease.sql"), &values)
            .await?;
        Ok(changed == 1)
    }

    /// Adds lines to a deployment's log, unless the log is full.
    pub(crate) async fn log(&self, id: &str, lines: &[(u64, String)]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.batch(self.log_statements(id, lines)?).await.map(drop)
    }

    fn log_statements(
        &self,
        id: &str,
        lines: &[(u64, String)],
    ) -> Result<Vec<D1PreparedStatement>> {
        let statement = |(at, message): &(u64, String)| {
            let event = DeploymentEvent::Log {
                at: *at,
                message: message.clone(),
            };
            let values = [
                text(id),
                text(&serde_json::to_string(&event)?),
                number(limits::DEPLOYMENT_EVENTS.into()),
            ];
            self.statement(include_str!("../../sql/insert_event_of_log.sql"), &values)
        };
        lines.iter().map(statement).collect()
    }

    /// Sets whether retention leaves a deployment alone; false when it removed it already.
    pub(crate) async fn pin(&self, id: &str, pinned: bool) -> Result<bool> {
        let values = [text(id), number(u64::from(pinned))];
        let changed = self
            .run(include_str!("../../sql/pin_deployment.sql"), &values)
            .await?;
        Ok(changed == 1)
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

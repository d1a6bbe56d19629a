//! The queue's consumer: carries one deployment from `pending` to an end.
//!
//! Every move is compare-and-swap in D1, so a message delivered twice changes nothing. A consumer
//! holds a lease while it works; when it dies, the message comes again and the next one takes the
//! deployment over, [`limits::BUILD_ATTEMPTS`] times in all.

use crate::{
    builds::{self, BuildError},
    config::Config,
    dispatch::{self, Answer},
    problem::ApiError,
    rooms::Room,
    store::{DeploymentRow, Standing, Store},
};
use futures::StreamExt;
use hotplate_domain::{
    Event, IllegalTransition, Progress, Urls,
    deployment::{Built, TakenUp, is_final},
    limits,
};
use hotplate_protocol::{
    BuildEvent, BuildJob, DeploymentError, DeploymentState, Diagnostic, QueuedDeployment,
    RoomMessage, Stage,
};
use worker::{
    Date, Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, Request, Result, console_error,
};

/// Why work on a deployment stopped without an end.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    /// Another consumer has it; nothing is left to do here.
    #[error("another consumer took the deployment over")]
    TakenOver,
    /// The build service said things in an order that makes no sense.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// D1 or a room failed.
    #[error(transparent)]
    Platform(#[from] ApiError),
}

impl From<worker::Error> for Interrupted {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error.into())
    }
}

/// Works through a batch; a message whose deployment is in another's hands comes again later.
pub(crate) async fn consume(batch: MessageBatch<QueuedDeployment>, env: &Env) -> Result<()> {
    for message in batch.messages()? {
        match work(&message.body().deployment_id, env).await {
            Ok(None) => message.ack(),
            Ok(Some(wait_ms)) => {
                let seconds = u32::try_from(wait_ms.div_ceil(1000)).unwrap_or(60);
                let later = QueueRetryOptionsBuilder::new()
                    .with_delay_seconds(seconds)
                    .build();
                message.retry_with_options(&later);
            }
            Err(error) => {
                console_error!("deployment {}: {error}", message.body().deployment_id);
                message.retry();
            }
        }
    }
    Ok(())
}

/// Carries a deployment to its end; `Some(ms)` when a living consumer holds it that much longer.
async fn work(id: &str, env: &Env) -> std::result::Result<Option<u64>, Interrupted> {
    let config = Config::read(env)?;
    let store = Store::open(env)?;
    let Some(row) = store.deployment(id).await? else {
        return Ok(None);
    };
    if is_final(row.state) {
        return Ok(None);
    }
    let now = Date::now().as_millis();
    if row.state != DeploymentState::Pending && row.lease_until > now {
        return Ok(Some(row.lease_until - now));
    }
    let mut run = Run {
        standing: Standing {
            state: row.state,
            attempt: row.attempt,
        },
        progress: progress_of(&row),
        urls: Urls::new(config.base_domain.clone()),
        env,
        config,
        store,
        row,
    };
    match run.carry().await {
        Ok(()) | Err(Interrupted::TakenOver) => Ok(None),
        Err(Interrupted::Illegal(error)) => {
            let failed = run
                .fail(Stage::Building, "internal", error.to_string(), Vec::new())
                .await;
            failed.map(|()| None)
        }
        Err(error @ Interrupted::Platform(_)) => Err(error),
    }
}

fn progress_of(row: &DeploymentRow) -> Progress {
    match row.taken_up_at {
        Some(at) => Progress::Building(TakenUp {
            at,
            attempt: row.attempt,
        }),
        None => Progress::Pending,
    }
}

/// One consumer's work on one deployment.
struct Run<'a> {
    env: &'a Env,
    config: Config,
    store: Store,
    urls: Urls,
    row: DeploymentRow,
    progress: Progress,
    standing: Standing,
}

impl Run<'_> {
    async fn carry(&mut self) -> std::result::Result<(), Interrupted> {
        let at = Date::now().as_millis();
        if self.progress.apply(Event::TakenUp { at }).is_err() {
            let message = format!("taken up {} times without an end", limits::BUILD_ATTEMPTS);
            return self
                .fail(Stage::Building, "lease_lost", message, Vec::new())
                .await;
        }
        self.advance(Event::TakenUp { at }).await?;
        let room = Room::of(self.env, &self.row.app)?;
        let job = BuildJob {
            deployment_id: self.row.id.clone(),
            app: self.row.app.clone(),
            script_name: dispatch::script_name(&self.row.app, &self.row.id),
            namespace: self.config.namespace.clone(),
            revision: self.row.revision,
            files: room.tree(self.row.revision).await?.files,
            blobs_url: self.urls.blobs(&self.row.app),
            env: serde_json::from_str(&self.row.env).map_err(ApiError::from)?,
            max_bundle_bytes: self.config.max_bundle_bytes,
        };
        match self.build(&job).await? {
            Ok(()) => self.verify().await,
            Err(failure) => {
                let DeploymentError {
                    stage,
                    code,
                    message,
                    diagnostics,
                } = failure;
                self.fail(stage, &code, message, diagnostics).await
            }
        }
    }

    /// Follows the build service's events until the upload; the inner error is the deployment's.
    async fn build(
        &mut self,
        job: &BuildJob,
    ) -> std::result::Result<std::result::Result<(), DeploymentError>, Interrupted> {
        let mut events = match builds::start(&self.config, job).await {
            Ok(events) => Box::pin(events),
            Err(error) => return Ok(Err(self.broken(&error))),
        };
        while let Some(event) = events.next().await {
            match event {
                Ok(BuildEvent::Log { message }) => self.log(&message).await?,
                Ok(BuildEvent::Built { build_ms, bundle }) => {
                    self.advance(Event::Built(Built { build_ms, bundle }))
                        .await?;
                }
                Ok(BuildEvent::Uploaded { upload_ms }) => {
                    self.advance(Event::Uploaded { upload_ms }).await?;
                    return Ok(Ok(()));
                }
                Ok(BuildEvent::Failed(failure)) => {
                    return Ok(Err(DeploymentError {
                        stage: failure.stage,
                        code: failure.code,
                        message: failure.message,
                        diagnostics: failure.diagnostics,
                    }));
                }
                Err(error) => return Ok(Err(self.broken(&error))),
            }
        }
        Ok(Err(self.broken(&BuildError::Cut(
            "the stream ended early".to_owned(),
        ))))
    }

    /// Asks the new script as a visitor will be answered: anything below 500 counts.
    async fn verify(&mut self) -> std::result::Result<(), Interrupted> {
        let started = Date::now().as_millis();
        let url = self.urls.deployment(&self.row.app, &self.row.id);
        let script = dispatch::script_name(&self.row.app, &self.row.id);
        let mut reason = String::new();
        for _ in 0..limits::VERIFY_ATTEMPTS {
            let request = Request::new(&url, worker::Method::Get)?;
            match dispatch::ask(self.env, &script, request).await? {
                Answer::Response(response) if response.status_code() < 500 => {
                    let at = Date::now().as_millis();
                    return self
                        .advance(Event::Verified {
                            at,
                            verify_ms: at - started,
                        })
                        .await;
                }
                Answer::Response(response) => {
                    reason = format!("it answered {}", response.status_code());
                }
                Answer::NoScript => "the namespace does not have it".clone_into(&mut reason),
                Answer::Threw(message) => reason = format!("it threw: {message}"),
            }
        }
        let message = format!(
            "the new deployment was asked {} times; {reason}",
            limits::VERIFY_ATTEMPTS
        );
        self.fail(Stage::Verifying, "verify_failed", message, Vec::new())
            .await
    }

    async fn log(&self, message: &str) -> std::result::Result<(), Interrupted> {
        let now = Date::now().as_millis();
        if !self
            .store
            .renew_lease(&self.row.id, self.standing.attempt, now)
            .await?
        {
            return Err(Interrupted::TakenOver);
        }
        Ok(self.store.log(&self.row.id, now, message).await?)
    }

    async fn fail(
        &mut self,
        stage: Stage,
        code: &str,
        message: String,
        diagnostics: Vec<Diagnostic>,
    ) -> std::result::Result<(), Interrupted> {
        let error = DeploymentError {
            stage,
            code: code.to_owned(),
            message,
            diagnostics,
        };
        let at = Date::now().as_millis();
        self.advance(Event::Failed { at, error }).await
    }

    /// Moves the deployment, in D1 and in the eyes of the room's sockets.
    async fn advance(&mut self, event: Event) -> std::result::Result<(), Interrupted> {
        let next = self.progress.apply(event)?;
        let now = Date::now().as_millis();
        let moved = self
            .store
            .advance(&self.row.id, self.row.created_at, self.standing, &next, now)
            .await?;
        if !moved {
            return Err(Interrupted::TakenOver);
        }
        self.standing.state = next.state();
        if let Progress::Building(taken_up) = &next {
            self.standing.attempt = taken_up.attempt;
        }
        self.progress = next;
        if let Some(row) = self.store.deployment(&self.row.id).await? {
            let deployment = Box::new(row.into_deployment(&self.urls)?);
            let room = Room::of(self.env, &self.row.app)?;
            room.notify(&RoomMessage::Deployment { deployment }).await;
        }
        Ok(())
    }

    fn broken(&self, error: &BuildError) -> DeploymentError {
        let stage = match self.standing.state {
            DeploymentState::Deploying => Stage::Deploying,
            _ => Stage::Building,
        };
        let code = match error {
            BuildError::Unreachable(_) => "build_service_unreachable",
            BuildError::Refused { .. } => "build_service_refused",
            BuildError::Cut(_) => "build_interrupted",
        };
        DeploymentError {
            stage,
            code: code.to_owned(),
            message: error.to_string(),
            diagnostics: Vec::new(),
        }
    }
}

//! Carries one deployment from `pending` to an end.
//!
//! Every move is compare-and-swap in D1, so a message delivered twice changes nothing. A consumer
//! holds a lease while it works and lets it go when the attempt breaks off; the deployment is then
//! tried again, [`limits::BUILD_ATTEMPTS`] times in all.

use super::{After, hand_on, notify};
use crate::{
    builds::{self, BuildError},
    config::Config,
    dispatch::{self, Answer},
    problem::ApiError,
    rooms::Room,
    secrets,
    store::{DeploymentRow, Move, Standing, Store},
};
use futures::{
    StreamExt,
    future::{Either, select},
};
use hotplate_domain::{
    Event, IllegalTransition, Progress, Urls,
    deployment::{Built, is_final},
    limits,
};
use hotplate_protocol::{
    BuildEvent, BuildJob, DeploymentError, DeploymentState, Diagnostic, Stage,
};
use std::time::Duration;
use worker::{Date, Delay, Env, Request, console_error};

/// The build service could not fetch the app's files from the Worker.
const CONTENT_UNAVAILABLE: &str = "content_unavailable";

/// Why an attempt stopped without an end.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    /// The deployment was moved by somebody else (taken over, cancelled), or its app has another build.
    #[error("another consumer took the deployment over")]
    TakenOver,
    /// The build service said things in an order that makes no sense.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The build service went away; another attempt may find it.
    #[error("{}", .0.message)]
    Broken(DeploymentError),
    /// D1 or a room failed.
    #[error(transparent)]
    Platform(#[from] ApiError),
}

impl From<worker::Error> for Interrupted {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error.into())
    }
}

/// Takes a deployment up and carries it; `None` when another consumer took it first.
pub(super) async fn attempt(
    row: DeploymentRow,
    store: Store,
    env: &Env,
) -> std::result::Result<Option<After>, ApiError> {
    let config = Config::read(env)?;
    let (app_id, taken) = (row.app_id.clone(), row.attempt);
    let now = Date::now().as_millis();
    let mut run = Run {
        standing: Standing {
            state: row.state,
            attempt: row.attempt,
        },
        progress: row.progress(),
        urls: Urls::new(config.base_domain.clone()),
        lines: Vec::new(),
        leased_at: now,
        env,
        config,
        store,
        row,
    };
    let after = match run.carry().await {
        Err(Interrupted::TakenOver) if run.standing.attempt == taken => return Ok(None),
        Ok(()) | Err(Interrupted::TakenOver) => After::Done,
        Err(error) => run.interrupt(error).await?,
    };
    if matches!(after, After::Done) {
        hand_on(&run.store, &app_id, env).await;
    }
    Ok(Some(after))
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
    /// Log lines that are not stored yet: they go along with the next move or sign of life.
    lines: Vec<(u64, String)>,
    /// When the lease was taken or renewed last.
    leased_at: u64,
}

impl Run<'_> {
    async fn carry(&mut self) -> std::result::Result<(), Interrupted> {
        let at = Date::now().as_millis();
        if self.progress.apply(Event::TakenUp { at }).is_err() {
            let error = self.last_interruption();
            return self.advance(Event::Failed { at, error }).await;
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
            maps_url: self.urls.maps(&self.row.app, &self.row.id),
            env: serde_json::from_str(&self.row.env).map_err(ApiError::from)?,
            secrets: secrets::open(&self.config, &self.row.app_id, &self.row.secrets)?,
            max_bundle_bytes: self.config.max_bundle_bytes,
        };
        match self.build(&job).await? {
            Ok(()) => self.verify().await,
            Err(error) => {
                let at = Date::now().as_millis();
                self.advance(Event::Failed { at, error }).await
            }
        }
    }

    /// Follows the build service's events until the upload; the inner error is the deployment's.
    async fn build(
        &mut self,
        job: &BuildJob,
    ) -> std::result::Result<std::result::Result<(), DeploymentError>, Interrupted> {
        let mut events = match heard(builds::start(&self.config, job)).await {
            Some(Ok(events)) => Box::pin(events),
            Some(Err(error @ BuildError::Refused { status, .. })) if status < 500 => {
                return Ok(Err(self.broken(&error)));
            }
            Some(Err(error)) => return Err(Interrupted::Broken(self.broken(&error))),
            None => return Err(Interrupted::Broken(self.broken(&BuildError::Silent))),
        };
        loop {
            match heard(events.next()).await {
                Some(Some(Ok(BuildEvent::Log { message }))) => self.note(message),
                Some(Some(Ok(BuildEvent::Working))) => self.renew().await?,
                Some(Some(Ok(BuildEvent::Built { build_ms, bundle }))) => {
                    self.advance(Event::Built(Built { build_ms, bundle }))
                        .await?;
                }
                Some(Some(Ok(BuildEvent::Uploaded { upload_ms }))) => {
                    self.advance(Event::Uploaded { upload_ms }).await?;
                    return Ok(Ok(()));
                }
                Some(Some(Ok(BuildEvent::Failed(failure)))) => {
                    let transient = failure.code == CONTENT_UNAVAILABLE;
                    let error = DeploymentError {
                        stage: failure.stage,
                        code: failure.code,
                        message: failure.message,
                        diagnostics: failure.diagnostics,
                    };
                    if transient {
                        return Err(Interrupted::Broken(error));
                    }
                    return Ok(Err(error));
                }
                Some(Some(Err(error))) => return Err(Interrupted::Broken(self.broken(&error))),
                Some(None) => {
                    let cut = BuildError::Cut("the stream ended early".to_owned());
                    return Err(Interrupted::Broken(self.broken(&cut)));
                }
                None => return Err(Interrupted::Broken(self.broken(&BuildError::Silent))),
            }
        }
    }

    /// Asks the new script as a visitor will be answered: anything below 500 counts.
    async fn verify(&mut self) -> std::result::Result<(), Interrupted> {
        let started = Date::now().as_millis();
        let url = self.urls.deployment(&self.row.app, &self.row.id);
        let script = dispatch::script_name(&self.row.app, &self.row.id);
        let mut reason = String::new();
        for _ in 0..limits::VERIFY_ATTEMPTS {
            let request = Request::new(&url, worker::Method::Get)?;
            let asked = Box::pin(dispatch::ask(self.env, &script, request));
            let patience = Box::pin(Delay::from(Duration::from_millis(limits::VERIFY_MS)));
            let answer = match select(asked, patience).await {
                Either::Left((answer, _)) => answer?,
                Either::Right(_) => {
                    reason = format!("it did not answer within {} ms", limits::VERIFY_MS);
                    continue;
                }
            };
            match answer {
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

    fn note(&mut self, line: String) {
        self.lines.push((Date::now().as_millis(), line));
    }

    /// Keeps the lease and stores what was noted. A lease that is new is left alone: most deployments
    /// end sooner than their first renewal, and each is a write that the next step waits for.
    async fn renew(&mut self) -> std::result::Result<(), Interrupted> {
        let now = Date::now().as_millis();
        if now.saturating_sub(self.leased_at) < limits::RENEW_MS {
            return Ok(());
        }
        self.leased_at = now;
        let lines = std::mem::take(&mut self.lines);
        self.store.log(&self.row.id, &lines).await?;
        let attempt = self.standing.attempt;
        if self.store.renew_lease(&self.row.id, attempt, now).await? {
            Ok(())
        } else {
            Err(Interrupted::TakenOver)
        }
    }

    /// After an attempt that broke off: lets the deployment go for the next one, or fails it when that
    /// was the last.
    async fn interrupt(&mut self, why: Interrupted) -> std::result::Result<After, ApiError> {
        let (error, transient) = self.reason(why);
        let at = Date::now().as_millis();
        if is_final(self.standing.state) {
            return Ok(After::Done);
        }
        let again = After::Again(limits::RETRY_MS * u64::from(self.standing.attempt.max(1)));
        if self.standing.state == DeploymentState::Pending {
            return Ok(again);
        }
        if transient && self.standing.attempt < limits::BUILD_ATTEMPTS {
            let attempt = self.standing.attempt;
            self.note(format!(
                "attempt {attempt} broke off: {} ({}); it is tried again",
                error.message, error.code
            ));
            let lines = std::mem::take(&mut self.lines);
            let json = serde_json::to_string(&error)?;
            let released = self
                .store
                .release_lease(&self.row.id, attempt, &json)
                .await?;
            self.store.log(&self.row.id, &lines).await?;
            return Ok(if released { again } else { After::Done });
        }
        match self.advance(Event::Failed { at, error }).await {
            Err(Interrupted::Platform(error)) => Err(error),
            // Failed, or in other hands: a running deployment can always fail.
            Ok(())
            | Err(Interrupted::TakenOver | Interrupted::Illegal(_) | Interrupted::Broken(_)) => {
                Ok(After::Done)
            }
        }
    }

    /// Why an attempt broke off, in words for the deployment's owner, and whether another may fare
    /// better.
    fn reason(&self, why: Interrupted) -> (DeploymentError, bool) {
        let error = |code: &str, message: String| DeploymentError {
            stage: self.stage(),
            code: code.to_owned(),
            message,
            diagnostics: Vec::new(),
        };
        match why {
            Interrupted::Broken(error) => (error, true),
            Interrupted::TakenOver => (error("lease_lost", why.to_string()), true),
            Interrupted::Illegal(illegal) => (error("internal", illegal.to_string()), false),
            Interrupted::Platform(ApiError::Problem(problem)) => {
                let transient = problem.status >= 500;
                (error(problem.code.as_str(), problem.detail), transient)
            }
            Interrupted::Platform(cause) => {
                console_error!("deployment {}: {cause}", self.row.id);
                let message = "the platform's database or the app's room failed".to_owned();
                (error("platform_unavailable", message), true)
            }
        }
    }

    const fn stage(&self) -> Stage {
        match (self.standing.state, &self.progress) {
            (DeploymentState::Pending, _) => Stage::Pending,
            (
                DeploymentState::Deploying,
                Progress::Deploying {
                    upload_ms: Some(_), ..
                },
            ) => Stage::Verifying,
            (DeploymentState::Deploying, _) => Stage::Deploying,
            _ => Stage::Building,
        }
    }

    /// Why a deployment that was tried often enough has no end.
    fn last_interruption(&self) -> DeploymentError {
        let known = self.row.interruption.as_deref();
        let known = known.and_then(|json| serde_json::from_str::<DeploymentError>(json).ok());
        known.unwrap_or_else(|| DeploymentError {
            stage: Stage::Building,
            code: "lease_lost".to_owned(),
            message: format!("taken up {} times without an end", limits::BUILD_ATTEMPTS),
            diagnostics: Vec::new(),
        })
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
        let takes_up = matches!(event, Event::TakenUp { .. });
        let next = self.progress.apply(event)?;
        let now = Date::now().as_millis();
        let lines = std::mem::take(&mut self.lines);
        let step = Move {
            from: self.standing,
            next: &next,
            at: now,
            takes_up,
            lines: &lines,
        };
        let moved = self
            .store
            .advance(&self.row.id, self.row.created_at, &step)
            .await?;
        if !moved {
            return Err(Interrupted::TakenOver);
        }
        self.leased_at = now;
        self.standing.state = next.state();
        if let Progress::Building(taken_up) = &next {
            self.standing.attempt = taken_up.attempt;
        }
        self.progress = next;
        dispatch::forget(&self.row.app);
        let script = dispatch::script_name(&self.row.app, &self.row.id);
        if self.standing.state == DeploymentState::Failed {
            let due_at = now + limits::REMOVAL_DELAY_MS;
            self.store.discard(&self.row.id, &script, due_at).await?;
        }
        notify(&self.store, &self.row.id, &self.urls, self.env).await;
        Ok(())
    }

    fn broken(&self, error: &BuildError) -> DeploymentError {
        let code = match error {
            BuildError::Unreachable(_) => "build_service_unreachable",
            BuildError::Refused { .. } => "build_service_refused",
            BuildError::Cut(_) => "build_interrupted",
            BuildError::Silent => "build_service_silent",
        };
        DeploymentError {
            stage: self.stage(),
            code: code.to_owned(),
            message: error.to_string(),
            diagnostics: Vec::new(),
        }
    }
}

/// What comes of `future` before the build service has been silent for too long.
async fn heard<T>(future: impl Future<Output = T>) -> Option<T> {
    let silence = Box::pin(Delay::from(Duration::from_millis(limits::SILENCE_MS)));
    match select(Box::pin(future), silence).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

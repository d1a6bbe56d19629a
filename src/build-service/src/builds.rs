//! Builds: contents, link, size, upload, each told as an event.

use crate::artifacts::ArtifactStore;
use crate::config::{Config, Secret};
use crate::contents::Contents;
use crate::flight::Flights;
use crate::memories::Memories;
use crate::memory::EXCEEDED;
use crate::metrics::{BuildStage, Metrics};
use crate::packages::Packages;
use crate::readiness::{NotReady, Readiness};
use crate::{maps, size, upload, work};
use hotplate_cloudflare_api::Client;
use hotplate_protocol::{
    BuildEvent, BuildFailure, BuildJob, Diagnostic, RemovalAnswer, RemovalRequest, Stage,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tracing::Instrument;

/// Builds that run at once; others wait.
const PARALLEL_BUILDS: usize = 4;
/// How often a build that is at work says so; the Worker takes a silent one for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// The app's sources are at fault; the diagnostics say where.
const BUILD_FAILED: &str = "build_failed";

type Chunk = Result<(Arc<str>, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Everything the service keeps between requests.
pub struct Service {
    pub(crate) secret: Secret,
    pub(crate) contents: Contents,
    pub(crate) packages: Packages,
    pub(crate) artifacts: ArtifactStore,
    pub(crate) pool: rayon::ThreadPool,
    pub(crate) http: reqwest::Client,
    pub(crate) memories: Memories,
    pub(crate) metrics: Metrics,
    readiness: Readiness,
    pub(crate) vendor_flights: Flights<Chunk>,
    folder: PathBuf,
    pub(crate) cloudflare: Client,
    pub(crate) zone: Option<String>,
    builds: Semaphore,
    build_timeout: Duration,
    pub(crate) build_memory_bytes: u64,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The cache folder.
    #[error("HOTPLATE_STATE cannot be used: {0}")]
    State(#[from] std::io::Error),
    /// The content store.
    #[error("HOTPLATE_STATE cannot be used: {0}")]
    Contents(#[from] crate::contents::ContentError),
    /// The REST client.
    #[error("CLOUDFLARE_API_BASE cannot be used: {0}")]
    Cloudflare(#[from] hotplate_cloudflare_api::Error),
    /// Threads.
    #[error("{0}")]
    Threads(#[from] work::WorkError),
}

impl Service {
    /// Opens the caches.
    pub fn open(config: &Config) -> Result<Arc<Self>, StartError> {
        let folder = config.state.join("build-service");
        std::fs::create_dir_all(&folder)?;
        let http = reqwest::Client::new();
        let artifacts = ArtifactStore::open(folder.join("artifacts"))?;
        Ok(Arc::new(Self {
            secret: config.secret.clone(),
            contents: Contents::open(folder.join("blobs"), http.clone(), config.secret.clone())?,
            packages: Packages::open(&folder.join("packages"))?,
            metrics: Metrics::new(&artifacts.counts),
            readiness: Readiness::default(),
            artifacts,
            pool: work::pool()?,
            http,
            memories: Memories::default(),
            vendor_flights: Flights::new(),
            cloudflare: Client::new(&config.api_base, &config.account, config.token.clone())?
                .with_timeout(config.api_timeout),
            zone: config.zone.clone(),
            builds: Semaphore::new(PARALLEL_BUILDS),
            build_timeout: config.build_timeout,
            build_memory_bytes: config.build_memory_bytes,
            folder,
        }))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything that keeps the service from taking work.
    pub async fn not_ready(&self) -> Vec<NotReady> {
        self.readiness.problems(&self.folder).await
    }

    /// Does one stage of a build, timed and as a span of its own.
    pub(crate) async fn stage<T>(&self, stage: BuildStage, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let span = tracing::info_span!("stage", otel.name = stage.as_str(), stage = stage.as_str());
        let output = work.instrument(span).await;
        self.metrics.stage_took(stage, started.elapsed());
        output
    }

    /// Runs a job; the last event is `uploaded` or `failed`.
    ///
    /// Whoever asked may be gone. What is being built is built, since the next attempt finds it in the
    /// caches; but nothing is uploaded that nobody waits for: it may have been cancelled.
    pub(crate) async fn build(self: Arc<Self>, job: BuildJob, events: UnboundedSender<BuildEvent>) {
        let span = tracing::info_span!(
            "build",
            app = job.app,
            deployment = job.deployment_id,
            revision = job.revision
        );
        let work = self.run_in_turn(&job, &events).instrument(span);
        tokio::pin!(work);
        let mut signs = tokio::time::interval(SIGN_OF_LIFE);
        loop {
            tokio::select! {
                event = &mut work => {
                    drop(events.send(event));
                    return;
                }
                _ = signs.tick() => drop(events.send(BuildEvent::Working)),
            }
        }
    }

    async fn run_in_turn(
        self: &Arc<Self>,
        job: &BuildJob,
        events: &UnboundedSender<BuildEvent>,
    ) -> BuildEvent {
        // The semaphore is never closed.
        let waits = self.metrics.build_waits();
        let _permit = self.stage(BuildStage::Waiting, self.builds.acquire()).await;
        drop(waits);
        let _runs = self.metrics.build_runs();
        let started = Instant::now();
        match self.run(job, events).await {
            Ok(upload_ms) => {
                self.metrics.build_ended("uploaded");
                tracing::info!(upload_ms, total_ms = millis(started), "build uploaded");
                BuildEvent::Uploaded { upload_ms }
            }
            Err(failure) => {
                self.metrics.build_ended(&failure.code);
                tracing::info!(
                    code = failure.code,
                    reason = failure.message,
                    total_ms = millis(started),
                    "build failed"
                );
                BuildEvent::Failed(failure)
            }
        }
    }

    /// Removes scripts from the namespace; the names of those that are gone.
    pub(crate) async fn remove(&self, request: &RemovalRequest) -> RemovalAnswer {
        let namespace = self.cloudflare.namespace(&request.namespace);
        let mut removed = Vec::new();
        for script in &request.scripts {
            match namespace.delete_script(script).await {
                Ok(_) => removed.push(script.clone()),
                // The others would fare no better: the Worker asks for the rest again later.
                Err(error) => {
                    tracing::warn!(script, %error, "a script was not removed");
                    break;
                }
            }
        }
        RemovalAnswer { removed }
    }

    async fn run(
        self: &Arc<Self>,
        job: &BuildJob,
        events: &UnboundedSender<BuildEvent>,
    ) -> Result<u64, BuildFailure> {
        let tell = |event| drop(events.send(event));
        let building = |code: &str, message: String, diagnostics| BuildFailure {
            stage: Stage::Building,
            code: code.to_owned(),
            message,
            diagnostics,
        };
        for file in &job.files {
            hotplate_domain::path::validate(&file.path).map_err(|error| {
                building("invalid_path", format!("`{}`: {error}", file.path), vec![])
            })?;
        }
        let started = Instant::now();
        let build = async {
            let hashes: BTreeSet<String> = job.files.iter().map(|file| file.hash.clone()).collect();
            let fetched = self
                .stage(
                    BuildStage::Contents,
                    self.contents.ensure(&job.blobs_url, &hashes),
                )
                .await
                .map_err(|error| building("content_unavailable", error.to_string(), vec![]))?;
            self.metrics
                .contents(hashes.len().saturating_sub(fetched), fetched);
            tell(BuildEvent::Log {
                message: format!("{} files, {fetched} fetched", job.files.len()),
            });
            self.link(job).await.map_err(|diagnostics| {
                let (code, message) = in_short(&diagnostics);
                building(code, message, diagnostics)
            })
        };
        let mut deployable = tokio::time::timeout(self.build_timeout, build)
            .await
            .map_err(|_| {
                let seconds = self.build_timeout.as_secs_f64();
                let message = format!("The build took more than {seconds} s");
                building("build_timeout", message, vec![])
            })??;
        let of_server = deployable.server.iter().flat_map(|server| &server.warnings);
        for warning in deployable.release.warnings.iter().chain(of_server) {
            let Diagnostic {
                file,
                message,
                code,
                ..
            } = warning;
            tell(BuildEvent::Log {
                message: format!("warning: {file}: {message} ({code})"),
            });
        }
        size::check(&deployable, job.max_bundle_bytes)
            .map_err(|error| building(error.code(), error.to_string(), vec![]))?;
        tell(BuildEvent::Built {
            build_ms: millis(started),
            bundle: deployable.bundle(),
        });
        if events.is_closed() {
            let message = "Nobody waits for the build any more".to_owned();
            return Err(building("build_abandoned", message, vec![]));
        }
        let started = Instant::now();
        let listener = events.clone();
        let service = Arc::clone(self);
        let cloudflare = self.cloudflare.observed(move |call| {
            service.metrics.api_call(&call);
            let message = call.to_string();
            tracing::debug!(call = message, "called the Cloudflare API");
            drop(listener.send(BuildEvent::Log { message }));
        });
        let maps = std::mem::take(&mut deployable.release.maps);
        // Before the deployment is said to be there: whoever visits it may report a stack at once.
        let upload = upload::upload(&cloudflare, job, deployable);
        let (uploaded, unkept) = tokio::join!(
            self.stage(BuildStage::Upload, upload),
            maps::keep(self, job, maps)
        );
        for message in unkept {
            tell(BuildEvent::Log { message });
        }
        uploaded.map_err(|error| BuildFailure {
            stage: Stage::Deploying,
            code: "upload_failed".to_owned(),
            message: format!("{error} ({})", error.code()),
            diagnostics: vec![],
        })?;
        Ok(millis(started))
    }
}

/// Code and message of a build that has errors.
fn in_short(diagnostics: &[Diagnostic]) -> (&'static str, String) {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|it| it.is_error()).collect();
    let Some(first) = errors.first() else {
        return (BUILD_FAILED, String::new());
    };
    let code = if first.code == EXCEEDED {
        EXCEEDED
    } else {
        BUILD_FAILED
    };
    let message = match errors.len() {
        1 => first.message.clone(),
        count => format!("{} (and {} more)", first.message, count - 1),
    };
    (code, message)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

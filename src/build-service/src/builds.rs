//! Builds: contents, link, size, upload, each told as an event.

use crate::artifacts::ArtifactStore;
use crate::config::{Config, Secret};
use crate::contents::Contents;
use crate::flight::Flights;
use crate::packages::Packages;
use crate::{upload, work};
use hotplate_cloudflare_api::Client;
use hotplate_protocol::{BuildEvent, BuildFailure, BuildJob, Diagnostic, Stage};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;

/// Builds that run at once; others wait.
const PARALLEL_BUILDS: usize = 4;
/// How long contents, installation and link of one build may take.
const BUILD_TIMEOUT: Duration = Duration::from_mins(5);

type Chunk = Result<(Arc<str>, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Everything the service keeps between requests.
pub struct Service {
    pub(crate) secret: Secret,
    pub(crate) contents: Contents,
    pub(crate) packages: Packages,
    pub(crate) artifacts: ArtifactStore,
    pub(crate) pool: rayon::ThreadPool,
    pub(crate) vendor_flights: Flights<Chunk>,
    folder: PathBuf,
    cloudflare: Client,
    builds: Semaphore,
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
        Ok(Arc::new(Self {
            secret: config.secret.clone(),
            contents: Contents::open(folder.join("blobs"), http, config.secret.clone())?,
            packages: Packages::open(&folder.join("packages"))?,
            artifacts: ArtifactStore::open(folder.join("artifacts"))?,
            pool: work::pool()?,
            vendor_flights: Flights::new(),
            cloudflare: Client::new(&config.api_base, &config.account, config.token.clone())?,
            builds: Semaphore::new(PARALLEL_BUILDS),
            folder,
        }))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a job; the last event is `uploaded` or `failed`.
    pub(crate) async fn build(self: Arc<Self>, job: BuildJob, events: UnboundedSender<BuildEvent>) {
        // Whoever asked may be gone; the job goes on, so that a second delivery finds it done.
        let tell = |event| drop(events.send(event));
        // The semaphore is never closed.
        let _permit = self.builds.acquire().await;
        let event = match self.run(&job, &tell).await {
            Ok(upload_ms) => BuildEvent::Uploaded { upload_ms },
            Err(failure) => {
                tracing::info!(
                    deployment = job.deployment_id,
                    code = failure.code,
                    message = failure.message,
                    "build failed"
                );
                BuildEvent::Failed(failure)
            }
        };
        tell(event);
    }

    async fn run(
        self: &Arc<Self>,
        job: &BuildJob,
        tell: &impl Fn(BuildEvent),
    ) -> Result<u64, BuildFailure> {
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
                .contents
                .ensure(&job.blobs_url, &hashes)
                .await
                .map_err(|error| building("content_unavailable", error.to_string(), vec![]))?;
            tell(BuildEvent::Log {
                message: format!("{} files, {fetched} fetched", job.files.len()),
            });
            self.link(job).await.map_err(|diagnostics| {
                let errors = diagnostics
                    .iter()
                    .filter(|diagnostic| diagnostic.is_error())
                    .count();
                let first = diagnostics.iter().find(|diagnostic| diagnostic.is_error());
                let message =
                    first.map_or_else(String::new, |diagnostic| diagnostic.message.clone());
                let more = if errors > 1 {
                    format!(" (and {} more)", errors - 1)
                } else {
                    String::new()
                };
                building("build_failed", format!("{message}{more}"), diagnostics)
            })
        };
        let release = tokio::time::timeout(BUILD_TIMEOUT, build)
            .await
            .map_err(|_| {
                building(
                    "build_timeout",
                    "The build took too long".to_owned(),
                    vec![],
                )
            })??;
        for warning in &release.warnings {
            tell(BuildEvent::Log {
                message: format!("warning: {}: {}", warning.file, warning.message),
            });
        }
        let bytes = release.bundle.bytes;
        tell(BuildEvent::Built {
            build_ms: millis(started),
            bundle: release.bundle,
        });
        if bytes > job.max_bundle_bytes {
            let message = format!(
                "The bundle has {bytes} bytes; at most {} are allowed",
                job.max_bundle_bytes
            );
            return Err(building("bundle_too_large", message, vec![]));
        }
        let started = Instant::now();
        upload::upload(&self.cloudflare, job, release.files)
            .await
            .map_err(|error| BuildFailure {
                stage: Stage::Deploying,
                code: "upload_failed".to_owned(),
                message: format!("{error} ({})", error.code()),
                diagnostics: vec![],
            })?;
        Ok(millis(started))
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

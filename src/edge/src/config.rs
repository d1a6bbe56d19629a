//! Variables, secrets and binding names of the Worker; the only place that names them.

use hotplate_domain::secrets::SecretKey;
use worker::{AnalyticsEngineDataset, D1Database, Env, Queue, Result, kv::KvStore};

/// What the environment says.
#[derive(Clone)]
pub(crate) struct Config {
    /// With its port.
    pub(crate) base_domain: String,
    /// Origin of the build service.
    pub(crate) build_service_url: String,
    /// Dispatch namespace to upload to.
    pub(crate) namespace: String,
    /// Largest sum of chunk bytes of a deployment.
    pub(crate) max_bundle_bytes: u64,
    /// How many of an app's newest deployments retention keeps.
    pub(crate) retain_deployments: u64,
    /// Opens the API.
    pub(crate) admin_token: String,
    /// Shared with the build service, both directions.
    pub(crate) build_service_secret: String,
    /// What the key is made from that apps' secrets are sealed with.
    secrets_key: String,
}

impl Config {
    /// Reads it; a missing variable is an error that names it.
    pub(crate) fn read(env: &Env) -> Result<Self> {
        let var = |name: &str| env.var(name).map(|value| value.to_string());
        let secret = |name: &str| env.secret(name).map(|value| value.to_string());
        let number = |name: &str| {
            let value = var(name)?;
            value
                .parse()
                .map_err(|error| worker::Error::RustError(format!("{name} is {value:?}: {error}")))
        };
        Ok(Self {
            base_domain: var("BASE_DOMAIN")?,
            build_service_url: var("BUILD_SERVICE_URL")?.trim_end_matches('/').to_owned(),
            namespace: var("WFP_NAMESPACE_ID")?,
            max_bundle_bytes: number("MAX_BUNDLE_BYTES")?,
            retain_deployments: number("RETAIN_DEPLOYMENTS")?,
            admin_token: secret("ADMIN_TOKEN")?,
            build_service_secret: secret("BUILD_SERVICE_SECRET")?,
            secrets_key: secret("SECRETS_KEY")?,
        })
    }

    /// The key that apps' secrets are sealed with.
    pub(crate) fn secret_key(&self) -> Result<SecretKey> {
        SecretKey::from_text(&self.secrets_key)
            .map_err(|error| worker::Error::RustError(format!("SECRETS_KEY: {error}")))
    }
}

/// Apps, deployments and what belongs to them.
pub(crate) fn database(env: &Env) -> Result<D1Database> {
    env.d1("DB")
}

/// Contents by hash.
pub(crate) fn blobs(env: &Env) -> Result<KvStore> {
    env.kv("BLOBS")
}

/// Deployments to be built.
pub(crate) fn deployments(env: &Env) -> Result<Queue> {
    env.queue("DEPLOYMENTS")
}

/// Where data points of live updates go, when a dataset is bound.
pub(crate) fn updates_dataset(env: &Env) -> Option<AnalyticsEngineDataset> {
    env.analytics_engine("UPDATES").ok()
}

/// Name of the rooms' Durable Object binding.
pub(crate) const ROOMS: &str = "ROOMS";

/// Name of the dispatch namespace's binding.
pub(crate) const DISPATCHER: &str = "DISPATCHER";

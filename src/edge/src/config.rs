//! Variables, secrets and binding names of the Worker; the only place that names them.

use hotplate_domain::secrets::SecretKey;
use worker::{AnalyticsEngineDataset, D1Database, Env, Queue, Result, kv::KvStore};

/// What the environment says.
#[derive(Clone)]
pub(crate) struct Config {
    /// With its port.
    pub(crate) base_domain: String,
    /// Origins of the build services, one at least; each can do everything.
    pub(crate) build_services: Vec<String>,
    /// Where DNS is asked, over HTTPS.
    pub(crate) dns_resolver_url: String,
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
            build_services: origins("BUILD_SERVICE_URL", &var("BUILD_SERVICE_URL")?)?,
            dns_resolver_url: var("DNS_RESOLVER_URL")?,
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

/// One address or several, with spaces or commas between them.
fn origins(name: &str, value: &str) -> Result<Vec<String>> {
    let origins: Vec<String> = value
        .split([' ', ','])
        .map(|origin| origin.trim_end_matches('/').to_owned())
        .filter(|origin| !origin.is_empty())
        .collect();
    let is_origin = |it: &String| it.starts_with("http://") || it.starts_with("https://");
    if origins.is_empty() || !origins.iter().all(is_origin) {
        let problem = format!("{name} is {value:?}: http or https addresses are needed");
        return Err(worker::Error::RustError(problem));
    }
    Ok(origins)
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

/// Name of the binding that runs servers of previews.
pub(crate) const PREVIEWS: &str = "PREVIEWS";

/// Whether servers of previews can run here: the platform's Worker Loader is optional.
pub(crate) fn runs_preview_servers(env: &Env) -> Result<bool> {
    let binding = js_sys::Reflect::get(env, &PREVIEWS.into())?;
    Ok(!binding.is_undefined())
}

/// Name of the dispatch namespace's binding.
pub(crate) const DISPATCHER: &str = "DISPATCHER";

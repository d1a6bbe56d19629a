//! Apps' secrets as they stand in D1 and in rooms: name → sealed value, as JSON. They are open nowhere but in
//! the job of a build and in the environment of a preview's server.

use crate::{api::random_bytes, config::Config, problem::ApiError};
use hotplate_domain::{environment, secrets::SecretError};
use hotplate_protocol::{ErrorCode, Secrets};
use std::collections::BTreeMap;

/// Sealed values by name.
pub(crate) type Sealed = BTreeMap<String, String>;

/// What JSON of sealed values becomes with a change. A value that is what it was stays as it was sealed, so
/// that setting it again makes no other deployment.
pub(crate) fn change(
    config: &Config,
    app_id: &str,
    json: &str,
    changes: &BTreeMap<String, Option<String>>,
) -> Result<Sealed, ApiError> {
    let mut sealed: Sealed = serde_json::from_str(json)?;
    if changes.is_empty() {
        return Ok(sealed);
    }
    let key = config.secret_key()?;
    for (name, value) in changes {
        let Some(value) = value else {
            sealed.remove(name);
            continue;
        };
        let known = sealed.get(name).map(|known| key.open(app_id, name, known));
        if known.as_ref().and_then(|known| known.as_ref().ok()) != Some(value) {
            let text = key.seal(app_id, name, value, random_bytes()?);
            sealed.insert(name.clone(), text.map_err(|error| unusable(name, error))?);
        }
    }
    environment::check_secrets(sealed.len())
        .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    Ok(sealed)
}

/// The values in the open.
pub(crate) fn open(config: &Config, app_id: &str, json: &str) -> Result<Secrets, ApiError> {
    let sealed: Sealed = serde_json::from_str(json)?;
    if sealed.is_empty() {
        return Ok(Secrets::default());
    }
    let key = config.secret_key()?;
    let open = |(name, sealed): (String, String)| match key.open(app_id, &name, &sealed) {
        Ok(value) => Ok((name, value)),
        Err(error) => Err(unusable(&name, error)),
    };
    let opened: Result<BTreeMap<String, String>, ApiError> = sealed.into_iter().map(open).collect();
    opened.map(Secrets)
}

fn unusable(name: &str, error: SecretError) -> ApiError {
    let detail = format!("the secret `{name}` cannot be used: {error}; set it again");
    ApiError::new(ErrorCode::SecretUnreadable, detail)
}

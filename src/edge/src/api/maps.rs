//! `…/deployments/{id}/maps` and `…/trace`: the source maps of a deployment's scripts, for token holders
//! alone. The build service brings them before a deployment is deployed; D1 says whether it is, so that KV
//! is never asked for a map that is still to come.

use super::{Platform, apps, body, deployments};
use crate::{config, dispatch, problem::ApiError, store::DeploymentRow};
use data_encoding::HEXLOWER;
use hotplate_compiler::{Origins, add_frame};
use hotplate_domain::{limits, stack};
use hotplate_protocol::{
    DeploymentState, Diagnostic, ErrorCode, Severity, TraceRequest, TracedStack,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use worker::{Env, Headers, Request, Response, Result as PlatformResult};

/// Ending of a map's path after its script's.
const ENDING: &str = ".map";

/// Takes a map from the build service.
pub(super) async fn keep(
    mut request: Request,
    slug: &str,
    id: &str,
    path: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let bytes = body::read(&mut request, limits::MAP_BYTES).await?;
    let app = apps::find(slug, platform).await?;
    let row = deployments::find(&app, id, platform).await?;
    if !matches!(
        row.state,
        DeploymentState::Building | DeploymentState::Deploying
    ) {
        let detail = format!("deployment `{id}` is {}", row.state.as_str());
        return Err(ApiError::new(ErrorCode::DeploymentNotReady, detail));
    }
    let key = key(&row, script_of(path)?);
    let kv = config::blobs(&platform.env)?;
    let put = kv.put_bytes(&key, &bytes).map_err(worker::Error::from)?;
    put.execute().await.map_err(worker::Error::from)?;
    Ok(Response::empty()?.with_status(204))
}

/// Answers a map.
pub(super) async fn read(
    slug: &str,
    id: &str,
    path: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let row = deployed(slug, id, platform).await?;
    let bytes = stored(&row, script_of(path)?, &platform.env).await?;
    let bytes = bytes.ok_or_else(|| not_found(path))?;
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "private, no-store")?;
    Ok(Response::from_bytes(bytes)?.with_headers(headers))
}

/// Answers a stack trace of the deployment by the app's sources.
pub(super) async fn trace(
    mut request: Request,
    slug: &str,
    id: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let asked: TraceRequest = body::json(&mut request, limits::BODY_BYTES).await?;
    let row = deployed(slug, id, platform).await?;
    let mut maps: BTreeMap<String, Option<Origins>> = BTreeMap::new();
    for place in stack::places(&asked.stack) {
        let Some(script) = stack::script_path(place.url) else {
            continue;
        };
        if maps.len() < limits::TRACED_SCRIPTS && !maps.contains_key(script) {
            let bytes = stored(&row, script, &platform.env).await?;
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let origins = text.as_deref().and_then(Origins::read);
            maps.insert(script.to_owned(), origins);
        }
    }
    let mut diagnostic = None;
    let stack = stack::rewrite(&asked.stack, |place| {
        let origins = maps.get(stack::script_path(place.url)?)?.as_ref()?;
        let origin = origins.origin(place.line, place.column)?;
        let words = format!("{}:{}:{}", origin.source, origin.line, origin.column);
        diagnostic.get_or_insert_with(|| {
            let message = asked.stack.lines().next().unwrap_or_default();
            let mut found = Diagnostic {
                file: origin.source.to_owned(),
                line: origin.line,
                column: origin.column,
                ..Diagnostic::without_place(Severity::Error, "runtime_error", message)
            };
            if let Some(content) = origin.content {
                add_frame(&mut found, content);
            }
            found
        });
        Some(words)
    });
    Ok(Response::from_json(&TracedStack { stack, diagnostic })?)
}

/// Removes every map of a script that left the namespace.
pub(crate) async fn remove(script: &str, env: &Env) -> PlatformResult<()> {
    let kv = config::blobs(env)?;
    loop {
        let found = kv.list().prefix(prefix(script)).execute().await?;
        for key in &found.keys {
            kv.delete(&key.name).await?;
        }
        if found.list_complete {
            return Ok(());
        }
    }
}

/// The app's deployment of that id, when it can be visited.
async fn deployed(slug: &str, id: &str, platform: &Platform) -> Result<DeploymentRow, ApiError> {
    let app = apps::find(slug, platform).await?;
    let row = deployments::find(&app, id, platform).await?;
    if row.removed_at.is_some() {
        return Err(deployments::gone(id));
    }
    if row.state == DeploymentState::Deployed {
        return Ok(row);
    }
    let detail = format!("deployment `{id}` is {}", row.state.as_str());
    Err(ApiError::new(ErrorCode::DeploymentNotReady, detail))
}

async fn stored(row: &DeploymentRow, script: &str, env: &Env) -> PlatformResult<Option<Vec<u8>>> {
    let kv = config::blobs(env)?;
    Ok(kv.get(&key(row, script)).bytes().await?)
}

/// The script whose map stands at `path`.
fn script_of(path: &str) -> Result<&str, ApiError> {
    path.strip_suffix(ENDING).ok_or_else(|| not_found(path))
}

fn not_found(path: &str) -> ApiError {
    let detail =
        format!("there is no map at `{path}`; a script's is at its own path and `{ENDING}`");
    ApiError::new(ErrorCode::MapNotFound, detail)
}

fn prefix(script: &str) -> String {
    format!("map/{script}/")
}

/// Under the deployment's own prefix, which goes with it; a script's path may be longer than a key.
fn key(row: &DeploymentRow, script: &str) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(script));
    format!(
        "{}{hash}",
        prefix(&dispatch::script_name(&row.app, &row.id))
    )
}

//! `/v1/apps/{slug}/deployments`, `activate` and `rollback`.

use super::{Platform, apps, body, query::Query};
use crate::{
    config,
    problem::ApiError,
    rooms::Room,
    store::{AppRow, Asked, Cause, DeploymentRow, Moved},
};
use hotplate_domain::{DeploymentId, limits};
use hotplate_protocol::{
    ActivePointer, CreateDeployment, DeploymentList, DeploymentState, ErrorCode, QueuedDeployment,
};
use worker::{Date, Request, Response};

pub(super) async fn create(
    mut request: Request,
    slug: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let key = idempotency_key(&request)?;
    let bytes = body::read(&mut request, limits::BODY_BYTES).await?;
    let asked: CreateDeployment = if bytes.is_empty() {
        CreateDeployment::default()
    } else {
        body::parse_json(&bytes)?
    };
    if asked
        .message
        .as_ref()
        .is_some_and(|text| text.len() > limits::MESSAGE_BYTES)
    {
        let detail = format!("a message has at most {} bytes", limits::MESSAGE_BYTES);
        return Err(ApiError::new(ErrorCode::InvalidBody, detail));
    }
    let app = apps::find(slug, platform).await?;
    let fingerprint = serde_json::to_string(&asked)?;
    if let Some(key) = &key
        && let Some((request, id)) = platform.store.idempotency(&app.id, key).await?
    {
        if request != fingerprint {
            let detail = "this key was used for another deployment request";
            return Err(ApiError::new(ErrorCode::IdempotencyConflict, detail));
        }
        return answer(find(&app, &id, platform).await?, 202, platform);
    }
    let revision = revision(&app, asked.revision, platform).await?;
    let row = insert(&app, revision, asked.message.as_deref(), platform).await?;
    if let Some(key) = &key {
        let at = Date::now().as_millis();
        platform
            .store
            .note_idempotency(&app.id, key, &fingerprint, &row.id, at)
            .await?;
    }
    answer(row, 202, platform)
}

pub(super) async fn list(
    request: &Request,
    slug: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let query = Query::read(request, &["cursor", "limit"])?;
    let limit = query.limit()?;
    let app = apps::find(slug, platform).await?;
    let rows = platform
        .store
        .deployments(&app.id, query.text("cursor"), limit)
        .await?;
    let cursor = rows
        .last()
        .filter(|_| rows.len() == limit as usize)
        .map(|row| row.id.clone());
    let deployments = rows
        .into_iter()
        .map(|row| row.into_deployment(&platform.urls))
        .collect::<worker::Result<_>>()?;
    Ok(Response::from_json(&DeploymentList {
        deployments,
        cursor,
    })?)
}

pub(super) async fn read(slug: &str, id: &str, platform: &Platform) -> Result<Response, ApiError> {
    let app = apps::find(slug, platform).await?;
    answer(find(&app, id, platform).await?, 200, platform)
}

pub(super) async fn activate(
    slug: &str,
    id: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let app = apps::find(slug, platform).await?;
    let row = find(&app, id, platform).await?;
    if row.state != DeploymentState::Deployed {
        let detail = format!("deployment `{id}` is {}", row.state.as_str());
        return Err(ApiError::new(ErrorCode::DeploymentNotReady, detail));
    }
    if app.active_deployment.as_deref() == Some(id) {
        let previous = platform.store.previous(&app.id, id).await?;
        return pointer(id.to_owned(), previous);
    }
    move_pointer(&app, id, Cause::Activate, platform).await
}

pub(super) async fn rollback(slug: &str, platform: &Platform) -> Result<Response, ApiError> {
    let app = apps::find(slug, platform).await?;
    let Some(active) = app.active_deployment.as_deref() else {
        return Err(ApiError::new(
            ErrorCode::NoPreviousDeployment,
            "nothing is deployed",
        ));
    };
    let previous = platform.store.previous(&app.id, active).await?;
    let previous = previous.ok_or_else(|| {
        let detail = format!("`{active}` is the first deployment");
        ApiError::new(ErrorCode::NoPreviousDeployment, detail)
    })?;
    move_pointer(&app, &previous, Cause::Rollback, platform).await
}

/// The app's deployment of that id; another app's is not found.
pub(super) async fn find(
    app: &AppRow,
    id: &str,
    platform: &Platform,
) -> Result<DeploymentRow, ApiError> {
    let row = platform.store.deployment(id).await?;
    row.filter(|row| row.app_id == app.id).ok_or_else(|| {
        let detail = format!("`{}` has no deployment `{id}`", app.slug);
        ApiError::new(ErrorCode::DeploymentNotFound, detail)
    })
}

async fn move_pointer(
    app: &AppRow,
    to: &str,
    cause: Cause,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let from = app.active_deployment.as_deref();
    let at = Date::now().as_millis();
    match platform
        .store
        .activate(&app.id, to, from, cause, at)
        .await?
    {
        Moved::Yes => pointer(to.to_owned(), app.active_deployment.clone()),
        Moved::No => Err(ApiError::new(
            ErrorCode::DeploymentNotReady,
            "the active deployment was changed by somebody else just now; ask again",
        )),
    }
}

fn pointer(active: String, previous: Option<String>) -> Result<Response, ApiError> {
    Ok(Response::from_json(&ActivePointer { active, previous })?)
}

fn answer(row: DeploymentRow, status: u16, platform: &Platform) -> Result<Response, ApiError> {
    let deployment = row.into_deployment(&platform.urls)?;
    Ok(Response::from_json(&deployment)?.with_status(status))
}

/// The revision to build: the one asked for, if there was one like it, or the tree's own.
async fn revision(app: &AppRow, asked: Option<u64>, platform: &Platform) -> Result<u64, ApiError> {
    let newest = Room::of(&platform.env, &app.slug)?.info().await?.revision;
    match asked {
        Some(revision) if revision == 0 || revision > newest => Err(ApiError::new(
            ErrorCode::RevisionNotFound,
            format!("there is no revision {revision}; the newest is {newest}"),
        )),
        None if newest == 0 => Err(ApiError::new(
            ErrorCode::RevisionNotFound,
            "the app has no files yet",
        )),
        Some(revision) => Ok(revision),
        None => Ok(newest),
    }
}

/// The living deployment of a revision, made and queued when there is none.
async fn insert(
    app: &AppRow,
    revision: u64,
    message: Option<&str>,
    platform: &Platform,
) -> Result<DeploymentRow, ApiError> {
    let at = Date::now().as_millis();
    let id = DeploymentId::new(at, apps::random_bytes()?);
    let asked = Asked {
        id: id.as_str(),
        app_id: &app.id,
        revision,
        message,
        env: &app.env,
        at,
    };
    let inserted = platform.store.insert_deployment(&asked).await?;
    let row = platform
        .store
        .deployment_of(&app.id, revision, &app.env)
        .await?;
    let row = row.ok_or_else(|| {
        ApiError::new(
            ErrorCode::Unavailable,
            "the deployment ended while it was asked for; ask again",
        )
    })?;
    // One that still waits is queued again: its message may have been lost, and a second
    // message changes nothing.
    if inserted || row.state == DeploymentState::Pending {
        let message = QueuedDeployment {
            deployment_id: row.id.clone(),
        };
        config::deployments(&platform.env)?.send(message).await?;
    }
    Ok(row)
}

fn idempotency_key(request: &Request) -> Result<Option<String>, ApiError> {
    let key = request.headers().get("idempotency-key")?;
    match key {
        Some(key) if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES => {
            let detail = format!(
                "`Idempotency-Key` has between 1 and {} bytes",
                limits::IDEMPOTENCY_KEY_BYTES
            );
            Err(ApiError::new(ErrorCode::InvalidParameter, detail))
        }
        key => Ok(key),
    }
}

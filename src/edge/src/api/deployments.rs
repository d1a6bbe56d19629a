//! `/v1/apps/{slug}/deployments`: asking for one, reading, pinning and cancelling them.

use super::{Platform, apps, body, query::Query};
use crate::{
    config, consumer, dispatch,
    problem::ApiError,
    rooms::Room,
    store::{AppRow, Asked, DeploymentRow, Inserted, Move, Standing},
};
use hotplate_domain::{DeploymentId, Event, limits};
use hotplate_protocol::{
    CreateDeployment, DeploymentList, DeploymentState, ErrorCode, PatchDeployment, QueuedDeployment,
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

/// Pins a deployment, or no longer.
pub(super) async fn change(
    mut request: Request,
    slug: &str,
    id: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let asked: PatchDeployment = body::json(&mut request, limits::BODY_BYTES).await?;
    let app = apps::find(slug, platform).await?;
    find(&app, id, platform).await?;
    if !platform.store.pin(id, asked.pinned).await? {
        return Err(gone(id));
    }
    answer(find(&app, id, platform).await?, 200, platform)
}

/// Stops a deployment that does not upload yet.
pub(super) async fn cancel(
    slug: &str,
    id: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let app = apps::find(slug, platform).await?;
    loop {
        let row = find(&app, id, platform).await?;
        let at = Date::now().as_millis();
        if row.state == DeploymentState::Cancelled {
            return answer(row, 200, platform);
        }
        let next = match row.state {
            DeploymentState::Pending | DeploymentState::Building => {
                row.progress().apply(Event::Cancelled { at }).ok()
            }
            DeploymentState::Deploying
            | DeploymentState::Deployed
            | DeploymentState::Failed
            | DeploymentState::Superseded
            | DeploymentState::Cancelled => None,
        };
        let Some(next) = next else {
            let detail = format!("deployment `{id}` is {}", row.state.as_str());
            return Err(ApiError::new(ErrorCode::CancelTooLate, detail));
        };
        let step = Move {
            from: Standing {
                state: row.state,
                attempt: row.attempt,
            },
            next: &next,
            at,
            takes_up: false,
            lines: &[(at, format!("cancelled by {}", platform.by))],
        };
        // False when it moved between the two: then it is looked at again.
        if platform.store.advance(id, row.created_at, &step).await? {
            let script = dispatch::script_name(&app.slug, id);
            let due_at = at + limits::REMOVAL_DELAY_MS;
            platform.store.discard(id, &script, due_at).await?;
            consumer::notify(&platform.store, id, &platform.urls, &platform.env).await;
            consumer::hand_on(&platform.store, &app.id, &platform.env).await;
            return answer(find(&app, id, platform).await?, 200, platform);
        }
    }
}

/// Retention removed it.
pub(super) fn gone(id: &str) -> ApiError {
    let detail = format!("deployment `{id}` was removed; deploy its revision again");
    ApiError::new(ErrorCode::DeploymentGone, detail)
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
    let store = &platform.store;
    let living = || store.deployment_of(&app.id, revision, &app.env, &app.secrets);
    if living().await?.is_none() {
        make_room(app, revision, platform).await?;
        let id = DeploymentId::new(at, apps::random_bytes()?);
        let asked = Asked {
            id: id.as_str(),
            app_id: &app.id,
            revision,
            message,
            env: &app.env,
            secrets: &app.secrets,
            at,
            by: &platform.by,
        };
        let Inserted { superseded } = store.insert_deployment(&asked).await?;
        for id in superseded {
            consumer::notify(store, &id, &platform.urls, &platform.env).await;
        }
        // Before the queue has it, so that nobody hears of a later state first.
        consumer::notify(store, asked.id, &platform.urls, &platform.env).await;
    }
    let row = living().await?.ok_or_else(|| {
        ApiError::new(
            ErrorCode::Unavailable,
            "the deployment ended while it was asked for; ask again",
        )
    })?;
    // One that still waits is queued again: its message may have been lost, and a second
    // message changes nothing.
    if row.state == DeploymentState::Pending {
        let message = QueuedDeployment {
            deployment_id: row.id.clone(),
        };
        config::deployments(&platform.env)?.send(message).await?;
    }
    Ok(row)
}

/// Refuses when too many wait already.
async fn make_room(app: &AppRow, revision: u64, platform: &Platform) -> Result<(), ApiError> {
    let waiting = platform.store.waiting(&app.id, revision).await?;
    let detail = if waiting.of_app >= limits::WAITING_OF_APP {
        format!(
            "{} deployments of `{}` wait already",
            waiting.of_app, app.slug
        )
    } else if waiting.everywhere >= limits::WAITING {
        "too many deployments wait on the platform".to_owned()
    } else {
        return Ok(());
    };
    Err(ApiError::Later {
        detail,
        seconds: limits::WAITING_RETRY_SECONDS,
    })
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

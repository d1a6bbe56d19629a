//! `activate`, `rollback` and `/v1/apps/{slug}/activations`: the active pointer and its history.

use super::{Platform, apps, deployments, query::Query};
use crate::{
    consumer, dispatch,
    problem::ApiError,
    store::{AppRow, Moved},
};
use hotplate_protocol::{
    Activation, ActivationCause, ActivationList, ActivePointer, DeploymentState, ErrorCode,
};
use worker::{Date, Request, Response};

pub(super) async fn list(
    request: &Request,
    slug: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let query = Query::read(request, &["cursor", "limit"])?;
    let (cursor, limit) = (query.number("cursor")?, query.limit()?);
    let app = apps::find(slug, platform).await?;
    let rows = platform.store.activations(&app.id, cursor, limit).await?;
    let cursor = rows
        .last()
        .filter(|_| rows.len() == limit as usize)
        .map(|row| row.id.to_string());
    Ok(Response::from_json(&ActivationList {
        activations: rows.into_iter().map(Activation::from).collect(),
        cursor,
    })?)
}

pub(super) async fn activate(
    slug: &str,
    id: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let app = apps::find(slug, platform).await?;
    let row = deployments::find(&app, id, platform).await?;
    if row.removed_at.is_some() {
        return Err(deployments::gone(id));
    }
    if row.state != DeploymentState::Deployed {
        let detail = format!("deployment `{id}` is {}", row.state.as_str());
        return Err(ApiError::new(ErrorCode::DeploymentNotReady, detail));
    }
    if app.active_deployment.as_deref() == Some(id) {
        let previous = platform.store.previous(&app.id, id).await?;
        return pointer(id.to_owned(), previous);
    }
    move_pointer(&app, id, ActivationCause::Activate, platform).await
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
    let row = deployments::find(&app, &previous, platform).await?;
    if row.removed_at.is_some() {
        return Err(deployments::gone(&previous));
    }
    move_pointer(&app, &previous, ActivationCause::Rollback, platform).await
}

async fn move_pointer(
    app: &AppRow,
    to: &str,
    cause: ActivationCause,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let activation = Activation {
        active: to.to_owned(),
        previous: app.active_deployment.clone(),
        cause,
        by: platform.by.clone(),
        at: Date::now().as_millis(),
    };
    match platform.store.activate(&app.id, &activation).await? {
        Moved::Yes => {
            dispatch::forget(&app.slug);
            // The one that is active now; it takes that from the one before.
            consumer::notify(&platform.store, to, &platform.urls, &platform.env).await;
            pointer(activation.active, activation.previous)
        }
        Moved::No => Err(ApiError::new(
            ErrorCode::DeploymentNotReady,
            "the active deployment was changed by somebody else just now; ask again",
        )),
    }
}

fn pointer(active: String, previous: Option<String>) -> Result<Response, ApiError> {
    Ok(Response::from_json(&ActivePointer { active, previous })?)
}

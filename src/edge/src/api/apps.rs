//! `/v1/apps`.

use super::{Platform, body, query::Query};
use crate::{dispatch, problem::ApiError, rooms::Room, store::AppRow};
use data_encoding::BASE32_NOPAD;
use futures::future::try_join_all;
use hotplate_domain::{Slug, limits};
use hotplate_protocol::{App, AppList, CreateApp, ErrorCode, PatchApp};
use worker::{Date, Request, Response, console_warn};

/// The app of that slug, or the error that says there is none.
pub(super) async fn find(slug: &str, platform: &Platform) -> Result<AppRow, ApiError> {
    let row = platform.store.app(slug).await?;
    row.ok_or_else(|| ApiError::new(ErrorCode::AppNotFound, format!("there is no app `{slug}`")))
}

pub(super) async fn create(
    mut request: Request,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let asked: CreateApp = body::json(&mut request, limits::BODY_BYTES).await?;
    let slug = Slug::parse(&asked.slug)?;
    let row = AppRow {
        id: new_id()?,
        name: name(asked.name.unwrap_or_else(|| asked.slug.clone()))?,
        slug: asked.slug,
        visibility: asked.visibility,
        active_deployment: None,
        env: "{}".to_owned(),
        secrets: "{}".to_owned(),
        created_at: Date::now().as_millis(),
    };
    if !platform.store.insert_app(&row).await? {
        return Err(ApiError::new(
            ErrorCode::SlugTaken,
            format!("`{slug}` is taken"),
        ));
    }
    let room = Room::of(&platform.env, slug.as_str())?;
    if let Err(error) = room.create(slug.as_str()).await {
        // No room, no app: the slug is free again for another try. The room may have been made all the same,
        // and would take edits.
        if let Err(error) = room.destroy().await {
            console_warn!("the room of `{slug}` may be left over: {error}");
        }
        delete_row(&row, platform).await?;
        return Err(error);
    }
    Ok(Response::from_json(&row.into_app(0, &platform.urls))?.with_status(201))
}

pub(super) async fn list(request: &Request, platform: &Platform) -> Result<Response, ApiError> {
    let query = Query::read(request, &["cursor", "limit"])?;
    let limit = query.limit()?;
    let cursor = query.text("cursor").map(read_cursor).transpose()?;
    let rows = platform.store.apps(cursor, limit).await?;
    let cursor = rows
        .last()
        .filter(|_| rows.len() == limit as usize)
        .map(|row| format!("{}-{}", row.created_at, row.id));
    let apps = try_join_all(rows.into_iter().map(|row| with_revision(row, platform))).await?;
    Ok(Response::from_json(&AppList { apps, cursor })?)
}

pub(super) async fn read(slug: &str, platform: &Platform) -> Result<Response, ApiError> {
    let row = find(slug, platform).await?;
    Ok(Response::from_json(&with_revision(row, platform).await?)?)
}

pub(super) async fn change(
    mut request: Request,
    slug: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let asked: PatchApp = body::json(&mut request, limits::BODY_BYTES).await?;
    let row = find(slug, platform).await?;
    let new_name = asked.name.map(name).transpose()?;
    platform
        .store
        .change_app(&row.id, new_name.as_deref(), asked.visibility)
        .await?;
    read(slug, platform).await
}

pub(super) async fn delete(slug: &str, platform: &Platform) -> Result<Response, ApiError> {
    let row = find(slug, platform).await?;
    // The row goes last: a deletion that was cut can be asked for again.
    Room::of(&platform.env, slug)?.destroy().await?;
    delete_row(&row, platform).await?;
    Ok(Response::empty()?.with_status(204))
}

/// Removes the app with its deployments; their scripts follow with the next sweep.
async fn delete_row(row: &AppRow, platform: &Platform) -> Result<(), ApiError> {
    let scripts = dispatch::script_name(&row.slug, "");
    let now = Date::now().as_millis();
    platform.store.delete_app(&row.id, &scripts, now).await?;
    dispatch::forget(&row.slug);
    Ok(())
}

async fn with_revision(row: AppRow, platform: &Platform) -> Result<App, ApiError> {
    let info = Room::of(&platform.env, &row.slug)?.info().await?;
    Ok(row.into_app(info.revision, &platform.urls))
}

fn name(name: String) -> Result<String, ApiError> {
    if name.trim().is_empty() || name.len() > limits::NAME_BYTES {
        let detail = format!("a name has between 1 and {} bytes", limits::NAME_BYTES);
        return Err(ApiError::new(ErrorCode::InvalidBody, detail));
    }
    Ok(name)
}

fn read_cursor(cursor: &str) -> Result<(u64, &str), ApiError> {
    cursor
        .split_once('-')
        .and_then(|(at, id)| Some((at.parse().ok()?, id)))
        .ok_or_else(|| {
            ApiError::new(
                ErrorCode::InvalidParameter,
                "`cursor` is not one that a list gave",
            )
        })
}

fn new_id() -> Result<String, ApiError> {
    let random = random_bytes::<15>()?;
    Ok(format!(
        "app_{}",
        BASE32_NOPAD.encode(&random).to_ascii_lowercase()
    ))
}

/// Random bytes from the platform's own source.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom_03::fill(&mut bytes).map_err(|error| worker::Error::RustError(error.to_string()))?;
    Ok(bytes)
}

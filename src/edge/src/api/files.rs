//! `/v1/apps/{slug}/files`, `…/revisions`, and the build service's way to contents: all are the
//! room's to answer, which knows whether the app exists: an edit does not wait for D1, nor fail with it.
//! Here, bodies are kept within limits.

use super::{Platform, body, query::Query};
use crate::{command::RoomCommand, problem::ApiError, rooms::Room};
use hotplate_domain::limits;
use hotplate_protocol::{ErrorCode, RestoreRequest};
use worker::{Headers, Request, Response};

pub(super) async fn list(
    request: &Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let revision = Query::read(request, &["revision"])?.number("revision")?;
    room(app, platform)?
        .send(&RoomCommand::Files { revision }, None)
        .await
}

pub(super) async fn edit(
    mut request: Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let room = room(app, platform)?;
    let body = body::read(&mut request, limits::EDIT_BODY_BYTES).await?;
    room.send(&RoomCommand::Edit, Some(&body)).await
}

/// What a packed tar is sent as.
const GZIP: [&str; 2] = ["application/gzip", "application/x-gzip"];

pub(super) async fn replace(
    mut request: Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let base = Query::read(&request, &["base_revision"])?.number("base_revision")?;
    let kind = request.headers().get("content-type")?.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !GZIP.iter().any(|gzip| gzip.eq_ignore_ascii_case(kind)) {
        let detail = "a tar packed by gzip is taken here, as `application/gzip`";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, detail));
    }
    let room = room(app, platform)?;
    let body = body::read(&mut request, limits::ARCHIVE_BODY_BYTES).await?;
    room.send(&RoomCommand::Replace { base }, Some(&body)).await
}

pub(super) async fn restore(
    mut request: Request,
    app: &str,
    revision: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let body = body::read(&mut request, limits::BODY_BYTES).await?;
    let asked: RestoreRequest = if body.is_empty() {
        RestoreRequest::default()
    } else {
        body::parse_json(&body)?
    };
    let revision = revision.parse().map_err(|_| {
        let detail = format!("`{revision}` is no revision");
        ApiError::new(ErrorCode::RevisionNotFound, detail)
    })?;
    let command = RoomCommand::Restore {
        revision,
        base: asked.base_revision,
    };
    room(app, platform)?.send(&command, Some(&[])).await
}

pub(super) async fn read(
    request: &Request,
    app: &str,
    path: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let revision = Query::read(request, &["revision"])?.number("revision")?;
    let headers = Headers::new();
    if let Some(known) = request.headers().get("if-none-match")? {
        headers.set("if-none-match", &known)?;
    }
    let command = RoomCommand::File {
        path: path.to_owned(),
        revision,
    };
    room(app, platform)?
        .send_with(&command, None, headers)
        .await
}

pub(super) async fn revisions(
    request: &Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let query = Query::read(request, &["cursor", "limit"])?;
    let command = RoomCommand::Revisions {
        cursor: query.number("cursor")?,
        limit: Some(query.limit()?),
    };
    room(app, platform)?.send(&command, None).await
}

pub(super) async fn blobs(
    mut request: Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let room = room(app, platform)?;
    let body = body::read(&mut request, limits::BODY_BYTES * 4).await?;
    room.send(&RoomCommand::Blobs, Some(&body)).await
}

fn room(app: &str, platform: &Platform) -> Result<Room, ApiError> {
    Room::of(&platform.env, app)
}

//! `/v1/apps/{slug}/files`, `…/revisions`, and the build service's way to contents: all are the
//! room's to answer, which knows whether the app exists: an edit does not wait for D1, nor fail with it.
//! Here, bodies are kept within limits.

use super::{Platform, body, query::Query};
use crate::{command::RoomCommand, problem::ApiError, rooms::Room};
use hotplate_domain::limits;
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

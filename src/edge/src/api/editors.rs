//! What editors watch: the room's socket, the app's log, how its updates went. All are the room's to answer.

use super::{Platform, apps::find, is_upgrade, query::Query};
use crate::{command::RoomCommand, problem::ApiError, rooms::Room};
use hotplate_domain::token::{SUBPROTOCOL, offers_subprotocol};
use hotplate_protocol::{ConsoleLevel, ErrorCode};
use worker::{Headers, Request, Response};

/// Upgrades to the editor's socket.
pub(super) async fn open(
    request: &Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    if !is_upgrade(request)? {
        return Err(ApiError::new(
            ErrorCode::UpgradeRequired,
            "connect with a WebSocket",
        ));
    }
    let seq = Query::read(request, &["seq"])?.number("seq")?;
    let row = find(app, platform).await?;
    // The token stays here: the room is told of the subprotocol alone.
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    let offered = request.headers().get("sec-websocket-protocol")?;
    if offered.as_deref().is_some_and(offers_subprotocol) {
        headers.set("sec-websocket-protocol", SUBPROTOCOL)?;
    }
    let query = seq.map(|seq| format!("seq={seq}")).unwrap_or_default();
    Room::of(&platform.env, &row.slug)?
        .send_with(&RoomCommand::Editor { query }, None, headers)
        .await
}

pub(super) async fn logs(
    request: &Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let query = Query::read(request, &["cursor", "limit", "level"])?;
    let level = query.text("level").map(|name| {
        ConsoleLevel::parse(name).ok_or_else(|| {
            let names: Vec<&str> = ConsoleLevel::ALL
                .iter()
                .map(|level| level.as_str())
                .collect();
            let detail = format!("`level` is one of {}", names.join(", "));
            ApiError::new(ErrorCode::InvalidParameter, detail)
        })
    });
    let command = RoomCommand::Logs {
        cursor: query.number("cursor")?,
        limit: Some(query.limit()?),
        level: level.transpose()?,
    };
    let row = find(app, platform).await?;
    Room::of(&platform.env, &row.slug)?
        .send(&command, None)
        .await
}

pub(super) async fn metrics(
    request: &Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    Query::read(request, &[])?;
    let row = find(app, platform).await?;
    Room::of(&platform.env, &row.slug)?
        .send(&RoomCommand::HmrMetrics, None)
        .await
}

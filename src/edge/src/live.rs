//! Live hosts: every request goes to the app's room, which knows whether the app exists.

use crate::{
    api::is_upgrade,
    command::RoomCommand,
    problem::ApiError,
    rooms::{self, Room},
};
use hotplate_protocol::ErrorCode;
use worker::{Env, Method, Request, Response};

/// The socket's path on every live host.
const SOCKET: &str = "/@live/socket";

/// Answers a request of `<app>--live.<base>`.
pub(crate) async fn answer(request: Request, env: &Env, app: &str) -> Result<Response, ApiError> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Err(ApiError::Method {
            allow: "GET, HEAD".to_owned(),
        });
    }
    let url = request.url()?;
    let query = url.query().unwrap_or_default().to_owned();
    let command = if url.path() == SOCKET {
        if !is_upgrade(&request)? {
            return Err(ApiError::new(
                ErrorCode::UpgradeRequired,
                "connect with a WebSocket",
            ));
        }
        RoomCommand::Socket { query }
    } else {
        RoomCommand::Live {
            path: url.path().to_owned(),
            query,
        }
    };
    let response = Room::of(env, app)?.forward(&request, &command).await?;
    let kind = response.headers().get("content-type")?;
    // A problem becomes a page where a person navigated; the rest is answered as it is.
    if kind.is_some_and(|kind| kind.starts_with("application/problem+json")) {
        return rooms::expect_success(response).await;
    }
    Ok(response)
}

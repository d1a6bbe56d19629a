//! Live hosts: every request goes to the app's room, which knows whether the app exists, and which requests its
//! own server answers.

use crate::{
    api::is_upgrade,
    command::RoomCommand,
    preview_server,
    problem::ApiError,
    room::SERVER,
    rooms::{self, Room},
};
use hotplate_protocol::ErrorCode;
use worker::{Env, Method, Request, Response};

/// The socket's path on every live host.
const SOCKET: &str = "/@live/socket";

/// Answers a request of `<app>--live.<base>`.
pub(crate) async fn answer(request: Request, env: &Env, app: &str) -> Result<Response, ApiError> {
    let url = request.url()?;
    let (path, query) = (url.path().to_owned(), url.query().unwrap_or_default());
    let reads = matches!(request.method(), Method::Get | Method::Head);
    let command = if !reads {
        RoomCommand::Act { path }
    } else if path == SOCKET {
        if !is_upgrade(&request)? {
            return Err(ApiError::new(
                ErrorCode::UpgradeRequired,
                "connect with a WebSocket",
            ));
        }
        RoomCommand::Socket {
            query: query.to_owned(),
        }
    } else {
        RoomCommand::Live {
            path,
            query: query.to_owned(),
        }
    };
    let response = Room::of(env, app)?.forward(&request, &command).await?;
    if let Some(address) = response.headers().get(SERVER)? {
        return preview_server::answer(request, env, &serde_json::from_str(&address)?).await;
    }
    let kind = response.headers().get("content-type")?;
    // A problem becomes a page where a person navigated; the rest is answered as it is.
    if kind.is_some_and(|kind| kind.starts_with("application/problem+json")) {
        return rooms::expect_success(response).await;
    }
    Ok(response)
}

//! The Worker's end of a room: requests to the Durable Object that owns an app.
//!
//! The room's answers, problems included, are the API's answers; nothing is rewritten here.

use crate::{command::RoomCommand, config::ROOMS, problem::ApiError};
use hotplate_protocol::{ErrorCode, FileList, RoomMessage};
use serde::{Deserialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;
use worker::{
    Env, Headers, Method, Request, RequestInit, Response, Stub, console_error, console_warn,
    js_sys::Uint8Array,
};

/// One app's room.
pub(crate) struct Room(Stub);

/// What an `info` answers that the Worker needs.
#[derive(Debug, Deserialize)]
pub(crate) struct RoomInfo {
    /// Of the working tree.
    pub(crate) revision: u64,
}

impl Room {
    /// The room of an app; it need not exist yet.
    pub(crate) fn of(env: &Env, app: &str) -> Result<Self, ApiError> {
        Ok(Self(env.durable_object(ROOMS)?.get_by_name(app)?))
    }

    /// Makes an empty room, whatever a former app of that slug left behind.
    pub(crate) async fn create(&self, app: &str) -> Result<(), ApiError> {
        self.destroy().await?;
        let command = RoomCommand::Init {
            app: app.to_owned(),
        };
        expect_success(self.send(&command, None).await?)
            .await
            .map(drop)
    }

    /// Removes everything the room stores and closes its sockets.
    pub(crate) async fn destroy(&self) -> Result<(), ApiError> {
        expect_success(self.send(&RoomCommand::Destroy, None).await?)
            .await
            .map(drop)
    }

    /// What the room knows of itself.
    pub(crate) async fn info(&self) -> Result<RoomInfo, ApiError> {
        json(self.send(&RoomCommand::Info, None).await?).await
    }

    /// The tree at a revision, for a build.
    pub(crate) async fn tree(&self, revision: u64) -> Result<FileList, ApiError> {
        let command = RoomCommand::Tree {
            revision: Some(revision),
        };
        json(self.send(&command, None).await?).await
    }

    /// Tells every socket; a room that cannot is no reason to stop.
    pub(crate) async fn notify(&self, message: &RoomMessage) {
        let sent = match serde_json::to_vec(message) {
            Ok(body) => self.send(&RoomCommand::Notify, Some(&body)).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            console_warn!("the room was not told: {error}");
        }
    }

    /// Sends a command with a body; the room's response as it is.
    pub(crate) async fn send(
        &self,
        command: &RoomCommand,
        body: Option<&[u8]>,
    ) -> Result<Response, ApiError> {
        self.send_with(command, body, Headers::new()).await
    }

    /// The same, with headers.
    pub(crate) async fn send_with(
        &self,
        command: &RoomCommand,
        body: Option<&[u8]>,
        headers: Headers,
    ) -> Result<Response, ApiError> {
        let mut init = RequestInit::new();
        init.with_method(if body.is_some() {
            Method::Post
        } else {
            Method::Get
        })
        .with_headers(headers)
        .with_body(body.map(|bytes| JsValue::from(Uint8Array::from(bytes))));
        let request = Request::new_with_init(&command.url(), &init)?;
        self.0.fetch_with_request(request).await.map_err(|error| {
            console_error!("a room broke off: {error}");
            ApiError::new(
                ErrorCode::Unavailable,
                "the app's room broke off; what was written may be stored, ask again",
            )
        })
    }

    /// Forwards a browser's request, upgrades included, as `command`.
    pub(crate) async fn forward(
        &self,
        request: &Request,
        command: &RoomCommand,
    ) -> Result<Response, ApiError> {
        self.send_with(command, None, request.headers().clone())
            .await
    }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, ApiError> {
    Ok(expect_success(response).await?.json().await?)
}

/// A room's refusal as the error it is.
pub(crate) async fn expect_success(mut response: Response) -> Result<Response, ApiError> {
    if response.status_code() < 400 {
        return Ok(response);
    }
    let body = response.text().await?;
    Err(serde_json::from_str(&body).map_or_else(
        |_| {
            ApiError::new(
                ErrorCode::Unavailable,
                format!("the room answered {}", response.status_code()),
            )
        },
        |problem| ApiError::Problem(Box::new(problem)),
    ))
}

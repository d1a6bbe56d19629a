//! `/v1/apps/{slug}/env`: D1 has the values, the room a copy for its pages.

use super::{Platform, apps::find, body};
use crate::{
    command::RoomCommand,
    problem::ApiError,
    rooms::{Room, expect_success},
};
use hotplate_domain::{environment, limits};
use hotplate_protocol::Environment;
use worker::{Request, Response};

pub(super) async fn read(app: &str, platform: &Platform) -> Result<Response, ApiError> {
    let row = find(app, platform).await?;
    let environment = Environment {
        vars: serde_json::from_str(&row.env)?,
    };
    Ok(Response::from_json(&environment)?)
}

pub(super) async fn replace(
    mut request: Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let asked: Environment = body::json(&mut request, limits::BODY_BYTES).await?;
    environment::check(&asked).map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    let row = find(app, platform).await?;
    // The room last: a request that was cut can be sent again, and pages show what D1 has.
    let vars = serde_json::to_string(&asked.vars)?;
    platform.store.set_env(&row.id, &vars).await?;
    let room = Room::of(&platform.env, &row.slug)?;
    expect_success(
        room.send(&RoomCommand::Environment, Some(vars.as_bytes()))
            .await?,
    )
    .await?;
    Ok(Response::from_json(&asked)?)
}

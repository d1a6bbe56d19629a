//! `/v1/apps/{slug}/env`: D1 has the values, the room a copy for its pages and its server.

use super::{Platform, apps::find, body};
use crate::{
    command::{RoomCommand, RoomEnvironment},
    problem::ApiError,
    rooms::{Room, expect_success},
    secrets::{self, Sealed},
    store::AppRow,
};
use hotplate_domain::{environment, limits};
use hotplate_protocol::{ChangeEnvironment, Environment, ErrorCode};
use worker::{Request, Response};

/// How often a change is tried anew that met another one.
const ATTEMPTS: u32 = 5;

pub(super) async fn read(app: &str, platform: &Platform) -> Result<Response, ApiError> {
    let row = find(app, platform).await?;
    answer(&row.env, &serde_json::from_str(&row.secrets)?)
}

/// Names of secrets, never values.
fn answer(vars: &str, secrets: &Sealed) -> Result<Response, ApiError> {
    Ok(Response::from_json(&Environment {
        vars: serde_json::from_str(vars)?,
        secrets: secrets.keys().cloned().collect(),
    })?)
}

pub(super) async fn replace(
    mut request: Request,
    app: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let asked: ChangeEnvironment = body::json(&mut request, limits::BODY_BYTES).await?;
    environment::check(&asked).map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    for _ in 0..ATTEMPTS {
        let row = find(app, platform).await?;
        if let Some(response) = change(&asked, &row, platform).await? {
            return Ok(response);
        }
    }
    let detail = "others change the app's environment at the same time; try again";
    Err(ApiError::new(ErrorCode::Unavailable, detail))
}

/// Makes the change to what was read; `None` when that was another one by then.
async fn change(
    asked: &ChangeEnvironment,
    row: &AppRow,
    platform: &Platform,
) -> Result<Option<Response>, ApiError> {
    let vars = match &asked.vars {
        Some(vars) => serde_json::to_string(vars)?,
        None => row.env.clone(),
    };
    let sealed = secrets::change(&platform.config, &row.id, &row.secrets, &asked.secrets)?;
    let secrets = serde_json::to_string(&sealed)?;
    if !platform.store.set_env(row, &vars, &secrets).await? {
        return Ok(None);
    }
    // The room last: a request that was cut can be sent again, and pages show what D1 has.
    let given = RoomEnvironment {
        app_id: row.id.clone(),
        vars: serde_json::from_str(&vars)?,
        secrets: sealed,
    };
    let room = Room::of(&platform.env, &row.slug)?;
    let told = room
        .send(
            &RoomCommand::Environment,
            Some(&serde_json::to_vec(&given)?),
        )
        .await?;
    expect_success(told).await?;
    answer(&vars, &given.secrets).map(Some)
}

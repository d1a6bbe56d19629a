//! `GET /healthz`: whether D1, KV and the build service answer.

use super::Platform;
use crate::{builds, config, problem::ApiError};
use serde::Serialize;
use worker::Response;

#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the answer's shape: one flag for each part"
)]
struct Health {
    ok: bool,
    d1: bool,
    kv: bool,
    build_service: bool,
}

/// 200 when all answer, 503 with the part that does not otherwise.
pub(super) async fn check(platform: &Platform) -> Result<Response, ApiError> {
    let kv = async {
        let blobs = config::blobs(&platform.env)?;
        blobs
            .get("health")
            .bytes()
            .await
            .map_err(worker::Error::from)
    };
    let (d1, kv, build_service) = futures::join!(
        platform.store.health(),
        kv,
        builds::is_healthy(&platform.config)
    );
    let health = Health {
        ok: d1.is_ok() && kv.is_ok() && build_service,
        d1: d1.is_ok(),
        kv: kv.is_ok(),
        build_service,
    };
    let status = if health.ok { 200 } else { 503 };
    Ok(Response::from_json(&health)?.with_status(status))
}

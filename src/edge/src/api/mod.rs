//! The platform host: the API under `/v1`, the build service's calls under `/internal`, the
//! console and the health check.

mod activations;
mod apps;
mod body;
mod deployments;
mod domains;
mod editors;
mod environment;
mod events;
mod files;
mod health;
pub(crate) mod maps;
mod query;

pub(crate) use apps::random_bytes;
pub(crate) use body::parse_json;

use crate::{config::Config, problem::ApiError, store::Store, text};
use data_encoding::HEXLOWER;
use hotplate_domain::{Route, Urls, route, route::Access, token};
use hotplate_protocol::ErrorCode;
use sha2::{Digest, Sha256};
use worker::{Env, Request, Response};

/// What every call gets: the platform as it is configured and stored.
pub(crate) struct Platform {
    pub(crate) env: Env,
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) urls: Urls,
    /// Name of the token that the call came with.
    pub(crate) by: String,
}

/// Answers a request of the platform host.
pub(crate) async fn answer(
    request: Request,
    env: Env,
    config: Config,
) -> Result<Response, ApiError> {
    let mut platform = Platform {
        by: String::new(),
        store: Store::open(&env)?,
        urls: Urls::new(config.base_domain.clone()),
        env,
        config,
    };
    // Who asks is settled before what for: without a token not even "not found" is told.
    let path = request.path();
    platform.by = authorize(&request, route::access_of_path(&path), &platform).await?;
    let route = Route::parse(request.method().as_ref(), &path)?;
    match route {
        Route::Console => Ok(Response::from_html(text::console_page(
            &platform.urls.platform(),
        ))?),
        Route::Health => health::check(&platform).await,
        Route::ClientTypes => Ok(text::client_types()?),
        Route::CreateApp => apps::create(request, &platform).await,
        Route::ListApps => apps::list(&request, &platform).await,
        Route::ReadApp { app } => apps::read(&app, &platform).await,
        Route::ChangeApp { app } => apps::change(request, &app, &platform).await,
        Route::DeleteApp { app } => apps::delete(&app, &platform).await,
        Route::ListFiles { app } => files::list(&request, &app, &platform).await,
        Route::EditFiles { app } => files::edit(request, &app, &platform).await,
        Route::ReplaceFiles { app } => files::replace(request, &app, &platform).await,
        Route::RestoreRevision { app, revision } => {
            files::restore(request, &app, &revision, &platform).await
        }
        Route::ReadFile { app, path } => files::read(&request, &app, &path, &platform).await,
        Route::ListRevisions { app } => files::revisions(&request, &app, &platform).await,
        Route::EditorSocket { app } => editors::open(&request, &app, &platform).await,
        Route::ListLogs { app } => editors::logs(&request, &app, &platform).await,
        Route::HmrMetrics { app } => editors::metrics(&request, &app, &platform).await,
        Route::ReadEnvironment { app } => environment::read(&app, &platform).await,
        Route::ReplaceEnvironment { app } => environment::replace(request, &app, &platform).await,
        Route::ListDomains { app } => domains::list(&app, &platform).await,
        Route::ReadDomain { app, host } => domains::read(&app, &host, &platform).await,
        Route::ClaimDomain { app, host } => domains::claim(&app, &host, &platform).await,
        Route::RemoveDomain { app, host } => domains::remove(&app, &host, &platform).await,
        Route::CreateDeployment { app } => deployments::create(request, &app, &platform).await,
        Route::ListDeployments { app } => deployments::list(&request, &app, &platform).await,
        Route::ReadDeployment { app, id } => deployments::read(&app, &id, &platform).await,
        Route::DeploymentEvents { app, id } => events::stream(&request, &app, &id, platform).await,
        Route::ChangeDeployment { app, id } => {
            deployments::change(request, &app, &id, &platform).await
        }
        Route::Cancel { app, id } => deployments::cancel(&app, &id, &platform).await,
        Route::ReadMap { app, id, path } => maps::read(&app, &id, &path, &platform).await,
        Route::KeepMap { app, id, path } => maps::keep(request, &app, &id, &path, &platform).await,
        Route::Trace { app, id } => maps::trace(request, &app, &id, &platform).await,
        Route::ListActivations { app } => activations::list(&request, &app, &platform).await,
        Route::Activate { app, id } => activations::activate(&app, &id, &platform).await,
        Route::Rollback { app } => activations::rollback(&app, &platform).await,
        Route::Blobs { app } => files::blobs(request, &app, &platform).await,
    }
}

/// Lets a call in, or not; the name of who calls.
async fn authorize(
    request: &Request,
    access: Access,
    platform: &Platform,
) -> Result<String, ApiError> {
    let header = request.headers().get("authorization")?;
    let given = match header.as_deref().and_then(token::bearer) {
        Some(token) => Some(token.to_owned()),
        None => token_of_socket(request)?,
    };
    let given = given.as_deref();
    let caller = match (access, given) {
        (Access::Open, _) => Some(String::new()),
        (Access::Token | Access::BuildService, None) => None,
        (Access::BuildService, Some(given)) => {
            token::matches(given, &platform.config.build_service_secret)
                .then(|| "build service".to_owned())
        }
        (Access::Token, Some(given)) if token::matches(given, &platform.config.admin_token) => {
            Some("admin".to_owned())
        }
        (Access::Token, Some(given)) => {
            let hash = HEXLOWER.encode(&Sha256::digest(given));
            platform.store.token_name(&hash).await?
        }
    };
    if let Some(name) = caller {
        return Ok(name);
    }
    let detail = match given {
        Some(_) => "the token is not valid",
        None => "the request has no `Authorization: Bearer <token>`",
    };
    Err(ApiError::new(ErrorCode::Unauthorized, detail))
}

/// The token of a request that opens a WebSocket, where browsers can put one.
fn token_of_socket(request: &Request) -> Result<Option<String>, ApiError> {
    if !is_upgrade(request)? {
        return Ok(None);
    }
    let offered = request.headers().get("sec-websocket-protocol")?;
    Ok(offered.as_deref().and_then(token::bearer_of_subprotocol))
}

/// Whether a request asks for a WebSocket.
pub(crate) fn is_upgrade(request: &Request) -> worker::Result<bool> {
    let upgrade = request.headers().get("upgrade")?;
    Ok(upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")))
}

//! Published apps: which script a host means, and the request to it.
//!
//! Nothing but D1 and the dispatch namespace is asked, so published apps stay up while rooms and
//! the build service are down.

mod answers;
mod faults;
mod namespace;
mod routes;

pub(crate) use namespace::{Answer, ask, ask_preview};
pub(crate) use routes::{forget, forget_host};

use crate::{config, problem::ApiError, store::Store};
use hotplate_domain::{DeploymentId, isolation};
use hotplate_protocol::{DeploymentState, ErrorCode};
use routes::Target;
use worker::{Date, Env, Headers, Request, Response, console_error};

/// Answers a request of `<app>.<base>`.
pub(crate) async fn production(
    request: Request,
    env: &Env,
    app: &str,
) -> Result<Response, ApiError> {
    answer(request, env, app, None).await
}

/// Answers a request of a host that an app brought along; `host` has its port.
pub(crate) async fn custom(request: Request, env: &Env, host: &str) -> Result<Response, ApiError> {
    let name = host.split(':').next().unwrap_or_default();
    let now = Date::now().as_millis();
    if let Some(app) = routes::recall_host(name, now) {
        return answer(request, env, &app, None).await;
    }
    let Some(shown) = Store::open(env)?.shown_at(name).await? else {
        return Err(unknown_host(host));
    };
    // One question to D1 for both: which app, and what that shows.
    let target = shown
        .active_deployment
        .map_or(Target::NothingDeployed, Target::Deployment);
    routes::remember(&shown.slug, None, &target, now);
    routes::remember_host(name, &shown.slug, now);
    answer(request, env, &shown.slug, None).await
}

/// Answers a request of `<app>--<deployment>.<base>`.
pub(crate) async fn deployment(
    request: Request,
    env: &Env,
    app: &str,
    id: &DeploymentId,
) -> Result<Response, ApiError> {
    answer(request, env, app, Some(id.as_str())).await
}

async fn answer(
    request: Request,
    env: &Env,
    app: &str,
    id: Option<&str>,
) -> Result<Response, ApiError> {
    let now = Date::now().as_millis();
    let target = if let Some(target) = routes::recall(app, id, now) {
        target
    } else {
        let target = look_up(env, app, id).await?;
        routes::remember(app, id, &target, now);
        target
    };
    let named = id.unwrap_or_default();
    match target {
        Target::Deployment(id) => forward(request, env, app, &id).await,
        Target::NoApp => Err(no_app(app)),
        Target::NothingDeployed => Err(ApiError::new(
            ErrorCode::NothingDeployed,
            format!("`{app}` has not been deployed yet"),
        )),
        Target::NotDeployed(None) => Err(ApiError::new(
            ErrorCode::DeploymentNotFound,
            format!("`{app}` has no deployment `{named}`"),
        )),
        Target::NotDeployed(Some(state)) => Err(ApiError::new(
            ErrorCode::DeploymentNotFound,
            format!("deployment `{named}` is {state}"),
        )),
        Target::Gone => Err(gone(named)),
    }
}

async fn look_up(env: &Env, app: &str, id: Option<&str>) -> Result<Target, ApiError> {
    let store = Store::open(env)?;
    let Some(id) = id else {
        return Ok(match store.active(app).await? {
            None => Target::NoApp,
            Some(None) => Target::NothingDeployed,
            Some(Some(id)) => Target::Deployment(id),
        });
    };
    let row = store.deployment(id).await?;
    Ok(match row.filter(|row| row.app == app) {
        None => Target::NotDeployed(None),
        Some(row) if row.state != DeploymentState::Deployed => {
            Target::NotDeployed(Some(row.state.as_str()))
        }
        Some(row) if row.removed_at.is_some() => Target::Gone,
        Some(row) => Target::Deployment(row.id),
    })
}

fn gone(id: &str) -> ApiError {
    ApiError::new(
        ErrorCode::DeploymentGone,
        format!("deployment `{id}` is no longer there"),
    )
}

/// No app is served under that host.
pub(crate) fn unknown_host(host: &str) -> ApiError {
    ApiError::new(
        ErrorCode::AppNotFound,
        format!("no app is served at `{host}`"),
    )
}

fn no_app(app: &str) -> ApiError {
    ApiError::new(ErrorCode::AppNotFound, format!("there is no app `{app}`"))
}

async fn forward(request: Request, env: &Env, app: &str, id: &str) -> Result<Response, ApiError> {
    let asked = answers::Asked::read(&request)?;
    let request = isolated_request(&request)?;
    let base_domain = config::Config::read(env)?.base_domain;
    match ask(env, &script_name(app, id), request).await? {
        Answer::Response(response) => {
            isolated_response(asked.complete(response).await?, &base_domain)
        }
        Answer::NoScript => Err(gone(id)),
        Answer::Threw(message) => {
            console_error!("{app}-{id} threw: {message}");
            faults::tell_owner(env, id, &message).await;
            Err(ApiError::new(
                ErrorCode::AppError,
                "the app's Worker threw an exception",
            ))
        }
    }
}

/// Name of a deployment's script in the namespace.
pub(crate) fn script_name(app: &str, id: &str) -> String {
    format!("{app}-{id}")
}

/// The request as tenant code gets it: without what is the platform's own.
pub(crate) fn isolated_request(request: &Request) -> worker::Result<Request> {
    let mut request = request.clone_mut()?;
    isolate_request(request.headers_mut()?)?;
    Ok(request)
}

fn isolate_request(headers: &mut Headers) -> worker::Result<()> {
    let names: Vec<String> = headers.keys().collect();
    for name in names
        .iter()
        .filter(|name| isolation::is_platform_header(name))
    {
        headers.delete(name)?;
    }
    if let Some(cookies) = headers.get("cookie")? {
        match isolation::without_platform_cookies(&cookies) {
            Some(rest) if rest == cookies => {}
            Some(rest) => headers.set("cookie", &rest)?,
            None => headers.delete("cookie")?,
        }
    }
    Ok(())
}

/// Takes from an app's response what would reach beyond its own origin. Responses that have
/// nothing of the kind (nearly all) pass through untouched.
pub(crate) fn isolated_response(
    response: Response,
    base_domain: &str,
) -> Result<Response, ApiError> {
    let headers = response.headers();
    let names: Vec<String> = headers
        .keys()
        .filter(|name| isolation::is_privileged_header(name))
        .collect();
    let cookies = headers.get_all("set-cookie")?;
    let kept: Vec<&String> = cookies
        .iter()
        .filter(|cookie| isolation::allows_set_cookie(cookie, base_domain))
        .collect();
    if names.is_empty() && kept.len() == cookies.len() {
        return Ok(response);
    }
    let clean = headers.clone();
    for name in &names {
        clean.delete(name)?;
    }
    clean.delete("set-cookie")?;
    for cookie in kept {
        clean.append("set-cookie", cookie)?;
    }
    Ok(response.with_headers(clean))
}

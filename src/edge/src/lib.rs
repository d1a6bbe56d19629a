//! The Worker: the API, live previews, dispatch to deployments, the queue's consumer and the sweep.
//!
//! This crate is glue around the platform's bindings: rules are `domain`'s, wire shapes
//! `protocol`'s. It runs as WASM in workerd; nothing in it may block or panic.

mod api;
mod builds;
mod command;
mod config;
mod consumer;
mod dispatch;
mod domains;
mod live;
mod preview_server;
mod problem;
mod room;
mod rooms;
mod secrets;
mod store;
mod sweep;
mod text;

use crate::{config::Config, problem::ApiError};
use hotplate_domain::Host;
use hotplate_protocol::QueuedDeployment;
use worker::{
    Context, Env, MessageBatch, Request, Response, Result, ScheduleContext, ScheduledEvent,
    console_error, event,
};

/// Installs the panic hook, once per isolate: a defect shows with its place in the log.
#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Every request of every host.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let wants_html = text::is_navigation(&request);
    match route(request, env).await {
        Ok(response) => Ok(response),
        Err(error) => error.into_response(wants_html),
    }
}

async fn route(request: Request, env: Env) -> std::result::Result<Response, ApiError> {
    let config = Config::read(&env)?;
    let url = request.url()?;
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    };
    match Host::parse(&host, &config.base_domain) {
        Host::Platform => api::answer(request, env, config).await,
        Host::Live { app } => live::answer(request, &env, app.as_str()).await,
        Host::Deployment { app, id } => {
            dispatch::deployment(request, &env, app.as_str(), &id).await
        }
        Host::Production { app } => dispatch::production(request, &env, app.as_str()).await,
        Host::Custom { host } => dispatch::custom(request, &env, &host).await,
    }
}

/// Deployments that were asked for.
#[event(queue)]
async fn queue(batch: MessageBatch<QueuedDeployment>, env: Env, _context: Context) -> Result<()> {
    consumer::consume(batch, &env).await
}

/// The sweep, every minute.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = sweep::run(&env).await {
        console_error!("sweep: {error}");
    }
}

//! Servers of previews: hands a request to the Worker that runs an app's own code, which `env.PREVIEWS`
//! (`worker-shims/previews`) starts by the address that the room gave.

use crate::{
    command::ServerAddress,
    config,
    dispatch::{self, Answer},
    problem::ApiError,
};
use hotplate_protocol::ErrorCode;
use worker::{Env, Request, Response, console_warn};

/// Lets the server answer. Whoever opens a preview is told why it failed: the preview is its author's.
pub(crate) async fn answer(
    request: Request,
    env: &Env,
    address: &ServerAddress,
) -> Result<Response, ApiError> {
    if !config::runs_preview_servers(env)? {
        return Err(ApiError::new(
            ErrorCode::Unavailable,
            "this platform runs no servers in previews: it has no Worker Loader",
        ));
    }
    let base_domain = config::Config::read(env)?.base_domain;
    let request = dispatch::isolated_request(&request)?;
    match dispatch::ask_preview(env, &serde_json::to_string(address)?, request).await? {
        Answer::Response(response) => dispatch::isolated_response(response, &base_domain),
        Answer::NoScript => Err(ApiError::new(
            ErrorCode::Unavailable,
            "the app's server is another one now; ask again",
        )),
        Answer::Threw(message) => {
            console_warn!("the preview server of {} threw: {message}", address.app);
            Err(ApiError::new(ErrorCode::AppError, message))
        }
    }
}

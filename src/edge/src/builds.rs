//! The Worker's end of the build service: a job out, a stream of events back; scripts to remove.

use crate::config::Config;
use futures::{Stream, StreamExt, stream};
use hotplate_protocol::{BuildEvent, BuildJob, Problem, RemovalAnswer, RemovalRequest};
use worker::{Fetch, Headers, Method, Request, RequestInit, Response};

/// Why there is no (further) event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// Nobody answers there.
    #[error("the build service does not answer: {0}")]
    Unreachable(#[source] worker::Error),
    /// It does not take the job.
    #[error("the build service answered {status}: {detail}")]
    Refused {
        /// HTTP.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// The stream broke off or was not what it should be.
    #[error("the build's events broke off: {0}")]
    Cut(String),
    /// It took the job and gives no sign of life.
    #[error("the build service fell silent")]
    Silent,
}

/// Starts a build; its events as they come.
pub(crate) async fn start(
    config: &Config,
    job: &BuildJob,
) -> Result<impl Stream<Item = Result<BuildEvent, BuildError>> + use<>, BuildError> {
    let body = serde_json::to_string(job).map_err(|error| BuildError::Cut(error.to_string()))?;
    let response = post(config, "/v1/builds", body).await;
    let mut response = response.map_err(BuildError::Unreachable)?;
    let status = response.status_code();
    if status >= 400 {
        let body = response.text().await.unwrap_or_default();
        let detail = serde_json::from_str::<Problem>(&body).map_or(body, |problem| problem.detail);
        return Err(BuildError::Refused { status, detail });
    }
    let bytes = response.stream().map_err(BuildError::Unreachable)?;
    let state = (bytes, Vec::new());
    Ok(stream::unfold(Some(state), |state| async {
        let (mut bytes, mut buffer) = state?;
        loop {
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let rest = buffer.split_off(end + 1);
                let line = std::mem::replace(&mut buffer, rest);
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let event = serde_json::from_slice(&line)
                    .map_err(|error| BuildError::Cut(error.to_string()));
                let next = event.is_ok().then_some((bytes, buffer));
                return Some((event, next));
            }
            match bytes.next().await {
                Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                Some(Err(error)) => return Some((Err(BuildError::Cut(error.to_string())), None)),
                None => return None,
            }
        }
    }))
}

/// Has scripts removed from the dispatch namespace; the names of those that are gone.
pub(crate) async fn remove(
    config: &Config,
    request: &RemovalRequest,
) -> Result<Vec<String>, BuildError> {
    let body =
        serde_json::to_string(request).map_err(|error| BuildError::Cut(error.to_string()))?;
    let response = post(config, "/v1/removals", body).await;
    let mut response = response.map_err(BuildError::Unreachable)?;
    let status = response.status_code();
    if status >= 400 {
        let detail = response.text().await.unwrap_or_default();
        return Err(BuildError::Refused { status, detail });
    }
    let answer: RemovalAnswer = response.json().await.map_err(BuildError::Unreachable)?;
    Ok(answer.removed)
}

/// Whether the build service answers its health check.
pub(crate) async fn is_healthy(config: &Config) -> bool {
    let url = format!("{}/healthz", config.build_service_url);
    match url.parse() {
        Ok(url) => Fetch::Url(url)
            .send()
            .await
            .is_ok_and(|response| response.status_code() == 200),
        Err(_) => false,
    }
}

async fn post(config: &Config, path: &str, body: String) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set(
        "authorization",
        &format!("Bearer {}", config.build_service_secret),
    )?;
    headers.set("content-type", "application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(body.into()));
    let url = format!("{}{path}", config.build_service_url);
    Fetch::Request(Request::new_with_init(&url, &init)?)
        .send()
        .await
}

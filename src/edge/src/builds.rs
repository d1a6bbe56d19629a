//! The Worker's end of the build service: a job out, a stream of events back; scripts to remove.

use crate::config::Config;
use futures::{Stream, StreamExt, future, stream};
use hotplate_domain::preference::preferred;
use hotplate_protocol::{
    BuildEvent, BuildJob, HostnameAnswer, HostnameRequest, Problem, RemovalAnswer, RemovalRequest,
};
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
    let mut response = post(config, "/v1/builds", &job.app, &body).await?;
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
    let mut response = post(config, "/v1/removals", &request.namespace, &body).await?;
    let answer: RemovalAnswer = response.json().await.map_err(BuildError::Unreachable)?;
    Ok(answer.removed)
}

/// Has a custom hostname of the zone made or removed.
pub(crate) async fn hostname(
    config: &Config,
    request: &HostnameRequest,
) -> Result<HostnameAnswer, BuildError> {
    let body =
        serde_json::to_string(request).map_err(|error| BuildError::Cut(error.to_string()))?;
    let mut response = post(config, "/v1/hostnames", &request.host, &body).await?;
    response.json().await.map_err(BuildError::Unreachable)
}

/// Whether a build service answers its health check: one is enough.
pub(crate) async fn is_healthy(config: &Config) -> bool {
    let answers = config.build_services.iter().map(|origin| async move {
        match format!("{origin}/healthz").parse() {
            Ok(url) => Fetch::Url(url)
                .send()
                .await
                .is_ok_and(|response| response.status_code() == 200),
            Err(_) => false,
        }
    });
    future::join_all(answers).await.contains(&true)
}

/// Sends work to the service that `key`'s work goes to, or to the next one when it cannot be reached or takes no
/// work just now. The answer is below 400.
pub(crate) async fn post(
    config: &Config,
    path: &str,
    key: &str,
    body: &str,
) -> Result<Response, BuildError> {
    let mut problem = None;
    for origin in preferred(&config.build_services, key) {
        let mut response = match send(config, &format!("{origin}{path}"), body).await {
            Ok(response) => response,
            Err(error) => {
                problem = Some(BuildError::Unreachable(error));
                continue;
            }
        };
        let status = response.status_code();
        if status < 400 {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let detail = serde_json::from_str::<Problem>(&text).map_or(text, |problem| problem.detail);
        let refused = BuildError::Refused { status, detail };
        if status != BUSY {
            return Err(refused);
        }
        problem = Some(refused);
    }
    Err(problem.unwrap_or_else(|| BuildError::Cut("no build service is configured".to_owned())))
}

/// What a proxy in front of services answers while none is there.
const BUSY: u16 = 503;

async fn send(config: &Config, url: &str, body: &str) -> worker::Result<Response> {
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
    Fetch::Request(Request::new_with_init(url, &init)?)
        .send()
        .await
}

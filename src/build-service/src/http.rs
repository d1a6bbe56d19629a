//! Routes, the shared secret, problems, and answers as lines of JSON.

use crate::builds::Service;
use crate::metrics;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream;
use hotplate_protocol::{ErrorCode, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Largest job: the paths and hashes of a full tree, or a large lockfile.
const BODY_BYTES: usize = 16 * 1024 * 1024;

/// The service's routes.
pub fn router(service: Arc<Service>) -> Router {
    let v1 = Router::new()
        .route("/v1/builds", post(builds))
        .route("/v1/removals", post(removals))
        .route("/v1/servers", post(servers))
        .route("/v1/vendor", post(vendor))
        .route("/v1/hostnames", post(hostnames))
        .route("/v1/{*rest}", axum::routing::any(not_found))
        .method_not_allowed_fallback(|| async {
            problem(ErrorCode::MethodNotAllowed, "Use POST here")
        })
        .layer(middleware::from_fn_with_state(
            Arc::clone(&service),
            authorize,
        ));
    Router::new()
        .route(
            "/healthz",
            get(|| async { Json(serde_json::json!({ "ok": true })) }),
        )
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .merge(v1)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(service)
}

fn problem(code: ErrorCode, detail: impl Into<String>) -> Response {
    let problem = Problem::new(code, detail);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(problem)).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

async fn not_found() -> Response {
    problem(ErrorCode::NotFound, "The build service has no such path")
}

async fn authorize(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match given.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(secret) if service.secret.matches(secret) => next.run(request).await,
        _ => problem(
            ErrorCode::Unauthorized,
            "Send the shared secret as a bearer token",
        ),
    }
}

#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() {
            ErrorCode::InvalidBody
        } else {
            ErrorCode::MalformedJson
        };
        problem(code, error.to_string())
    })
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    let problems: Vec<String> = service
        .not_ready()
        .await
        .iter()
        .map(ToString::to_string)
        .collect();
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = serde_json::json!({ "ready": problems.is_empty(), "problems": problems });
    (status, Json(answer)).into_response()
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    match service.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => problem(ErrorCode::Internal, error.to_string()),
    }
}

async fn builds(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    let job = match read(&body) {
        Ok(job) => job,
        Err(response) => return response,
    };
    let (sender, receiver) = unbounded_channel();
    // On its own: a cut stream does not stop a build half-way.
    tokio::spawn(service.build(job, sender));
    lines(receiver)
}

async fn removals(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    match read(&body) {
        Ok(request) => Json(service.remove(&request).await).into_response(),
        Err(response) => response,
    }
}

async fn hostnames(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    match read(&body) {
        Ok(request) => match service.hostname(&request).await {
            Ok(answer) => Json(answer).into_response(),
            Err(error) => {
                tracing::warn!(host = request.host, %error, "the zone's API was of no help");
                problem(ErrorCode::Unavailable, error.to_string())
            }
        },
        Err(response) => response,
    }
}

async fn servers(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    match read(&body) {
        Ok(job) => Json(service.preview_server(job).await).into_response(),
        Err(response) => response,
    }
}

async fn vendor(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    let request = match read(&body) {
        Ok(request) => request,
        Err(response) => return response,
    };
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(service.vendor(request, sender));
    lines(receiver)
}

fn lines<T: Serialize + Send + 'static>(receiver: UnboundedReceiver<T>) -> Response {
    let lines = stream::unfold(receiver, |mut receiver| async move {
        let event = receiver.recv().await?;
        // Events are plain data: writing them does not fail.
        let mut line = serde_json::to_vec(&event).unwrap_or_default();
        line.push(b'\n');
        Some((Ok::<_, Infallible>(Bytes::from(line)), receiver))
    });
    (
        [(header::CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(lines),
    )
        .into_response()
}

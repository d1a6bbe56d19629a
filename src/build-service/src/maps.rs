//! The source maps of a release, brought to the Worker, which keeps them for the app's owner. They are
//! never among the files that are uploaded.

use crate::builds::Service;
use crate::work;
use axum::body::Bytes;
use futures::{StreamExt as _, stream};
use hotplate_domain::limits;
use hotplate_linker::ReleaseMap;
use hotplate_protocol::BuildJob;
use std::sync::Arc;
use std::time::Duration;

/// Attempts to bring one map; the Worker may just be restarting.
const ATTEMPTS: u32 = 3;
/// Before the second attempt; twice that before the third.
const PAUSE: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Maps on their way at once: each holds the sources of its script.
const PARALLEL: usize = 2;

/// Why a map is not kept.
#[derive(Debug, thiserror::Error)]
enum MapError {
    #[error("the Worker does not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("the Worker answered with status {0}")]
    Refused(u16),
    #[error("it has {0} bytes; at most {limit} are kept", limit = limits::MAP_BYTES)]
    TooLarge(usize),
    #[error(transparent)]
    Work(#[from] work::WorkError),
}

/// Brings all maps; answers a line about each that is not kept. A deployment runs without it all the same.
pub(crate) async fn keep(
    service: &Arc<Service>,
    job: &BuildJob,
    maps: Vec<ReleaseMap>,
) -> Vec<String> {
    stream::iter(maps)
        .map(|map| async move {
            let map = Arc::new(map);
            let kept = keep_one(service, job, Arc::clone(&map)).await;
            let error = kept.err()?;
            Some(format!("warning: no source map of {}: {error}", map.file))
        })
        .buffered(PARALLEL)
        .filter_map(|line| async { line })
        .collect()
        .await
}

async fn keep_one(
    service: &Arc<Service>,
    job: &BuildJob,
    map: Arc<ReleaseMap>,
) -> Result<(), MapError> {
    let url = format!("{}/{}.map", job.maps_url, map.file);
    let json = work::on_thread("map", move || {
        let whole = map.json(true);
        if fits(&whole) { whole } else { map.json(false) }
    });
    let json = json.await?;
    if !fits(&json) {
        return Err(MapError::TooLarge(json.len()));
    }
    let body = Bytes::from(json);
    let mut attempt = 1;
    loop {
        match put(service, &url, body.clone()).await {
            Err(MapError::Refused(status)) if status < 500 => {
                return Err(MapError::Refused(status));
            }
            Err(_) if attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            ended => return ended,
        }
    }
}

fn fits(json: &str) -> bool {
    json.len() as u64 <= limits::MAP_BYTES
}

async fn put(service: &Service, url: &str, body: Bytes) -> Result<(), MapError> {
    let unreachable = |error: reqwest::Error| MapError::Unreachable(error.without_url());
    let response = service
        .http
        .put(url)
        .bearer_auth(service.secret.expose())
        .timeout(TIMEOUT)
        .body(body)
        .send()
        .await
        .map_err(unreachable)?;
    match response.status().as_u16() {
        200..=299 => Ok(()),
        status => Err(MapError::Refused(status)),
    }
}

//! `GET …/deployments/{id}/events`: Server-Sent Events from the first one, then live, until the
//! deployment has ended. A client that was cut off continues with `Last-Event-ID`.

use super::{Platform, apps, deployments};
use crate::problem::ApiError;
use futures::stream;
use hotplate_domain::deployment::is_final;
use hotplate_protocol::DeploymentEvent;
use std::time::Duration;
use worker::{Delay, Request, Response, ResponseBuilder};

/// How often D1 is asked at first: most deployments end within a second, and people wait for that end.
const SOON: Duration = Duration::from_millis(25);
/// How many times that.
const SOON_POLLS: u32 = 40;
/// How often it is asked afterwards. Only while somebody watches a running deployment.
const LATER: Duration = Duration::from_millis(250);
/// Polls of one response; stays below the platform's limit of subrequests. Clients come back.
const POLLS: u32 = 480;

struct Watch {
    platform: Platform,
    id: String,
    position: u64,
    polls: u32,
    /// Seen in a final state: one more look at the events, which may have come in between.
    settled: bool,
    ended: bool,
}

pub(super) async fn stream(
    request: &Request,
    app: &str,
    id: &str,
    platform: Platform,
) -> Result<Response, ApiError> {
    let app = apps::find(app, &platform).await?;
    let row = deployments::find(&app, id, &platform).await?;
    let last = request.headers().get("last-event-id")?;
    let watch = Watch {
        platform,
        id: row.id,
        position: last.and_then(|id| id.parse().ok()).unwrap_or(0),
        polls: 0,
        settled: false,
        ended: false,
    };
    let body = stream::try_unfold(watch, next);
    Ok(ResponseBuilder::new()
        .with_header("content-type", "text/event-stream")?
        .with_header("cache-control", "no-store")?
        .from_stream(body)?)
}

async fn next(mut watch: Watch) -> worker::Result<Option<(Vec<u8>, Watch)>> {
    while !watch.ended && watch.polls < POLLS {
        if watch.polls > 0 && !watch.settled {
            let pause = if watch.polls <= SOON_POLLS {
                SOON
            } else {
                LATER
            };
            Delay::from(pause).await;
        }
        watch.polls += 1;
        let events = watch
            .platform
            .store
            .events(&watch.id, watch.position)
            .await?;
        if events.is_empty() {
            watch.ended = watch.settled;
            // An app that was deleted takes its deployments along.
            let row = watch.platform.store.deployment(&watch.id).await?;
            watch.settled = row.is_none_or(|row| is_final(row.state));
            continue;
        }
        let mut text = String::new();
        for (position, event) in events {
            let name = match &event {
                DeploymentEvent::State { state, .. } => {
                    watch.ended = is_final(*state);
                    "state"
                }
                DeploymentEvent::Log { .. } => "log",
            };
            let data = serde_json::to_string(&event)?;
            let block = format!("id: {position}\nevent: {name}\ndata: {data}\n\n");
            text.push_str(&block);
            watch.position = position;
        }
        return Ok(Some((text.into_bytes(), watch)));
    }
    Ok(None)
}

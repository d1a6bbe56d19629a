//! What the platform owes a visitor beyond the namespace's answer: parts of a body, "not found" for a
//! missing file where the namespace sends the page of a single-page app, and no long memory for that
//! page. What an app's own code answers is left as it is.

use crate::{problem::ApiError, text};
use hotplate_domain::range::{self, Part};
use hotplate_protocol::ErrorCode;
use worker::{Method, Request, Response};

/// What a browser does with a page: ask whether it is still good.
const REVALIDATE: &str = "public, max-age=0, must-revalidate";

/// Every file of a deployment says so by a rule of its upload; what an app's own code answers does not.
const ACCEPT_RANGES: &str = "accept-ranges";

/// What matters of a request once it has been sent on.
pub(super) struct Asked {
    path: String,
    /// A person goes there, or a program asks as one would.
    navigates: bool,
    /// Of a `GET`.
    range: Option<String>,
    if_range: Option<String>,
}

impl Asked {
    pub(super) fn read(request: &Request) -> worker::Result<Self> {
        let range = match request.method() {
            Method::Get => request.headers().get("range")?,
            _ => None,
        };
        Ok(Self {
            path: request.path(),
            navigates: text::is_navigation(request),
            if_range: request.headers().get("if-range")?,
            range,
        })
    }

    /// Whether the path names a file that is no page.
    fn names_file(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.')
            .is_some_and(|(_, extension)| !matches!(extension, "" | "html" | "htm"))
    }

    /// Completes the namespace's answer.
    pub(super) async fn complete(self, response: Response) -> Result<Response, ApiError> {
        let header = |name: &str| response.headers().get(name);
        if response.status_code() != 200 || header(ACCEPT_RANGES)?.is_none() {
            return Ok(response);
        }
        let is_page = header("content-type")?.is_some_and(|kind| kind.starts_with("text/html"));
        if is_page && self.names_file() {
            if !self.navigates {
                let detail = format!("this deployment has no file `{}`", self.path);
                return Err(ApiError::new(ErrorCode::FileNotFound, detail));
            }
            let headers = response.headers().clone();
            headers.set("cache-control", REVALIDATE)?;
            return Ok(response.with_headers(headers));
        }
        let Some(wanted) = &self.range else {
            return Ok(response);
        };
        let unchanged = match &self.if_range {
            Some(known) => header("etag")?.is_some_and(|etag| etag == *known),
            None => true,
        };
        if !unchanged || header("content-encoding")?.is_some() {
            return Ok(response);
        }
        part_of(response, wanted).await
    }
}

/// The part of a whole answer; an asset has at most 25 MiB, so it is read in one piece.
async fn part_of(mut response: Response, wanted: &str) -> Result<Response, ApiError> {
    let headers = response.headers().clone();
    let body = response.bytes().await?;
    let length = body.len();
    headers.delete("content-length")?;
    headers.set(ACCEPT_RANGES, "bytes")?;
    let (status, body) = match range::part(wanted, length as u64) {
        Part::Whole => (200, body),
        Part::Unsatisfiable => {
            headers.set("content-range", &format!("bytes */{length}"))?;
            (416, Vec::new())
        }
        Part::Bytes { first, last } => {
            headers.set("content-range", &format!("bytes {first}-{last}/{length}"))?;
            let (first, end) = (usize::try_from(first), usize::try_from(last + 1));
            let part = first.ok().zip(end.ok()).and_then(|(a, b)| body.get(a..b));
            (206, part.unwrap_or_default().to_vec())
        }
    };
    let answer = Response::from_bytes(body)?;
    Ok(answer.with_status(status).with_headers(headers))
}

//! Errors as answers: problem details for programs, a page for people who navigated there.

use crate::text;
use hotplate_domain::{EditError, RouteError, SlugError};
use hotplate_protocol::{ErrorCode, Problem};
use worker::{Headers, Response, console_error};

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The one who asked can do something about it.
    #[error("{}: {}", .0.code.as_str(), .0.detail)]
    Problem(Box<Problem>),
    /// The method is wrong; `allow` says which are right.
    #[error("method not allowed; {allow}")]
    Method {
        /// Value of `Allow`.
        allow: String,
    },
    /// Too much waits already; asking again after so many seconds may help.
    #[error("{detail}; ask again in {seconds} s")]
    Later {
        /// What waits.
        detail: String,
        /// Value of `Retry-After`.
        seconds: u32,
    },
    /// The platform's bindings failed us. Logged in full, answered in general terms.
    #[error("{0}")]
    Platform(#[from] worker::Error),
}

impl ApiError {
    /// A problem of `code`; `detail` says what happened this time.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::Problem(Box::new(Problem::new(code, detail)))
    }

    /// As problem details; what the platform did wrong is logged.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => *problem,
            Self::Method { allow } => Problem::new(
                ErrorCode::MethodNotAllowed,
                format!("allowed here: {allow}"),
            ),
            Self::Later { detail, .. } => Problem::new(ErrorCode::RateLimited, detail),
            Self::Platform(error) => {
                console_error!("internal error: {error}");
                Problem::new(ErrorCode::Internal, "the platform failed; this was logged")
            }
        }
    }

    /// As a response; `as_page` for navigations.
    pub(crate) fn into_response(self, as_page: bool) -> worker::Result<Response> {
        let headers = Headers::new();
        headers.set("cache-control", "no-store")?;
        match &self {
            Self::Method { allow } => headers.set("allow", allow)?,
            Self::Later { seconds, .. } => headers.set("retry-after", &seconds.to_string())?,
            Self::Problem(_) | Self::Platform(_) => {}
        }
        let problem = self.into_problem();
        if problem.code == ErrorCode::Unauthorized {
            headers.set("www-authenticate", "Bearer")?;
        }
        let (body, kind) = if as_page {
            let page = text::error_page(problem.status, &problem.title, &problem.detail);
            (page, "text/html; charset=utf-8")
        } else {
            (serde_json::to_string(&problem)?, "application/problem+json")
        };
        headers.set("content-type", kind)?;
        let response = Response::from_bytes(body.into_bytes())?;
        Ok(response.with_status(problem.status).with_headers(headers))
    }
}

impl From<RouteError> for ApiError {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::MethodNotAllowed { allow } => Self::Method { allow },
            RouteError::NotFound | RouteError::Path(_) | RouteError::Escapes => {
                Self::new(error.code(), error.to_string())
            }
        }
    }
}

impl From<SlugError> for ApiError {
    fn from(error: SlugError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::Platform(error.into())
    }
}

//! Which route of the platform host a request takes.
//!
//! Matches method and path only; bodies, queries and tokens are the edge's business. A route that
//! exists under another method says which methods it has.

use crate::path::{self, PathError};
use hotplate_protocol::ErrorCode;

/// The methods that routes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Also answers `HEAD`.
    Get,
    /// Creates, or starts something.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As it stands in `Allow`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        match name {
            "GET" | "HEAD" => Some(Self::Get),
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// A call of the platform host. `app` and `id` are as they stand in the URL: whether they exist
/// is decided by looking them up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET /`
    Console,
    /// `GET /healthz`
    Health,
    /// `GET /v1/types/client.d.ts`
    ClientTypes,
    /// `POST /v1/apps`
    CreateApp,
    /// `GET /v1/apps`
    ListApps,
    /// `GET /v1/apps/{app}`
    ReadApp {
        /// Slug.
        app: String,
    },
    /// `PATCH /v1/apps/{app}`
    ChangeApp {
        /// Slug.
        app: String,
    },
    /// `DELETE /v1/apps/{app}`
    DeleteApp {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/files`
    ListFiles {
        /// Slug.
        app: String,
    },
    /// `PATCH /v1/apps/{app}/files`
    EditFiles {
        /// Slug.
        app: String,
    },
    /// `PUT /v1/apps/{app}/files`
    ReplaceFiles {
        /// Slug.
        app: String,
    },
    /// `POST /v1/apps/{app}/revisions/{revision}/restore`
    RestoreRevision {
        /// Slug.
        app: String,
        /// As it stands in the URL.
        revision: String,
    },
    /// `GET /v1/apps/{app}/files/{path}`
    ReadFile {
        /// Slug.
        app: String,
        /// Decoded and valid.
        path: String,
    },
    /// `GET /v1/apps/{app}/revisions`
    ListRevisions {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/room`, a WebSocket
    EditorSocket {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/logs`
    ListLogs {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/metrics/hmr`
    HmrMetrics {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/env`
    ReadEnvironment {
        /// Slug.
        app: String,
    },
    /// `PUT /v1/apps/{app}/env`
    ReplaceEnvironment {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/domains`
    ListDomains {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/domains/{host}`
    ReadDomain {
        /// Slug.
        app: String,
        /// As it stands in the URL, decoded.
        host: String,
    },
    /// `PUT /v1/apps/{app}/domains/{host}`
    ClaimDomain {
        /// Slug.
        app: String,
        /// As it stands in the URL, decoded.
        host: String,
    },
    /// `DELETE /v1/apps/{app}/domains/{host}`
    RemoveDomain {
        /// Slug.
        app: String,
        /// As it stands in the URL, decoded.
        host: String,
    },
    /// `POST /v1/apps/{app}/deployments`
    CreateDeployment {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/deployments`
    ListDeployments {
        /// Slug.
        app: String,
    },
    /// `GET /v1/apps/{app}/deployments/{id}`
    ReadDeployment {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
    },
    /// `GET /v1/apps/{app}/deployments/{id}/events`
    DeploymentEvents {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
    },
    /// `PATCH /v1/apps/{app}/deployments/{id}`
    ChangeDeployment {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
    },
    /// `POST /v1/apps/{app}/deployments/{id}/cancel`
    Cancel {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
    },
    /// `GET /v1/apps/{app}/deployments/{id}/maps/{path}`
    ReadMap {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
        /// Of the map; decoded and valid.
        path: String,
    },
    /// `POST /v1/apps/{app}/deployments/{id}/trace`
    Trace {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
    },
    /// `GET /v1/apps/{app}/activations`
    ListActivations {
        /// Slug.
        app: String,
    },
    /// `POST /v1/apps/{app}/deployments/{id}/activate`
    Activate {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
    },
    /// `POST /v1/apps/{app}/rollback`
    Rollback {
        /// Slug.
        app: String,
    },
    /// `PUT /internal/v1/apps/{app}/deployments/{id}/maps/{path}`, for the build service alone
    KeepMap {
        /// Slug.
        app: String,
        /// Deployment.
        id: String,
        /// Of the map; decoded and valid.
        path: String,
    },
    /// `POST /internal/v1/apps/{app}/blobs`, for the build service alone
    Blobs {
        /// Slug.
        app: String,
    },
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Open,
    /// Holders of an API token.
    Token,
    /// The build service.
    BuildService,
}

/// Why a request takes no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Nothing is at that path.
    #[error("there is no such path")]
    NotFound,
    /// The path has other methods.
    #[error("allowed here: {allow}")]
    MethodNotAllowed {
        /// Value of the `Allow` header.
        allow: String,
    },
    /// The path of a file breaks the rules.
    #[error("{0}")]
    Path(#[from] PathError),
    /// The URL's escapes are no UTF-8.
    #[error("the URL's path does not decode to UTF-8")]
    Escapes,
}

impl RouteError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::NotFound,
            Self::MethodNotAllowed { .. } => ErrorCode::MethodNotAllowed,
            Self::Path(_) | Self::Escapes => ErrorCode::InvalidPath,
        }
    }
}

impl Route {
    /// The route of a request; `path` is the URL's, still escaped, without the query.
    pub fn parse(method: &str, path: &str) -> Result<Self, RouteError> {
        let offers = offers(path)?;
        let wanted = Method::parse(method);
        let allow: Vec<_> = offers.iter().map(|(method, _)| method.as_str()).collect();
        let allow = allow.join(", ");
        offers
            .into_iter()
            .find_map(|(method, route)| (Some(method) == wanted).then_some(route))
            .ok_or(RouteError::MethodNotAllowed { allow })
    }

    /// Who may call it.
    pub const fn access(&self) -> Access {
        match self {
            Self::Console | Self::Health | Self::ClientTypes => Access::Open,
            Self::Blobs { .. } | Self::KeepMap { .. } => Access::BuildService,
            Self::CreateApp
            | Self::ListApps
            | Self::ReadApp { .. }
            | Self::ChangeApp { .. }
            | Self::DeleteApp { .. }
            | Self::ListFiles { .. }
            | Self::EditFiles { .. }
            | Self::ReplaceFiles { .. }
            | Self::RestoreRevision { .. }
            | Self::ReadFile { .. }
            | Self::ListRevisions { .. }
            | Self::EditorSocket { .. }
            | Self::ListLogs { .. }
            | Self::HmrMetrics { .. }
            | Self::ReadEnvironment { .. }
            | Self::ReplaceEnvironment { .. }
            | Self::ListDomains { .. }
            | Self::ReadDomain { .. }
            | Self::ClaimDomain { .. }
            | Self::RemoveDomain { .. }
            | Self::CreateDeployment { .. }
            | Self::ListDeployments { .. }
            | Self::ReadDeployment { .. }
            | Self::DeploymentEvents { .. }
            | Self::ChangeDeployment { .. }
            | Self::Cancel { .. }
            | Self::ReadMap { .. }
            | Self::Trace { .. }
            | Self::ListActivations { .. }
            | Self::Activate { .. }
            | Self::Rollback { .. } => Access::Token,
        }
    }
}

/// Where the types for an app's modules are.
const CLIENT_TYPES: &str = "/v1/types/client.d.ts";

/// Whether a path belongs to the API, where even "not found" is told to token holders only.
pub fn access_of_path(path: &str) -> Access {
    if path.starts_with("/internal/") {
        Access::BuildService
    } else if path == CLIENT_TYPES {
        // Editors in browsers load it like a file of a package.
        Access::Open
    } else if path == "/v1" || path.starts_with("/v1/") {
        Access::Token
    } else {
        Access::Open
    }
}

fn offers(path: &str) -> Result<Vec<(Method, Route)>, RouteError> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let app = |segment: &&str| decode(segment);
    Ok(match segments.as_slice() {
        [""] => vec![(Method::Get, Route::Console)],
        ["healthz"] => vec![(Method::Get, Route::Health)],
        ["v1", "types", "client.d.ts"] => vec![(Method::Get, Route::ClientTypes)],
        ["v1", "apps"] => vec![
            (Method::Get, Route::ListApps),
            (Method::Post, Route::CreateApp),
        ],
        ["v1", "apps", slug] if !slug.is_empty() => {
            let app = app(slug)?;
            vec![
                (Method::Get, Route::ReadApp { app: app.clone() }),
                (Method::Patch, Route::ChangeApp { app: app.clone() }),
                (Method::Delete, Route::DeleteApp { app }),
            ]
        }
        ["v1", "apps", slug, "files"] => {
            let app = app(slug)?;
            vec![
                (Method::Get, Route::ListFiles { app: app.clone() }),
                (Method::Put, Route::ReplaceFiles { app: app.clone() }),
                (Method::Patch, Route::EditFiles { app }),
            ]
        }
        ["v1", "apps", slug, "files", rest @ ..] => {
            let path = decode(&rest.join("/"))?;
            path::validate(&path)?;
            vec![(
                Method::Get,
                Route::ReadFile {
                    app: app(slug)?,
                    path,
                },
            )]
        }
        ["v1", "apps", slug, "revisions"] => {
            vec![(Method::Get, Route::ListRevisions { app: app(slug)? })]
        }
        ["v1", "apps", slug, "revisions", revision, "restore"] => {
            let (app, revision) = (app(slug)?, decode(revision)?);
            vec![(Method::Post, Route::RestoreRevision { app, revision })]
        }
        ["v1", "apps", slug, "room"] => {
            vec![(Method::Get, Route::EditorSocket { app: app(slug)? })]
        }
        ["v1", "apps", slug, "logs"] => {
            vec![(Method::Get, Route::ListLogs { app: app(slug)? })]
        }
        ["v1", "apps", slug, "metrics", "hmr"] => {
            vec![(Method::Get, Route::HmrMetrics { app: app(slug)? })]
        }
        ["v1", "apps", slug, "env"] => {
            let app = app(slug)?;
            vec![
                (Method::Get, Route::ReadEnvironment { app: app.clone() }),
                (Method::Put, Route::ReplaceEnvironment { app }),
            ]
        }
        ["v1", "apps", slug, "domains", rest @ ..] => offers_of_domains(app(slug)?, rest)?,
        ["v1", "apps", slug, "deployments"] => {
            let app = app(slug)?;
            vec![
                (Method::Get, Route::ListDeployments { app: app.clone() }),
                (Method::Post, Route::CreateDeployment { app }),
            ]
        }
        ["v1", "apps", slug, "deployments", id, rest @ ..] => {
            offers_of_deployment(app(slug)?, decode(id)?, rest)?
        }
        ["v1", "apps", slug, "activations"] => {
            vec![(Method::Get, Route::ListActivations { app: app(slug)? })]
        }
        ["v1", "apps", slug, "rollback"] => {
            vec![(Method::Post, Route::Rollback { app: app(slug)? })]
        }
        ["internal", "v1", "apps", slug, "blobs"] => {
            vec![(Method::Post, Route::Blobs { app: app(slug)? })]
        }
        [
            "internal",
            "v1",
            "apps",
            slug,
            "deployments",
            id,
            "maps",
            rest @ ..,
        ] => {
            let (app, id) = (app(slug)?, decode(id)?);
            let path = map_path(rest)?;
            vec![(Method::Put, Route::KeepMap { app, id, path })]
        }
        _ => return Err(RouteError::NotFound),
    })
}

fn offers_of_deployment(
    app: String,
    id: String,
    rest: &[&str],
) -> Result<Vec<(Method, Route)>, RouteError> {
    Ok(match rest {
        [] => {
            let (same_app, same_id) = (app.clone(), id.clone());
            vec![
                (Method::Get, Route::ReadDeployment { app, id }),
                (
                    Method::Patch,
                    Route::ChangeDeployment {
                        app: same_app,
                        id: same_id,
                    },
                ),
            ]
        }
        ["events"] => vec![(Method::Get, Route::DeploymentEvents { app, id })],
        ["activate"] => vec![(Method::Post, Route::Activate { app, id })],
        ["cancel"] => vec![(Method::Post, Route::Cancel { app, id })],
        ["trace"] => vec![(Method::Post, Route::Trace { app, id })],
        ["maps", rest @ ..] => {
            let path = map_path(rest)?;
            vec![(Method::Get, Route::ReadMap { app, id, path })]
        }
        _ => return Err(RouteError::NotFound),
    })
}

fn offers_of_domains(app: String, rest: &[&str]) -> Result<Vec<(Method, Route)>, RouteError> {
    match rest {
        [] => Ok(vec![(Method::Get, Route::ListDomains { app })]),
        [host] if !host.is_empty() => {
            let host = decode(host)?;
            let named = |route: fn(String, String) -> Route| route(app.clone(), host.clone());
            Ok(vec![
                (
                    Method::Get,
                    named(|app, host| Route::ReadDomain { app, host }),
                ),
                (
                    Method::Put,
                    named(|app, host| Route::ClaimDomain { app, host }),
                ),
                (
                    Method::Delete,
                    named(|app, host| Route::RemoveDomain { app, host }),
                ),
            ])
        }
        _ => Err(RouteError::NotFound),
    }
}

fn map_path(segments: &[&str]) -> Result<String, RouteError> {
    let path = decode(&segments.join("/"))?;
    path::validate(&path)?;
    Ok(path)
}

/// Undoes percent-escapes; an incomplete escape stands for itself, as browsers have it.
pub fn decode(text: &str) -> Result<String, RouteError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = match (escaped, tail) {
            (Some(_), [_, _, after @ ..]) => after,
            _ => tail,
        };
    }
    String::from_utf8(bytes).map_err(|_| RouteError::Escapes)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

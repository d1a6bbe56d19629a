//! Errors of the HTTP API: problem details (RFC 9457) with a stable `code`.

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// Every error code the API answers with. Codes are stable; messages are not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        impl ErrorCode {
            /// Every code, for tests and documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands in `code`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The short summary that stands in `title`.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

error_codes! {
    /// The body is not JSON; `detail` gives line and column.
    MalformedJson = "malformed_json", 400, "The body is not valid JSON";
    /// JSON of the wrong shape.
    InvalidBody = "invalid_body", 422, "The body has the wrong shape";
    /// A field the API does not know.
    UnknownField = "unknown_field", 422, "The body has a field this call does not know";
    /// A query parameter that does not parse.
    InvalidParameter = "invalid_parameter", 422, "A query parameter is not valid";
    /// No token, or a wrong one.
    Unauthorized = "unauthorized", 401, "A valid bearer token is needed";
    /// The token lacks the scope.
    Forbidden = "forbidden", 403, "The token does not allow this";
    /// No such route.
    NotFound = "not_found", 404, "Nothing is here";
    /// No such app.
    AppNotFound = "app_not_found", 404, "There is no such app";
    /// No such file in the tree.
    FileNotFound = "file_not_found", 404, "There is no such file";
    /// The app has not claimed such a domain.
    DomainNotFound = "domain_not_found", 404, "The app has no such domain";
    /// No such revision.
    RevisionNotFound = "revision_not_found", 404, "There is no such revision";
    /// No such deployment.
    DeploymentNotFound = "deployment_not_found", 404, "There is no such deployment";
    /// The deployment has no source map of that path.
    MapNotFound = "map_not_found", 404, "There is no such source map";
    /// The app has no deployment that could be served.
    NothingDeployed = "nothing_deployed", 404, "This app has no deployment yet";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here";
    /// An app of that slug exists.
    SlugTaken = "slug_taken", 409, "An app of this slug exists";
    /// `base_revision` is stale.
    RevisionConflict = "revision_conflict", 409, "The tree has moved on";
    /// The deployment is not in a state that allows this.
    DeploymentNotReady = "deployment_not_ready", 409, "The deployment is not deployed";
    /// A deployment that uploads or has ended is not cancelled.
    CancelTooLate = "cancel_too_late", 409, "It is too late to cancel the deployment";
    /// There is nothing to roll back to.
    NoPreviousDeployment = "no_previous_deployment", 409, "There is no previous deployment";
    /// An `Idempotency-Key` was used before with another request.
    IdempotencyConflict = "idempotency_conflict", 409, "The idempotency key belongs to another request";
    /// A secret was sealed with a key that the Worker no longer has.
    SecretUnreadable = "secret_unreadable", 409, "A secret cannot be read";
    /// The deployment existed, retention removed it.
    DeploymentGone = "deployment_gone", 410, "The deployment was removed by retention";
    /// The body is larger than the call takes.
    BodyTooLarge = "body_too_large", 413, "The body is too large";
    /// One file is larger than a tree may hold.
    FileTooLarge = "file_too_large", 413, "A file is too large";
    /// The tree would be too large.
    TreeTooLarge = "tree_too_large", 413, "The tree would be too large";
    /// The slug breaks the rules.
    InvalidSlug = "invalid_slug", 422, "The slug is not valid";
    /// A domain cannot be claimed.
    InvalidDomain = "invalid_domain", 422, "The domain is not valid";
    /// The app has as many domains as it may have.
    TooManyDomains = "too_many_domains", 422, "The app has too many domains";
    /// A path breaks the rules.
    InvalidPath = "invalid_path", 422, "A path is not valid";
    /// Base64 that does not decode.
    InvalidContent = "invalid_content", 422, "A file's content does not decode";
    /// No gzip, no tar, or cut off.
    InvalidArchive = "invalid_archive", 422, "The archive cannot be read";
    /// An archive has a link, a device or the like.
    ArchiveEntryRefused = "archive_entry_refused", 422, "The archive has more than files and folders";
    /// The body is of a type that the call does not take.
    UnsupportedMediaType = "unsupported_media_type", 415, "The body is of another type";
    /// A path is named twice in one edit.
    DuplicatePath = "duplicate_path", 422, "A path stands twice in one edit";
    /// The tree has no `index.html` to start from.
    NoEntry = "no_entry", 404, "The app has no index.html";
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// A WebSocket upgrade was expected.
    UpgradeRequired = "upgrade_required", 426, "This is a WebSocket";
    /// A part of the platform did not answer.
    Unavailable = "unavailable", 503, "A part of the platform does not answer";
    /// The app's own Worker failed.
    AppError = "app_error", 500, "The app's own code failed";
    /// The server of a preview cannot be built.
    ServerBuildFailed = "server_build_failed", 500, "The app's server does not build";
    /// A defect of ours.
    Internal = "internal", 500, "An internal error";
}

/// Problem details (RFC 9457, section 3) with the stable `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `https://hotplate.dev/errors/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// Stable.
    pub code: ErrorCode,
}

impl Problem {
    /// A problem of `code`; `detail` says what happened this time.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://hotplate.dev/errors/{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
        }
    }
}

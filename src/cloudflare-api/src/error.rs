//! What can go wrong with a call, each with a stable code.

use crate::envelope::ApiMessage;

/// Why a call failed, after its retries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The base address, account or a name does not make a URL.
    #[error("`{0}` is not a base URL for the Cloudflare API")]
    InvalidBase(String),
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot start: {0}")]
    Setup(#[source] reqwest::Error),
    /// No answer: connection, TLS or time-out.
    #[error("the Cloudflare API does not answer: {0}")]
    Transport(#[source] reqwest::Error),
    /// An error envelope.
    #[error("the Cloudflare API refused with status {status}: {}", describe(.errors))]
    Api {
        /// HTTP status.
        status: u16,
        /// At least one.
        errors: Vec<ApiMessage>,
    },
    /// 429 after the last attempt.
    #[error("the Cloudflare API limits the rate of calls (status 429)")]
    RateLimited,
    /// An answer that is no envelope.
    #[error(
        "the Cloudflare API answered status {status} with something that is no envelope: {excerpt}"
    )]
    Garbled {
        /// HTTP status.
        status: u16,
        /// The first characters.
        excerpt: String,
    },
    /// A success envelope without what was promised.
    #[error("the Cloudflare API's answer lacks {0}")]
    Incomplete(&'static str),
    /// A file over the platform's limit; nothing was sent.
    #[error("`{path}` has {bytes} bytes; a static asset has at most {limit}")]
    AssetTooLarge {
        /// Path of the asset.
        path: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The request's own JSON could not be written.
    #[error("the request cannot be written as JSON: {0}")]
    Encode(#[source] serde_json::Error),
}

impl Error {
    /// Stable, snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidBase(_) => "cloudflare_invalid_base",
            Self::Setup(_) => "cloudflare_client",
            Self::Transport(_) => "cloudflare_unreachable",
            Self::Api { .. } => "cloudflare_refused",
            Self::RateLimited => "cloudflare_rate_limited",
            Self::Garbled { .. } => "cloudflare_garbled",
            Self::Incomplete(_) => "cloudflare_incomplete",
            Self::AssetTooLarge { .. } => "asset_too_large",
            Self::Encode(_) => "cloudflare_encode",
        }
    }

    /// Whether the API said that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { status: 404, .. })
    }

    /// Whether the API gave this error code (10021, 10027, …).
    pub fn has_api_code(&self, wanted: i64) -> bool {
        matches!(self, Self::Api { errors, .. } if errors.iter().any(|error| error.code == wanted))
    }
}

fn describe(errors: &[ApiMessage]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

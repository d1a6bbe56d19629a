//! Why a command ends without success: one clear line each, with a stable code.

use hotplate_protocol::Problem;
use std::path::{Path, PathBuf};

/// Everything that can end a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The API refused.
    #[error("{}: {} ({})", .0.title, .0.detail, .0.code.as_str())]
    Refused(Problem),
    /// The API answered something that is no answer of Hotplate's.
    #[error("{url} answered {status}, which is no answer of Hotplate's API")]
    NoApi {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The API could not be reached.
    #[error("{url} does not answer: {source}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The address is none.
    #[error("`{0}` is no http(s) address")]
    Address(String),
    /// No token anywhere.
    #[error(
        "no token: pass --token, set HOTPLATE_TOKEN, or run where a .dev.vars with ADMIN_TOKEN is above"
    )]
    NoToken,
    /// A folder or file cannot be read.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder's name makes no slug.
    #[error("`{name}` makes no app slug: pass --app")]
    NoSlug {
        /// The folder's name.
        name: String,
    },
    /// The folder cannot be watched.
    #[error("cannot watch the folder: {0}")]
    Watch(#[from] notify::Error),
    /// The system gives no signals.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(#[source] std::io::Error),
    /// The deployment ended without being deployed; what went wrong was printed.
    #[error("the deployment {state}{}", reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    NotDeployed {
        /// Its final state.
        state: &'static str,
        /// Code and message.
        reason: Option<String>,
    },
}

impl Failure {
    pub(crate) fn folder(path: &Path, source: std::io::Error) -> Self {
        Self::Folder {
            path: path.to_owned(),
            source,
        }
    }

    /// Stable, snake case.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Refused(problem) => problem.code.as_str(),
            Self::NoApi { .. } => "no_api",
            Self::Unreachable { .. } => "unreachable",
            Self::Address(_) => "invalid_address",
            Self::NoToken => "no_token",
            Self::Folder { .. } => "unreadable",
            Self::NoSlug { .. } => "no_slug",
            Self::Watch(_) => "watch_failed",
            Self::Signals(_) => "no_signals",
            Self::NotDeployed { .. } => "not_deployed",
        }
    }

    /// 2 for what a better command line would mend, as clap itself does; 1 for everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Address(_) | Self::NoToken | Self::NoSlug { .. } => 2,
            Self::Refused(_)
            | Self::NoApi { .. }
            | Self::Unreachable { .. }
            | Self::Folder { .. }
            | Self::Watch(_)
            | Self::Signals(_)
            | Self::NotDeployed { .. } => 1,
        }
    }

    /// Whether the same call may succeed later, without anybody changing anything.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::NoApi { status, .. } => *status >= 500,
            Self::Refused(problem) => problem.status >= 500 || problem.status == 429,
            _ => false,
        }
    }
}

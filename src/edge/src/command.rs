//! What the Worker asks of a room: one enum, written into a URL by one end and read by the other.
//!
//! The URL carries the command and its parameters, the request's body the rest (an `EditRequest`
//! for `edit`, a packed tar for `replace`, a `BlobRequest` for `blobs`, a `RoomEnvironment` for `environment`, a
//! `RoomMessage` for `notify`).

use crate::secrets::Sealed;
use data_encoding::HEXUPPER;
use hotplate_protocol::{ConsoleLevel, Secrets, ServerCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use worker::Url;

/// Where commands are sent; never leaves the platform.
const ORIGIN: &str = "https://room";

/// What an app is given, for its pages and its server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RoomEnvironment {
    /// What its secrets are bound to.
    pub(crate) app_id: String,
    /// Public values.
    pub(crate) vars: BTreeMap<String, String>,
    /// Secrets, each sealed.
    pub(crate) secrets: Sealed,
}

/// Sealed secrets of an app, and what they are bound to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ServerSecrets {
    /// What they are bound to.
    pub(crate) app_id: String,
    /// Each sealed.
    pub(crate) secrets: Sealed,
}

/// Which server answers a request of a preview; `worker-shims/previews` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerAddress {
    /// Slug.
    pub(crate) app: String,
    /// Names its code with all that it is given.
    pub(crate) id: String,
    /// Where its code is, in the app's room.
    pub(crate) code: String,
    /// Where the app's files are, in the app's room.
    pub(crate) files: String,
}

/// What a server is started with.
#[derive(Debug, Serialize)]
pub(crate) struct StartedServer<'a> {
    /// Modules and settings.
    pub(crate) code: &'a ServerCode,
    /// In the open.
    pub(crate) secrets: &'a Secrets,
}

/// One request to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoomCommand {
    /// Make the empty room of this app.
    Init {
        /// Slug.
        app: String,
    },
    /// Revision and the like.
    Info,
    /// Apply an edit.
    Edit,
    /// Replace the tree.
    Replace {
        /// The revision the tree must be at.
        base: Option<u64>,
    },
    /// Make the tree what it was.
    Restore {
        /// When.
        revision: u64,
        /// The revision the tree must be at.
        base: Option<u64>,
    },
    /// List the tree.
    Files {
        /// The newest when absent.
        revision: Option<u64>,
    },
    /// One file's bytes.
    File {
        /// Valid.
        path: String,
        /// The newest when absent.
        revision: Option<u64>,
    },
    /// History, newest first.
    Revisions {
        /// Continue below this revision.
        cursor: Option<u64>,
        /// At most so many.
        limit: Option<u32>,
    },
    /// A request of the live host.
    Live {
        /// As in the URL, with its leading slash, still escaped.
        path: String,
        /// As in the URL.
        query: String,
    },
    /// The same, asked by the app's server, which does not ask itself.
    Asset {
        /// As in the URL, with its leading slash, still escaped.
        path: String,
        /// As in the URL.
        query: String,
    },
    /// A request of the live host that reads nothing: for the app's server alone.
    Act {
        /// As in the URL, with its leading slash, still escaped.
        path: String,
    },
    /// Code and secrets of the app's server.
    Server {
        /// Which one.
        id: String,
    },
    /// A viewer's socket.
    Socket {
        /// As in the URL: `seq=…`.
        query: String,
    },
    /// An editor's socket.
    Editor {
        /// As in the URL: `seq=…`.
        query: String,
    },
    /// What previews reported, newest first.
    Logs {
        /// Continue below this entry.
        cursor: Option<u64>,
        /// At most so many.
        limit: Option<u32>,
        /// Nothing below this level.
        level: Option<ConsoleLevel>,
    },
    /// How updates went.
    HmrMetrics,
    /// Contents by hash.
    Blobs,
    /// The tree, for a build.
    Tree {
        /// The newest when absent.
        revision: Option<u64>,
    },
    /// Take over the app's public values and secrets.
    Environment,
    /// Tell every socket.
    Notify,
    /// Remove everything.
    Destroy,
}

impl RoomCommand {
    /// As a URL.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Init { app } => with_query("init", &[("app", Some(app.clone()))]),
            Self::Info => with_query("info", &[]),
            Self::Edit => with_query("edit", &[]),
            Self::Replace { base } => with_query("replace", &[("base", text(*base))]),
            Self::Restore { revision, base } => with_query(
                "restore",
                &[("revision", text(Some(*revision))), ("base", text(*base))],
            ),
            Self::Files { revision } => with_query("files", &[("revision", text(*revision))]),
            Self::File { path, revision } => with_query(
                "file",
                &[("path", Some(path.clone())), ("revision", text(*revision))],
            ),
            Self::Revisions { cursor, limit } => with_query(
                "revisions",
                &[
                    ("cursor", text(*cursor)),
                    ("limit", text(limit.map(u64::from))),
                ],
            ),
            Self::Live { path, query } => format!("{ORIGIN}/live{path}?{query}"),
            Self::Asset { path, query } => format!("{ORIGIN}/asset{path}?{query}"),
            Self::Act { path } => format!("{ORIGIN}/act{path}"),
            Self::Server { id } => with_query("server", &[("id", Some(id.clone()))]),
            Self::Socket { query } => format!("{ORIGIN}/socket?{query}"),
            Self::Editor { query } => format!("{ORIGIN}/editor?{query}"),
            Self::Logs {
                cursor,
                limit,
                level,
            } => with_query(
                "logs",
                &[
                    ("cursor", text(*cursor)),
                    ("limit", text(limit.map(u64::from))),
                    ("level", level.map(|level| level.as_str().to_owned())),
                ],
            ),
            Self::HmrMetrics => with_query("metrics", &[]),
            Self::Blobs => with_query("blobs", &[]),
            Self::Tree { revision } => with_query("tree", &[("revision", text(*revision))]),
            Self::Environment => with_query("environment", &[]),
            Self::Notify => with_query("notify", &[]),
            Self::Destroy => with_query("destroy", &[]),
        }
    }

    /// The command of a URL that [`Self::url`] wrote; `None` for any other.
    pub(crate) fn parse(url: &Url) -> Option<Self> {
        let parameter = |name: &str| {
            url.query_pairs()
                .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        let number = |name: &str| match parameter(name) {
            Some(value) => value.parse().ok().map(Some),
            None => Some(None),
        };
        let query = || url.query().unwrap_or_default().to_owned();
        let below = |prefix: &str| {
            let path = url.path().strip_prefix(prefix)?;
            Some(format!("/{path}"))
        };
        if let Some(path) = below("/live/") {
            return Some(Self::Live {
                path,
                query: query(),
            });
        }
        if let Some(path) = below("/asset/") {
            return Some(Self::Asset {
                path,
                query: query(),
            });
        }
        if let Some(path) = below("/act/") {
            return Some(Self::Act { path });
        }
        Some(match url.path() {
            "/init" => Self::Init {
                app: parameter("app")?,
            },
            "/info" => Self::Info,
            "/edit" => Self::Edit,
            "/replace" => Self::Replace {
                base: number("base")?,
            },
            "/restore" => Self::Restore {
                revision: number("revision")??,
                base: number("base")?,
            },
            "/files" => Self::Files {
                revision: number("revision")?,
            },
            "/file" => Self::File {
                path: parameter("path")?,
                revision: number("revision")?,
            },
            "/revisions" => Self::Revisions {
                cursor: number("cursor")?,
                limit: number("limit")?.map(u32::try_from).transpose().ok()?,
            },
            "/server" => Self::Server {
                id: parameter("id")?,
            },
            "/socket" => Self::Socket { query: query() },
            "/editor" => Self::Editor { query: query() },
            "/logs" => Self::Logs {
                cursor: number("cursor")?,
                limit: number("limit")?.map(u32::try_from).transpose().ok()?,
                level: match parameter("level") {
                    Some(name) => Some(ConsoleLevel::parse(&name)?),
                    None => None,
                },
            },
            "/metrics" => Self::HmrMetrics,
            "/blobs" => Self::Blobs,
            "/tree" => Self::Tree {
                revision: number("revision")?,
            },
            "/environment" => Self::Environment,
            "/notify" => Self::Notify,
            "/destroy" => Self::Destroy,
            _ => return None,
        })
    }
}

fn text(number: Option<u64>) -> Option<String> {
    number.map(|number| number.to_string())
}

fn with_query(command: &str, parameters: &[(&str, Option<String>)]) -> String {
    let given: Vec<String> = parameters
        .iter()
        .filter_map(|(name, value)| {
            value
                .as_deref()
                .map(|value| format!("{name}={}", escape(value)))
        })
        .collect();
    format!("{ORIGIN}/{command}?{}", given.join("&"))
}

/// Percent-escapes everything that is not plainly harmless in a query's value.
fn escape(value: &str) -> String {
    value
        .bytes()
        .fold(String::with_capacity(value.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._/".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push('%');
                out.push_str(&HEXUPPER.encode(&[byte]));
            }
            out
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_command_reads_as_it_was_written() {
        for command in [
            RoomCommand::Init {
                app: "demo".to_owned(),
            },
            RoomCommand::Info,
            RoomCommand::Edit,
            RoomCommand::Replace { base: None },
            RoomCommand::Restore {
                revision: 3,
                base: Some(4),
            },
            RoomCommand::Files { revision: None },
            RoomCommand::Files { revision: Some(7) },
            RoomCommand::File {
                path: "src/a b&c=%ü+.tsx".to_owned(),
                revision: Some(u64::MAX),
            },
            RoomCommand::Revisions {
                cursor: Some(3),
                limit: Some(50),
            },
            RoomCommand::Live {
                path: "/".to_owned(),
                query: String::new(),
            },
            RoomCommand::Live {
                path: "/src/%5Bid%5D.svg".to_owned(),
                query: "v=1&x".to_owned(),
            },
            RoomCommand::Asset {
                path: "/a/b.svg".to_owned(),
                query: "v=1".to_owned(),
            },
            RoomCommand::Act {
                path: "/api/%20".to_owned(),
            },
            RoomCommand::Server {
                id: "0a".to_owned(),
            },
            RoomCommand::Socket {
                query: "seq=4".to_owned(),
            },
            RoomCommand::Editor {
                query: "seq=4".to_owned(),
            },
            RoomCommand::Logs {
                cursor: Some(9),
                limit: Some(100),
                level: Some(ConsoleLevel::Warn),
            },
            RoomCommand::Logs {
                cursor: None,
                limit: None,
                level: None,
            },
            RoomCommand::HmrMetrics,
            RoomCommand::Blobs,
            RoomCommand::Tree { revision: Some(1) },
            RoomCommand::Notify,
            RoomCommand::Destroy,
        ] {
            let url = Url::parse(&command.url()).unwrap();
            assert_eq!(RoomCommand::parse(&url), Some(command));
        }
    }

    #[test]
    fn nothing_else_is_a_command() {
        for url in [
            "https://room/",
            "https://room/init",
            "https://room/files?revision=x",
            "https://room/edits",
            "https://room/restore",
            "https://room/logs?level=loud",
        ] {
            assert_eq!(RoomCommand::parse(&Url::parse(url).unwrap()), None, "{url}");
        }
    }
}

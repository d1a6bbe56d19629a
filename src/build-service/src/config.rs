//! What the environment says. Every problem is found at the start and told in one line each.

use hotplate_cloudflare_api::Token;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where the service listens when `BUILD_SERVICE_PORT` is not set.
pub const DEFAULT_PORT: u16 = 8788;

/// Bytes of modules and files that a build may hold when `BUILD_MEMORY_BYTES` is not set; with what the compiler needs
/// besides, that is about half of a container of 6 GiB for the builds that run at once.
pub(crate) const BUILD_MEMORY_BYTES: u64 = 768 * 1024 * 1024;
/// How long a build may take when `BUILD_TIMEOUT_MS` is not set.
const BUILD_TIMEOUT: Duration = Duration::from_mins(5);
/// How long a call of the Cloudflare API may take when `CLOUDFLARE_API_TIMEOUT_MS` is not set: a
/// bucket of assets takes a while.
const API_TIMEOUT: Duration = Duration::from_mins(2);
/// How long builds may go on after a signal when `STOP_TIMEOUT_MS` is not set: below the 30 s that Kubernetes and
/// Docker Compose are usually told to wait. A build that is cut off is taken up by another service.
const STOP_TIMEOUT: Duration = Duration::from_secs(25);
/// Longest of these.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// The secret that the Worker and this service share. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as configured.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// For the `Authorization` header of requests to the Worker.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Compares without telling by its duration where the first difference is.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let (wanted, given) = (self.0.as_bytes(), given.as_bytes());
        let differs = wanted
            .iter()
            .zip(given)
            .fold(0_u8, |differs, (a, b)| differs | (a ^ b));
        wanted.len() == given.len() && differs == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a terminal.
    Compact,
    /// For a collector.
    Json,
}

/// How spans are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Protocol buffers over HTTP, the specification's default.
    Protobuf,
    /// JSON over HTTP.
    Json,
}

/// The service's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port on it; 0 takes a free one.
    pub port: u16,
    /// Shared with the Worker.
    pub secret: Secret,
    /// Cloudflare account.
    pub account: String,
    /// Token for its API.
    pub token: Token,
    /// Address of its API.
    pub api_base: String,
    /// Zone that gets apps' own hosts as custom hostnames; none when that is somebody else's business.
    pub zone: Option<String>,
    /// Folder for caches.
    pub state: PathBuf,
    /// How long contents, installation and link of one build may take.
    pub build_timeout: Duration,
    /// Bytes of modules and files that one build may hold.
    pub build_memory_bytes: u64,
    /// How long one call of the Cloudflare API may take.
    pub api_timeout: Duration,
    /// How long builds may go on after a signal.
    pub stop_timeout: Duration,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How spans are exported; `None` when nobody takes them.
    pub otlp: Option<OtlpProtocol>,
}

/// One thing that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigProblem {
    /// Not set, or empty.
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    /// Set to something that means nothing.
    #[error("{name} is `{value}`: {expected}")]
    Malformed {
        /// Which variable.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the configuration through `lookup`, which knows the environment.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let get = |name: &str| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let mut require = |name: &'static str, what: &'static str| {
            get(name).unwrap_or_else(|| {
                problems.push(ConfigProblem::Missing(name, what));
                String::new()
            })
        };
        let secret = require("BUILD_SERVICE_SECRET", "the secret shared with the Worker");
        let account = require(
            "CLOUDFLARE_ACCOUNT_ID",
            "the account that owns the dispatch namespace",
        );
        let token = require(
            "CLOUDFLARE_API_TOKEN",
            "a token that may edit Workers scripts",
        );
        let api_base = require("CLOUDFLARE_API_BASE", "the address of the Cloudflare API");
        let port = parsed(
            &mut problems,
            ("BUILD_SERVICE_PORT", get("BUILD_SERVICE_PORT")),
            DEFAULT_PORT,
            "a port number from 0 to 65535 is needed",
        );
        let host = parsed(
            &mut problems,
            ("BUILD_SERVICE_HOST", get("BUILD_SERVICE_HOST")),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "an IP address is needed",
        );
        let build_memory_bytes = parsed(
            &mut problems,
            ("BUILD_MEMORY_BYTES", get("BUILD_MEMORY_BYTES")),
            BUILD_MEMORY_BYTES,
            "a number of bytes is needed",
        );
        let mut millis = |name: &'static str, otherwise: Duration| match get(name) {
            None => otherwise,
            Some(value) => {
                if let Ok(millis @ 1..=MAX_TIMEOUT_MS) = value.parse() {
                    Duration::from_millis(millis)
                } else {
                    problems.push(ConfigProblem::Malformed {
                        name,
                        value,
                        expected: "milliseconds from 1 to 3600000 are needed",
                    });
                    otherwise
                }
            }
        };
        let build_timeout = millis("BUILD_TIMEOUT_MS", BUILD_TIMEOUT);
        let api_timeout = millis("CLOUDFLARE_API_TIMEOUT_MS", API_TIMEOUT);
        let stop_timeout = millis("STOP_TIMEOUT_MS", STOP_TIMEOUT);
        if !api_base.is_empty()
            && !api_base.starts_with("http://")
            && !api_base.starts_with("https://")
        {
            problems.push(ConfigProblem::Malformed {
                name: "CLOUDFLARE_API_BASE",
                value: api_base.clone(),
                expected: "an http or https address is needed",
            });
        }
        let log_format = log_format(get("LOG_FORMAT").as_deref()).unwrap_or_else(|problem| {
            problems.push(problem);
            LogFormat::Compact
        });
        let otlp = otlp(get).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            host,
            port,
            secret: Secret::new(secret),
            account,
            token: Token::new(token),
            api_base,
            zone: get("CLOUDFLARE_ZONE_ID"),
            state: PathBuf::from(get("HOTPLATE_STATE").unwrap_or_else(|| ".hotplate".to_owned())),
            build_timeout,
            build_memory_bytes,
            api_timeout,
            stop_timeout,
            log_format,
            otlp,
        })
    }
}

/// What a variable says, or what it is when it is not set.
fn parsed<T: FromStr>(
    problems: &mut Vec<ConfigProblem>,
    (name, value): (&'static str, Option<String>),
    otherwise: T,
    expected: &'static str,
) -> T {
    let Some(value) = value else { return otherwise };
    value.parse().unwrap_or_else(|_| {
        problems.push(ConfigProblem::Malformed {
            name,
            value,
            expected,
        });
        otherwise
    })
}

fn log_format(value: Option<&str>) -> Result<LogFormat, ConfigProblem> {
    match value {
        None | Some("compact") => Ok(LogFormat::Compact),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(ConfigProblem::Malformed {
            name: "LOG_FORMAT",
            value: other.to_owned(),
            expected: "`compact` or `json` is needed",
        }),
    }
}

/// Of the exporter's own variables, those that decide whether there is one and what it speaks
/// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>); it reads the others itself.
fn otlp(get: impl Fn(&str) -> Option<String>) -> Result<Option<OtlpProtocol>, ConfigProblem> {
    let either = |of_traces: &'static str, of_all: &'static str| {
        let found = |name| get(name).map(|value| (name, value));
        found(of_traces).or_else(|| found(of_all))
    };
    let endpoint = either(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    );
    let Some((name, address)) = endpoint else {
        return Ok(None);
    };
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return Err(ConfigProblem::Malformed {
            name,
            value: address,
            expected: "an http or https address is needed",
        });
    }
    let protocol = either(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    );
    match protocol {
        None => Ok(Some(OtlpProtocol::Protobuf)),
        Some((name, value)) => match value.as_str() {
            "http/protobuf" => Ok(Some(OtlpProtocol::Protobuf)),
            "http/json" => Ok(Some(OtlpProtocol::Json)),
            _ => Err(ConfigProblem::Malformed {
                name,
                value,
                expected: "`http/protobuf` or `http/json` is needed",
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const GOOD: &[(&str, &str)] = &[
        ("BUILD_SERVICE_SECRET", "s3cret"),
        ("CLOUDFLARE_ACCOUNT_ID", "acc"),
        ("CLOUDFLARE_API_TOKEN", "t0ken"),
        ("CLOUDFLARE_API_BASE", "http://127.0.0.1:8787/client/v4"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let find = |name: &str, table: &[(&str, &str)]| {
            table
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::read(|name| find(name, changes).or_else(|| find(name, GOOD)))
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn good_values_are_read_and_secrets_masked() {
        let config = read(&[("BUILD_SERVICE_PORT", "9000"), ("LOG_FORMAT", "json")]).unwrap();
        assert_eq!((config.port, config.log_format), (9000, LogFormat::Json));
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("t0ken"),
            "{shown}"
        );
        assert_eq!(read(&[]).unwrap().port, DEFAULT_PORT);
    }

    #[test]
    fn every_problem_is_one_line() {
        let problems = read(&[
            ("BUILD_SERVICE_SECRET", " "),
            ("BUILD_SERVICE_PORT", "70000"),
            ("CLOUDFLARE_API_BASE", "localhost"),
            ("BUILD_TIMEOUT_MS", "0"),
            ("CLOUDFLARE_API_TIMEOUT_MS", "2 s"),
            ("LOG_FORMAT", "xml"),
            ("BUILD_SERVICE_HOST", "everywhere"),
            ("BUILD_MEMORY_BYTES", "1G"),
            ("STOP_TIMEOUT_MS", "-1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ])
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "BUILD_SERVICE_SECRET is not set: the secret shared with the Worker",
                "BUILD_SERVICE_PORT is `70000`: a port number from 0 to 65535 is needed",
                "BUILD_SERVICE_HOST is `everywhere`: an IP address is needed",
                "BUILD_MEMORY_BYTES is `1G`: a number of bytes is needed",
                "BUILD_TIMEOUT_MS is `0`: milliseconds from 1 to 3600000 are needed",
                "CLOUDFLARE_API_TIMEOUT_MS is `2 s`: milliseconds from 1 to 3600000 are needed",
                "STOP_TIMEOUT_MS is `-1`: milliseconds from 1 to 3600000 are needed",
                "CLOUDFLARE_API_BASE is `localhost`: an http or https address is needed",
                "LOG_FORMAT is `xml`: `compact` or `json` is needed",
                "OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`: `http/protobuf` or `http/json` is needed",
            ]
        );
    }

    #[test]
    fn secrets_compare_whole() {
        let secret = Secret::new("abc");
        for (given, expected) in [
            ("abc", true),
            ("abd", false),
            ("ab", false),
            ("abcd", false),
            ("", false),
        ] {
            assert_eq!(secret.matches(given), expected, "{given}");
        }
    }
}

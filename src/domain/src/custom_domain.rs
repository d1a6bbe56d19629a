//! Hosts that apps bring along: which ones may be claimed, and what proves that one is the app's.
//!
//! The proof is a TXT record, as with certificates (RFC 8555, section 8.4) and other hosts. Who asks the resolver,
//! and what follows from the answer, is the edge's business.

use crate::limits;
use hotplate_protocol::{DomainProof, ErrorCode};
use serde::Deserialize;
use std::fmt;

/// Before the host, so that the record stands beside a CNAME of the host itself.
const PROOF_LABEL: &str = "_hotplate";
const PROOF_PREFIX: &str = "hotplate-domain=";
/// TXT (RFC 1035, section 3.2.2).
const TXT: u16 = 16;
/// No error, and no such name (RFC 1035, section 4.1.1).
const ANSWERED: [u16; 2] = [0, 3];

/// A host that may be claimed: lower-case ASCII, no port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomHost(String);

/// Why a host cannot be claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomHostError {
    /// Not a name with a dot, or with labels that DNS does not have.
    #[error(
        "`{0}` is not a domain name: labels of a-z, 0-9 and `-` with dots between them are needed"
    )]
    NotAName(String),
    /// Longer than DNS has names.
    #[error("a domain name has at most {} characters", limits::HOST_BYTES)]
    TooLong,
    /// Every host below the base domain is an app's already.
    #[error("`{0}` belongs to the platform")]
    OfThePlatform(String),
}

impl CustomHostError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidDomain
    }
}

impl CustomHost {
    /// Checks a host against the rules and the base domain (with its port).
    pub fn parse(text: &str, base_domain: &str) -> Result<Self, CustomHostError> {
        let host = text.to_ascii_lowercase();
        if host.len() > limits::HOST_BYTES {
            return Err(CustomHostError::TooLong);
        }
        let labels: Vec<&str> = host.split('.').collect();
        let top = labels.last().copied().unwrap_or_default();
        // The last label of an address is a number; no top-level domain is one (RFC 3696, section 2).
        let is_name = labels.len() > 1
            && labels.iter().all(|label| is_label(label))
            && !top.bytes().all(|byte| byte.is_ascii_digit());
        if !is_name {
            return Err(CustomHostError::NotAName(host));
        }
        let base = base_domain.split(':').next().unwrap_or_default();
        if host == base || host.ends_with(&format!(".{base}")) {
            return Err(CustomHostError::OfThePlatform(host));
        }
        Ok(Self(host))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The record that proves a host to be of who was given the token.
pub fn proof(host: &str, token: &str) -> DomainProof {
    DomainProof {
        kind: "TXT".to_owned(),
        name: format!("{PROOF_LABEL}.{host}"),
        value: format!("{PROOF_PREFIX}{token}"),
    }
}

/// An answer of a resolver, in the JSON form of DNS over HTTPS
/// (<https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>).
#[derive(Deserialize)]
struct DnsAnswer {
    #[serde(rename = "Status")]
    status: u16,
    #[serde(rename = "Answer", default)]
    records: Vec<DnsRecord>,
}

#[derive(Deserialize)]
struct DnsRecord {
    #[serde(rename = "type")]
    kind: u16,
    data: String,
}

/// What a resolver said of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The record is there.
    Proved,
    /// There is none of that name.
    NoRecord,
    /// There are others.
    OtherRecords(Vec<String>),
    /// The resolver could not find out, or this is no answer of one.
    Unknown(String),
}

/// Reads a resolver's answer to the question for the proof's name.
pub fn find(proof: &DomainProof, answer: &str) -> Finding {
    let answer: DnsAnswer = match serde_json::from_str(answer) {
        Ok(answer) => answer,
        Err(error) => return Finding::Unknown(error.to_string()),
    };
    if !ANSWERED.contains(&answer.status) {
        return Finding::Unknown(format!("it answered with status {}", answer.status));
    }
    let texts: Vec<String> = answer
        .records
        .iter()
        .filter(|record| record.kind == TXT)
        .map(|record| text_of(&record.data))
        .collect();
    if texts.contains(&proof.value) {
        Finding::Proved
    } else if texts.is_empty() {
        Finding::NoRecord
    } else {
        Finding::OtherRecords(texts)
    }
}

/// The text of a TXT record: strings in quotes, one after the other (RFC 1035, section 5.1), which some resolvers
/// join and leave bare.
fn text_of(data: &str) -> String {
    if !data.starts_with('"') {
        return data.to_owned();
    }
    let mut text = String::new();
    let mut quoted = false;
    let mut characters = data.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' => text.extend(characters.next()),
            _ if quoted => text.push(character),
            _ => {}
        }
    }
    text
}

/// When a domain that is not active is looked at again, as of `now`: often at first, then ever less; `None` when it
/// has been waiting for too long and only its owner's call looks again.
pub fn next_look(created_at: u64, now: u64) -> Option<u64> {
    let age = now.saturating_sub(created_at);
    let pause = (age / 10).clamp(limits::DOMAIN_LOOK_MS, limits::DOMAIN_LOOK_MS * 60);
    (age < limits::DOMAIN_PATIENCE_MS).then_some(now + pause)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first failure")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tells_which_hosts_may_be_claimed() {
        let host = |text: &str| CustomHost::parse(text, "hotplate.dev:8787");
        for good in [
            "example.com",
            "WWW.Example.com",
            "xn--bcher-kva.example",
            "a-1.b2.co",
        ] {
            assert_eq!(host(good).unwrap().as_str(), good.to_ascii_lowercase());
        }
        for bad in [
            "",
            "localhost",
            "a..b",
            ".a.b",
            "a.b.",
            "-a.b",
            "a-.b",
            "a_b.c",
            "bücher.example",
            "1.2.3.4",
            "[::1]",
            "example.com:80",
            "*.example.com",
            "a b.c",
        ] {
            assert!(
                matches!(host(bad), Err(CustomHostError::NotAName(_))),
                "{bad}"
            );
        }
        for ours in ["hotplate.dev", "shop.hotplate.dev", "a.b.hotplate.dev"] {
            assert!(
                matches!(host(ours), Err(CustomHostError::OfThePlatform(_))),
                "{ours}"
            );
        }
        assert!(host("nothotplate.dev").is_ok());
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(longest.len(), limits::HOST_BYTES);
        assert!(host(&longest).is_ok());
        assert_eq!(host(&format!("{longest}b")), Err(CustomHostError::TooLong));
        assert!(host(&format!("{}.b", "a".repeat(64))).is_err());
    }

    #[test]
    fn reads_what_resolvers_answer() {
        let proof = proof("shop.example", "t0ken");
        assert_eq!(proof.name, "_hotplate.shop.example");
        let record = |data: &str| {
            serde_json::json!({ "Status": 0, "Answer": [
                { "name": proof.name, "type": 5, "TTL": 60, "data": "elsewhere.example." },
                { "name": proof.name, "type": 16, "TTL": 60, "data": data },
            ] })
            .to_string()
        };
        for (answer, finding) in [
            (record(r#""hotplate-domain=t0ken""#), Finding::Proved),
            (record(r#""hotplate-" "domain=t0ken""#), Finding::Proved),
            (record("hotplate-domain=t0ken"), Finding::Proved),
            (
                record(r#""hotplate-domain=t0ken2""#),
                Finding::OtherRecords(vec!["hotplate-domain=t0ken2".to_owned()]),
            ),
            (
                record(r#""a\"b""#),
                Finding::OtherRecords(vec!["a\"b".to_owned()]),
            ),
            (r#"{"Status":3}"#.to_owned(), Finding::NoRecord),
            (r#"{"Status":0,"Answer":[]}"#.to_owned(), Finding::NoRecord),
            (
                r#"{"Status":2}"#.to_owned(),
                Finding::Unknown("it answered with status 2".to_owned()),
            ),
        ] {
            assert_eq!(find(&proof, &answer), finding, "{answer}");
        }
        assert!(matches!(find(&proof, "<html>"), Finding::Unknown(_)));
    }

    #[test]
    fn looks_often_at_first_and_gives_up() {
        let minute = 60_000;
        assert_eq!(next_look(0, 0), Some(minute));
        assert_eq!(next_look(0, 60 * minute), Some(66 * minute));
        assert_eq!(next_look(0, 24 * 60 * minute), Some(25 * 60 * minute));
        assert_eq!(next_look(0, limits::DOMAIN_PATIENCE_MS), None);
    }

    proptest! {
        #[test]
        fn never_panics(host in ".{0,80}", answer in ".{0,80}") {
            drop(CustomHost::parse(&host, "hotplate.dev"));
            find(&proof("a.b", "t"), &answer);
            text_of(&answer);
        }
    }
}

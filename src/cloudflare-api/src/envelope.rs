//! The envelope around every answer: `{success, result, errors, messages, result_info}`.

use crate::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// How much of an answer that is no envelope an error shows.
const EXCERPT_CHARS: usize = 200;

/// One entry of `errors` or `messages`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApiMessage {
    /// Cloudflare's number: 10021, 10027, …; 0 when none came.
    #[serde(default)]
    pub code: i64,
    /// For people.
    #[serde(default)]
    pub message: String,
}

impl fmt::Display for ApiMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [code {}]", self.message, self.code)
    }
}

#[derive(Debug, Deserialize)]
struct Envelope {
    success: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    errors: Option<Vec<ApiMessage>>,
    #[serde(default)]
    result_info: Option<ResultInfo>,
}

#[derive(Debug, Deserialize)]
struct ResultInfo {
    #[serde(default)]
    cursor: Option<String>,
}

/// A success envelope's content.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// `null` when the call answers nothing.
    pub(crate) result: Value,
    /// For the next page of a list.
    pub(crate) cursor: Option<String>,
}

impl Answer {
    /// Reads an answer; an error envelope, a bad status or garbage is an error.
    pub(crate) fn parse(status: u16, body: &[u8]) -> Result<Self, Error> {
        let ok = (200..300).contains(&status);
        // "no response body on a successful delete"
        if ok && body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self {
                status,
                result: Value::Null,
                cursor: None,
            });
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
            return Err(match status {
                429 => Error::RateLimited,
                _ => Error::Garbled {
                    status,
                    excerpt: excerpt(body),
                },
            });
        };
        if envelope.success && ok {
            return Ok(Self {
                status,
                result: envelope.result,
                cursor: envelope
                    .result_info
                    .and_then(|info| info.cursor)
                    .filter(|cursor| !cursor.is_empty()),
            });
        }
        if status == 429 {
            return Err(Error::RateLimited);
        }
        let mut errors = envelope.errors.unwrap_or_default();
        if errors.is_empty() {
            errors.push(ApiMessage {
                code: 0,
                message: "no reason given".to_owned(),
            });
        }
        Err(Error::Api { status, errors })
    }

    /// The result as the type the call promises.
    pub(crate) fn read<T: DeserializeOwned>(self, what: &'static str) -> Result<T, Error> {
        serde_json::from_value(self.result).map_err(|_| Error::Incomplete(what))
    }
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars()
        .take(EXCERPT_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_every_kind_of_answer() {
        // (status, body, code of the error or "ok")
        let cases: &[(u16, &str, &str)] = &[
            (
                200,
                r#"{"success":true,"result":{"id":"a"},"errors":[],"messages":[]}"#,
                "ok",
            ),
            (201, r#"{"success":true,"result":null,"errors":null}"#, "ok"),
            (200, "", "ok"),
            (204, " \n", "ok"),
            (
                400,
                r#"{"success":false,"errors":[{"code":10021,"message":"bad script"}]}"#,
                "cloudflare_refused",
            ),
            (
                200,
                r#"{"success":false,"errors":[]}"#,
                "cloudflare_refused",
            ),
            (
                200,
                r#"{"success":false,"errors":null}"#,
                "cloudflare_refused",
            ),
            (
                500,
                r#"{"success":true,"result":null}"#,
                "cloudflare_refused",
            ),
            (404, "", "cloudflare_garbled"),
            (502, "<html>Bad gateway</html>", "cloudflare_garbled"),
            (200, "{", "cloudflare_garbled"),
            (200, "[]", "cloudflare_garbled"),
            (200, "\u{0}\u{1}", "cloudflare_garbled"),
            (429, "slow down", "cloudflare_rate_limited"),
            (
                429,
                r#"{"success":false,"errors":[{"code":971,"message":"x"}]}"#,
                "cloudflare_rate_limited",
            ),
        ];
        for (status, body, expected) in cases {
            let code = match Answer::parse(*status, body.as_bytes()) {
                Ok(_) => "ok",
                Err(error) => error.code(),
            };
            assert_eq!(code, *expected, "{status} {body}");
        }
    }

    #[test]
    fn keeps_codes_and_messages() {
        let error = Answer::parse(
            400,
            br#"{"success":false,"errors":[{"code":10027,"message":"too large"}]}"#,
        )
        .unwrap_err();
        assert!(error.has_api_code(10027));
        assert!(!error.has_api_code(10021));
        assert!(error.to_string().contains("too large [code 10027]"));
    }
}

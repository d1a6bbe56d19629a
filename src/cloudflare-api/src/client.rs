//! The HTTP side: addresses, the token, attempts. What a call means is in `scripts` and `assets`.

use crate::budget::Budget;
use crate::envelope::Answer;
use crate::observer::{Call, Observer};
use crate::retry::{self, RetryPolicy};
use crate::{Error, Token};
use reqwest::{Method, RequestBuilder, Response, Url};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A bucket of assets takes a while; a hanging connection must not hold a build for ever.
const CALL_TIMEOUT: Duration = Duration::from_mins(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    account: String,
    token: Token,
    policy: RetryPolicy,
    timeout: Duration,
    budget: Arc<Budget>,
    observer: Observer,
}

impl Client {
    /// A client of the API at `base` (`https://api.cloudflare.com/client/v4`).
    pub fn new(base: &str, account: impl Into<String>, token: Token) -> Result<Self, Error> {
        let base = Url::parse(base)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Error::InvalidBase(base.to_owned()))?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // The token must not follow a redirect to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::Setup)?;
        Ok(Self {
            http,
            base,
            account: account.into(),
            token,
            policy: RetryPolicy::default(),
            timeout: CALL_TIMEOUT,
            budget: Arc::new(Budget::default()),
            observer: Observer::default(),
        })
    }

    /// With other attempts and pauses than the default.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// With another limit for how long one call may take.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same client, telling `observe` of each call that it makes. Clones share what they may call.
    #[must_use]
    pub fn observed(&self, observe: impl Fn(Call<'_>) + Send + Sync + 'static) -> Self {
        Self {
            observer: Observer::new(observe),
            ..self.clone()
        }
    }

    /// One dispatch namespace of the account.
    pub fn namespace<'a>(&'a self, name: &'a str) -> Namespace<'a> {
        Namespace { client: self, name }
    }

    /// The address of `segments` under the account; each is escaped as one segment.
    pub(crate) fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        let mut all = vec!["accounts", &self.account];
        all.extend(segments);
        self.root_url(&all)
    }

    /// The address of `segments` under the API's base.
    pub(crate) fn root_url(&self, segments: &[&str]) -> Result<Url, Error> {
        // A URL library drops `.` and `..` segments: a name like that would reach another call.
        if segments
            .iter()
            .any(|part| part.is_empty() || matches!(*part, "." | ".."))
        {
            return Err(Error::InvalidBase(segments.join("/")));
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Error::InvalidBase(self.base.to_string()))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }

    /// A call with the account's token.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: Url,
        complete: impl Fn(RequestBuilder) -> Result<RequestBuilder, Error>,
    ) -> Result<Answer, Error> {
        self.call_as(&self.token, method, url, complete).await
    }

    /// A call with another token. `complete` adds the body and runs once per attempt, because a
    /// multipart body can be sent only once. Every call made here may be repeated: contents are
    /// addressed by hash, scripts by name.
    pub(crate) async fn call_as(
        &self,
        token: &Token,
        method: Method,
        url: Url,
        complete: impl Fn(RequestBuilder) -> Result<RequestBuilder, Error>,
    ) -> Result<Answer, Error> {
        let mut made = 0;
        loop {
            while let Err(pause) = self.budget.take(Instant::now()) {
                if pause > self.policy.longest_pause {
                    return Err(Error::RateLimited);
                }
                tokio::time::sleep(pause).await;
            }
            made += 1;
            let started = Instant::now();
            let request = self
                .http
                .request(method.clone(), url.clone())
                .timeout(self.timeout)
                .bearer_auth(token.expose());
            let outcome = self.attempt(complete(request)?, token).await;
            self.observer.tell(Call {
                method: method.as_str(),
                path: self.relative(&url),
                status: outcome.status,
                elapsed: started.elapsed(),
            });
            let (error, asked) = match outcome.result {
                Ok(answer) => return Ok(answer),
                Err(error) if outcome.status.is_some_and(|it| !retry::is_transient(it)) => {
                    return Err(error);
                }
                Err(error) => (error, outcome.retry_after),
            };
            // Every further call of anybody would be refused as well.
            if let (Error::RateLimited, Some(pause)) = (&error, asked) {
                self.budget.close(Instant::now() + pause);
            }
            let Some(pause) = self.policy.pause(made, asked) else {
                return Err(error);
            };
            tracing::warn!(path = url.path(), attempt = made, error = %error, "trying again");
            tokio::time::sleep(pause).await;
        }
    }
}

/// What became of one attempt.
struct Outcome {
    /// `None` without an answer.
    status: Option<u16>,
    retry_after: Option<Duration>,
    result: Result<Answer, Error>,
}

impl Client {
    async fn attempt(&self, request: RequestBuilder, token: &Token) -> Outcome {
        let failed = |error: reqwest::Error| Outcome {
            status: None,
            retry_after: None,
            result: Err(Error::Transport(error.without_url())),
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return failed(error),
        };
        let status = response.status().as_u16();
        let retry_after = retry::retry_after(header(&response, "retry-after").as_deref());
        match response.bytes().await {
            Err(error) => failed(error),
            Ok(body) => Outcome {
                status: Some(status),
                retry_after,
                // Errors quote the answer, and an answer may quote the request.
                result: Answer::parse(status, &body).or_else(|_| {
                    let text = String::from_utf8_lossy(&body);
                    let masked = self.token.mask(&token.mask(&text));
                    Answer::parse(status, masked.as_bytes())
                }),
            },
        }
    }

    /// A call's path under the account.
    fn relative<'a>(&self, url: &'a Url) -> &'a str {
        let path = url.path();
        let account = format!("/accounts/{}", self.account);
        path.split_once(&account).map_or(path, |(_, rest)| rest)
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response
        .headers()
        .get(name)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// One dispatch namespace; the calls are in `scripts` and `assets`.
#[derive(Debug, Clone, Copy)]
pub struct Namespace<'a> {
    pub(crate) client: &'a Client,
    pub(crate) name: &'a str,
}

impl Namespace<'_> {
    /// The address of `segments` under this namespace's scripts.
    pub(crate) fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        let mut all = vec!["workers", "dispatch", "namespaces", self.name, "scripts"];
        all.extend(segments);
        self.client.url(&all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn addresses_are_escaped_and_bases_checked() {
        for base in [
            "http://localhost:1/client/v4",
            "http://localhost:1/client/v4/",
        ] {
            let client = Client::new(base, "acc", Token::new("t")).unwrap();
            let url = client
                .namespace("a b/../c")
                .url(&["x?y#z", "tags"])
                .unwrap();
            assert_eq!(
                url.as_str(),
                "http://localhost:1/client/v4/accounts/acc/workers/dispatch/namespaces/a%20b%2F..%2Fc/scripts/x%3Fy%23z/tags"
            );
            assert!(client.namespace("..").url(&[]).is_err());
            assert!(client.namespace("n").url(&[""]).is_err());
        }
        for base in ["", "localhost:8787", "ftp://x/", "/client/v4"] {
            assert_eq!(
                Client::new(base, "acc", Token::new("t"))
                    .unwrap_err()
                    .code(),
                "cloudflare_invalid_base",
                "{base}"
            );
        }
    }

    #[test]
    fn a_client_never_shows_its_token() {
        let client = Client::new("http://localhost:1", "acc", Token::new("top-secret")).unwrap();
        assert!(!format!("{client:?}").contains("top-secret"));
    }
}

//! Custom hostnames of a zone (Cloudflare for SaaS): hosts of others that lead to it.
//!
//! <https://developers.cloudflare.com/api/resources/custom_hostnames/>

use crate::Error;
use crate::client::Client;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

/// "Duplicate custom hostname found".
const DUPLICATE: i64 = 1406;

/// One zone.
#[derive(Debug, Clone, Copy)]
pub struct Zone<'a> {
    client: &'a Client,
    id: &'a str,
}

/// A custom hostname as the API tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomHostname {
    /// The API's.
    pub id: String,
    /// The host.
    pub hostname: String,
    /// `pending`, `active`, `blocked`, ….
    #[serde(default)]
    pub status: String,
    /// Its certificate.
    #[serde(default)]
    pub ssl: Option<CertificateStatus>,
    /// Why the host is not verified.
    #[serde(default)]
    pub verification_errors: Option<Vec<String>>,
}

/// How far a certificate is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CertificateStatus {
    /// `initializing`, `pending_validation`, `active`, ….
    #[serde(default)]
    pub status: String,
    /// Why it is not made.
    #[serde(default)]
    pub validation_errors: Option<Vec<ValidationError>>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ValidationError {
    /// For people.
    #[serde(default)]
    pub message: String,
}

impl CustomHostname {
    /// Whether visitors reach the zone by it, with a certificate.
    pub fn is_active(&self) -> bool {
        let certified = self.ssl.as_ref().is_none_or(|ssl| ssl.status == "active");
        self.status == "active" && certified
    }

    /// Why it is not active, in the API's words.
    pub fn problem(&self) -> String {
        let of_host = self.verification_errors.iter().flatten().cloned();
        let of_certificate = self
            .ssl
            .iter()
            .flat_map(|ssl| ssl.validation_errors.iter().flatten())
            .map(|error| error.message.clone());
        let reasons: Vec<String> = of_host.chain(of_certificate).collect();
        if reasons.is_empty() {
            let certificate = self.ssl.as_ref().map_or("", |ssl| ssl.status.as_str());
            format!("hostname {}, certificate {certificate}", self.status)
        } else {
            reasons.join("; ")
        }
    }
}

impl Client {
    /// One zone of the account.
    pub fn zone<'a>(&'a self, id: &'a str) -> Zone<'a> {
        Zone { client: self, id }
    }
}

impl Zone<'_> {
    fn url(&self, id: Option<&str>) -> Result<reqwest::Url, Error> {
        let mut segments = vec!["zones", self.id, "custom_hostnames"];
        segments.extend(id);
        self.client.root_url(&segments)
    }

    /// The custom hostname of that host.
    pub async fn find(&self, host: &str) -> Result<Option<CustomHostname>, Error> {
        let mut url = self.url(None)?;
        url.query_pairs_mut().append_pair("hostname", host);
        let answer = self.client.call(Method::GET, url, Ok).await?;
        let all: Vec<CustomHostname> = answer.read("custom hostnames")?;
        // The API's filter is for what contains the text.
        Ok(all.into_iter().find(|found| found.hostname == host))
    }

    /// Makes sure that there is one; how far it is.
    pub async fn ensure(&self, host: &str) -> Result<CustomHostname, Error> {
        if let Some(found) = self.find(host).await? {
            return Ok(found);
        }
        // `http`: the host leads here already, or soon will, so nobody has to set another record.
        let body = json!({ "hostname": host, "ssl": { "method": "http", "type": "dv", "settings": { "min_tls_version": "1.2" } } });
        let made = self
            .client
            .call(Method::POST, self.url(None)?, |request| {
                Ok(request.json(&body))
            })
            .await;
        match made {
            Ok(answer) => answer.read("a custom hostname"),
            // Made since, or by an attempt whose answer was lost.
            Err(error) if error.has_api_code(DUPLICATE) => match self.find(host).await? {
                Some(found) => Ok(found),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Removes one; false when there was none.
    pub async fn remove(&self, host: &str) -> Result<bool, Error> {
        let Some(found) = self.find(host).await? else {
            return Ok(false);
        };
        let url = self.url(Some(&found.id))?;
        match self.client.call(Method::DELETE, url, Ok).await {
            Ok(_) => Ok(true),
            // This one call answers `{id}`, without the envelope.
            Err(Error::Garbled { status, .. }) if (200..300).contains(&status) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first failure")]
    use super::*;
    use crate::Token;

    #[test]
    fn tells_what_is_active_and_why_not() {
        for (json, active, problem) in [
            (
                r#"{"id":"1","hostname":"a.b","status":"active","ssl":{"status":"active"}}"#,
                true,
                "",
            ),
            (
                r#"{"id":"1","hostname":"a.b","status":"active","ssl":{"status":"pending_validation"}}"#,
                false,
                "hostname active, certificate pending_validation",
            ),
            (
                r#"{"id":"1","hostname":"a.b","status":"pending","verification_errors":["no CNAME"],"ssl":{"status":"pending_validation","validation_errors":[{"message":"no file"}]}}"#,
                false,
                "no CNAME; no file",
            ),
            (
                r#"{"id":"1","hostname":"a.b","status":"pending","verification_errors":null}"#,
                false,
                "hostname pending, certificate ",
            ),
        ] {
            let found: CustomHostname = serde_json::from_str(json).unwrap();
            assert_eq!(found.is_active(), active, "{json}");
            if !active {
                assert_eq!(found.problem(), problem);
            }
        }
    }

    #[test]
    fn a_zone_is_one_segment() {
        let client = Client::new("http://localhost:1/client/v4", "acc", Token::new("t")).unwrap();
        let url = client.zone("z/1").url(Some("..")).unwrap_err();
        assert_eq!(url.code(), "cloudflare_invalid_base");
        let url = client.zone("z/1").url(Some("h")).unwrap();
        assert_eq!(url.path(), "/client/v4/zones/z%2F1/custom_hostnames/h");
    }
}

//! An app's own hosts: `…/domains`, and what the Worker asks the build service about them.

use serde::{Deserialize, Serialize};

/// How far a domain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainState {
    /// Nobody has proved yet that it is the app's.
    Pending,
    /// Proved; Cloudflare makes its certificate.
    Provisioning,
    /// It shows the active deployment.
    Active,
}

/// The DNS record that proves a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainProof {
    /// `TXT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the record belongs.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// Answer of `PUT` and `GET /v1/apps/{slug}/domains/{host}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomDomain {
    /// Lower-case, in its ASCII form.
    pub host: String,
    /// How far it is.
    pub state: DomainState,
    /// What proves it.
    pub proof: DomainProof,
    /// Why it is not active yet, as of the last look.
    pub problem: Option<String>,
    /// When it was claimed.
    pub created_at: u64,
    /// When it was proved.
    pub verified_at: Option<u64>,
}

/// Answer of `GET /v1/apps/{slug}/domains`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomDomainList {
    /// By host.
    pub domains: Vec<CustomDomain>,
}

/// What is to happen to a custom hostname of the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostnameAction {
    /// It is to be there; the answer says how far it is.
    Ensure,
    /// It is to be gone.
    Remove,
}

/// Body of the build service's `POST /v1/hostnames`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostnameRequest {
    /// Which.
    pub host: String,
    /// What is to happen.
    pub action: HostnameAction,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostnameAnswer {
    /// Whether visitors reach the Worker by it; after `Remove` it is false.
    pub active: bool,
    /// Why it is not, in Cloudflare's words.
    pub problem: Option<String>,
}

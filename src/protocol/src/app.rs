//! Apps: one tenant project each.

use serde::{Deserialize, Serialize};

/// Who may open an app's previews and deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Anyone, and listed.
    #[default]
    Public,
    /// Anyone who has the address.
    Unlisted,
    /// Only holders of a token or a signed link.
    Private,
}

/// Body of `POST /v1/apps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateApp {
    /// 1–40 of `a-z0-9-`; see `domain::slug`.
    pub slug: String,
    /// Shown to people; the slug when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `public` when absent.
    #[serde(default)]
    pub visibility: Visibility,
}

/// Body of `PATCH /v1/apps/{slug}`; absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchApp {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new visibility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

/// Where an app can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppUrls {
    /// The live preview of the working tree.
    pub live: String,
    /// The active deployment.
    pub production: String,
}

/// An app as the API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Opaque; never a credential.
    pub id: String,
    /// Name in host names and paths.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Revision of the working tree; 0 before the first edit.
    pub revision: u64,
    /// Who may open it.
    pub visibility: Visibility,
    /// Where to open it.
    pub urls: AppUrls,
    /// Id of the active deployment.
    pub active_deployment: Option<String>,
    /// Epoch milliseconds.
    pub created_at: u64,
}

/// Answer of `GET /v1/apps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppList {
    /// Newest first.
    pub apps: Vec<App>,
    /// Pass as `?cursor=` for the next page; absent on the last.
    pub cursor: Option<String>,
}

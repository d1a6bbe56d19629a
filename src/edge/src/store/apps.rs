//! Apps in D1.

use super::{Store, number, optional_number, optional_text, text};
use hotplate_domain::{Urls, limits};
use hotplate_protocol::{App, AppUrls, Visibility};
use serde::Deserialize;
use worker::Result;

/// One app, without what its room knows.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AppRow {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    pub(crate) active_deployment: Option<String>,
    /// JSON of its public values.
    pub(crate) env: String,
    /// JSON of its secrets, each sealed.
    pub(crate) secrets: String,
    pub(crate) created_at: u64,
}

impl AppRow {
    /// As the API answers it.
    pub(crate) fn into_app(self, revision: u64, urls: &Urls) -> App {
        App {
            urls: AppUrls {
                live: urls.live(&self.slug),
                production: urls.production(&self.slug),
            },
            id: self.id,
            slug: self.slug,
            name: self.name,
            revision,
            visibility: self.visibility,
            active_deployment: self.active_deployment,
            created_at: self.created_at,
        }
    }
}

const fn code(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Unlisted => "unlisted",
        Visibility::Private => "private",
    }
}

impl Store {
    /// Adds an app; false when the slug is taken.
    pub(crate) async fn insert_app(&self, app: &AppRow) -> Result<bool> {
        let values = [
            text(&app.id),
            text(&app.slug),
            text(&app.name),
            text(code(app.visibility)),
            number(app.created_at),
        ];
        let changed = self
            .run(include_str!("../../sql/insert_app.sql"), &values)
            .await?;
        Ok(changed == 1)
    }

    /// The app of that slug.
    pub(crate) async fn app(&self, slug: &str) -> Result<Option<AppRow>> {
        self.first(include_str!("../../sql/app_by_slug.sql"), &[text(slug)])
            .await
    }

    /// At most `limit` apps, newest first, after the one at `cursor`.
    pub(crate) async fn apps(
        &self,
        cursor: Option<(u64, &str)>,
        limit: u32,
    ) -> Result<Vec<AppRow>> {
        let values = [
            optional_number(cursor.map(|(at, _)| at)),
            optional_text(cursor.map(|(_, id)| id)),
            number(limit.into()),
        ];
        self.all(include_str!("../../sql/list_apps.sql"), &values)
            .await
    }

    /// Changes what is given.
    pub(crate) async fn change_app(
        &self,
        id: &str,
        name: Option<&str>,
        visibility: Option<Visibility>,
    ) -> Result<()> {
        let values = [
            text(id),
            optional_text(name),
            optional_text(visibility.map(code)),
        ];
        self.run(include_str!("../../sql/change_app.sql"), &values)
            .await
            .map(drop)
    }

    /// Replaces public values and secrets (JSON) as they were read; false when they have changed since.
    pub(crate) async fn set_env(&self, read: &AppRow, env: &str, secrets: &str) -> Result<bool> {
        let values = [
            text(&read.id),
            text(env),
            text(secrets),
            text(&read.env),
            text(&read.secrets),
        ];
        let changed = self
            .run(include_str!("../../sql/set_env.sql"), &values)
            .await?;
        Ok(changed == 1)
    }

    /// Removes an app with its deployments, events and activations; their scripts, whose names begin
    /// with `script_prefix`, are noted for removal.
    pub(crate) async fn delete_app(&self, id: &str, script_prefix: &str, now: u64) -> Result<()> {
        let removals = [
            text(id),
            text(script_prefix),
            number(now),
            number(now + limits::REMOVAL_DELAY_MS),
        ];
        self.transaction(vec![
            self.statement(
                include_str!("../../sql/insert_removals_of_app.sql"),
                &removals,
            )?,
            self.statement(
                include_str!("../../sql/insert_hostname_removals.sql"),
                &[text(id), optional_text(None), number(now)],
            )?,
            self.statement(include_str!("../../sql/delete_app.sql"), &[text(id)])?,
        ])
        .await
        .map(drop)
    }
}

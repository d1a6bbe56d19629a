//! Apps' own hosts in D1, and the custom hostnames that are to leave the zone.

use super::{Store, number, optional_number, optional_text, text};
use hotplate_domain::{custom_domain, limits};
use hotplate_protocol::{CustomDomain, DomainState};
use serde::Deserialize;
use worker::Result;

/// One app's claim to a host.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DomainRow {
    pub(crate) app_id: String,
    pub(crate) host: String,
    pub(crate) token: String,
    pub(crate) state: DomainState,
    pub(crate) problem: Option<String>,
    pub(crate) created_at: u64,
    pub(crate) verified_at: Option<u64>,
}

impl DomainRow {
    /// As the API answers it.
    pub(crate) fn into_domain(self) -> CustomDomain {
        CustomDomain {
            proof: custom_domain::proof(&self.host, &self.token),
            host: self.host,
            state: self.state,
            problem: self.problem,
            created_at: self.created_at,
            verified_at: self.verified_at,
        }
    }
}

/// The app that a host shows.
#[derive(Debug, Deserialize)]
pub(crate) struct Shown {
    pub(crate) slug: String,
    pub(crate) active_deployment: Option<String>,
}

#[derive(Deserialize)]
struct HostRow {
    host: String,
}

impl Store {
    /// Notes a claim, unless the app has it already.
    pub(crate) async fn insert_domain(
        &self,
        app_id: &str,
        host: &str,
        token: &str,
        now: u64,
    ) -> Result<()> {
        let values = [text(app_id), text(host), text(token), number(now)];
        self.run(include_str!("../../sql/insert_domain.sql"), &values)
            .await
            .map(drop)
    }

    /// An app's claim to a host.
    pub(crate) async fn domain(&self, app_id: &str, host: &str) -> Result<Option<DomainRow>> {
        let values = [text(app_id), text(host)];
        self.first(include_str!("../../sql/domain_of_app.sql"), &values)
            .await
    }

    /// All claims of an app, by host.
    pub(crate) async fn domains(&self, app_id: &str) -> Result<Vec<DomainRow>> {
        self.all(
            include_str!("../../sql/domains_of_app.sql"),
            &[text(app_id)],
        )
        .await
    }

    /// Claims that are due to be looked at.
    pub(crate) async fn due_domains(&self, now: u64) -> Result<Vec<DomainRow>> {
        let values = [number(now), number(limits::SWEEP_DOMAINS.into())];
        self.all(include_str!("../../sql/due_domains.sql"), &values)
            .await
    }

    /// A claim was proved: the host is the app's, and no other's any more.
    pub(crate) async fn prove_domain(&self, row: &DomainRow, now: u64) -> Result<()> {
        let key = [text(&row.app_id), text(&row.host)];
        let proved = [text(&row.app_id), text(&row.host), number(now)];
        self.transaction(vec![
            self.statement(include_str!("../../sql/yield_domain.sql"), &key)?,
            self.statement(include_str!("../../sql/prove_domain.sql"), &proved)?,
            self.statement(include_str!("../../sql/keep_hostname.sql"), &key[1..])?,
        ])
        .await
        .map(drop)
    }

    /// Visitors reach the host.
    pub(crate) async fn provision_domain(&self, row: &DomainRow) -> Result<()> {
        let key = [text(&row.app_id), text(&row.host)];
        self.run(include_str!("../../sql/provision_domain.sql"), &key)
            .await
            .map(drop)
    }

    /// A claim is not active yet: why, and when it is looked at again.
    pub(crate) async fn postpone_domain(
        &self,
        row: &DomainRow,
        problem: &str,
        check_at: Option<u64>,
    ) -> Result<()> {
        let values = [
            text(&row.app_id),
            text(&row.host),
            optional_text(Some(problem)),
            optional_number(check_at),
        ];
        self.run(include_str!("../../sql/postpone_domain.sql"), &values)
            .await
            .map(drop)
    }

    /// Removes a claim; the custom hostname follows with a sweep. False when there was none.
    pub(crate) async fn delete_domain(&self, app_id: &str, host: &str, now: u64) -> Result<bool> {
        let removal = [text(app_id), text(host), number(now)];
        let changed = self
            .transaction(vec![
                self.statement(
                    include_str!("../../sql/insert_hostname_removals.sql"),
                    &removal,
                )?,
                self.statement(include_str!("../../sql/delete_domain.sql"), &removal[..2])?,
            ])
            .await?;
        Ok(changed.last() == Some(&1))
    }

    /// Hosts whose custom hostname is to leave the zone.
    pub(crate) async fn due_hostname_removals(&self, now: u64) -> Result<Vec<String>> {
        let values = [number(now), number(limits::SWEEP_DOMAINS.into())];
        let rows: Vec<HostRow> = self
            .all(include_str!("../../sql/due_hostname_removals.sql"), &values)
            .await?;
        Ok(rows.into_iter().map(|row| row.host).collect())
    }

    /// A host's custom hostname is gone.
    pub(crate) async fn hostname_removed(&self, host: &str) -> Result<()> {
        self.run(include_str!("../../sql/keep_hostname.sql"), &[text(host)])
            .await
            .map(drop)
    }

    /// A host's custom hostname could not be removed; `due_at` is the next try.
    pub(crate) async fn postpone_hostname_removal(&self, host: &str, due_at: u64) -> Result<()> {
        let values = [text(host), number(due_at)];
        self.run(
            include_str!("../../sql/postpone_hostname_removal.sql"),
            &values,
        )
        .await
        .map(drop)
    }

    /// The app that a host shows; none while nobody proved it.
    pub(crate) async fn shown_at(&self, host: &str) -> Result<Option<Shown>> {
        self.first(include_str!("../../sql/app_by_host.sql"), &[text(host)])
            .await
    }
}

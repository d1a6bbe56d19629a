//! Moves apps' own hosts on: asks DNS for the proof, and the zone, through the build service, for the hostname.
//!
//! What a proof is stands in `domain`; which host shows which app is dispatch's question to D1.

use crate::{
    builds,
    config::Config,
    dispatch,
    store::{DomainRow, Store},
};
use hotplate_domain::{
    custom_domain::{self, Finding},
    limits,
};
use hotplate_protocol::{DomainState, HostnameAction, HostnameAnswer, HostnameRequest};
use worker::{
    Date, Fetch, Headers, Request, RequestInit, Result, Url, console_error, console_warn,
};

/// Looks how far a claim is, and moves it on as far as it goes.
pub(crate) async fn look(row: &DomainRow, config: &Config, store: &Store) -> Result<()> {
    let now = Date::now().as_millis();
    let later = custom_domain::next_look(row.created_at, now);
    if row.state == DomainState::Active {
        return Ok(());
    }
    if row.state == DomainState::Pending {
        if let Err(problem) = prove(row, config).await {
            return store.postpone_domain(row, &problem, later).await;
        }
        store.prove_domain(row, now).await?;
        dispatch::forget_host(&row.host);
    }
    match hostname(config, &row.host, HostnameAction::Ensure).await {
        Ok(HostnameAnswer { active: true, .. }) => store.provision_domain(row).await,
        Ok(HostnameAnswer { problem, .. }) => {
            let problem = problem.unwrap_or_else(|| "the certificate is being made".to_owned());
            store.postpone_domain(row, &problem, later).await
        }
        Err(error) => {
            console_warn!("custom hostname {}: {error}", row.host);
            let problem = "the platform could not reach Cloudflare; it tries again";
            store.postpone_domain(row, problem, later).await
        }
    }
}

/// The sweep's part: claims that are due, and hostnames that nobody has any more.
pub(crate) async fn sweep(config: &Config, store: &Store, now: u64) -> Result<()> {
    for row in store.due_domains(now).await? {
        if let Err(error) = look(&row, config, store).await {
            console_error!("sweep: domain {}: {error}", row.host);
        }
    }
    for host in store.due_hostname_removals(now).await? {
        match hostname(config, &host, HostnameAction::Remove).await {
            Ok(_) => store.hostname_removed(&host).await?,
            Err(error) => {
                console_error!("sweep: custom hostname {host}: {error}");
                let due_at = now + limits::REMOVAL_RETRY_MS;
                store.postpone_hostname_removal(&host, due_at).await?;
            }
        }
    }
    Ok(())
}

/// Why a claim is not proved.
async fn prove(row: &DomainRow, config: &Config) -> std::result::Result<(), String> {
    let proof = custom_domain::proof(&row.host, &row.token);
    let finding = match ask(&config.dns_resolver_url, &proof.name).await {
        Ok(answer) => custom_domain::find(&proof, &answer),
        Err(error) => Finding::Unknown(error.to_string()),
    };
    match finding {
        Finding::Proved => Ok(()),
        Finding::NoRecord => Err(format!("there is no TXT record `{}` yet", proof.name)),
        Finding::OtherRecords(found) => Err(format!(
            "the TXT record `{}` says `{}`, not `{}`",
            proof.name,
            found.join("`, `"),
            proof.value
        )),
        Finding::Unknown(why) => Err(format!("DNS could not be asked: {why}")),
    }
}

async fn ask(resolver: &str, name: &str) -> Result<String> {
    let mut url: Url = resolver.parse()?;
    url.query_pairs_mut()
        .append_pair("name", name)
        .append_pair("type", "TXT");
    let headers = Headers::new();
    headers.set("accept", "application/dns-json")?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    let request = Request::new_with_init(url.as_str(), &init)?;
    let mut response = Fetch::Request(request).send().await?;
    if response.status_code() != 200 {
        let problem = format!("the resolver answered {}", response.status_code());
        return Err(worker::Error::RustError(problem));
    }
    response.text().await
}

async fn hostname(
    config: &Config,
    host: &str,
    action: HostnameAction,
) -> std::result::Result<HostnameAnswer, builds::BuildError> {
    let request = HostnameRequest {
        host: host.to_owned(),
        action,
    };
    builds::hostname(config, &request).await
}

//! `/v1/apps/{slug}/domains`.

use super::{Platform, apps::find, random_bytes};
use crate::{dispatch::forget_host, domains, problem::ApiError, store::DomainRow};
use data_encoding::BASE32_NOPAD;
use hotplate_domain::{custom_domain::CustomHost, limits};
use hotplate_protocol::{CustomDomainList, ErrorCode};
use worker::{Date, Response};

pub(super) async fn list(app: &str, platform: &Platform) -> Result<Response, ApiError> {
    let row = find(app, platform).await?;
    let rows = platform.store.domains(&row.id).await?;
    let domains = rows.into_iter().map(DomainRow::into_domain).collect();
    Ok(Response::from_json(&CustomDomainList { domains })?)
}

pub(super) async fn read(app: &str, host: &str, platform: &Platform) -> Result<Response, ApiError> {
    let row = find(app, platform).await?;
    let host = parse(host, platform)?;
    let domain = claimed(&row.id, &host, platform).await?;
    Ok(Response::from_json(&domain.into_domain())?)
}

/// Claims a host, and looks whether it is proved: the call that begins is also the one that asks again.
pub(super) async fn claim(
    app: &str,
    host: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let row = find(app, platform).await?;
    let host = parse(host, platform)?;
    let known = platform.store.domains(&row.id).await?;
    let is_new = known.iter().all(|domain| domain.host != host.as_str());
    if is_new && known.len() >= limits::DOMAINS {
        let detail = format!("an app has at most {} domains", limits::DOMAINS);
        return Err(ApiError::new(ErrorCode::TooManyDomains, detail));
    }
    if is_new {
        let token = BASE32_NOPAD.encode(&random_bytes::<16>()?);
        let (token, now) = (token.to_ascii_lowercase(), Date::now().as_millis());
        let store = &platform.store;
        store
            .insert_domain(&row.id, host.as_str(), &token, now)
            .await?;
    }
    let domain = claimed(&row.id, &host, platform).await?;
    domains::look(&domain, &platform.config, &platform.store).await?;
    let domain = claimed(&row.id, &host, platform).await?;
    let status = if is_new { 201 } else { 200 };
    Ok(Response::from_json(&domain.into_domain())?.with_status(status))
}

pub(super) async fn remove(
    app: &str,
    host: &str,
    platform: &Platform,
) -> Result<Response, ApiError> {
    let row = find(app, platform).await?;
    let host = parse(host, platform)?;
    let now = Date::now().as_millis();
    if !platform
        .store
        .delete_domain(&row.id, host.as_str(), now)
        .await?
    {
        return Err(none(&host));
    }
    forget_host(host.as_str());
    Ok(Response::empty()?.with_status(204))
}

fn parse(host: &str, platform: &Platform) -> Result<CustomHost, ApiError> {
    CustomHost::parse(host, &platform.config.base_domain)
        .map_err(|error| ApiError::new(error.code(), error.to_string()))
}

async fn claimed(
    app_id: &str,
    host: &CustomHost,
    platform: &Platform,
) -> Result<DomainRow, ApiError> {
    let row = platform.store.domain(app_id, host.as_str()).await?;
    row.ok_or_else(|| none(host))
}

fn none(host: &CustomHost) -> ApiError {
    let detail = format!("the app has not claimed `{host}`");
    ApiError::new(ErrorCode::DomainNotFound, detail)
}

//! Query parameters: known names only, numbers that parse.

use crate::problem::ApiError;
use hotplate_domain::limits;
use hotplate_protocol::ErrorCode;
use std::collections::BTreeMap;
use worker::Request;

/// A request's query.
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads it; a name outside `known` is refused, so that typos show.
    pub(crate) fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        let url = request.url()?;
        let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        match pairs.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(ApiError::new(
                ErrorCode::InvalidParameter,
                format!("unknown parameter `{name}`"),
            )),
            None => Ok(Self(pairs)),
        }
    }

    /// A parameter as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter as a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.text(name)
            .map(|value| {
                value.parse().map_err(|_| {
                    let detail = format!("`{name}` is a whole number, not {value:?}");
                    ApiError::new(ErrorCode::InvalidParameter, detail)
                })
            })
            .transpose()
    }

    /// `limit`, within its bounds.
    pub(crate) fn limit(&self) -> Result<u32, ApiError> {
        match self.number("limit")? {
            None => Ok(limits::PAGE_DEFAULT),
            Some(limit) => match u32::try_from(limit) {
                Ok(limit @ 1..=limits::PAGE_MAX) => Ok(limit),
                _ => Err(ApiError::new(
                    ErrorCode::InvalidParameter,
                    format!("`limit` is between 1 and {}", limits::PAGE_MAX),
                )),
            },
        }
    }
}

//! Reading request bodies: never more than the limit, and with errors that say where.

use crate::problem::ApiError;
use futures::StreamExt;
use hotplate_protocol::ErrorCode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use worker::Request;

/// The body, unless it is over `limit` bytes. An announced length is refused before a byte is
/// read; a stream without one is counted while it is read.
pub(crate) async fn read(request: &mut Request, limit: u64) -> Result<Vec<u8>, ApiError> {
    let too_large = || {
        ApiError::new(
            ErrorCode::BodyTooLarge,
            format!("at most {limit} bytes are taken here"),
        )
    };
    let announced = request
        .headers()
        .get("content-length")?
        .and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    let mut stream = request.stream()?;
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

/// The body as JSON of the shape `T`.
pub(crate) async fn json<T: DeserializeOwned>(
    request: &mut Request,
    limit: u64,
) -> Result<T, ApiError> {
    parse_json(&read(request, limit).await?)
}

/// Reads JSON; the three ways it can be wrong have codes of their own.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = error.to_string();
        let code = match error.classify() {
            Category::Syntax | Category::Eof | Category::Io => ErrorCode::MalformedJson,
            // serde tells an unknown field by its message alone.
            Category::Data if message.starts_with("unknown field") => ErrorCode::UnknownField,
            Category::Data => ErrorCode::InvalidBody,
        };
        ApiError::new(code, message)
    })
}

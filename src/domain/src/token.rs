//! Bearer tokens: reading them from a request, comparing without telling where two tokens differ.

use crate::route::decode;
use sha2::{Digest, Sha256};

/// The token of an `Authorization` header's value.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The subprotocol of the editor's socket. A client that names subprotocols names this one.
pub const SUBPROTOCOL: &str = "hotplate.v1";
/// Begins the subprotocol that carries a token.
const TOKEN_PROTOCOL: &str = "bearer.";

/// Whether a `Sec-WebSocket-Protocol` header's value offers [`SUBPROTOCOL`].
pub fn offers_subprotocol(header: &str) -> bool {
    header.split(',').any(|name| name.trim() == SUBPROTOCOL)
}

/// The token in a `Sec-WebSocket-Protocol` header's value, `hotplate.v1, bearer.<token>`: browsers set
/// no other header of a WebSocket, and a URL would put it into logs. Percent-escapes are undone.
pub fn bearer_of_subprotocol(header: &str) -> Option<String> {
    let mut names = header.split(',').map(str::trim);
    let token = names.find_map(|name| name.strip_prefix(TOKEN_PROTOCOL))?;
    (offers_subprotocol(header) && !token.is_empty()).then(|| decode(token).ok())?
}

/// Whether two tokens are equal, in a time that depends on neither: their digests are compared,
/// so that not even the length shows. An empty expected token matches nothing.
pub fn matches(given: &str, expected: &str) -> bool {
    let (given, wanted) = (Sha256::digest(given), Sha256::digest(expected));
    let difference = given
        .iter()
        .zip(wanted.iter())
        .fold(0, |all, (a, b)| all | (a ^ b));
    difference == 0 && !expected.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for header in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }

    #[test]
    fn reads_the_subprotocol() {
        let token = |header| bearer_of_subprotocol(header);
        assert_eq!(
            token("hotplate.v1, bearer.a-b_c.d"),
            Some("a-b_c.d".to_owned())
        );
        assert_eq!(token("bearer.a%2Fb,hotplate.v1"), Some("a/b".to_owned()));
        for header in [
            "",
            "bearer.abc",
            "hotplate.v1",
            "hotplate.v1, bearer.",
            "hotplate.v2, bearer.abc",
            "hotplate.v1, bearer.%ff",
        ] {
            assert_eq!(token(header), None, "{header}");
        }
        assert!(offers_subprotocol("other, hotplate.v1"));
        assert!(!offers_subprotocol("hotplate.v10"));
    }

    #[test]
    fn compares() {
        assert!(matches("secret", "secret"));
        for given in ["", "secre", "secrets", "Secret"] {
            assert!(!matches(given, "secret"), "{given}");
        }
        assert!(!matches("", ""), "an unset secret opens nothing");
    }
}

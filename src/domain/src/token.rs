//! Bearer tokens: reading the header, comparing without telling where two tokens differ.

use sha2::{Digest, Sha256};

/// The token of an `Authorization` header's value.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
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
    fn compares() {
        assert!(matches("secret", "secret"));
        for given in ["", "secre", "secrets", "Secret"] {
            assert!(!matches(given, "secret"), "{given}");
        }
        assert!(!matches("", ""), "an unset secret opens nothing");
    }
}

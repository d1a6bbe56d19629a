//! The API token: usable as a header, never visible in a log.

use std::fmt;

/// A bearer token. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token as configured.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// `text` without this token in it.
    pub(crate) fn mask(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        text.replace(&self.0, "****")
    }

    /// The value, for the `Authorization` header alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn debug_is_masked() {
        assert_eq!(format!("{:?}", Token::new("secret-value")), "****");
    }
}

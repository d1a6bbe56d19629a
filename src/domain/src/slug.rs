//! App slugs: the name an app has in host names and URLs.

use crate::limits::SLUG_CHARS;
use hotplate_protocol::ErrorCode;
use std::fmt;

/// A slug that follows the rules: 1–40 of `a-z0-9-`, no `--`, no `-` at either end.
///
/// Without `--`, `<app>--<rest>` in a host name has one reading only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// Why a slug was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// Nothing in it.
    #[error("a slug needs at least one character")]
    Empty,
    /// More than 40 characters.
    #[error("a slug has at most {SLUG_CHARS} characters")]
    TooLong,
    /// Outside `a-z0-9-`.
    #[error("a slug consists of a-z, 0-9 and `-`, not {0:?}")]
    Character(char),
    /// A hyphen where none may be.
    #[error("a slug has no `--` and no `-` at either end")]
    Hyphen,
}

impl SlugError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidSlug
    }
}

impl Slug {
    /// Checks a slug.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        if text.is_empty() {
            return Err(SlugError::Empty);
        }
        if let Some(other) = text
            .chars()
            .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
        {
            return Err(SlugError::Character(other));
        }
        if text.len() > SLUG_CHARS {
            return Err(SlugError::TooLong);
        }
        if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
            return Err(SlugError::Hyphen);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_the_rule_that_is_broken() {
        let long = "a".repeat(41);
        for (text, error) in [
            ("", SlugError::Empty),
            (long.as_str(), SlugError::TooLong),
            ("Demo", SlugError::Character('D')),
            ("a b", SlugError::Character(' ')),
            ("a.b", SlugError::Character('.')),
            ("é", SlugError::Character('é')),
            ("-a", SlugError::Hyphen),
            ("a-", SlugError::Hyphen),
            ("a--live", SlugError::Hyphen),
        ] {
            assert_eq!(Slug::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_longest_slug_is_taken() {
        assert!(Slug::parse(&"a".repeat(SLUG_CHARS)).is_ok());
    }

    proptest! {
        #[test]
        fn takes_what_the_rules_allow(text in "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}") {
            let slug = Slug::parse(&text).unwrap();
            prop_assert_eq!(slug.as_str(), text);
        }

        #[test]
        fn never_takes_more(text in ".{0,50}") {
            if let Ok(slug) = Slug::parse(&text) {
                let text = slug.as_str();
                prop_assert!(!text.is_empty() && text.len() <= 40 && !text.contains("--"));
                prop_assert!(!text.starts_with('-') && !text.ends_with('-'));
                prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            }
        }
    }
}

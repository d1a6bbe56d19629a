//! Which public values an app may have.

use crate::limits::{ENV_BYTES, ENV_NAME_BYTES, ENV_VALUES};
use hotplate_protocol::{Environment, ErrorCode};

/// Prefix of the names that Vite shows to browsers.
const PREFIX: &str = "VITE_";

/// Why an environment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// Not `VITE_` and then letters, digits and `_`.
    #[error(
        "{0:?} is no name of a public value: `VITE_`, then letters, digits and `_`, {ENV_NAME_BYTES} in all"
    )]
    Name(String),
    /// Over [`ENV_VALUES`].
    #[error("there are {0} values; {ENV_VALUES} are allowed")]
    TooMany(usize),
    /// Over [`ENV_BYTES`].
    #[error("the names and values have {0} bytes; {ENV_BYTES} are allowed")]
    TooLarge(usize),
}

impl EnvironmentError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Name(_) | Self::TooMany(_) => ErrorCode::InvalidBody,
            Self::TooLarge(_) => ErrorCode::BodyTooLarge,
        }
    }
}

/// Checks names, number and size.
pub fn check(environment: &Environment) -> Result<(), EnvironmentError> {
    let vars = &environment.vars;
    if vars.len() > ENV_VALUES {
        return Err(EnvironmentError::TooMany(vars.len()));
    }
    if let Some(name) = vars.keys().find(|name| !is_name(name)) {
        return Err(EnvironmentError::Name(name.clone()));
    }
    let bytes = vars
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > ENV_BYTES {
        return Err(EnvironmentError::TooLarge(bytes));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.len() <= ENV_NAME_BYTES
        && name.strip_prefix(PREFIX).is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Environment {
        Environment {
            vars: pairs.into_iter().collect(),
        }
    }

    fn one(name: &str, value: &str) -> Result<(), EnvironmentError> {
        check(&of([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn names() {
        for (name, allowed) in [
            ("VITE_A", true),
            ("VITE_a_1", true),
            ("VITE_", false),
            ("SECRET", false),
            ("vite_a", false),
            ("VITE_A B", false),
            ("VITE_Ä", false),
        ] {
            assert_eq!(one(name, "x").is_ok(), allowed, "{name}");
        }
        let longest = format!("VITE_{}", "A".repeat(ENV_NAME_BYTES - PREFIX.len()));
        assert!(one(&longest, "").is_ok());
        assert!(one(&format!("{longest}A"), "").is_err());
    }

    #[test]
    fn number_and_size() {
        let many = |count: usize| of((0..count).map(|n| (format!("VITE_{n}"), String::new())));
        assert!(check(&many(ENV_VALUES)).is_ok());
        assert_eq!(
            check(&many(ENV_VALUES + 1)),
            Err(EnvironmentError::TooMany(ENV_VALUES + 1))
        );
        assert!(one("VITE_A", &"x".repeat(ENV_BYTES - 6)).is_ok());
        let code = one("VITE_A", &"x".repeat(ENV_BYTES - 5)).map_err(|error| error.code());
        assert_eq!(code, Err(ErrorCode::BodyTooLarge));
    }
}

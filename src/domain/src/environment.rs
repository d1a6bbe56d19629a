//! Which public values and which secrets an app may have.

use crate::limits::{ENV_BYTES, ENV_NAME_BYTES, ENV_VALUES, SECRET_BYTES, SECRETS};
use hotplate_protocol::{ChangeEnvironment, ErrorCode};
use std::collections::BTreeMap;

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
    /// Not letters, digits and `_`, or a name that says that the value is public.
    #[error(
        "{0:?} is no name of a secret: letters, digits and `_`, {ENV_NAME_BYTES} in all, not beginning with a digit or `VITE_`"
    )]
    SecretName(String),
    /// Over [`SECRETS`].
    #[error("there are {0} secrets; {SECRETS} are allowed")]
    TooManySecrets(usize),
    /// Over [`SECRET_BYTES`].
    #[error("the value of {0:?} is longer than {SECRET_BYTES} bytes")]
    SecretTooLarge(String),
    /// Nothing is to be changed.
    #[error("give `vars`, `secrets` or both")]
    Nothing,
}

impl EnvironmentError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Name(_)
            | Self::TooMany(_)
            | Self::SecretName(_)
            | Self::TooManySecrets(_)
            | Self::Nothing => ErrorCode::InvalidBody,
            Self::TooLarge(_) | Self::SecretTooLarge(_) => ErrorCode::BodyTooLarge,
        }
    }
}

/// Checks names, numbers and sizes.
pub fn check(change: &ChangeEnvironment) -> Result<(), EnvironmentError> {
    if let Some(vars) = &change.vars {
        check_vars(vars)?;
    } else if change.secrets.is_empty() {
        return Err(EnvironmentError::Nothing);
    }
    for (name, value) in &change.secrets {
        if !is_secret_name(name) {
            return Err(EnvironmentError::SecretName(name.clone()));
        }
        if value
            .as_ref()
            .is_some_and(|value| value.len() > SECRET_BYTES)
        {
            return Err(EnvironmentError::SecretTooLarge(name.clone()));
        }
    }
    Ok(())
}

/// Checks how many secrets an app would have.
pub fn check_secrets(count: usize) -> Result<(), EnvironmentError> {
    if count > SECRETS {
        return Err(EnvironmentError::TooManySecrets(count));
    }
    Ok(())
}

fn check_vars(vars: &BTreeMap<String, String>) -> Result<(), EnvironmentError> {
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

fn is_secret_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=ENV_NAME_BYTES).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with(PREFIX)
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

    fn of(pairs: impl IntoIterator<Item = (String, String)>) -> ChangeEnvironment {
        ChangeEnvironment {
            vars: Some(pairs.into_iter().collect()),
            secrets: BTreeMap::new(),
        }
    }

    fn secret(name: &str, value: Option<&str>) -> Result<(), EnvironmentError> {
        check(&ChangeEnvironment {
            vars: None,
            secrets: BTreeMap::from([(name.to_owned(), value.map(str::to_owned))]),
        })
    }

    #[test]
    fn secrets() {
        let longest = "x".repeat(SECRET_BYTES);
        for (name, value, allowed) in [
            ("API_KEY", Some("x"), true),
            ("_a1", None, true),
            ("API_KEY", Some(longest.as_str()), true),
            ("API_KEY", Some(format!("{longest}x").as_str()), false),
            ("", Some("x"), false),
            ("1A", Some("x"), false),
            ("A-B", Some("x"), false),
            ("VITE_KEY", Some("x"), false),
        ] {
            assert_eq!(secret(name, value).is_ok(), allowed, "{name}");
        }
        assert!(secret(&"A".repeat(ENV_NAME_BYTES), None).is_ok());
        assert!(secret(&"A".repeat(ENV_NAME_BYTES + 1), None).is_err());
        assert_eq!(
            check(&ChangeEnvironment::default()),
            Err(EnvironmentError::Nothing)
        );
        assert!(check_secrets(SECRETS).is_ok());
        assert!(check_secrets(SECRETS + 1).is_err());
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

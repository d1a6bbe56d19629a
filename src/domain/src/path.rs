//! Paths in an app's tree: relative, forward slashes, nothing that could mean another place.

use crate::limits::{PATH_BYTES, PATH_DEPTH};
use hotplate_protocol::ErrorCode;

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing in it.
    #[error("a path needs at least one segment")]
    Empty,
    /// Over [`PATH_BYTES`].
    #[error("a path has at most {PATH_BYTES} bytes")]
    TooLong,
    /// Over [`PATH_DEPTH`].
    #[error("a path has at most {PATH_DEPTH} segments")]
    TooDeep,
    /// Begins with `/`.
    #[error("a path does not begin with `/`")]
    Absolute,
    /// `\`.
    #[error("a path has no backslash")]
    Backslash,
    /// NUL, a line end or another control character.
    #[error("a path has no control characters")]
    Control,
    /// `a//b` or `a/`.
    #[error("a path has no empty segment")]
    EmptySegment,
    /// `.` or `..`.
    #[error("a path has no `.` or `..` segment")]
    DotSegment,
}

impl PathError {
    /// The code the API answers with.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidPath
    }
}

/// Checks a path of a tree.
pub fn validate(path: &str) -> Result<(), PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.len() > PATH_BYTES {
        return Err(PathError::TooLong);
    }
    if path.starts_with('/') {
        return Err(PathError::Absolute);
    }
    if path.contains('\\') {
        return Err(PathError::Backslash);
    }
    if path.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    for segment in path.split('/') {
        match segment {
            "" => return Err(PathError::EmptySegment),
            "." | ".." => return Err(PathError::DotSegment),
            _ => {}
        }
    }
    if path.split('/').count() > PATH_DEPTH {
        return Err(PathError::TooDeep);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_every_way_out_of_the_tree() {
        for (path, error) in [
            ("", PathError::Empty),
            ("/etc/passwd", PathError::Absolute),
            ("../x", PathError::DotSegment),
            ("src/../../x", PathError::DotSegment),
            ("src/./x", PathError::DotSegment),
            ("..", PathError::DotSegment),
            ("src\\x", PathError::Backslash),
            ("a\0b", PathError::Control),
            ("a\nb", PathError::Control),
            ("a//b", PathError::EmptySegment),
            ("a/", PathError::EmptySegment),
        ] {
            assert_eq!(validate(path), Err(error), "{path:?}");
        }
    }

    #[test]
    fn limits_are_met_and_passed() {
        assert_eq!(validate(&"a".repeat(PATH_BYTES)), Ok(()));
        assert_eq!(
            validate(&"a".repeat(PATH_BYTES + 1)),
            Err(PathError::TooLong)
        );
        let deep = vec!["a"; PATH_DEPTH].join("/");
        assert_eq!(validate(&deep), Ok(()));
        assert_eq!(validate(&format!("{deep}/a")), Err(PathError::TooDeep));
    }

    #[test]
    fn takes_names_that_only_look_like_dots() {
        for path in [
            "...",
            "..a/b",
            ".env",
            "src/[id].tsx",
            "a b/ü.ts",
            "src/a..b",
        ] {
            assert_eq!(validate(path), Ok(()), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_inside(path in r"[a-z./\\]{0,40}") {
            if validate(&path).is_ok() {
                prop_assert!(path.split('/').all(|s| !s.is_empty() && s != "." && s != ".."));
                prop_assert!(!path.contains('\\'));
            }
        }
    }
}

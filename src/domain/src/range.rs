//! Byte ranges of HTTP (RFC 9110, section 14): which part of a body a request asks for.
//!
//! One range is understood. Several at once are answered with the whole, which the RFC allows.

/// What to send of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it: no range was asked for that means anything.
    Whole,
    /// From `first` to `last`, both included.
    Bytes {
        /// Below the length.
        first: u64,
        /// At least `first`, below the length.
        last: u64,
    },
    /// Nothing of it lies in the range.
    Unsatisfiable,
}

/// The part of a body of `length` bytes that a `Range` header asks for.
pub fn part(header: &str, length: u64) -> Part {
    let Some((first, last)) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    let end = length.saturating_sub(1);
    match (number(first), number(last)) {
        (Number::Absent, Number::Value(count)) if count > 0 && length > 0 => Part::Bytes {
            first: length.saturating_sub(count),
            last: end,
        },
        (Number::Absent, Number::Value(_)) => Part::Unsatisfiable,
        (Number::Value(first), Number::Value(last)) if last < first => Part::Whole,
        (Number::Value(first), Number::Value(_) | Number::Absent) if first >= length => {
            Part::Unsatisfiable
        }
        (Number::Value(first), Number::Absent) => Part::Bytes { first, last: end },
        (Number::Value(first), Number::Value(last)) => Part::Bytes {
            first,
            last: last.min(end),
        },
        (Number::Absent, Number::Absent) | (Number::Malformed, _) | (_, Number::Malformed) => {
            Part::Whole
        }
    }
}

enum Number {
    Absent,
    Value(u64),
    Malformed,
}

fn number(text: &str) -> Number {
    match text {
        "" => Number::Absent,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More digits than a length can have: beyond every body.
            Number::Value(digits.parse().unwrap_or(u64::MAX))
        }
        _ => Number::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (header, length, expected) in [
            ("bytes=0-", 10, bytes(0, 9)),
            ("bytes=0-0", 10, bytes(0, 0)),
            ("bytes=2-5", 10, bytes(2, 5)),
            ("bytes=2-99", 10, bytes(2, 9)),
            ("bytes=-3", 10, bytes(7, 9)),
            ("bytes=-99", 10, bytes(0, 9)),
            ("bytes=10-", 10, Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Part::Unsatisfiable),
            ("bytes=-0", 10, Part::Unsatisfiable),
            ("bytes=0-", 0, Part::Unsatisfiable),
            ("bytes=5-2", 10, Part::Whole),
            ("bytes=1-2,4-5", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=a-b", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("lines=1-2", 10, Part::Whole),
            ("", 10, Part::Whole),
        ] {
            assert_eq!(part(header, length), expected, "{header} of {length}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_in_the_body(header in "(bytes=)?[0-9]{0,4}-?[0-9,-]{0,4}", length in 0u64..2000) {
            if let Part::Bytes { first, last } = part(&header, length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}

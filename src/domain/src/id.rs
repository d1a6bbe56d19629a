//! Deployment ids: 12 lower-case base-32 characters that sort by time.
//!
//! 42 bits of epoch milliseconds (until the year 2109), then 18 random bits. Ids are names, not
//! credentials; the random part only keeps two deployments of one millisecond apart.

use std::fmt;

/// Crockford's alphabet, lower-case: its order is ASCII's, and no two characters look alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CHARS: usize = 12;
const RANDOM_BITS: u32 = 18;

/// A deployment's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentId(String);

impl DeploymentId {
    /// An id for a deployment asked for at `millis`, from three random bytes.
    pub fn new(millis: u64, random: [u8; 3]) -> Self {
        let [high, middle, low] = random.map(u64::from);
        let noise = (high << 16 | middle << 8 | low) & ((1 << RANDOM_BITS) - 1);
        let bits = (millis & ((1 << 42) - 1)) << RANDOM_BITS | noise;
        let text = (0..CHARS)
            .rev()
            .map(|index| char::from(ALPHABET[(bits >> (index * 5) & 31) as usize]))
            .collect();
        Self(text)
    }

    /// Checks an id from outside.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == CHARS && text.bytes().all(|byte| ALPHABET.contains(&byte));
        valid.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The script's name in the dispatch namespace.
    pub fn script_name(&self, app: &str) -> String {
        format!("{app}-{}", self.0)
    }
}

impl fmt::Display for DeploymentId {
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
    fn refuses_what_it_could_not_have_made() {
        for text in [
            "",
            "live",
            "0123456789a",
            "0123456789abc",
            "0123456789AB",
            "il0u23456789",
        ] {
            assert_eq!(DeploymentId::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sorts_by_time(a in 0u64..1 << 42, b in 0u64..1 << 42, x: [u8; 3], y: [u8; 3]) {
            let (first, second) = (DeploymentId::new(a, x), DeploymentId::new(b, y));
            if a != b {
                prop_assert_eq!(first < second, a < b);
            }
            prop_assert_eq!(DeploymentId::parse(first.as_str()), Some(first.clone()));
            prop_assert_eq!(first.as_str().len(), 12);
        }
    }
}

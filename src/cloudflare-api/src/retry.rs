//! When a call is tried again, and after how long.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Attempts and pauses of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is made at most.
    pub attempts: u32,
    /// Pause before the second attempt; doubles after each.
    pub first_pause: Duration,
    /// A longer `Retry-After` is not waited for: the call fails.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// The pause before the next attempt, when there is one. `made` counts from 1;
    /// `retry_after` is what the answer's header asked for.
    pub(crate) fn pause(&self, made: u32, retry_after: Option<Duration>) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        if let Some(asked) = retry_after {
            return (asked <= self.longest_pause).then_some(asked);
        }
        let doubled = self
            .first_pause
            .saturating_mul(1 << made.saturating_sub(1).min(16));
        Some(with_jitter(doubled.min(self.longest_pause), random_unit()))
    }
}

/// Whether an answer of this status is worth another attempt.
pub(crate) const fn is_transient(status: u16) -> bool {
    status == 429 || status >= 500
}

/// `Retry-After` in whole seconds; the date form is not sent by this API.
pub(crate) fn retry_after(value: Option<&str>) -> Option<Duration> {
    value?.trim().parse().ok().map(Duration::from_secs)
}

/// Between half and the whole of `pause`, so that many callers do not come back at once.
fn with_jitter(pause: Duration, unit: f64) -> Duration {
    pause.mul_f64(0.5 + unit / 2.0)
}

/// Between 0 and 1, from the standard library's random hasher keys: no need for a generator.
fn random_unit() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 40;
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit a double exactly")]
    let unit = bits as f64 / f64::from(1_u32 << 24);
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_policy() {
        let policy = RetryPolicy::default();
        let within = |made: u32, low: u64, high: u64| {
            policy.pause(made, None).is_some_and(|pause| {
                (Duration::from_millis(low)..=Duration::from_millis(high)).contains(&pause)
            })
        };
        assert!(within(1, 125, 250));
        assert!(within(2, 250, 500));
        assert_eq!(policy.pause(3, None), None);
        let seconds = Duration::from_secs;
        assert_eq!(policy.pause(1, Some(seconds(0))), Some(seconds(0)));
        assert_eq!(policy.pause(1, Some(seconds(60))), Some(seconds(60)));
        assert_eq!(policy.pause(1, Some(seconds(61))), None);
    }

    #[test]
    fn transient_is_429_and_5xx() {
        let all = [200, 400, 404, 409, 429, 500, 503, 599];
        let transient: Vec<u16> = all
            .into_iter()
            .filter(|status| is_transient(*status))
            .collect();
        assert_eq!(transient, [429, 500, 503, 599]);
    }

    #[test]
    fn reads_retry_after() {
        assert_eq!(retry_after(Some(" 7 ")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
        assert_eq!(retry_after(Some("-1")), None);
        assert_eq!(retry_after(None), None);
    }
}

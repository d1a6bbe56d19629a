//! How often something may happen: a burst at once, then one each interval.
//!
//! The state is a single number (the generic cell rate algorithm), so that it fits where the state
//! belongs, such as a socket's attachment.

/// A rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once, after a rest.
    pub burst: u32,
    /// How long one takes to be allowed again, milliseconds.
    pub interval_ms: u64,
}

impl Rate {
    /// Allows one at `now`; the state to keep. `None` refuses it and leaves the state as it is.
    /// `state` is 0 at first; both are epoch milliseconds.
    pub fn take(self, state: u64, now: u64) -> Option<u64> {
        let spent_until = state.max(now).saturating_add(self.interval_ms);
        let most = self.interval_ms.saturating_mul(u64::from(self.burst));
        (spent_until - now <= most).then_some(spent_until)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(rate: Rate, state: &mut u64, now: u64, tries: u32) -> u32 {
        (0..tries)
            .filter(|_| match rate.take(*state, now) {
                Some(next) => {
                    *state = next;
                    true
                }
                None => false,
            })
            .count()
            .try_into()
            .unwrap()
    }

    #[test]
    fn a_burst_then_one_each_interval() {
        let rate = Rate {
            burst: 3,
            interval_ms: 100,
        };
        let mut state = 0;
        assert_eq!(taken(rate, &mut state, 1_000, 10), 3);
        assert_eq!(taken(rate, &mut state, 1_099, 10), 0);
        assert_eq!(taken(rate, &mut state, 1_100, 10), 1);
        assert_eq!(taken(rate, &mut state, 1_300, 10), 2);
        assert_eq!(taken(rate, &mut state, 9_000, 10), 3, "a rest fills it");
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_time_allow(
            burst in 1u32..50, interval_ms in 1u64..500,
            steps in proptest::collection::vec((0u64..2_000, 1u32..60), 1..30),
        ) {
            let rate = Rate { burst, interval_ms };
            let (mut state, mut now, mut all) = (0, 1_000_000, 0u64);
            let begun = now;
            for (pause, tries) in steps {
                now += pause;
                all += u64::from(taken(rate, &mut state, now, tries));
                prop_assert!(all <= u64::from(burst) + (now - begun) / interval_ms);
            }
        }
    }
}

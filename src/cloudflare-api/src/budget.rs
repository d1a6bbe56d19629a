//! How many calls may still be made: Cloudflare takes 1,200 in five minutes from one user, over all
//! tokens together, and refuses every call for five minutes after that.
//!
//! Counts the calls of this process alone. Those of others show in a 429, which closes the budget for
//! as long as the answer asks.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_mins(5);
/// A little below the limit: dashboards and other tools call, too.
const CALLS: usize = 1_150;

#[derive(Debug)]
pub(crate) struct Budget {
    calls: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each call of the last window was made.
    made: VecDeque<Instant>,
    closed_until: Option<Instant>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(CALLS)
    }
}

impl Budget {
    fn of(calls: usize) -> Self {
        Self {
            calls,
            state: Mutex::default(),
        }
    }

    /// Takes one call from the budget, or says how long there is none.
    pub(crate) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(until.duration_since(now));
        }
        while let Some(first) = state.made.front().copied() {
            let age = now.saturating_duration_since(first);
            if age < WINDOW {
                if state.made.len() >= self.calls {
                    return Err(WINDOW.saturating_sub(age));
                }
                break;
            }
            state.made.pop_front();
        }
        state.made.push_back(now);
        Ok(())
    }

    /// Closes it: the API said that it takes no call before `until`.
    pub(crate) fn close(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed_until = Some(state.closed_until.map_or(until, |known| known.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_calls_in_a_window() {
        let budget = Budget::of(2);
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(budget.take(start), Ok(()));
        assert_eq!(budget.take(start + second), Ok(()));
        let wait = WINDOW.saturating_sub(second);
        assert_eq!(budget.take(start + second), Err(wait));
        assert_eq!(budget.take(start + WINDOW), Ok(()));
        assert_eq!(budget.take(start + WINDOW), Err(second));
    }

    #[test]
    fn a_refusal_closes_it() {
        let budget = Budget::of(2);
        let now = Instant::now();
        let minute = Duration::from_mins(1);
        budget.close(now + minute);
        budget.close(now);
        assert_eq!(budget.take(now), Err(minute));
        assert_eq!(budget.take(now + minute), Ok(()));
    }
}

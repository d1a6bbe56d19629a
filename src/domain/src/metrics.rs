//! How live updates went, counted minute by minute in histograms: what a room stores does not grow
//! with what happens in a minute, and any stretch of minutes can be summed.
//!
//! A value falls into one of eight classes per doubling, so a percentile is at most 5% off.

use crate::limits::COUNTED_VIEWERS;
use hotplate_protocol::{ApplyOutcome, HmrMetrics, HmrWindow, Spread};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Minutes that are kept: a day.
pub const MINUTES: u64 = 24 * 60;
const HOUR: u64 = 60;
const MINUTE_MS: u64 = 60_000;

/// Values up to this count as 0: clocks of browsers and rooms tell no less apart.
const LEAST_MS: f64 = 0.05;
const CLASSES_PER_DOUBLING: f64 = 8.0;
/// Everything above is in the last class: more than an hour.
const LAST_CLASS: u16 = 8 * 27;

/// Class → how many values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// Counts a value. What is no duration is not counted.
    pub fn add(&mut self, ms: f64) {
        if ms.is_finite() && ms >= 0.0 {
            *self.0.entry(class(ms)).or_default() += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        for (class, count) in &other.0 {
            *self.0.entry(*class).or_default() += count;
        }
    }

    /// How the values are spread.
    pub fn spread(&self) -> Spread {
        let count = self.0.values().sum();
        Spread {
            count,
            p50: self.percentile(50, count),
            p95: self.percentile(95, count),
            p99: self.percentile(99, count),
        }
    }

    /// The class that holds the value below or at which `percent` of all are.
    fn percentile(&self, percent: u64, count: u64) -> Option<f64> {
        let rank = (count * percent).div_ceil(100).max(1);
        let mut below = 0;
        self.0.iter().find_map(|(class, count)| {
            below += count;
            (below >= rank).then(|| middle(*class))
        })
    }
}

fn class(ms: f64) -> u16 {
    if ms <= LEAST_MS {
        return 0;
    }
    let class = ((ms / LEAST_MS).log2() * CLASSES_PER_DOUBLING).floor() + 1.0;
    // Above 1 by the comparison, and capped: fits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and `LAST_CLASS`"
    )]
    let class = class.clamp(1.0, f64::from(LAST_CLASS)) as u16;
    class
}

/// The value that stands for a class: its geometric middle, rounded to hundredths.
fn middle(class: u16) -> f64 {
    if class == 0 {
        return 0.0;
    }
    let ms = LEAST_MS * ((f64::from(class) - 0.5) / CLASSES_PER_DOUBLING).exp2();
    (ms * 100.0).round() / 100.0
}

/// What happened in one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Minute {
    updates: u64,
    hot: u64,
    reloads: u64,
    failed: u64,
    compile: Histogram,
    broadcast: Histogram,
    apply: Histogram,
    latency: Histogram,
}

impl Minute {
    /// An edit made an update.
    pub fn update(&mut self, compile_ms: f64, broadcast_ms: f64) {
        self.updates += 1;
        self.compile.add(compile_ms);
        self.broadcast.add(broadcast_ms);
    }

    /// A viewer reported on one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "durations stay far below 2^53 ms"
    )]
    pub fn applied(&mut self, outcome: ApplyOutcome, apply_ms: f64, latency_ms: Option<u64>) {
        match outcome {
            ApplyOutcome::Hot => self.hot += 1,
            ApplyOutcome::Reload => self.reloads += 1,
            ApplyOutcome::Failed => self.failed += 1,
        }
        // A page that loads anew has not applied anything, so that it took no time tells nothing.
        if outcome == ApplyOutcome::Hot {
            self.apply.add(apply_ms);
            if let Some(latency) = latency_ms {
                self.latency.add(latency as f64);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.updates += other.updates;
        self.hot += other.hot;
        self.reloads += other.reloads;
        self.failed += other.failed;
        self.compile.merge(&other.compile);
        self.broadcast.merge(&other.broadcast);
        self.apply.merge(&other.apply);
        self.latency.merge(&other.latency);
    }
}

/// The number of the minute that `at` (epoch milliseconds) is in.
pub fn minute_of(at: u64) -> u64 {
    at / MINUTE_MS
}

/// Sums the minutes of the last day, given with their numbers.
pub fn summary(minutes: &[(u64, Minute)], now: u64) -> HmrMetrics {
    let window = |length: u64| {
        let first = (minute_of(now) + 1).saturating_sub(length);
        let mut sum = Minute::default();
        for (_, minute) in minutes.iter().filter(|(number, _)| *number >= first) {
            sum.merge(minute);
        }
        HmrWindow {
            from: first * MINUTE_MS,
            updates: sum.updates,
            hot: sum.hot,
            reloads: sum.reloads,
            failed: sum.failed,
            compile_ms: sum.compile.spread(),
            broadcast_ms: sum.broadcast.spread(),
            apply_ms: sum.apply.spread(),
            latency_ms: sum.latency.spread(),
        }
    };
    HmrMetrics {
        hour: window(HOUR),
        day: window(MINUTES),
    }
}

/// Whether a viewer's reports are counted: all of them, or of a crowd [`COUNTED_VIEWERS`] on average.
/// Decided by its id, not by who is first: the first ones would be the fast ones.
pub fn is_counted(viewer: &str, viewers: u32) -> bool {
    let digest = Sha256::digest(viewer);
    let draw = u64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]));
    draw * u64::from(viewers) < u64::from(COUNTED_VIEWERS) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_hold_their_minutes_and_no_other() {
        let now = 1_000_000 * MINUTE_MS + 30_000;
        let mut minute = Minute::default();
        minute.update(3.0, 0.0);
        minute.applied(ApplyOutcome::Hot, 4.0, Some(20));
        minute.applied(ApplyOutcome::Reload, 0.0, Some(9));
        minute.applied(ApplyOutcome::Failed, 7.0, Some(9));
        let at = |back: u64| (1_000_000 - back, minute.clone());
        let all = summary(&[at(0), at(59), at(60), at(MINUTES - 1), at(MINUTES)], now);
        assert_eq!((all.hour.updates, all.day.updates), (2, 4));
        assert_eq!(
            (all.day.hot, all.day.reloads, all.day.failed),
            (4, 4, 4),
            "reports by outcome"
        );
        assert_eq!(all.day.apply_ms.count, 4, "of those that applied");
        assert_eq!(all.hour.from, (1_000_000 - 59) * MINUTE_MS);
        assert_eq!(summary(&[], now).hour.apply_ms, Spread::default());
    }

    #[test]
    fn what_is_no_duration_is_not_counted() {
        let mut histogram = Histogram::default();
        for ms in [-1.0, f64::NAN, f64::INFINITY] {
            histogram.add(ms);
        }
        assert_eq!(histogram.spread(), Spread::default());
        histogram.add(0.0);
        assert_eq!(histogram.spread().p99, Some(0.0));
        histogram.add(1e300);
        assert!(histogram.spread().p99.is_some_and(|ms| ms > 3_600_000.0));
    }

    #[test]
    fn of_a_crowd_a_hundred_are_counted() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("viewer{n}")).collect();
        let counted = |viewers: u32| {
            let crowd = ids.iter().take(viewers as usize);
            crowd.filter(|id| is_counted(id, viewers)).count()
        };
        assert_eq!(counted(COUNTED_VIEWERS), COUNTED_VIEWERS as usize);
        for crowd in [101, 1_000, 20_000] {
            assert!(
                (60..=140).contains(&counted(crowd)),
                "{crowd}: {}",
                counted(crowd)
            );
        }
    }

    proptest! {
        #[test]
        fn percentiles_are_near_the_true_ones(values in proptest::collection::vec(0.2f64..100_000.0, 1..200)) {
            let mut histogram = Histogram::default();
            for ms in &values {
                histogram.add(*ms);
            }
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let spread = histogram.spread();
            for (percent, found) in [(50, spread.p50), (95, spread.p95), (99, spread.p99)] {
                let exact = sorted[(sorted.len() * percent).div_ceil(100) - 1];
                let found = found.unwrap_or_default();
                prop_assert!((found - exact).abs() <= exact * 0.05 + 0.005, "p{percent}: {found}, {exact}");
            }
        }

        #[test]
        fn a_minute_reads_as_it_was_written(values in proptest::collection::vec(0.0f64..1e6, 0..20)) {
            let mut minute = Minute::default();
            for ms in values {
                minute.update(ms, ms / 2.0);
                minute.applied(ApplyOutcome::Hot, ms, None);
            }
            let text = serde_json::to_string(&minute).unwrap_or_default();
            prop_assert_eq!(serde_json::from_str::<Minute>(&text).ok(), Some(minute));
        }
    }
}

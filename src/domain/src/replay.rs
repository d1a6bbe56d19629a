//! What a viewer that reconnects is sent, which updates are kept for that, and which viewer is too slow.

use crate::limits::{BEHIND_MS, REPLAY_BYTES, REPLAY_UPDATES, SILENT_UPDATES};
use std::collections::VecDeque;

/// The room's stored updates: `head` is the number of the newest ever sent (0 before the first),
/// `oldest` of the oldest still kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Absent when no update is kept.
    pub oldest: Option<u64>,
    /// 0 before the first.
    pub head: u64,
}

/// What to do for a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It has everything.
    UpToDate,
    /// Send the updates `from..=to`, in order.
    Updates {
        /// The first it lacks.
        from: u64,
        /// The newest.
        to: u64,
    },
    /// The log does not reach back to what it has, or it has what never was.
    Reload,
}

impl Log {
    /// What a viewer that last saw `seen` is sent.
    pub fn replay(self, seen: u64) -> Replay {
        let from = seen.saturating_add(1);
        match self.oldest {
            _ if seen == self.head => Replay::UpToDate,
            _ if seen > self.head => Replay::Reload,
            Some(oldest) if oldest <= from => Replay::Updates {
                from,
                to: self.head,
            },
            Some(_) | None => Replay::Reload,
        }
    }
}

/// What a viewer let the room know of what it has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It acknowledges; everything up to this update has reached it.
    Acknowledged(u64),
    /// It never did; it was sent everything later than this update.
    Silent(u64),
}

/// Whether a viewer keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It does.
    Keeping,
    /// Not now; since when, epoch milliseconds.
    Behind(u64),
    /// Not for too long: it is to be closed.
    TooSlow,
}

impl Log {
    /// Whether a viewer keeps up. Behind is who could not be brought up to date by a replay any more, were
    /// it to come back with what it acknowledged: everything that waits for it is then of no use to it, and
    /// takes memory. What is on its way looks the same for a moment, so a viewer has time to acknowledge.
    pub fn pace(self, receipt: Receipt, behind_since: Option<u64>, now: u64) -> Pace {
        let behind = match receipt {
            Receipt::Acknowledged(seq) => {
                seq < self.head && matches!(self.replay(seq), Replay::Reload)
            }
            Receipt::Silent(seq) => self.head.saturating_sub(seq) > SILENT_UPDATES,
        };
        match behind_since {
            _ if !behind => Pace::Keeping,
            Some(since) if now.saturating_sub(since) >= BEHIND_MS => Pace::TooSlow,
            since => Pace::Behind(since.unwrap_or(now)),
        }
    }
}

/// Which updates are kept, and how large they are. The newest is always kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Number and size, the oldest first.
    updates: VecDeque<(u64, u64)>,
    bytes: u64,
}

impl Kept {
    /// What is stored, the oldest first.
    pub fn of(updates: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let updates: VecDeque<_> = updates.into_iter().collect();
        Self {
            bytes: updates.iter().map(|(_, size)| size).sum(),
            updates,
        }
    }

    /// Adds the newest; answers the numbers of those that make room for it.
    pub fn push(&mut self, seq: u64, size: u64) -> Vec<u64> {
        self.updates.push_back((seq, size));
        self.bytes = self.bytes.saturating_add(size);
        let mut dropped = Vec::new();
        while (self.updates.len() > REPLAY_UPDATES || self.bytes > REPLAY_BYTES)
            && self.updates.len() > 1
            && let Some((seq, size)) = self.updates.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(size);
            dropped.push(seq);
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decides() {
        let log = Log {
            oldest: Some(5),
            head: 9,
        };
        for (seen, expected) in [
            (9, Replay::UpToDate),
            (8, Replay::Updates { from: 9, to: 9 }),
            (4, Replay::Updates { from: 5, to: 9 }),
            (3, Replay::Reload),
            (0, Replay::Reload),
            (10, Replay::Reload),
            (u64::MAX, Replay::Reload),
        ] {
            assert_eq!(log.replay(seen), expected, "{seen}");
        }
        let empty = Log {
            oldest: None,
            head: 0,
        };
        assert_eq!(empty.replay(0), Replay::UpToDate);
        assert_eq!(empty.replay(1), Replay::Reload);
        assert_eq!(
            Log {
                oldest: None,
                head: 3
            }
            .replay(2),
            Replay::Reload
        );
    }

    #[test]
    fn closes_who_stays_behind_the_log() {
        let log = Log {
            oldest: Some(5),
            head: 9,
        };
        let (at, later) = (1_000, 1_000 + BEHIND_MS);
        for (receipt, since, now, expected) in [
            (Receipt::Acknowledged(9), None, at, Pace::Keeping),
            (Receipt::Acknowledged(4), None, at, Pace::Keeping),
            (Receipt::Acknowledged(3), None, at, Pace::Behind(at)),
            (
                Receipt::Acknowledged(3),
                Some(at),
                later - 1,
                Pace::Behind(at),
            ),
            (Receipt::Acknowledged(3), Some(at), later, Pace::TooSlow),
            // It has caught up meanwhile.
            (Receipt::Acknowledged(8), Some(at), later, Pace::Keeping),
            // More than was ever sent is everything.
            (Receipt::Acknowledged(10), Some(at), later, Pace::Keeping),
            // Who never acknowledges is trusted for longer.
            (Receipt::Silent(0), Some(at), later, Pace::Keeping),
        ] {
            assert_eq!(
                log.pace(receipt, since, now),
                expected,
                "{receipt:?} {since:?} {now}"
            );
        }
        let at_limit = Log {
            oldest: Some(SILENT_UPDATES),
            head: SILENT_UPDATES,
        };
        assert_eq!(
            at_limit.pace(Receipt::Silent(0), Some(at), later),
            Pace::Keeping
        );
        let past_limit = Log {
            head: SILENT_UPDATES + 1,
            ..at_limit
        };
        assert_eq!(
            past_limit.pace(Receipt::Silent(0), Some(at), later),
            Pace::TooSlow
        );
    }

    #[test]
    fn keeps_by_count_and_by_bytes() {
        let push = |sizes: &[u64]| {
            let mut kept = Kept::default();
            for (seq, size) in (1..).zip(sizes) {
                kept.push(seq, *size);
            }
            kept.updates.len()
        };
        assert_eq!(push(&[]), 0);
        assert_eq!(
            push(&[1, REPLAY_BYTES + 1]),
            1,
            "the newest stays, whatever its size"
        );
        assert_eq!(push(&[1, REPLAY_BYTES]), 1);
        assert_eq!(push(&[1, 1, REPLAY_BYTES - 1]), 2);
        assert_eq!(push(&vec![1; REPLAY_UPDATES]), REPLAY_UPDATES);
        assert_eq!(push(&vec![1; REPLAY_UPDATES + 1]), REPLAY_UPDATES);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_longest_run_that_fits(sizes in prop::collection::vec(0u64..REPLAY_BYTES / 2, 1..40)) {
            let mut kept = Kept::default();
            let mut stored: Vec<(u64, u64)> = Vec::new();
            for (seq, size) in (1..).zip(sizes) {
                stored.push((seq, size));
                let dropped = kept.push(seq, size);
                stored.retain(|(seq, _)| !dropped.contains(seq));
                prop_assert_eq!(&kept, &Kept::of(stored.iter().copied()));
                prop_assert!(kept.bytes <= REPLAY_BYTES || stored.len() == 1);
            }
        }

        #[test]
        fn no_update_is_skipped(head in 0u64..1000, kept in 0u64..1000, seen in 0u64..1100) {
            let kept = kept.min(head);
            let oldest = (kept > 0).then(|| head - kept + 1);
            match (Log { oldest, head }).replay(seen) {
                Replay::UpToDate => prop_assert_eq!(seen, head),
                Replay::Updates { from, to } => {
                    prop_assert_eq!((from, to), (seen + 1, head));
                    prop_assert!(oldest.is_some_and(|oldest| oldest <= from) && from <= to);
                }
                Replay::Reload => prop_assert!(seen > head || head - seen > kept),
            }
        }
    }
}

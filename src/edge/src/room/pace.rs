//! Which viewers keep up. One that does not read is closed, not waited for: what is sent to it is kept in
//! memory by the runtime, which does not say how much that is. So viewers acknowledge what has reached
//! them, and `hotplate_domain::replay` says when one is too far behind.

use super::{
    Room, now,
    sockets::{Attachment, Position},
};
use hotplate_domain::{
    Pace, Receipt,
    limits::{BEHIND_MS, PACE_BYTES, PACE_UPDATES},
};
use std::cell::Cell;
use worker::{Result, console_error};

/// Close code of a viewer that does not keep up; 4000–4999 are the application's own.
const TOO_SLOW: u16 = 4008;
const REASON: &str = "too slow: come back for what was missed";

/// What was sent since the room looked the last time. In memory alone: a room that forgets it looks later.
#[derive(Debug, Default)]
pub(super) struct Sent {
    updates: Cell<u32>,
    bytes: Cell<u64>,
    /// When somebody who is behind has had the time to catch up.
    again: Cell<Option<u64>>,
}

impl Sent {
    /// Counts a message; whether it is time to look.
    fn add(&self, bytes: u64, now: u64) -> bool {
        self.updates.set(self.updates.get().saturating_add(1));
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.updates.get() >= PACE_UPDATES
            || self.bytes.get() >= PACE_BYTES
            || self.again.get().is_some_and(|at| at <= now)
    }
}

impl Position {
    /// Everything up to `seq` has reached the socket.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        self.received = self.received.max(Some(seq));
    }
}

impl Room {
    /// A message was sent to everybody; closes who has not kept up for too long.
    pub(super) fn keep_pace(&self, message: &str) {
        let now = now();
        if !self.pace.add(message.len() as u64, now) {
            return;
        }
        self.pace.updates.set(0);
        self.pace.bytes.set(0);
        match self.close_slow(now) {
            Ok(again) => self.pace.again.set(again),
            Err(error) => console_error!("the viewers' pace could not be read: {error}"),
        }
    }

    /// Answers when to look again.
    fn close_slow(&self, now: u64) -> Result<Option<u64>> {
        let log = self.storage.log()?;
        let mut again: Option<u64> = None;
        for socket in self.state.get_websockets() {
            let Attachment { mut position, role } = Attachment::of(&socket)?;
            let receipt = position
                .received
                .map_or(Receipt::Silent(position.sent_from), Receipt::Acknowledged);
            let since = match log.pace(receipt, position.behind_since, now) {
                Pace::Keeping => None,
                Pace::Behind(since) => {
                    let at = since.saturating_add(BEHIND_MS);
                    again = Some(again.map_or(at, |other| other.min(at)));
                    Some(since)
                }
                Pace::TooSlow => {
                    // One that is closing already is as closed as it should be.
                    let _ = socket.close(Some(TOO_SLOW), Some(REASON));
                    continue;
                }
            };
            if since != position.behind_since {
                position.behind_since = since;
                socket.serialize_attachment(Attachment { position, role })?;
            }
        }
        Ok(again)
    }
}

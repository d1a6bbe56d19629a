//! The working tree in memory, and what a crash between store and link left undone.
//!
//! Both happen in one turn of the event loop, which the runtime makes durable as a whole or not at all; so
//! only what ends a turn early, such as a trap in the compiler, leaves a stored edit without its update.

use super::{Room, edit::Span, now, preview::Working, storage::Meta};
use hotplate_linker::Linked;
use worker::{Error, Result, console_warn};

/// Why pages load anew when an edit's own update is not known.
const UNKNOWN_CHANGE: &str = "the room could not say what the edit changes";

impl Room {
    /// Makes sure that the working tree is in memory, and the stream says everything of it.
    pub(super) fn load(&self) -> Result<()> {
        if self.working.borrow().is_some() {
            return Ok(());
        }
        let Some(span) = self.unlinked()? else {
            self.working
                .replace(Some(Working::load(&self.storage, &[])?));
            return Ok(());
        };
        let attempts = self.storage.number(Meta::LinkAttempts)?;
        console_warn!(
            "revision {} is stored but not linked, after {attempts} attempts",
            span.to
        );
        self.storage
            .put_meta(Meta::LinkAttempts, &(attempts + 1).to_string())?;
        // The first time it may have been chance. After that the compiler fails on what was written, and
        // would at every request: the last good modules stay until somebody writes something else.
        let suspects = match attempts {
            0 => Vec::new(),
            _ => self.storage.changes_after(span.from)?,
        };
        let made_up = Working::load(&self.storage, &suspects).and_then(|working| {
            self.working.replace(Some(working));
            self.make_up(span)
        });
        made_up.inspect_err(|_| {
            self.working.replace(None);
            // Who comes here has survived, so the compiler is not to blame for this attempt.
            if let Err(error) = self
                .storage
                .put_meta(Meta::LinkAttempts, &attempts.to_string())
            {
                console_warn!("the attempt stays counted: {error}");
            }
        })
    }

    /// Revisions that are stored but not in the stream.
    pub(super) fn unlinked(&self) -> Result<Option<Span>> {
        let to = self.storage.number(Meta::Revision)?;
        // A room that never wrote it down is older than this.
        let Some(linked) = self.storage.meta(Meta::Linked)? else {
            return Ok(None);
        };
        let from = linked
            .parse()
            .map_err(|_| Error::RustError(format!("the linked revision is {linked:?}")))?;
        Ok((from < to).then_some(Span {
            from,
            to,
            at: now(),
        }))
    }

    /// Tells the pages of them: to load anew, as nobody knows what they change.
    fn make_up(&self, span: Span) -> Result<()> {
        let (reachable, need) = self.with_working(|working| {
            Ok((
                working.reachable_diagnostics(&self.storage),
                working.vendor(&self.storage)?,
            ))
        })?;
        let linked = Linked {
            reload: Some(UNKNOWN_CHANGE.to_owned()),
            ..Linked::default()
        };
        let published = self.publish(linked, span, true, reachable, need.as_ref())?;
        self.storage.put_meta(Meta::LinkAttempts, "0")?;
        self.send_all(&published.messages);
        Ok(())
    }
}

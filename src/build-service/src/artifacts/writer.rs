//! Writing artifacts to disk behind a build's back: a cold build of a thousand modules spent two thirds of
//! its time waiting for files that only the next process reads.
//!
//! Writing waits for running builds to end, as it would take a core from them. It does not wait for ever:
//! when many artifacts wait, they are written whatever runs.

use crate::contents::write_whole;
use crate::disk;
use hotplate_compiler::ModuleArtifact;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Artifacts that may wait; with more, the newest are not written, which costs a later process a compilation.
const WAITING: usize = 8 * 1024;
/// With so many waiting they are written beside running builds.
const MANY: usize = WAITING / 2;

/// After how many written bytes the folder is brought into its budget.
const TRIM_EVERY: u64 = 128 * 1024 * 1024;

type Job = (PathBuf, Arc<ModuleArtifact>);

/// A thread that writes. Dropped, it first writes what waits.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    builds: usize,
    closed: bool,
}

impl State {
    fn may_write(&self) -> bool {
        self.closed || self.jobs.len() >= MANY || (self.builds == 0 && !self.jobs.is_empty())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, once it may be written; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        while !state.may_write() {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.jobs.pop_front()
    }
}

/// A running build; as long as one is, writing waits.
pub(crate) struct Building<'a>(&'a Shared);

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.0.state().builds -= 1;
        self.0.changed.notify_one();
    }
}

impl Writer {
    /// Writes into `folder`, which keeps at most `budget` bytes, give or take what is written meanwhile.
    pub(super) fn start(folder: PathBuf, budget: u64) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let waiting = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("artifacts".to_owned())
            .spawn(move || write_all(&waiting, &folder, budget))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn building(&self) -> Building<'_> {
        self.shared.state().builds += 1;
        Building(&self.shared)
    }

    pub(super) fn write(&self, path: PathBuf, artifact: Arc<ModuleArtifact>) {
        let mut state = self.shared.state();
        if state.jobs.len() >= WAITING {
            tracing::debug!("an artifact was not stored: too many wait");
            return;
        }
        state.jobs.push_back((path, artifact));
        if state.may_write() {
            drop(state);
            self.shared.changed.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends after what waits.
        self.shared.state().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that stores artifacts panicked");
        }
    }
}

fn write_all(waiting: &Shared, folder: &Path, budget: u64) {
    let mut since = 0;
    while let Some((path, artifact)) = waiting.next() {
        let written = serde_json::to_vec(&*artifact)
            .map_err(Into::into)
            .and_then(|bytes| {
                since += bytes.len() as u64;
                write_whole(&path, &bytes)
            })
            .and_then(|()| {
                if since < TRIM_EVERY.min(budget) {
                    return Ok(());
                }
                since = 0;
                disk::trim(folder, budget)
            });
        if let Err(error) = written {
            // A full disk makes builds slower, not wrong.
            tracing::warn!(%error, "an artifact was not stored");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use hotplate_compiler::{Options, Source, compile};

    fn artifact() -> Arc<ModuleArtifact> {
        let source = Source {
            id: "/a.ts",
            content: b"export const a = 1;",
        };
        Arc::new(compile(&source, &Options::development()).artifact.unwrap())
    }

    #[test]
    fn waits_for_builds_and_writes_everything_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let writer = Writer::start(folder.path().to_owned(), u64::MAX).unwrap();
        let building = writer.building();
        writer.write(place("a"), artifact());
        assert!(!writer.shared.state().may_write());
        assert_eq!(writer.shared.state().jobs.len(), 1);
        drop(building);
        let again = writer.building();
        writer.write(place("b"), artifact());
        drop(again);
        drop(writer);
        for name in ["a", "b"] {
            let stored: ModuleArtifact =
                serde_json::from_slice(&std::fs::read(place(name)).unwrap()).unwrap();
            assert_eq!(stored, *artifact());
        }
    }

    #[test]
    fn many_are_written_beside_a_build() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::start(folder.path().to_owned(), u64::MAX).unwrap();
        let _building = writer.building();
        let artifact = artifact();
        let mut state = writer.shared.state();
        for number in 0..MANY {
            let place = folder.path().join(number.to_string());
            state.jobs.push_back((place, Arc::clone(&artifact)));
        }
        assert!(state.may_write());
        state.jobs.truncate(MANY - 1);
        assert!(!state.may_write());
    }
}

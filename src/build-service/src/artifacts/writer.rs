//! Writing artifacts to disk behind a build's back: a cold build of a thousand modules spent two thirds of
//! its time waiting for files that only the next process reads.

use crate::contents::write_whole;
use hotplate_compiler::ModuleArtifact;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Artifacts that may wait; with more, the newest are not written, which costs a later process a compilation.
const WAITING: usize = 8 * 1024;

type Job = (PathBuf, Arc<ModuleArtifact>);

/// A thread that writes. Dropped, it first writes what waits.
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start() -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("artifacts".to_owned())
            .spawn(move || write_all(&waiting))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) fn write(&self, path: PathBuf, artifact: Arc<ModuleArtifact>) {
        let Some(jobs) = &self.jobs else { return };
        match jobs.try_send((path, artifact)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::debug!("an artifact was not stored: too many wait");
            }
            Err(TrySendError::Disconnected(_)) => tracing::warn!("artifacts are no longer stored"),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without a sender the thread ends after what waits.
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that stores artifacts panicked");
        }
    }
}

fn write_all(waiting: &Receiver<Job>) {
    for (path, artifact) in waiting {
        let written = serde_json::to_vec(&*artifact)
            .map_err(Into::into)
            .and_then(|bytes| write_whole(&path, &bytes));
        if let Err(error) = written {
            // A full disk makes builds slower, not wrong.
            tracing::warn!(%error, "an artifact was not stored");
        }
    }
}

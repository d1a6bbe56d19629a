//! `hotplate dev`: pushes a folder, then sends every save as one edit until Ctrl-C.
//!
//! A save is never dropped: what the API has is remembered, so that after a lost connection the next
//! attempt sends everything that differs.

use crate::api::Api;
use crate::arguments::Target;
use crate::failure::Failure;
use crate::folder::{Changes, hashes};
use crate::output::Output;
use crate::push::{self, Pushed};
use notify::{RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Editors save by several steps (temporary file, rename) within a few milliseconds.
const SETTLE: Duration = Duration::from_millis(8);
/// How often a file without content is looked at again, and after how long: some programs empty a file and
/// then write it, and what stands between is no save.
const EMPTY_LOOKS: u32 = 10;
const EMPTY_PAUSE: Duration = Duration::from_millis(10);
/// Longest wait between attempts while the API does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs until Ctrl-C.
pub(crate) async fn run(api: &Api, target: &Target, output: Output) -> Result<(), Failure> {
    let mut interruption = Interruption::listen().map_err(Failure::Signals)?;
    let slug = target.app()?;
    let mut pushed = tokio::select! {
        () = interruption.came() => return Ok(()),
        pushed = push::run(api, &slug, &target.folder, output) => pushed?,
    };
    let app = api.app(&slug).await?;
    let (sender, mut events) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // The receiver is gone only when the command ends.
        let _ = match event {
            Ok(event) if event.kind.is_access() => Ok(()),
            Ok(event) => sender.send(event.paths),
            // Events were lost: an empty list asks for a look at everything.
            Err(_) => sender.send(Vec::new()),
        };
    })?;
    watcher.watch(pushed.folder.root(), RecursiveMode::Recursive)?;
    output.live(&app.urls.live);
    // Saves between the push and the watch.
    sync(api, &slug, &mut pushed, &BTreeSet::new(), output).await?;
    loop {
        tokio::select! {
            () = interruption.came() => return Ok(()),
            touched = saves(&mut events) => {
                tokio::select! {
                    () = interruption.came() => return Ok(()),
                    outcome = sync_until_sent(api, &slug, &mut pushed, &touched, output) => outcome?,
                }
            }
        }
    }
}

/// The paths of one save: the first event, and what follows closely.
async fn saves(events: &mut UnboundedReceiver<Vec<PathBuf>>) -> BTreeSet<PathBuf> {
    let mut touched = BTreeSet::new();
    if let Some(paths) = events.recv().await {
        touched.extend(paths);
    }
    while let Ok(Some(paths)) = tokio::time::timeout(SETTLE, events.recv()).await {
        touched.extend(paths);
    }
    touched
}

async fn sync_until_sent(
    api: &Api,
    app: &str,
    pushed: &mut Pushed,
    touched: &BTreeSet<PathBuf>,
    output: Output,
) -> Result<(), Failure> {
    let mut pause = Duration::from_millis(100);
    let mut waiting = false;
    loop {
        match sync(api, app, pushed, touched, output).await {
            Err(failure) if failure.is_passing() => {
                if !waiting {
                    output.waiting(&failure);
                    waiting = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                // An edit may have arrived although its answer did not.
                if let Ok(tree) = api.files(app).await {
                    pushed.there = hashes(&tree.files);
                }
            }
            // Refused for what it is (a file too large, a path not allowed): said, and the next save goes on.
            Err(failure @ Failure::Refused(_)) => {
                output.failure(&failure);
                return Ok(());
            }
            other => return other,
        }
    }
}

async fn sync(
    api: &Api,
    app: &str,
    pushed: &mut Pushed,
    touched: &BTreeSet<PathBuf>,
    output: Output,
) -> Result<(), Failure> {
    let changes = settled(pushed, touched).await?;
    if changes.is_empty() {
        return Ok(());
    }
    push::send(api, app, None, changes, &mut pushed.there, output).await
}

/// What differs, once no file among it stands between being emptied and being written. A file that stays
/// empty is one: it is sent after the last look.
async fn settled(pushed: &mut Pushed, touched: &BTreeSet<PathBuf>) -> Result<Changes, Failure> {
    let mut looks = 0;
    loop {
        pushed.folder.scan(touched)?;
        let changes = pushed.folder.changes(&pushed.there)?;
        if looks == EMPTY_LOOKS || !changes.writes_nothing_into_a_file() {
            return Ok(changes);
        }
        looks += 1;
        tokio::time::sleep(EMPTY_PAUSE).await;
    }
}

/// Ctrl-C, or the polite signal of whoever started this. Listens from the beginning: a signal that comes
/// between two waits is not lost.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn came(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first failure")]
    use super::*;
    use crate::folder::{Folder, content};
    use std::fs;

    fn emptied() -> (tempfile::TempDir, Pushed) {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("main.ts"), "").unwrap();
        let folder = Folder::new(root.path()).unwrap();
        let there = [("main.ts".to_owned(), "the hash before".to_owned())].into();
        (root, Pushed { folder, there })
    }

    /// Also when no event told of the save: the look between the push and the watch knows of none.
    #[tokio::test(flavor = "current_thread")]
    async fn a_file_read_between_being_emptied_and_written_is_looked_at_again() {
        let (root, mut pushed) = emptied();
        let nothing = BTreeSet::new();
        // The first look is taken before the writer goes on.
        let (changes, ()) = tokio::join!(settled(&mut pushed, &nothing), async {
            fs::write(root.path().join("main.ts"), "export {};").unwrap();
        });
        let [write] = &changes.unwrap().writes[..] else {
            unreachable!("one file differs")
        };
        assert_eq!(write.content, content(b"export {};".to_vec()));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_file_that_stays_empty_is_sent() {
        let (_root, mut pushed) = emptied();
        let changes = settled(&mut pushed, &BTreeSet::new()).await.unwrap();
        assert_eq!(changes.writes[0].content, content(Vec::new()));
    }
}

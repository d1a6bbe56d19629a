//! Whether the service can take work: what it needs of the machine is there.
//!
//! Says nothing of the registry or the Cloudflare API: a service that cannot reach them fails builds with a reason, and
//! another one would not reach them either.

use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// What is missing.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Nothing can be kept.
    #[error("HOTPLATE_STATE cannot be written to: {0}")]
    State(#[source] std::io::Error),
    /// Nothing can be installed.
    #[error("npm cannot be run: {0}")]
    Npm(String),
}

/// What was found out once and stays so.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    npm: OnceCell<()>,
}

impl Readiness {
    /// Everything that is missing; `state` is where the service keeps its files.
    pub(crate) async fn problems(&self, state: &Path) -> Vec<NotReady> {
        let writable = tempfile::tempfile_in(state).map(drop);
        let npm = self.npm.get_or_try_init(npm).await;
        [writable.map_err(NotReady::State).err(), npm.err()]
            .into_iter()
            .flatten()
            .collect()
    }
}

async fn npm() -> Result<(), NotReady> {
    let asked = Command::new("npm")
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    match asked {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(NotReady::Npm(format!("it ended with {}", output.status))),
        Err(error) => Err(NotReady::Npm(error.to_string())),
    }
}

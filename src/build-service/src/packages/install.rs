//! Installing a dependency set into a folder of its own, once for everybody who has the same set.

use super::folder::PackageFolder;
use super::{failure, lockfile, spec};
use crate::contents::sha256;
use crate::flight::Flights;
use hotplate_protocol::Diagnostic;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long one installation may take.
const INSTALL_TIMEOUT: Duration = Duration::from_mins(2);
/// Folders whose resolver stays warm.
const WARM_FOLDERS: usize = 8;
/// Part of every folder's name; changes when the same set would be installed otherwise.
const LAYOUT: &str = "1";

/// What is installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencySet {
    /// Package → range.
    pub dependencies: BTreeMap<String, String>,
    /// Content of the app's `package-lock.json`.
    pub lockfile: Option<String>,
}

impl DependencySet {
    /// The set of an app whose modules import `packages`. What comes from elsewhere than the registry and
    /// is not imported is left out instead of refused: it is of no use here.
    pub(crate) fn of_app(
        mut dependencies: BTreeMap<String, String>,
        packages: &BTreeSet<&str>,
        lockfile: Option<String>,
    ) -> Self {
        dependencies.retain(|name, range| {
            packages.contains(name.as_str()) || spec::is_of_registry(name, range)
        });
        Self {
            dependencies,
            lockfile,
        }
    }

    fn key(&self) -> String {
        sha256(
            json!([LAYOUT, self.dependencies, self.lockfile])
                .to_string()
                .as_bytes(),
        )
    }
}

type Installed = Result<Arc<PackageFolder>, Vec<Diagnostic>>;

/// The folders of installed packages.
pub struct Packages {
    root: PathBuf,
    flights: Flights<Installed>,
    warm: Mutex<VecDeque<(String, Arc<PackageFolder>)>>,
}

impl Packages {
    /// Opens the store, making its folder.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root)?;
        Ok(Self {
            root: root.canonicalize()?,
            flights: Flights::new(),
            warm: Mutex::new(VecDeque::new()),
        })
    }

    /// The folder of that set, installed if it is not there.
    pub(crate) async fn folder(&self, set: &DependencySet) -> Installed {
        let refused = spec::check(&set.dependencies);
        if !refused.is_empty() {
            return Err(refused);
        }
        let key = set.key();
        if let Some(folder) = self.warm_folder(&key) {
            return Ok(folder);
        }
        let (root, set, name) = (self.root.clone(), set.clone(), key.clone());
        let installed = self
            .flights
            .join(&key, || async move { install(&root, &name, &set).await })
            .await;
        let folder = installed.unwrap_or_else(|| Err(failed("the installation ended early")))?;
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.retain(|(other, _)| *other != key);
        warm.push_back((key, Arc::clone(&folder)));
        if warm.len() > WARM_FOLDERS {
            warm.pop_front();
        }
        Ok(folder)
    }

    fn warm_folder(&self, key: &str) -> Option<Arc<PackageFolder>> {
        let warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.iter()
            .find(|(other, _)| other == key)
            .map(|(_, folder)| Arc::clone(folder))
    }
}

fn failed(what: &str) -> Vec<Diagnostic> {
    vec![spec::about_package_json(
        "install_failed",
        format!("The dependencies could not be installed: {what}"),
    )]
}

fn disk(error: &std::io::Error) -> Vec<Diagnostic> {
    failed(&error.to_string())
}

async fn install(root: &Path, key: &str, set: &DependencySet) -> Installed {
    let place = root.join(key);
    if !place.is_dir() {
        let work = tempfile::Builder::new()
            .prefix(".installing-")
            .tempdir_in(root)
            .map_err(|error| disk(&error))?;
        run(work.path(), set).await?;
        // A folder is there whole or not at all.
        if let Err(error) = std::fs::rename(work.path(), &place)
            && !place.is_dir()
        {
            return Err(disk(&error));
        }
    }
    PackageFolder::open(place)
        .map(Arc::new)
        .map_err(|error| disk(&error))
}

async fn run(folder: &Path, set: &DependencySet) -> Result<(), Vec<Diagnostic>> {
    let write = |name: &str, value: &serde_json::Value| {
        std::fs::write(folder.join(name), value.to_string()).map_err(|error| disk(&error))
    };
    write(
        "package.json",
        &json!({ "private": true, "dependencies": set.dependencies }),
    )?;
    if set.dependencies.is_empty() {
        return Ok(());
    }
    let lock = set
        .lockfile
        .as_deref()
        .and_then(|text| lockfile::sanitize(text, &set.dependencies));
    let mut output = None;
    if let Some(lock) = lock {
        write("package-lock.json", &lock)?;
        let clean = npm(folder, "ci").await?;
        // Out of date with package.json: its versions still serve as hints.
        let stale = !clean.status.success() && failure::code(&stdout(&clean)) == "EUSAGE";
        output = (!stale).then_some(clean);
    }
    let output = match output {
        Some(output) => output,
        None => npm(folder, "install").await?,
    };
    if output.status.success() {
        return Ok(());
    }
    tracing::info!(stderr = %String::from_utf8_lossy(&output.stderr), "npm failed");
    Err(vec![failure::diagnose(&stdout(&output), &set.dependencies)])
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs npm without scripts, without git, and without this service's secrets in its environment.
async fn npm(folder: &Path, command: &str) -> Result<Output, Vec<Diagnostic>> {
    let passed = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        let wanted = [
            "path",
            "home",
            "tmpdir",
            "lang",
            "node_extra_ca_certs",
            "ssl_cert_file",
            "http_proxy",
            "https_proxy",
            "no_proxy",
        ];
        wanted.contains(&name.as_str()) || name.starts_with("npm_config_")
    });
    let mut npm = tokio::process::Command::new("npm");
    npm.arg(command)
        .args([
            "--json",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
        ])
        .args([
            "--omit=optional",
            "--loglevel=error",
            "--git=hotplate-takes-no-git-packages",
        ])
        .current_dir(folder)
        .env_clear()
        .envs(passed)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    match tokio::time::timeout(INSTALL_TIMEOUT, npm.output()).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(failed(&format!("npm does not start: {error}"))),
        Err(_) => Err(vec![spec::about_package_json(
            "install_timeout",
            format!(
                "The dependencies were not installed within {} seconds",
                INSTALL_TIMEOUT.as_secs()
            ),
        )]),
    }
}

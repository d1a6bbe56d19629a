//! Installing a dependency set into a folder of its own, once for everybody who has the same set, and
//! keeping those folders within a budget.

use super::folder::PackageFolder;
use super::npm::{self, Size};
use super::{failed, failure, lockfile, spec};
use crate::contents::sha256;
use crate::disk::{self, Entry};
use crate::flight::{Flights, Progress};
use hotplate_domain::limits;
use hotplate_protocol::{Diagnostic, Severity};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Bytes of installations kept on disk; those in use stay, whatever they take.
const DISK_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// In each installation: its size. Its modification time says when the installation was used.
const SIZE_FILE: &str = ".hotplate-size";
/// Names of folders that are not whole begin so.
const UNFINISHED: [&str; 2] = [".installing-", ".removing-"];
/// Folders whose resolver stays warm.
const WARM_FOLDERS: usize = 8;
/// Part of every folder's name; changes when the same set would be installed otherwise.
const LAYOUT: &str = "2";

/// What is installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencySet {
    /// Package → range.
    pub dependencies: BTreeMap<String, String>,
    /// Content of the app's `package-lock.json`.
    pub lockfile: Option<String>,
    /// npm's `overrides`.
    pub overrides: Option<Value>,
}

impl DependencySet {
    /// The set of an app whose modules import `packages`. What comes from elsewhere than the registry and
    /// is not imported is left out instead of refused: it is of no use here.
    pub(crate) fn of_app(
        mut dependencies: BTreeMap<String, String>,
        packages: &BTreeSet<&str>,
        lockfile: Option<String>,
        overrides: Option<Value>,
    ) -> Self {
        dependencies.retain(|name, range| {
            packages.contains(name.as_str()) || spec::is_of_registry(name, range)
        });
        Self {
            dependencies,
            lockfile,
            overrides,
        }
    }

    /// What stops it before npm is asked.
    fn refused(&self) -> Vec<Diagnostic> {
        let mut refused = spec::check(&self.dependencies);
        if let Some(overrides) = &self.overrides {
            refused.extend(spec::check_overrides(overrides));
        }
        let (count, most) = (self.dependencies.len(), limits::VENDOR_DEPENDENCIES);
        if count > most {
            refused.push(npm::too_large(format!(
                "package.json names {count} dependencies; at most {most} are taken"
            )));
        }
        refused
    }

    /// The lockfile as far as it is honoured.
    fn lock(&self) -> Option<Value> {
        lockfile::sanitize(self.lockfile.as_deref()?, &self.dependencies)
    }

    /// What people should know although it stops nothing.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        if self.lockfile.is_none() || self.lock().is_some() {
            return Vec::new();
        }
        vec![Diagnostic {
            file: "package-lock.json".to_owned(),
            fix: Some(
                "Make it anew with npm 7 or newer: npm install --package-lock-only".to_owned(),
            ),
            ..Diagnostic::without_place(
                Severity::Warning,
                "lockfile_not_read",
                "`package-lock.json` is not read: it does not parse, or has packages from elsewhere \
                 than the registry; versions are chosen anew by the ranges of package.json",
            )
        }]
    }

    fn key(&self) -> String {
        sha256(
            json!([LAYOUT, self.dependencies, self.lockfile, self.overrides])
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
    /// Every folder that somebody reads, by key: those are not dropped.
    open: Mutex<HashMap<String, Weak<PackageFolder>>>,
    budget: u64,
}

impl Packages {
    /// Opens the store, making its folder.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root)?;
        for entry in std::fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            // Left by a service that was killed.
            if UNFINISHED
                .iter()
                .any(|prefix| name.to_string_lossy().starts_with(prefix))
            {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self {
            open: Mutex::new(HashMap::new()),
            budget: DISK_BYTES,
            root: root.canonicalize()?,
            flights: Flights::new(),
            warm: Mutex::new(VecDeque::new()),
        })
    }

    /// The folder of that set, installed if it is not there; `hear` is told how far that is.
    pub(crate) async fn folder(&self, set: &DependencySet, hear: impl FnMut(&str)) -> Installed {
        let refused = set.refused();
        if !refused.is_empty() {
            return Err(refused);
        }
        let key = set.key();
        if let Some(folder) = self.warm_folder(&key) {
            disk::touch(&self.root.join(&key).join(SIZE_FILE));
            return Ok(folder);
        }
        let (root, set, name) = (self.root.clone(), set.clone(), key.clone());
        let installed = self
            .flights
            .join(
                &key,
                |progress| async move { install(&root, &name, &set, &progress).await },
                hear,
            )
            .await;
        let folder = installed.unwrap_or_else(|| Err(failed("the installation ended early")))?;
        let weak = Arc::downgrade(&folder);
        self.in_use().insert(key.clone(), weak);
        self.remember(key, &folder);
        self.trim();
        Ok(folder)
    }

    fn in_use(&self) -> std::sync::MutexGuard<'_, HashMap<String, Weak<PackageFolder>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, key: String, folder: &Arc<PackageFolder>) {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.retain(|(other, _)| *other != key);
        warm.push_back((key, Arc::clone(folder)));
        if warm.len() > WARM_FOLDERS {
            warm.pop_front();
        }
    }

    /// Drops the folders used longest ago when all take more than the budget.
    fn trim(&self) {
        let mut open = self.in_use();
        open.retain(|_, folder| folder.strong_count() > 0);
        let folders = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten();
        let entries = folders.filter_map(|folder| {
            let path = folder.path();
            let bytes = std::fs::read_to_string(path.join(SIZE_FILE)).ok()?;
            Some(Entry {
                used: std::fs::metadata(path.join(SIZE_FILE))
                    .ok()?
                    .modified()
                    .ok()?,
                bytes: bytes.trim().parse().ok()?,
                path,
            })
        });
        let keeps = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| open.contains_key(name.as_ref()))
        };
        for path in disk::surplus(entries.collect(), self.budget, keeps) {
            // Renamed first: a folder is there whole or not at all.
            let key = path.file_name().unwrap_or_default().to_string_lossy();
            let aside = self.root.join(format!("{}{key}", UNFINISHED[1]));
            let removed =
                std::fs::rename(&path, &aside).and_then(|()| std::fs::remove_dir_all(&aside));
            if let Err(error) = removed {
                tracing::warn!(%error, "an installation was not removed");
            }
        }
    }

    fn warm_folder(&self, key: &str) -> Option<Arc<PackageFolder>> {
        let warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.iter()
            .find(|(other, _)| other == key)
            .map(|(_, folder)| Arc::clone(folder))
    }
}

fn on_disk(error: &std::io::Error) -> Vec<Diagnostic> {
    failed(&error.to_string())
}

async fn install(root: &Path, key: &str, set: &DependencySet, progress: &Progress) -> Installed {
    let place = root.join(key);
    if !place.is_dir() {
        let work = tempfile::Builder::new()
            .prefix(".installing-")
            .tempdir_in(root)
            .map_err(|error| on_disk(&error))?;
        run(work.path(), set, progress).await?;
        let size = Size::of(work.path());
        if let Some(excess) = size.excess() {
            return Err(vec![npm::too_large(excess)]);
        }
        std::fs::write(work.path().join(SIZE_FILE), size.bytes.to_string())
            .map_err(|error| on_disk(&error))?;
        // A folder is there whole or not at all.
        if let Err(error) = std::fs::rename(work.path(), &place)
            && !place.is_dir()
        {
            return Err(on_disk(&error));
        }
    }
    disk::touch(&place.join(SIZE_FILE));
    PackageFolder::open(place)
        .map(Arc::new)
        .map_err(|error| on_disk(&error))
}

async fn run(
    folder: &Path,
    set: &DependencySet,
    progress: &Progress,
) -> Result<(), Vec<Diagnostic>> {
    let write = |name: &str, value: &serde_json::Value| {
        std::fs::write(folder.join(name), value.to_string()).map_err(|error| on_disk(&error))
    };
    let mut manifest = json!({ "private": true, "dependencies": set.dependencies });
    if let Some(overrides) = &set.overrides {
        manifest["overrides"] = overrides.clone();
    }
    write("package.json", &manifest)?;
    if set.dependencies.is_empty() {
        return Ok(());
    }
    progress.send_replace("resolving packages".to_owned());
    let mut output = None;
    if let Some(lock) = set.lock() {
        write("package-lock.json", &lock)?;
        let clean = npm::run(folder, "ci", progress).await?;
        // Out of date with package.json: its versions still serve as hints.
        let stale = !clean.status.success() && failure::code(&stdout(&clean)) == "EUSAGE";
        output = (!stale).then_some(clean);
    }
    let output = match output {
        Some(output) => output,
        None => npm::run(folder, "install", progress).await?,
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

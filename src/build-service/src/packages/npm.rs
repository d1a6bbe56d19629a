//! Running npm on one folder: without scripts, git or this service's secrets, within the limits of
//! `domain`, and with word of how far it is.
//!
//! What an installation has become is measured on disk while npm runs: nothing that a package says of
//! itself is believed, so an archive that unpacks to more than it should is stopped by what it wrote.

use super::{failed, spec};
use crate::flight::Progress;
use hotplate_domain::limits;
use hotplate_protocol::Diagnostic;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

/// How often the folder is measured at least; a measurement of a large one takes longer than this.
const MEASURE_EVERY: Duration = Duration::from_millis(500);
/// Longest line of npm's log that is looked at.
const LOG_LINE_BYTES: usize = 4 * 1024;
/// Lines of npm's log kept for ours.
const LOG_LINES: usize = 20;
/// Most of npm's answer that is read.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// What stands in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) packages: u64,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Size {
    /// Measures a folder that others write to meanwhile: what vanishes is not counted, links are not followed.
    pub(super) fn of(folder: &Path) -> Self {
        let mut size = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                size.files += 1;
                let Ok(facts) = entry.metadata() else {
                    continue;
                };
                if facts.is_dir() {
                    folders.push(entry.path());
                } else {
                    size.bytes += facts.len();
                    size.packages += u64::from(is_manifest_of_package(&folder, &entry.path()));
                }
            }
            // What is too large already need not be known to the byte.
            if size.excess().is_some() {
                break;
            }
        }
        size
    }

    /// The limit that it passes.
    pub(super) fn excess(self) -> Option<String> {
        let Self {
            packages,
            files,
            bytes,
        } = self;
        [
            (packages, limits::VENDOR_PACKAGES, "packages"),
            (files, limits::VENDOR_FILES, "files"),
            (bytes, limits::VENDOR_BYTES, "bytes"),
        ]
        .into_iter()
        .find(|(is, most, _)| is > most)
        .map(|(_, most, what)| {
            format!("The dependencies have more than {most} {what} with all that they need")
        })
    }
}

/// `node_modules/a/package.json`, `node_modules/@b/c/package.json`.
fn is_manifest_of_package(folder: &Path, file: &Path) -> bool {
    let named = |folder: Option<&Path>, name: &str| {
        folder
            .and_then(Path::file_name)
            .is_some_and(|is| is == name)
    };
    let parent = folder.parent();
    let scoped = parent
        .and_then(Path::file_name)
        .is_some_and(|name| name.to_string_lossy().starts_with('@'));
    named(Some(file), "package.json")
        && named(
            if scoped {
                parent.and_then(Path::parent)
            } else {
                parent
            },
            "node_modules",
        )
}

/// What npm has asked the registry for, as its log tells.
#[derive(Default)]
struct Asked {
    documents: u64,
    archives: u64,
    log: VecDeque<String>,
}

impl Asked {
    /// Takes a line of the log; answers what people are told when it changes that.
    fn hear(&mut self, line: &str) -> Option<String> {
        let fetched = line.contains("http fetch GET 200");
        if !fetched {
            // The last ones say why.
            if self.log.len() >= LOG_LINES {
                self.log.pop_front();
            }
            self.log.push_back(line.to_owned());
            return None;
        }
        if line.contains(".tgz") {
            self.archives += 1;
            return Some(format!("downloading packages: {}", self.archives));
        }
        self.documents += 1;
        // Documents come late, too; the stage never goes back.
        (self.archives == 0).then(|| format!("resolving packages: {}", self.documents))
    }
}

fn command(folder: &Path, command: &str) -> tokio::process::Command {
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
            "--omit=optional",
            // Says what is asked of the registry: that is the progress.
            "--loglevel=http",
            "--no-progress",
            "--git=hotplate-takes-no-git-packages",
            // The room tries again; whoever waits for a preview wants to hear soon that nobody answers.
            "--fetch-retries=2",
            "--fetch-retry-mintimeout=500",
            "--fetch-retry-maxtimeout=4000",
            "--fetch-timeout=30000",
        ])
        .current_dir(folder)
        .env_clear()
        .envs(passed)
        .env("NODE_OPTIONS", "--max-old-space-size=1024")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    npm
}

/// Runs npm and reads what it says; it is ended when the folder grows too large or time is up.
pub(super) async fn run(
    folder: &Path,
    what: &str,
    progress: &Progress,
) -> Result<Output, Vec<Diagnostic>> {
    let mut npm = command(folder, what)
        .spawn()
        .map_err(|error| failed(&format!("npm does not start: {error}")))?;
    let (stdout, stderr) = (npm.stdout.take(), npm.stderr.take());
    let answer = async {
        let mut answer = Vec::new();
        if let Some(stdout) = stdout {
            let mut stdout = stdout.take(ANSWER_BYTES);
            stdout.read_to_end(&mut answer).await?;
        }
        Ok::<_, std::io::Error>(answer)
    };
    let log = async {
        let mut asked = Asked::default();
        let mut lines = BufReader::new(stderr.ok_or(std::io::ErrorKind::BrokenPipe)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut part = (&mut lines).take(LOG_LINE_BYTES as u64);
            if part.read_until(b'\n', &mut line).await? == 0 {
                let log: Vec<String> = asked.log.into();
                return Ok::<_, std::io::Error>(log.join("\n"));
            }
            if let Some(message) = asked.hear(String::from_utf8_lossy(&line).trim_end()) {
                progress.send_replace(message);
            }
        }
    };
    let work = async {
        let (answer, log, status) = tokio::try_join!(answer, log, npm.wait())?;
        Ok::<_, std::io::Error>(Output {
            status,
            stdout: answer,
            stderr: log.into_bytes(),
        })
    };
    let limit = Duration::from_millis(limits::VENDOR_INSTALL_MS);
    tokio::select! {
        output = work => output.map_err(|error| failed(&format!("npm does not answer: {error}"))),
        excess = watch(folder.to_owned()) => Err(vec![too_large(excess)]),
        () = tokio::time::sleep(limit) => Err(vec![spec::about_package_json(
            "install_timeout",
            format!("The dependencies were not installed within {} seconds", limit.as_secs()),
        )]),
    }
}

pub(super) fn too_large(excess: String) -> Diagnostic {
    spec::about_package_json("dependencies_too_large", excess)
}

/// Measures the folder until it is too large.
async fn watch(folder: PathBuf) -> String {
    let mut pause = MEASURE_EVERY;
    loop {
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        let measured = {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || Size::of(&folder)).await
        };
        if let Some(excess) = measured.ok().and_then(Size::excess) {
            return excess;
        }
        // Watching takes a fifth of one core at most.
        pause = MEASURE_EVERY.max(begun.elapsed() * 4);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_limit_may_be_met_and_not_passed() {
        let most = Size {
            packages: limits::VENDOR_PACKAGES,
            files: limits::VENDOR_FILES,
            bytes: limits::VENDOR_BYTES,
        };
        assert_eq!(most.excess(), None);
        let (mut packages, mut files, mut bytes) = (most, most, most);
        packages.packages += 1;
        files.files += 1;
        bytes.bytes += 1;
        for (size, what) in [(packages, "packages"), (files, "files"), (bytes, "bytes")] {
            assert!(size.excess().is_some_and(|said| said.contains(what)));
        }
    }

    #[test]
    fn measures_packages_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for package in ["node_modules/a", "node_modules/@b/c/node_modules/d"] {
            std::fs::create_dir_all(root.join(package)).unwrap();
            std::fs::write(root.join(package).join("package.json"), "{}").unwrap();
        }
        std::fs::create_dir_all(root.join("node_modules/a/lib")).unwrap();
        std::fs::write(root.join("node_modules/a/lib/package.json"), "{}").unwrap();
        std::os::unix::fs::symlink("/usr", root.join("node_modules/a/usr")).unwrap();
        let size = Size::of(root);
        assert_eq!((size.packages, size.files), (2, 11));
    }

    #[test]
    fn tells_stages_in_order() {
        let mut asked = Asked::default();
        let told: Vec<String> = [
            "npm http fetch GET 200 https://r/react 12ms (cache miss)",
            "npm warn something",
            "npm http fetch GET 404 https://r/none 1ms",
            "npm http fetch GET 200 https://r/react/-/react-19.3.1.tgz 9ms (cache hit)",
            "npm http fetch GET 200 https://r/scheduler 3ms (cache miss)",
        ]
        .iter()
        .filter_map(|line| asked.hear(line))
        .collect();
        assert_eq!(told, ["resolving packages: 1", "downloading packages: 1"]);
        assert_eq!(asked.log.len(), 2);
    }
}

//! The room's view of its working tree: the linker's graph over the compiled modules. A cache,
//! rebuilt from storage whenever the object wakes.

use super::{
    compilation::{Compilation, Modules},
    storage::{Meta, Storage},
};
use data_encoding::HEXLOWER;
use hotplate_compiler::{Options, VERSION, is_compilable};
use hotplate_linker::{Artifacts, FileMeta, Linked, Preview, Registry, Tree, TsConfig, add_frames};
use hotplate_protocol::{Diagnostic, FileEntry, RevisionChange, VendorMode, VendorRequest};
use sha2::{Digest, Sha256};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use worker::Result;

/// npm's lockfile, which is part of what an app asks for.
const LOCKFILE: &str = "package-lock.json";

/// The working tree, compiled and linked.
pub(super) struct Working {
    tree: Tree,
    config: TsConfig,
    options: Options,
    modules: Modules,
    graph: Preview,
    link_diagnostics: Vec<Diagnostic>,
    linked: u64,
    /// The update that brings what is compiled now.
    since: u64,
    totals: Totals,
    /// What `vendor` answered, until something it is made of changes.
    need: Cached<Option<VendorNeed>>,
}

/// How large the tree is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Totals {
    /// What they are after a change.
    pub(super) fn after(self, changes: &[RevisionChange]) -> Self {
        changes.iter().fold(self, |totals, change| {
            let count = |file: &Option<FileEntry>| u64::from(file.is_some());
            let size = |file: &Option<FileEntry>| file.as_ref().map_or(0, |file| file.size);
            let (before, after) = (&change.before, &change.after);
            Self {
                files: (totals.files + count(after)).saturating_sub(count(before)),
                bytes: (totals.bytes + size(after)).saturating_sub(size(before)),
            }
        })
    }
}

/// Something that is worked out once.
type Cached<T> = RefCell<Option<T>>;

/// How much was done since the room woke.
#[derive(Clone, Copy, Default)]
pub(super) struct Done {
    /// Modules that the compiler ran on.
    pub(super) compiled: u64,
    /// Modules whose imports were resolved.
    pub(super) linked: u64,
    /// Modules that were looked at to collect what is said of them.
    pub(super) looked_at: u64,
}

/// A vendor chunk that the tree needs.
#[derive(Clone)]
pub(super) struct VendorNeed {
    /// Hash of the request.
    pub(super) key: String,
    /// Canonical JSON of the request.
    pub(super) request: String,
}

impl Working {
    /// Builds it from storage. What `suspects` wrote is not compiled: the compiler did not survive it.
    pub(super) fn load(storage: &Storage, suspects: &[RevisionChange]) -> Result<Self> {
        let files = storage.files()?.into_iter();
        let tree = Tree(
            files
                .map(|file| {
                    (
                        file.path,
                        FileMeta {
                            hash: file.hash,
                            size: file.size,
                        },
                    )
                })
                .collect(),
        );
        let mut working = Self {
            tree,
            config: TsConfig::default(),
            options: Options::development(),
            modules: Modules::default(),
            graph: Preview::new(),
            link_diagnostics: Vec::new(),
            linked: 0,
            since: storage.number(Meta::Seq)?,
            totals: Totals::default(),
            need: Cached::default(),
        };
        working.totals = Totals {
            files: working.tree.0.len() as u64,
            bytes: working.tree.0.values().map(|file| file.size).sum(),
        };
        working.read_options(storage);
        for change in suspects {
            working.compilation(storage).set_aside(&change.path)?;
        }
        working.link(storage, &[]);
        Ok(working)
    }

    /// Takes over a revision; answers what it changes in the registry.
    pub(super) fn apply(
        &mut self,
        storage: &Storage,
        changes: &[RevisionChange],
    ) -> Result<Linked> {
        self.since = storage.number(Meta::Seq)? + 1;
        for change in changes {
            if let Some(file) = &change.after {
                let meta = FileMeta {
                    hash: file.hash.clone(),
                    size: file.size,
                };
                self.tree.0.insert(change.path.clone(), meta);
            } else {
                self.tree.0.remove(&change.path);
                self.modules.forget(&change.path);
                storage.forget_path(&change.path)?;
            }
        }
        self.totals = self.totals.after(changes);
        if changes.iter().any(|change| change.path == LOCKFILE) {
            self.need.take();
        }
        let mut paths: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
        let configured = paths.iter().any(|path| self.config.depends_on(path));
        if configured && self.read_options(storage) {
            // Other options make every module another one.
            paths = self.tree.0.keys().cloned().chain(paths).collect();
        }
        Ok(self.link(storage, &paths))
    }

    fn read_options(&mut self, storage: &Storage) -> bool {
        self.config = TsConfig::read(&|path| self.compilation(storage).text(path));
        let options = self.config.compiler_options(Options::development());
        let differ = options != self.options;
        self.options = options;
        differ
    }

    fn link(&mut self, storage: &Storage, changed: &[String]) -> Linked {
        let compilation = Compilation {
            storage,
            tree: &self.tree,
            options: &self.options,
            modules: &self.modules,
            since: self.since,
        };
        let before = self.graph.vendor_version();
        let linked = self.graph.link(&self.tree, changed, &compilation);
        if self.graph.vendor_version() != before {
            self.need.take();
        }
        self.link_diagnostics.clone_from(&linked.diagnostics);
        self.linked += linked.counters.linked;
        linked
    }

    /// How much was done so far.
    pub(super) fn done(&self) -> Done {
        Done {
            compiled: self.modules.compiled(),
            linked: self.linked,
            looked_at: self.modules.looked_at(),
        }
    }

    /// How large the tree is.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// The modules of the tree.
    pub(super) fn compilation<'a>(&'a self, storage: &'a Storage) -> Compilation<'a> {
        Compilation {
            storage,
            tree: &self.tree,
            options: &self.options,
            modules: &self.modules,
            since: self.since,
        }
    }

    /// What the compiler and the linker say of everything that the page reaches.
    pub(super) fn reachable_diagnostics(&self, storage: &Storage) -> Vec<Diagnostic> {
        let compilation = self.compilation(storage);
        let mut all = compilation.all_diagnostics(|id| self.graph.contains(id));
        all.extend(self.link_diagnostics.iter().cloned());
        add_frames(&mut all, &|path| compilation.text(path));
        sort(&mut all);
        // A file may be several modules (a sheet imported under conditions, `?raw`), which say the same.
        all.dedup();
        all
    }

    /// `all` that is said of reachable modules, with what the compiler says of changed sources that the
    /// page does not reach.
    pub(super) fn with_changed(
        &self,
        storage: &Storage,
        changes: &[RevisionChange],
        mut all: Vec<Diagnostic>,
    ) -> Vec<Diagnostic> {
        let known: BTreeSet<String> = all
            .iter()
            .map(|diagnostic| diagnostic.file.clone())
            .collect();
        let compilation = self.compilation(storage);
        for change in changes.iter().filter(|change| change.after.is_some()) {
            if is_source(&change.path) && !known.contains(&change.path) {
                all.extend(compilation.diagnostics(&format!("/{}", change.path)));
            }
        }
        sort(&mut all);
        all
    }

    /// Calls that define every module the page reaches.
    pub(super) fn registry(&self, storage: &Storage) -> Registry {
        self.graph.registry(&self.compilation(storage))
    }

    /// Calls that define every module of the worker that starts with `entry`, if the page starts one.
    pub(super) fn worker(&self, storage: &Storage, entry: &str) -> Option<String> {
        self.graph.worker(entry, &self.compilation(storage))
    }

    /// The live page; `None` when the tree has no `index.html`.
    pub(super) fn html(
        &self,
        storage: &Storage,
        env: &BTreeMap<String, String>,
        config: &str,
        client_url: &str,
    ) -> Option<String> {
        self.graph
            .html(&self.compilation(storage), env, config, client_url)
    }

    /// Whether a file of the tree has such a path.
    pub(super) fn any_path(&self, test: impl Fn(&str) -> bool) -> bool {
        self.tree.0.keys().any(|path| test(path))
    }

    /// Public values of the tree's `.env` files.
    pub(super) fn env(&self) -> &BTreeMap<String, String> {
        self.graph.env()
    }

    /// A style sheet as `<link>` gets it; `None` when the page does not reach it.
    pub(super) fn style_sheet(&self, storage: &Storage, path: &str) -> Option<String> {
        self.graph.css_text(path, &self.compilation(storage))
    }

    /// The vendor chunk that the page's modules need.
    pub(super) fn vendor(&self, storage: &Storage) -> Result<Option<VendorNeed>> {
        let known = self.need.borrow().clone();
        if let Some(need) = known {
            return Ok(need);
        }
        let need = self.vendor_need(storage)?;
        self.need.replace(Some(need.clone()));
        Ok(need)
    }

    fn vendor_need(&self, storage: &Storage) -> Result<Option<VendorNeed>> {
        let Some(needs) = self.graph.vendor() else {
            return Ok(None);
        };
        let request = VendorRequest {
            dependencies: needs.dependencies.clone(),
            specifiers: needs.specifiers.clone(),
            overrides: needs.overrides.clone(),
            mode: VendorMode::Development,
            lockfile: self.compilation(storage).text(LOCKFILE),
        };
        // Sorted maps and fixed fields: one text for equal requests.
        let request = serde_json::to_string(&request)?;
        // Another compiler makes another chunk of the same request.
        let key = HEXLOWER.encode(&Sha256::digest(format!("{VERSION}\0{request}")));
        Ok(Some(VendorNeed { key, request }))
    }
}

/// Whether a file is compiled as soon as it is written, reachable or not: people want to hear of
/// mistakes in what they have just saved. JSON is left out, as much of it is configuration.
fn is_source(path: &str) -> bool {
    is_compilable(path)
        && !path.starts_with("public/")
        && ![".json", ".d.ts", ".d.mts", ".d.cts"]
            .iter()
            .any(|end| path.ends_with(end))
}

fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (a.severity, &a.file, a.line, a.column).cmp(&(b.severity, &b.file, b.line, b.column))
    });
}

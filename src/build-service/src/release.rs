//! A release: which packages an app needs, and its files linked with them, its server beside them.

use crate::app::{AppArtifacts, AppFiles, Bytes};
use crate::artifacts::ArtifactStore;
use crate::builds::Service;
use crate::contents::sha256;
use crate::host::Host;
use crate::memory::MemoryBudget;
use crate::metrics::BuildStage;
use crate::packages::{DependencySet, PackageFolder};
use crate::server::{AssetRules, LinkedServer, ServerPlan};
use crate::size::Sizes;
use crate::vendor::{internal, package_options};
use crate::work;
use hotplate_compiler::{Mode, Options, Output, Platform};
use hotplate_linker::{
    Declared, FileMeta, Preview, Release, ReleaseApp, ReleaseMemory, add_frames, link_release,
    package_name, unread_lockfiles, with_env,
};
use hotplate_protocol::{BuildJob, Bundle, Diagnostic, Severity, VendorMode};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// How app files are compiled for a release.
pub(crate) fn release_options() -> Options {
    Options {
        output: Output::Facts,
        ..Options::production()
    }
}

/// Everything that a deployment is made of.
pub(crate) struct Deployable {
    pub(crate) release: Release,
    pub(crate) sizes: Sizes,
    /// How the files answer.
    pub(crate) assets: AssetRules,
    pub(crate) server: Option<LinkedServer>,
}

impl Deployable {
    /// What it ships.
    pub(crate) fn bundle(&self) -> Bundle {
        Bundle {
            server: self.server.as_ref().map(LinkedServer::size),
            ..self.release.bundle.clone()
        }
    }
}

impl Service {
    /// Links the release of a job whose contents are all here.
    pub(crate) async fn link(
        self: &Arc<Self>,
        job: &BuildJob,
    ) -> Result<Deployable, Vec<Diagnostic>> {
        let files = job.files.iter().map(|file| {
            let meta = FileMeta {
                hash: file.hash.clone(),
                size: file.size,
            };
            (file.path.clone(), meta)
        });
        let bytes = Bytes::Contents(self.contents.clone());
        let app = Arc::new(
            AppFiles::new(files, bytes, &job.env, release_options())
                .with_memory(self.build_memory_bytes),
        );
        let plan = ServerPlan::read(&app)?;
        let (service, files) = (Arc::clone(self), Arc::clone(&app));
        let surveyed = work::on_thread("survey", move || {
            let survey = || survey(&files, &plan, &service.artifacts);
            let set = service.pool.install(survey);
            (set, plan)
        });
        let surveyed = self.stage(BuildStage::Survey, surveyed).await;
        let (set, plan) = surveyed.map_err(|error| internal(&error))?;
        let packages = self.packages.folder(&set, |_| {});
        let packages = self.stage(BuildStage::Packages, packages).await?;
        let (service, slug) = (Arc::clone(self), job.app.clone());
        let secrets: BTreeSet<String> = job.secrets.names().map(str::to_owned).collect();
        let linked = work::on_thread("release", move || {
            let artifacts = &service.artifacts;
            let memory = service.memories.of(&slug);
            // Another build of the app has it at most for a moment; without it nothing is wrong but slower.
            let mut known = memory.try_lock();
            let mut none = ReleaseMemory::default();
            let memory = known.as_deref_mut().unwrap_or(&mut none);
            let assets = plan.assets().clone();
            let (release, server) = service.pool.install(|| {
                rayon::join(
                    || link(&app, &packages, artifacts, memory),
                    || plan.link(&app, &packages, artifacts, &secrets),
                )
            });
            match (release, server) {
                (Ok((release, sizes)), Ok(server)) => Ok(Deployable {
                    release,
                    sizes,
                    assets,
                    server,
                }),
                (Err(of_page), Err(of_server)) => Err([of_page, of_server].concat()),
                (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
            }
        });
        let linked = self.stage(BuildStage::Link, linked).await;
        let mut deployable = linked.map_err(|error| internal(&error))??;
        deployable.release.warnings.extend(set.warnings());
        Ok(deployable)
    }
}

/// What specifiers mean by and code is compiled by, apart from the modules themselves: which files there
/// are, what the JSON files say, the packages, the options.
fn context(app: &AppFiles, packages: &PackageFolder) -> String {
    let mut text = format!(
        "{}\n{}\n",
        packages.root().display(),
        app.options.fingerprint()
    );
    for (path, meta) in &app.tree.0 {
        text.push_str(path);
        if path.ends_with(".json") {
            text.push('\t');
            text.push_str(&meta.hash);
        }
        text.push('\n');
    }
    sha256(text.as_bytes())
}

/// Links an app with its packages; also how large the modules are that it is made of.
pub(crate) fn link(
    app: &AppFiles,
    packages: &PackageFolder,
    artifacts: &ArtifactStore,
    memory: &mut ReleaseMemory,
) -> Result<(Release, Sizes), Vec<Diagnostic>> {
    let index_html = app.text("index.html").ok_or_else(|| {
        vec![Diagnostic::without_place(
            Severity::Error,
            "no_entry",
            "The app has no index.html",
        )]
    })?;
    let memory_budget = MemoryBudget::new(app.memory_bytes);
    let host = Host {
        app: Some(app),
        packages,
        artifacts,
        mode: VendorMode::Production,
        options: Options {
            output: Output::Facts,
            ..package_options(VendorMode::Production)
        },
        platform: Platform::Browser,
        memory: &memory_budget,
    };
    let refused = OnceLock::new();
    let content = |path: &str| {
        let bytes = app.bytes(path)?;
        match memory_budget.hold(path, bytes.len()) {
            Ok(()) => Some(Arc::from(bytes)),
            Err(errors) => {
                refused.get_or_init(|| errors);
                None
            }
        }
    };
    let release = ReleaseApp {
        tree: &app.tree,
        resolver: &app.resolver,
        index_html: &with_env(&index_html, Mode::Production, &app.options.env),
        context: &context(app, packages),
        content: &content,
    };
    let text = |path: &str| app.text(path);
    let linked = link_release(&host, &release, memory);
    // Whatever else a file that was not given led to.
    let linked = match refused.into_inner() {
        Some(errors) => Err(errors),
        None => linked,
    };
    match linked {
        Ok(mut release) => {
            add_frames(&mut release.warnings, &text);
            let others = unread_lockfiles(&|path| app.tree.has(path));
            release.warnings.extend(others);
            let sizes = Sizes(std::mem::take(&mut release.modules));
            Ok((release, sizes))
        }
        Err(mut diagnostics) => {
            add_frames(&mut diagnostics, &text);
            Err(diagnostics)
        }
    }
}

/// What the app's modules need of npm; the same set as its preview's, so both share an installation. What
/// its server needs beyond that is in it, too.
pub(crate) fn survey(
    app: &AppFiles,
    plan: &ServerPlan,
    artifacts: &ArtifactStore,
) -> DependencySet {
    let modules = AppArtifacts::new(app, artifacts);
    modules.compile_all();
    let mut preview = Preview::new();
    preview.link(&app.tree, &[], &modules);
    // Nothing is imported: nothing is installed.
    let mut needs = preview.vendor().cloned().unwrap_or_default();
    let of_server = plan.packages(app, artifacts);
    if !of_server.is_empty() {
        let declared = Declared::read(&|path| app.text(path));
        let ranges = of_server
            .iter()
            .filter_map(|name| Some((name.clone(), declared.range(name)?.clone())));
        needs.dependencies.extend(ranges);
        needs.dependencies.extend(declared.dependencies);
        needs.overrides = declared.overrides;
    }
    let named = needs
        .specifiers
        .iter()
        .map(|specifier| package_name(specifier))
        .chain(of_server.iter().map(String::as_str))
        .collect();
    let lockfile = app.text("package-lock.json");
    DependencySet::of_app(needs.dependencies, &named, lockfile, needs.overrides)
}

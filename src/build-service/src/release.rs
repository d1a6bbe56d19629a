//! A release: which packages an app needs, and its files linked with them.

use crate::builds::Service;
use crate::host::{AppFiles, Host};
use crate::packages::DependencySet;
use crate::vendor::{internal, package_options};
use crate::work;
use hotplate_compiler::{ModuleArtifact, Options, is_compilable};
use hotplate_linker::{
    AppResolver, Artifacts, FileMeta, ModuleHost, Preview, Release, ReleaseApp, Tree, link_release,
};
use hotplate_protocol::{BuildJob, Diagnostic, Severity, VendorMode};
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default, Deserialize)]
struct PackageJson {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

/// The app's modules for the walk that finds which packages are asked for.
struct Modules<'a> {
    app: &'a AppFiles,
    service: &'a Service,
}

impl Artifacts for Modules<'_> {
    fn artifact(&self, id: &str) -> Option<Arc<ModuleArtifact>> {
        let path = id.split('?').next().unwrap_or(id).trim_start_matches('/');
        // Errors are told by the link itself, for the modules it reaches.
        self.service
            .artifacts
            .compile(id, &self.app.bytes(path)?, &self.app.options)
            .ok()
    }

    fn text(&self, path: &str) -> Option<String> {
        self.app.text(path)
    }
}

impl Service {
    /// Links the release of a job whose contents are all here.
    pub(crate) async fn link(self: &Arc<Self>, job: &BuildJob) -> Result<Release, Vec<Diagnostic>> {
        let app = Arc::new(self.app_files(job));
        let Some(index_html) = app.text("index.html") else {
            return Err(vec![Diagnostic::without_place(
                Severity::Error,
                "no_entry",
                "The app has no index.html",
            )]);
        };
        let (service, files) = (Arc::clone(self), Arc::clone(&app));
        let set = work::on_thread("survey", move || {
            service.pool.install(|| service.survey(&files))
        });
        let set = set.await.map_err(|error| internal(&error))?;
        let packages = self.packages.folder(&set).await?;
        let service = Arc::clone(self);
        let linked = work::on_thread("release", move || {
            let host = Host {
                app: Some(&app),
                packages: &packages,
                artifacts: &service.artifacts,
                mode: VendorMode::Production,
                options: package_options(VendorMode::Production),
            };
            let content = |path: &str| app.bytes(path).map(Arc::from);
            let release = ReleaseApp {
                tree: &app.tree,
                resolver: &app.resolver,
                index_html: &index_html,
                content: &content,
            };
            service
                .pool
                .install(|| link_release(&host as &dyn ModuleHost, &release))
        });
        linked.await.map_err(|error| internal(&error))?
    }

    fn app_files(&self, job: &BuildJob) -> AppFiles {
        let meta = |file: &hotplate_protocol::FileEntry| FileMeta {
            hash: file.hash.clone(),
            size: file.size,
        };
        let mut app = AppFiles {
            tree: Tree(
                job.files
                    .iter()
                    .map(|file| (file.path.clone(), meta(file)))
                    .collect(),
            ),
            resolver: AppResolver::default(),
            contents: self.contents.clone(),
            options: Options {
                env: job.env.clone(),
                source_map: false,
                ..Options::production()
            },
        };
        app.resolver = AppResolver::new(&app.tree, &|path| app.text(path));
        app
    }

    /// The dependency set of an app: its `dependencies`, and of the others what its modules import.
    fn survey(&self, app: &AppFiles) -> DependencySet {
        let modules = Modules { app, service: self };
        let paths: Vec<String> = app.tree.0.keys().cloned().collect();
        // In parallel first; the walk then finds everything compiled.
        paths
            .par_iter()
            .filter(|path| is_compilable(path) && !path.starts_with("public/"))
            .for_each(|path| {
                drop(modules.artifact(&format!("/{path}")));
            });
        let mut preview = Preview::new();
        preview.link(&app.tree, &paths, &modules);
        let json: PackageJson = app
            .text("package.json")
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let mut dependencies = json.dependencies;
        if let Some(needs) = preview.vendor() {
            for (name, range) in &needs.dependencies {
                dependencies
                    .entry(name.clone())
                    .or_insert_with(|| range.clone());
            }
        }
        DependencySet {
            dependencies,
            lockfile: app.text("package-lock.json"),
        }
    }
}

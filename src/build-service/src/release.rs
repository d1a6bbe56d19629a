//! A release: which packages an app needs, and its files linked with them.

use crate::app::{AppArtifacts, AppFiles, Bytes};
use crate::artifacts::ArtifactStore;
use crate::builds::Service;
use crate::host::Host;
use crate::packages::{DependencySet, PackageFolder};
use crate::size::{Measured, Sizes};
use crate::vendor::{internal, package_options};
use crate::work;
use hotplate_compiler::{Mode, Options};
use hotplate_linker::{
    FileMeta, Preview, Release, ReleaseApp, add_frames, link_release, package_name, with_env,
};
use hotplate_protocol::{BuildJob, Diagnostic, Severity, VendorMode};
use std::sync::Arc;

/// How app files are compiled for a release.
pub(crate) fn release_options() -> Options {
    Options::production()
}

impl Service {
    /// Links the release of a job whose contents are all here.
    pub(crate) async fn link(
        self: &Arc<Self>,
        job: &BuildJob,
    ) -> Result<(Release, Sizes), Vec<Diagnostic>> {
        let files = job.files.iter().map(|file| {
            let meta = FileMeta {
                hash: file.hash.clone(),
                size: file.size,
            };
            (file.path.clone(), meta)
        });
        let bytes = Bytes::Contents(self.contents.clone());
        let app = Arc::new(AppFiles::new(files, bytes, &job.env, release_options()));
        let (service, files) = (Arc::clone(self), Arc::clone(&app));
        let set = work::on_thread("survey", move || {
            service.pool.install(|| survey(&files, &service.artifacts))
        });
        let set = set.await.map_err(|error| internal(&error))?;
        let packages = self.packages.folder(&set).await?;
        let service = Arc::clone(self);
        let linked = work::on_thread("release", move || {
            service
                .pool
                .install(|| link(&app, &packages, &service.artifacts))
        });
        linked.await.map_err(|error| internal(&error))?
    }
}

/// Links an app with its packages; also how large the modules are that it is made of.
pub(crate) fn link(
    app: &AppFiles,
    packages: &PackageFolder,
    artifacts: &ArtifactStore,
) -> Result<(Release, Sizes), Vec<Diagnostic>> {
    let index_html = app.text("index.html").ok_or_else(|| {
        vec![Diagnostic::without_place(
            Severity::Error,
            "no_entry",
            "The app has no index.html",
        )]
    })?;
    let host = Measured::new(Host {
        app: Some(app),
        packages,
        artifacts,
        mode: VendorMode::Production,
        options: package_options(VendorMode::Production),
    });
    let content = |path: &str| app.bytes(path).map(Arc::from);
    let release = ReleaseApp {
        tree: &app.tree,
        resolver: &app.resolver,
        index_html: &with_env(&index_html, Mode::Production, &app.options.env),
        content: &content,
    };
    let text = |path: &str| app.text(path);
    match link_release(&host, &release) {
        Ok(mut release) => {
            add_frames(&mut release.warnings, &text);
            Ok((release, host.sizes()))
        }
        Err(mut diagnostics) => {
            add_frames(&mut diagnostics, &text);
            Err(diagnostics)
        }
    }
}

/// What the app's modules need of npm; the same set as its preview's, so both share an installation.
fn survey(app: &AppFiles, artifacts: &ArtifactStore) -> DependencySet {
    let modules = AppArtifacts::new(app, artifacts);
    modules.compile_all();
    let mut preview = Preview::new();
    preview.link(&app.tree, &[], &modules);
    // Nothing is imported: nothing is installed.
    let needs = preview.vendor().cloned().unwrap_or_default();
    let named = needs
        .specifiers
        .iter()
        .map(|specifier| package_name(specifier))
        .collect();
    DependencySet::of_app(needs.dependencies, &named, app.text("package-lock.json"))
}

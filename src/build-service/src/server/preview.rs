//! Servers of previews: the same code as in a deployment, in development's mode, for the Worker to start itself.

use super::{AssetRules, LinkedServer, RunWorkerFirst, ServerPlan};
use crate::app::{AppFiles, Bytes};
use crate::builds::Service;
use crate::release::survey;
use crate::vendor::internal;
use crate::work;
use data_encoding::BASE64;
use hotplate_compiler::Options;
use hotplate_linker::{FileMeta, ServerModule, ServerModuleKind};
use hotplate_protocol as protocol;
use hotplate_protocol::{
    Diagnostic, PreviewServer, ServerAnswer, ServerCode, ServerCodeModule, ServerJob, Severity,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a path that no file has gets, unless the app says otherwise.
const SINGLE_PAGE: &str = "single-page-application";

impl Service {
    /// Links the server of a working tree.
    pub(crate) async fn preview_server(self: &Arc<Self>, job: ServerJob) -> ServerAnswer {
        let none = ServerAnswer {
            server: None,
            sources: Vec::new(),
            diagnostics: Vec::new(),
        };
        match self.link_preview_server(job).await {
            Ok(Some(mut linked)) => ServerAnswer {
                sources: std::mem::take(&mut linked.server.sources)
                    .into_iter()
                    .collect(),
                diagnostics: std::mem::take(&mut linked.server.warnings),
                server: Some(linked.into_preview()),
            },
            Ok(None) => none,
            Err(diagnostics) => ServerAnswer {
                diagnostics,
                ..none
            },
        }
    }

    async fn link_preview_server(
        self: &Arc<Self>,
        job: ServerJob,
    ) -> Result<Option<Linked>, Vec<Diagnostic>> {
        let hashes: BTreeSet<String> = job.files.iter().map(|file| file.hash.clone()).collect();
        let fetched = self.contents.ensure(&job.blobs_url, &hashes).await;
        fetched.map_err(|error| {
            let error = error.to_string();
            vec![Diagnostic::without_place(
                Severity::Error,
                "content_unavailable",
                error,
            )]
        })?;
        let files = job.files.into_iter().map(|file| {
            let meta = FileMeta {
                hash: file.hash,
                size: file.size,
            };
            (file.path, meta)
        });
        let bytes = Bytes::Contents(self.contents.clone());
        let app = AppFiles::new(files, bytes, &job.env, Options::development());
        let app = Arc::new(app.with_memory(self.build_memory_bytes));
        let plan = ServerPlan::read(&app)?;
        if plan.entry.is_none() {
            return Ok(None);
        }
        let (service, files) = (Arc::clone(self), Arc::clone(&app));
        let surveyed = work::on_thread("survey", move || {
            let survey = || survey(&files, &plan, &service.artifacts);
            let set = service.pool.install(survey);
            (set, plan)
        });
        let (set, plan) = surveyed.await.map_err(|error| internal(&error))?;
        let packages = self.packages.folder(&set, |_| {}).await?;
        let service = Arc::clone(self);
        let linked = work::on_thread("server", move || {
            let rules = plan.assets().clone();
            let secrets: BTreeSet<String> = job.secrets.into_iter().collect();
            let link = || plan.link(&app, &packages, &service.artifacts, &secrets);
            let server = service.pool.install(link)?;
            Ok(server.map(|server| Linked { server, rules }))
        });
        linked.await.map_err(|error| internal(&error))?
    }
}

struct Linked {
    server: LinkedServer,
    rules: AssetRules,
}

impl Linked {
    fn into_preview(self) -> PreviewServer {
        let Self { server, rules } = self;
        let settings = server.settings;
        let main = server.modules.first().map(|main| main.name.clone());
        let not_found = rules.not_found_handling.as_deref();
        PreviewServer {
            code: ServerCode {
                main: main.unwrap_or_default(),
                modules: server.modules.into_iter().map(module).collect(),
                compatibility_date: settings.compatibility_date,
                compatibility_flags: settings.compatibility_flags,
                vars: settings.vars.into_iter().collect(),
                assets_binding: settings.assets_binding,
            },
            run_worker_first: match rules.run_worker_first {
                None => protocol::RunWorkerFirst::All(false),
                Some(RunWorkerFirst::All(all)) => protocol::RunWorkerFirst::All(all),
                Some(RunWorkerFirst::Paths(paths)) => protocol::RunWorkerFirst::Paths(paths),
            },
            single_page: not_found.is_none_or(|handling| handling == SINGLE_PAGE),
        }
    }
}

fn module(module: ServerModule) -> ServerCodeModule {
    let ServerModule { name, kind, bytes } = module;
    match kind {
        // The linker's own text.
        ServerModuleKind::Esm => ServerCodeModule::Esm {
            name,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        },
        ServerModuleKind::Wasm => ServerCodeModule::Wasm {
            name,
            base64: BASE64.encode(&bytes),
        },
        ServerModuleKind::Data => ServerCodeModule::Data {
            name,
            base64: BASE64.encode(&bytes),
        },
    }
}

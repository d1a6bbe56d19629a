//! Servers: an app's own Worker code (`worker/index.ts`, or `main` of its Wrangler file) as the modules and
//! settings of a Worker. What becomes of them (a script of the namespace, a preview's Worker) is decided by
//! others.

mod host;
mod preview;
mod wrangler;

use crate::app::{AppArtifacts, AppFiles};
use crate::artifacts::ArtifactStore;
use crate::host::Host;
use crate::memory::MemoryBudget;
use crate::packages::PackageFolder;
use crate::vendor::package_options;
use host::{NodeModules, ServerHost};
use hotplate_compiler::{Mode, Options, Platform};
use hotplate_linker::{
    AppResolution, Artifacts, ServerBundle, ServerModule, add_frames, is_node_builtin, link_server,
    package_name,
};
use hotplate_protocol::{Chunk, Diagnostic, Severity, VendorMode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wrangler::Wrangler;
pub(crate) use wrangler::{AssetRules, RunWorkerFirst};

/// Which behaviour of the platform a server gets that asks for none, and which assets get.
pub(crate) const COMPATIBILITY_DATE: &str = "2026-11-01";
/// Where a server begins when no Wrangler file says so.
const ENTRY: &str = "/worker/index";
/// What a server calls its files, unless it says otherwise.
const ASSETS: &str = "ASSETS";

/// What a Worker gets beside its code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServerSettings {
    pub(crate) compatibility_date: String,
    pub(crate) compatibility_flags: Vec<String>,
    /// Variables of the Wrangler file.
    pub(crate) vars: BTreeMap<String, Value>,
    /// Name of the binding to the app's files.
    pub(crate) assets_binding: String,
}

/// An app's Wrangler file and the server it has, if it has one.
#[derive(Debug)]
pub(crate) struct ServerPlan {
    wrangler: Wrangler,
    /// Id of the first module.
    entry: Option<String>,
}

/// A server, ready to be started.
#[derive(Debug)]
pub(crate) struct LinkedServer {
    pub(crate) modules: Vec<ServerModule>,
    gzip_bytes: u64,
    pub(crate) settings: ServerSettings,
    pub(crate) warnings: Vec<Diagnostic>,
    /// Files of the app that it is made of, by path.
    pub(crate) sources: BTreeSet<String>,
}

impl LinkedServer {
    /// How large its code is.
    pub(crate) fn size(&self) -> Chunk {
        let bytes = self.modules.iter().map(|module| module.bytes.len() as u64);
        Chunk {
            file: self
                .modules
                .first()
                .map_or_else(String::new, |main| main.name.clone()),
            bytes: bytes.sum(),
            gzip_bytes: self.gzip_bytes,
        }
    }
}

impl ServerPlan {
    /// Reads what the app says of its server.
    pub(crate) fn read(app: &AppFiles) -> Result<Self, Vec<Diagnostic>> {
        let mut wrangler = Wrangler::read(&|path| app.text(path)).map_err(|mut errors| {
            add_frames(&mut errors, &|path| app.text(path));
            errors
        })?;
        let entry = match &wrangler.main {
            Some(main) => Some(Self::entry(app, &wrangler.file, main)?),
            None => match app.resolver.resolve("/", ENTRY) {
                AppResolution::App(id) => Some(id),
                AppResolution::Public(_)
                | AppResolution::Package(_)
                | AppResolution::External(_)
                | AppResolution::NotFound { .. } => None,
            },
        };
        if entry.is_none() {
            // Nobody would use what is not there.
            wrangler.warnings.clear();
        }
        Ok(Self { wrangler, entry })
    }

    fn entry(app: &AppFiles, file: &str, main: &str) -> Result<String, Vec<Diagnostic>> {
        // Paths of a Wrangler file are relative to it with and without a dot.
        let specifier = format!("./{}", main.trim_start_matches("./"));
        match app.resolver.resolve(&format!("/{file}"), &specifier) {
            AppResolution::App(id) => Ok(id),
            AppResolution::Public(_)
            | AppResolution::Package(_)
            | AppResolution::External(_)
            | AppResolution::NotFound { .. } => Err(vec![Diagnostic {
                file: file.to_owned(),
                ..Diagnostic::without_place(
                    Severity::Error,
                    "server_entry_missing",
                    format!("`main` names `{main}`, which the app does not have"),
                )
            }]),
        }
    }

    /// How the app's files answer.
    pub(crate) fn assets(&self) -> &AssetRules {
        &self.wrangler.assets
    }

    /// Packages that the server's own modules import.
    pub(crate) fn packages(&self, app: &AppFiles, artifacts: &ArtifactStore) -> BTreeSet<String> {
        let mut packages = BTreeSet::new();
        let modules = AppArtifacts::new(app, artifacts);
        let mut seen = BTreeSet::new();
        let mut queue: Vec<String> = self.entry.iter().cloned().collect();
        while let Some(id) = queue.pop() {
            let Some(artifact) = modules.artifact(&id).filter(|_| seen.insert(id.clone())) else {
                continue;
            };
            let asked = artifact.imports.iter().map(|import| &import.specifier);
            for specifier in asked {
                match app.resolver.resolve(&id, specifier) {
                    AppResolution::App(id) => queue.push(id),
                    AppResolution::Package(bare) if !is_node_builtin(&bare) => {
                        packages.insert(package_name(&bare).to_owned());
                    }
                    AppResolution::Package(_)
                    | AppResolution::Public(_)
                    | AppResolution::External(_)
                    | AppResolution::NotFound { .. } => {}
                }
            }
            for glob in &artifact.globs {
                queue.extend(
                    app.resolver
                        .glob(&id, glob)
                        .into_iter()
                        .map(|found| found.id),
                );
            }
        }
        packages
    }

    /// Links the server, if the app has one. `secrets` are names of what it will be given.
    pub(crate) fn link(
        self,
        app: &AppFiles,
        packages: &PackageFolder,
        artifacts: &ArtifactStore,
        secrets: &BTreeSet<String>,
    ) -> Result<Option<LinkedServer>, Vec<Diagnostic>> {
        let Some(entry) = &self.entry else {
            return Ok(None);
        };
        let settings = self.settings(secrets)?;
        let mode = match app.options.mode {
            Mode::Development => VendorMode::Development,
            Mode::Production => VendorMode::Production,
        };
        let memory = MemoryBudget::new(app.memory_bytes);
        let host = ServerHost {
            host: Host {
                app: Some(app),
                packages,
                artifacts,
                mode,
                options: package_options(mode),
                platform: Platform::Server,
                memory: &memory,
            },
            node: self.node_modules(),
        };
        let text = |path: &str| app.text(path);
        let env = import_meta_env(&app.options);
        match link_server(&host, entry, &env) {
            Ok(ServerBundle {
                modules,
                gzip_bytes,
                sources,
                mut warnings,
            }) => {
                warnings.extend(self.missing_secrets(secrets));
                warnings.extend(self.wrangler.warnings);
                add_frames(&mut warnings, &text);
                Ok(Some(LinkedServer {
                    modules,
                    gzip_bytes,
                    settings,
                    warnings,
                    sources,
                }))
            }
            Err(mut diagnostics) => {
                add_frames(&mut diagnostics, &text);
                Err(diagnostics)
            }
        }
    }

    fn node_modules(&self) -> NodeModules {
        let has = |flag| self.wrangler.has_flag(flag);
        if has("nodejs_compat") || has("nodejs_compat_v2") {
            NodeModules::All
        } else if has("nodejs_als") {
            NodeModules::AsyncHooks
        } else {
            NodeModules::None
        }
    }

    fn settings(&self, secrets: &BTreeSet<String>) -> Result<ServerSettings, Vec<Diagnostic>> {
        let wrangler = &self.wrangler;
        let date = wrangler.compatibility_date.as_deref();
        let settings = ServerSettings {
            compatibility_date: date.unwrap_or(COMPATIBILITY_DATE).to_owned(),
            compatibility_flags: wrangler.compatibility_flags.clone(),
            // A secret is stronger than a variable of its name: it was set later, and by hand.
            vars: wrangler
                .vars
                .iter()
                .filter(|(name, _)| !secrets.contains(name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            assets_binding: wrangler
                .assets_binding
                .as_deref()
                .unwrap_or(ASSETS)
                .to_owned(),
        };
        let assets = settings.assets_binding.as_str();
        if settings.vars.contains_key(assets) || secrets.contains(assets) {
            let message = format!(
                "`{assets}` is the binding to the app's files, and a variable or a secret too"
            );
            return Err(vec![Diagnostic {
                file: wrangler.file.clone(),
                ..Diagnostic::without_place(Severity::Error, "binding_conflict", message)
            }]);
        }
        Ok(settings)
    }

    fn missing_secrets(&self, secrets: &BTreeSet<String>) -> Vec<Diagnostic> {
        let required = self.wrangler.required_secrets.iter();
        let missing = required.filter(|name| !secrets.contains(name.as_str()));
        missing
            .map(|name| Diagnostic {
                file: self.wrangler.file.clone(),
                fix: Some("Set it with `PUT /v1/apps/{slug}/env`.".to_owned()),
                ..Diagnostic::without_place(
                    Severity::Warning,
                    "secret_missing",
                    format!("The server asks for the secret `{name}`, which the app does not have"),
                )
            })
            .collect()
    }
}

/// What `import.meta.env` is where the compiler does not write constants in its place.
fn import_meta_env(options: &Options) -> BTreeMap<String, Value> {
    let mut env = BTreeMap::new();
    if options.mode == Mode::Development {
        env.extend(
            options
                .env
                .iter()
                .map(|(name, value)| (name.clone(), json!(value))),
        );
        let own = [
            ("MODE", json!(options.mode.name())),
            ("DEV", json!(true)),
            ("PROD", json!(false)),
            ("SSR", json!(true)),
            ("BASE_URL", json!("/")),
        ];
        env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    }
    env
}

//! Servers: an app's own Worker code with its packages, as the modules of one Worker.
//!
//! One script holds everything that is text. What it imports are the platform's modules and files of the
//! Worker that are no text (WebAssembly, bytes). Which bindings it gets is the build service's business.

use super::graph::{Graph, GraphModule};
use super::host::{Loaded, ModuleHost};
use super::release::{gzip_size, prune::prune};
use crate::builtins::EMPTY;
use crate::record::{self, json, literal};
use crate::resolution_paths::split_query;
use data_encoding::HEXLOWER;
use hotplate_compiler::{ImportKind, ModuleKind};
use hotplate_protocol::{Diagnostic, Severity};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What stands before the modules, built from `worker-shims/live-client`.
const RUNTIME: &str = include_str!("../../../../worker-shims/live-client/dist/server.js");
/// Name of the script.
const MAIN: &str = "index.js";
/// Files that are imported as text, as with Wrangler.
const TEXT: &[&str] = &["txt", "html", "sql"];

/// What a module of a Worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerModuleKind {
    /// An ES module.
    Esm,
    /// A `WebAssembly.Module`.
    Wasm,
    /// An `ArrayBuffer`.
    Data,
}

/// One module of a Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerModule {
    /// As others import it: `index.js`.
    pub name: String,
    /// What it is.
    pub kind: ServerModuleKind,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A linked server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerBundle {
    /// The main module first.
    pub modules: Vec<ServerModule>,
    /// Size of all of them as gzip sends them.
    pub gzip_bytes: u64,
    /// Every file of the app that is in it, by path.
    pub sources: BTreeSet<String>,
    /// What does not stop it.
    pub warnings: Vec<Diagnostic>,
}

/// Links what the module `entry` (an app module's id) reaches. `env` is `import.meta.env`, where that is no
/// constant.
pub fn link_server(
    host: &dyn ModuleHost,
    entry: &str,
    env: &BTreeMap<String, serde_json::Value>,
) -> Result<ServerBundle, Vec<Diagnostic>> {
    let roots = [entry.to_owned()];
    let mut graph = Graph::walk(host, &roots, &|_| false)?;
    let sources = graph
        .modules
        .keys()
        .filter_map(|id| id.strip_prefix('/'))
        .map(|path| split_query(path).0.to_owned())
        .collect();
    prune(&mut graph, &roots);
    let mut script = Script::default();
    for id in graph.execution_order(&roots) {
        if let Some(module) = graph.modules.get(&id) {
            script.add(&id, module);
        }
    }
    let exports = export_names(&graph, entry, &mut BTreeSet::new());
    if !exports.contains("default") {
        script.errors.push(no_default(entry));
    }
    if !script.errors.is_empty() {
        return Err(script.errors);
    }
    let is_async = graph
        .modules
        .values()
        .filter_map(GraphModule::artifact)
        .any(|artifact| artifact.is_async);
    let mut modules = vec![ServerModule {
        name: MAIN.to_owned(),
        kind: ServerModuleKind::Esm,
        bytes: script.text(entry, &exports, is_async, env).into_bytes(),
    }];
    modules.extend(script.files.into_values());
    let gzip_bytes = modules
        .par_iter()
        .map(|module| gzip_size(&module.bytes))
        .sum();
    Ok(ServerBundle {
        modules,
        gzip_bytes,
        sources,
        warnings: graph.warnings,
    })
}

#[derive(Default)]
struct Script {
    /// `import`s, which stand before everything else.
    imports: String,
    /// Calls that define modules.
    records: String,
    /// Modules beside it, by name.
    files: BTreeMap<String, ServerModule>,
    errors: Vec<Diagnostic>,
    imported: usize,
}

impl Script {
    fn add(&mut self, id: &str, module: &GraphModule) {
        let nothing = BTreeMap::<&str, &str>::new();
        match &module.loaded {
            Loaded::Module(artifact) => {
                let code = module.code.as_deref().unwrap_or(&artifact.code);
                record::define(&mut self.records, id, code.trim_end(), &module.deps());
            }
            Loaded::Empty => record::define(&mut self.records, id, EMPTY, &nothing),
            Loaded::External => {
                let name = self.import("* as ", id);
                self.call("external", id, &name);
            }
            Loaded::Asset { bytes, extension } if TEXT.contains(&extension.as_str()) => {
                self.call("value", id, &literal(&String::from_utf8_lossy(bytes)));
            }
            Loaded::Asset { bytes, extension } => match extension.as_str() {
                "wasm" => self.add_file(id, bytes, extension, ServerModuleKind::Wasm),
                "bin" => self.add_file(id, bytes, extension, ServerModuleKind::Data),
                _ => self.errors.push(not_for_servers(id)),
            },
            Loaded::Worker { .. } => self.errors.push(not_for_servers(id)),
        }
    }

    fn add_file(&mut self, id: &str, bytes: &[u8], extension: &str, kind: ServerModuleKind) {
        let hash = HEXLOWER.encode(&Sha256::digest(bytes));
        let name = format!("{}.{extension}", hash.get(..16).unwrap_or(&hash));
        let local = self.import("", &format!("./{name}"));
        self.call("value", id, &local);
        let module = ServerModule {
            name: name.clone(),
            kind,
            bytes: bytes.to_vec(),
        };
        self.files.insert(name, module);
    }

    /// Imports a module by its `default` or with `* as `; the local name.
    fn import(&mut self, form: &str, specifier: &str) -> String {
        let name = format!("__external_{}__", self.imported);
        self.imported += 1;
        self.imports
            .extend(["import ", form, &name, " from ", &literal(specifier), ";\n"]);
        name
    }

    fn call(&mut self, function: &str, id: &str, value: &str) {
        self.records.extend([
            "__hotplate__.",
            function,
            "(",
            &literal(id),
            ",",
            value,
            ");\n",
        ]);
    }

    fn text(
        &self,
        entry: &str,
        exports: &BTreeSet<String>,
        is_async: bool,
        env: &BTreeMap<String, serde_json::Value>,
    ) -> String {
        let mut text = self.imports.clone();
        text.push_str(RUNTIME.trim_end());
        text.push('\n');
        text.push_str(&self.records);
        text.push_str("const __server__=");
        if is_async {
            text.push_str("await ");
        }
        text.extend([
            "__hotplate__.start(",
            &literal(entry),
            ",",
            &json(env),
            ");\n",
        ]);
        let mut list = Vec::new();
        for (position, name) in exports.iter().enumerate() {
            let quoted = literal(name);
            let local = format!("__export_{position}__");
            text.extend(["const ", &local, "=__server__[", &quoted, "];\n"]);
            list.push(format!("{local} as {quoted}"));
        }
        text.extend(["export{", &list.join(","), "};\n"]);
        text
    }
}

/// Every name that a module exports, `export *` followed.
fn export_names(graph: &Graph, id: &str, seen: &mut BTreeSet<String>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if !seen.insert(id.to_owned()) {
        return names;
    }
    let Some(module) = graph.modules.get(id) else {
        return names;
    };
    let Some(artifact) = module.artifact() else {
        return names;
    };
    if artifact.kind != ModuleKind::Esm {
        // Whatever CommonJS exports is the default export.
        return BTreeSet::from(["default".to_owned()]);
    }
    names.extend(artifact.exports.iter().cloned());
    let stars = module.links.iter().filter(|link| {
        link.kind == ImportKind::Static && artifact.export_stars.contains(&link.specifier)
    });
    for link in stars {
        let passed = export_names(graph, &link.id, seen).into_iter();
        names.extend(passed.filter(|name| name != "default"));
    }
    names
}

fn about(id: &str, code: &str, message: String, fix: &str) -> Diagnostic {
    Diagnostic {
        file: split_query(id.trim_start_matches('/')).0.to_owned(),
        fix: Some(fix.to_owned()),
        ..Diagnostic::without_place(Severity::Error, code, message)
    }
}

fn no_default(entry: &str) -> Diagnostic {
    let message = "The server's first module has no default export";
    let fix =
        "Export an object with `fetch`, or a class that extends `WorkerEntrypoint`, as `default`.";
    about(entry, "server_without_default", message.to_owned(), fix)
}

fn not_for_servers(id: &str) -> Diagnostic {
    let path = split_query(id.trim_start_matches('/')).0;
    let message = format!("A server cannot import `{path}`");
    let fix = "Servers import code, JSON, `.txt`, `.html`, `.sql`, `.bin` and `.wasm`.";
    about(id, "server_import_unsupported", message, fix)
}

//! The calls that define modules, for chunks and for the scripts of workers
//! (`worker-shims/live-client/src/compact.js`).

use super::numbers::Numbers;
use super::text::Text;
use crate::builtins::EMPTY;
use crate::native::graph::{Barrel, Graph, GraphModule, NOTHING};
use crate::native::host::Loaded;
use crate::native::record::Edge;
use crate::native::worker::inline_record;
use crate::record::{json, literal};
use crate::resolution_paths::split_query;
use hotplate_compiler::{ImportKind, ModuleArtifact, ModuleKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What scripts call the runtime's table of calls: a name that apps have no use for.
pub(super) const MODULES: &str = "__h";

/// What records are written with.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) graph: &'a Graph,
    pub(super) numbers: &'a Numbers<'a>,
    /// URLs of assets, workers and public files by module id.
    pub(super) url_of: &'a dyn Fn(&str) -> Option<String>,
    /// Scripts of workers by the id of their URL.
    pub(super) inlined: &'a BTreeMap<String, String>,
}

impl Records<'_> {
    /// Calls that define modules.
    pub(super) fn of<'a>(self, ids: impl IntoIterator<Item = &'a str>) -> Text {
        let mut text = Text::default();
        let mut served = BTreeMap::new();
        for (id, module) in ids
            .into_iter()
            .filter_map(|id| Some((id, self.graph.modules.get(id)?)))
        {
            match &module.loaded {
                Loaded::Worker { .. } => match self.inlined.get(id) {
                    Some(script) => self.call(&mut text, "r", id, &inline_record(script)),
                    None => self.url(&mut text, id),
                },
                Loaded::Empty | Loaded::External => self.call(&mut text, "r", id, EMPTY),
                Loaded::Asset { .. } => self.url(&mut text, id),
                Loaded::Module(artifact) => {
                    self.module(&mut text, id, module, artifact);
                    for link in module
                        .links
                        .iter()
                        .filter(|link| !self.graph.modules.contains_key(&link.id))
                    {
                        if link.id == NOTHING {
                            served.insert(link.id.as_str(), None);
                        } else if link.is_internal()
                            && let Some(url) = (self.url_of)(&link.id)
                        {
                            served.insert(link.id.as_str(), Some(url));
                        }
                    }
                }
            }
        }
        for (id, url) in served {
            match url {
                Some(url) => self.call(&mut text, "u", id, &literal(&url)),
                None => self.call(&mut text, "r", id, EMPTY),
            }
        }
        text
    }

    fn head(self, text: &mut Text, function: &str, id: &str) {
        text.push(MODULES);
        text.push(".");
        text.push(function);
        text.push("(");
        text.push(&self.numbers.name(id));
        text.push(",");
    }

    /// A call with one argument after the module's number.
    fn call(self, text: &mut Text, function: &str, id: &str, argument: &str) {
        self.head(text, function, id);
        text.push(argument);
        text.push(");\n");
    }

    fn url(self, text: &mut Text, id: &str) {
        let url = (self.url_of)(id).unwrap_or_default();
        self.call(text, "u", id, &literal(&url));
    }

    fn module(self, text: &mut Text, id: &str, module: &GraphModule, facts: &Arc<ModuleArtifact>) {
        let code = module.function.as_ref().unwrap_or(facts);
        if let Some(barrel) = &module.barrel {
            return self.barrel(text, id, module, barrel);
        }
        let deps = module.deps();
        match facts.kind {
            ModuleKind::Style => {
                self.head(text, "r", id);
                text.push(facts.code.trim_end());
                self.others(text, deps);
            }
            ModuleKind::CommonJs => {
                self.head(text, "c", id);
                text.push_module(code);
                self.others(text, deps);
            }
            ModuleKind::Esm => {
                self.head(text, "e", id);
                // Text of a sheet has that of others before it.
                let statics = facts.imports.iter().filter(|import| {
                    matches!(import.kind, ImportKind::Static | ImportKind::CssImport)
                });
                let list =
                    statics.map(|import| self.dependency(deps.get(import.specifier.as_str())));
                text.push(&format!("[{}],", list.collect::<Vec<_>>().join(",")));
                text.push_module(code);
                text.push(&self.more(id, module, code, deps));
                text.push(");\n");
            }
        }
    }

    fn barrel(self, text: &mut Text, id: &str, module: &GraphModule, barrel: &Barrel) {
        let deps = module.deps();
        self.head(text, "b", id);
        let list = barrel
            .imports
            .iter()
            .map(|specifier| self.dependency(deps.get(specifier.as_str())));
        text.push(&format!("[{}],{{", list.collect::<Vec<_>>().join(",")));
        let names = barrel.names.iter().map(|name| {
            let from = if name.imported == "default" {
                name.import.to_string()
            } else {
                format!("[{},{}]", name.import, literal(&name.imported))
            };
            format!("{}:{from}", key(&name.exported))
        });
        text.push(&names.collect::<Vec<_>>().join(","));
        text.push("}");
        if !barrel.stars.is_empty() {
            text.push(",");
            text.push(&json(&barrel.stars));
        }
        text.push(");\n");
    }

    /// What a module asks for as JavaScript: its number, or the complement in Node's mode.
    fn dependency(self, edge: Option<&Edge>) -> String {
        let Some(edge) = edge else {
            return "null".to_owned();
        };
        // The mode is about views of CommonJS alone.
        let node = edge.node && self.is_commonjs(&edge.id);
        match self.numbers.get(&edge.id) {
            Some(number) if node => (-1 - i64::from(number)).to_string(),
            Some(number) => number.to_string(),
            None => json(&Edge {
                id: edge.id.clone(),
                node,
            }),
        }
    }

    fn is_commonjs(self, id: &str) -> bool {
        self.graph.modules.get(id).is_none_or(|module| {
            module
                .artifact()
                .is_none_or(|artifact| artifact.kind == ModuleKind::CommonJs)
        })
    }

    fn table<'m>(self, deps: impl IntoIterator<Item = (&'m str, Edge)>) -> String {
        let entries = deps.into_iter().map(|(specifier, edge)| {
            format!("{}:{}", key(specifier), self.dependency(Some(&edge)))
        });
        format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
    }

    /// The end of a call whose last argument is what the module asks for by specifier.
    fn others(self, text: &mut Text, deps: BTreeMap<&str, Edge>) {
        if !deps.is_empty() {
            text.push(",");
            text.push(&self.table(deps));
        }
        text.push(");\n");
    }

    /// What only some ES modules have, as an argument of its own.
    fn more(
        self,
        id: &str,
        module: &GraphModule,
        code: &ModuleArtifact,
        mut deps: BTreeMap<&str, Edge>,
    ) -> String {
        let mut more = Vec::new();
        let is_other = |specifier: &str| {
            let mut links = module.links.iter();
            let is_listed = code
                .imports
                .iter()
                .any(|import| import.kind == ImportKind::Static && import.specifier == specifier);
            !is_listed
                || links.any(|link| link.specifier == specifier && link.kind != ImportKind::Static)
        };
        deps.retain(|specifier, _| is_other(specifier));
        if !deps.is_empty() {
            more.push(format!("deps:{}", self.table(deps)));
        }
        let eager: Vec<usize> = (0..code.globs.len())
            .filter(|index| {
                let glob = code.globs.get(*index);
                glob.is_some_and(|glob| glob.kind() == ImportKind::Static)
            })
            .collect();
        if !eager.is_empty() {
            more.push(format!("eager:{}", json(&eager)));
        }
        if [".meta", ".asset(", ".dynamicImport("]
            .iter()
            .any(|use_of_its_url| code.code.contains(use_of_its_url))
        {
            more.push(format!("url:{}", literal(id)));
        }
        if is_value(id) {
            more.push("value:true".to_owned());
        }
        if more.is_empty() {
            String::new()
        } else {
            format!(",{{{}}}", more.join(","))
        }
    }
}

/// Whether `CommonJS` that requires it sees its default export: data, not a script.
fn is_value(id: &str) -> bool {
    let (path, query) = split_query(id);
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let is_script = matches!(
        extension,
        "js" | "jsx"
            | "ts"
            | "tsx"
            | "mjs"
            | "mts"
            | "cjs"
            | "cts"
            | "mjsx"
            | "mtsx"
            | "cjsx"
            | "ctsx"
    );
    !query.is_empty() || !is_script
}

/// A property's name.
fn key(name: &str) -> String {
    let mut chars = name.chars();
    let is_plain = chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '$')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    match name {
        // As a plain name it would set the object's prototype.
        "__proto__" => "[\"__proto__\"]".to_owned(),
        name if is_plain => name.to_owned(),
        name => literal(name),
    }
}

//! Web workers of a release or a vendor chunk: one script each, with everything that it runs.
//!
//! A worker loads no chunks: its script is whole, dynamic imports included, as Vite's default format is.

use super::graph::{Graph, GraphModule};
use super::host::Loaded;
use crate::record::literal;
use std::collections::{BTreeMap, BTreeSet};

/// What stands before the modules of a worker, built from `worker-shims/live-client`.
const RUNTIME: &str = include_str!("../../../../worker-shims/live-client/dist/worker.js");

impl Graph {
    /// The workers that modules of `order` start, and those that these start: id of the URL → first module.
    pub(crate) fn workers(&self, order: &[String]) -> BTreeMap<String, String> {
        let mut workers = BTreeMap::new();
        let mut queue: Vec<String> = order.to_vec();
        while let Some(id) = queue.pop() {
            let Some(Loaded::Worker { entry }) = self.modules.get(&id).map(|module| &module.loaded)
            else {
                continue;
            };
            if workers.insert(id, entry.clone()).is_none() {
                queue.extend(self.execution_order(std::slice::from_ref(entry)));
            }
        }
        workers
    }

    /// Every module at which a worker starts.
    pub(crate) fn worker_entries(&self) -> BTreeSet<String> {
        let modules = self.modules.values();
        modules.filter_map(GraphModule::starts).cloned().collect()
    }
}

impl GraphModule {
    /// The first module of the worker whose URL this is.
    pub(crate) fn starts(&self) -> Option<&String> {
        match &self.loaded {
            Loaded::Worker { entry } => Some(entry),
            Loaded::Module(_) | Loaded::Asset { .. } | Loaded::Empty | Loaded::External => None,
        }
    }
}

/// A worker's script; `modules` are the registry calls of what its first module reaches.
pub(crate) fn script(entry: &str, modules: &str) -> String {
    let (before, after) = around(&literal(entry));
    format!("{before}{modules}{after}")
}

/// What stands before and after the modules of a worker's script; whole lines both.
/// `entry` is the first module as JavaScript.
pub(crate) fn around(entry: &str) -> (String, String) {
    (
        format!("{}\n", RUNTIME.trim_end()),
        format!("__hotplate__.work({{entry:{entry}}});\n"),
    )
}

/// The record of a worker whose script travels inside the script that starts it.
pub(crate) fn inline_record(script: &str) -> String {
    format!(
        "{{kind:\"esm\",imports:[],*run(h){{h.export({{default:()=>url}});yield;const url=URL.createObjectURL(new Blob([{}],{{type:\"text/javascript\"}}))}}}}",
        literal(script)
    )
}

//! A release's web workers: a hashed script each, beside the page's.
//!
//! A worker may start others and its own kind, so that no script can wait for the names of all scripts in it.
//! A name is therefore the hash of what the worker and those it starts run, written before any of them has a
//! name.

use super::numbers::Numbers;
use super::records::{MODULES, Records};
use super::text::{ReleaseMap, Text};
use super::{asset_name, emit_assets, path_of};
use crate::assets::is_inline_worker;
use crate::native::graph::Graph;
use crate::native::worker::around;
use crate::resolution_paths::split_query;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Workers of a release.
pub(super) struct Workers {
    /// URLs by module id, those of assets included.
    pub(super) urls: BTreeMap<String, String>,
    /// Scripts that travel inside the page's, by module id.
    pub(super) inlined: BTreeMap<String, String>,
    /// Of the scripts that are files.
    pub(super) maps: Vec<ReleaseMap>,
}

/// Puts the workers that modules of `order` start, and assets that only workers use, among the files.
/// `urls` are those of the page's own assets.
pub(super) fn emit(
    graph: &Graph,
    order: &[String],
    mut urls: BTreeMap<String, String>,
    is_public: &dyn Fn(&str) -> bool,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Workers {
    let workers: Vec<Worker> = graph
        .workers(order)
        .into_iter()
        .map(|(id, entry)| Worker {
            order: graph.execution_order(std::slice::from_ref(&entry)),
            id,
            entry,
        })
        .collect();
    for worker in &workers {
        urls.extend(emit_assets(graph, &worker.order, files));
    }
    let write = |worker: &Worker, urls: &BTreeMap<String, String>| {
        let url_of = |id: &str| {
            let public = || is_public(id).then(|| split_query(id).0.to_owned());
            urls.get(id).cloned().or_else(public)
        };
        let ids = || worker.order.iter().map(String::as_str);
        let numbers = Numbers::of(ids());
        let records = Records {
            graph,
            numbers: &numbers,
            url_of: &url_of,
            inlined: &BTreeMap::new(),
        };
        let (before, after) = around(&numbers.name(&worker.entry));
        let mut text = Text::default();
        text.push(&before);
        text.push(&format!("({MODULES}=>{{\n"));
        text.append(records.of(ids()));
        text.push("})(__hotplate__.modules);\n");
        text.push(&after);
        text
    };
    let nameless: Vec<(&str, Text)> = workers
        .iter()
        .map(|worker| (worker.id.as_str(), write(worker, &urls)))
        .collect();
    for worker in &workers {
        let started = graph.workers(std::slice::from_ref(&worker.id));
        let mut hash = Sha256::new();
        for (_, text) in nameless.iter().filter(|(id, _)| started.contains_key(*id)) {
            hash.update(text.as_str());
        }
        let hash = HEXLOWER.encode(&hash.finalize());
        let extension = worker.entry.rsplit_once('.').map_or("", |(_, end)| end);
        let path = path_of(asset_name(&worker.entry, extension), &hash, "js");
        urls.insert(worker.id.clone(), format!("/{path}"));
    }
    // A worker that another one starts has a file in any case: scripts in scripts in scripts help nobody.
    let started: BTreeSet<&String> = workers.iter().flat_map(|worker| &worker.order).collect();
    let mut inlined = BTreeMap::new();
    let mut maps = Vec::new();
    for worker in &workers {
        let text = write(worker, &urls);
        let is_inline = is_inline_worker(&worker.id);
        if !is_inline || started.contains(&worker.id) {
            let path = urls.get(&worker.id).map(|url| url.trim_start_matches('/'));
            let (code, map) = text.clone().finish(|_| path.unwrap_or_default().to_owned());
            files.insert(map.file.clone(), code.into_bytes());
            maps.push(map);
        }
        if is_inline {
            inlined.insert(worker.id.clone(), text.as_str().to_owned());
        }
    }
    Workers {
        urls,
        inlined,
        maps,
    }
}

struct Worker {
    /// Of its URL.
    id: String,
    entry: String,
    order: Vec<String>,
}

//! Web workers of a preview: what each one runs, and the URL that is another one when any of that is.
//!
//! A worker's URL names a version of everything it reaches, so that an edit of a module that only the worker
//! runs changes a module of the page: the page then decides what to do, as with any other update.

use super::Preview;
use super::walk::Work;
use crate::record;
use crate::tree::Artifacts;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A worker by the id of its URL's module: everything that it or a worker it starts reaches.
pub(super) type Workers = BTreeMap<String, BTreeSet<String>>;

impl Preview {
    /// Walks anew through workers of which something changed, and gives them new URLs.
    pub(super) fn renew_workers(&mut self, work: &mut Work, removed: &[String]) {
        let nodes = &self.nodes;
        self.workers
            .retain(|id, _| nodes.get(id).is_some_and(|node| node.worker.is_some()));
        let touched = |reached: &BTreeSet<String>| {
            let gone = removed.iter().chain(&work.gone);
            work.visited
                .iter()
                .chain(gone)
                .any(|id| reached.contains(id))
        };
        let mut stale: BTreeSet<String> = self
            .workers
            .iter()
            .filter(|(_, reached)| touched(reached))
            .map(|(id, _)| id.clone())
            .collect();
        let visited = work.visited.iter();
        stale.extend(
            visited
                .filter(|id| nodes.get(*id).is_some_and(|node| node.worker.is_some()))
                .cloned(),
        );
        for id in stale {
            let reached = self.reach(&id, true);
            let mut version = DefaultHasher::new();
            for target in &reached {
                // A worker's own hash is made of its URL, and workers may start each other.
                let node = self.nodes.get(target);
                let node = node.filter(|node| node.worker.is_none());
                (target, node.and_then(|node| node.module_hash)).hash(&mut version);
            }
            if let Some(node) = self.nodes.get_mut(&id)
                && node.become_worker(version.finish())
            {
                work.modules.insert(id.clone());
            }
            self.workers.insert(id, reached);
        }
    }

    /// What a module reaches, itself included. Without `through`, the walk ends at the URLs of workers.
    fn reach(&self, id: &str, through: bool) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut queue = vec![id.to_owned()];
        while let Some(id) = queue.pop() {
            let Some(node) = self.nodes.get(&id) else {
                continue;
            };
            if reached.insert(id) && (through || node.worker.is_none()) {
                queue.extend(node.targets.iter().cloned());
            }
        }
        reached
    }

    /// Registry calls for everything that a worker runs which starts with the module `entry`; `None` when no
    /// module starts such a worker.
    pub fn worker(&self, entry: &str, artifacts: &dyn Artifacts) -> Option<String> {
        let mut workers = self.workers.keys();
        workers.find(|id| {
            let worker = self.nodes.get(*id).and_then(|node| node.worker.as_deref());
            worker == Some(entry)
        })?;
        let mut out = String::new();
        for id in self.reach(entry, false) {
            if let Some(rendered) = self.render(&id, artifacts) {
                record::define(&mut out, &id, &rendered.code, &rendered.deps);
            }
        }
        Some(out)
    }
}

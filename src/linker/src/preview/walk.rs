//! The walk from changed modules to all that they newly reach, and the indexes it keeps.

use super::Preview;
use super::node::Node;
use crate::tree::{Artifacts, Tree};
use std::collections::BTreeSet;

/// What one link still has to do and has found.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) queue: BTreeSet<String>,
    pub(super) linked: u64,
    pub(super) visited: BTreeSet<String>,
    pub(super) modules: BTreeSet<String>,
    pub(super) css: BTreeSet<String>,
    pub(super) exports_changed: BTreeSet<String>,
    pub(super) gone: BTreeSet<String>,
    pub(super) edges_removed: bool,
}

impl Preview {
    pub(super) fn visit(
        &mut self,
        id: String,
        tree: &Tree,
        artifacts: &dyn Artifacts,
        work: &mut Work,
    ) {
        work.linked += 1;
        let Some(mut node) = Node::link(&id, tree, &self.resolver, &self.declared, artifacts)
        else {
            // The file is gone; whoever imported it is dirty too and says so.
            if self.nodes.contains_key(&id) {
                self.forget(&id);
                work.gone.insert(id);
                work.edges_removed = true;
            }
            return;
        };
        for target in &node.targets {
            if !self.nodes.contains_key(target) && *target != id {
                work.queue.insert(target.clone());
            }
        }
        let before = self.forget(&id);
        if let Some(before) = &before {
            node.keep_worker(before);
        }
        for target in &node.targets {
            self.importers
                .entry(target.clone())
                .or_default()
                .insert(id.clone());
        }
        for base in &node.bases {
            self.watchers
                .entry(base.clone())
                .or_default()
                .insert(id.clone());
        }
        for specifier in node.packages.keys() {
            self.packages
                .entry(specifier.clone())
                .or_default()
                .insert(id.clone());
        }
        if before
            .as_ref()
            .is_none_or(|before| before.module_hash != node.module_hash)
        {
            work.modules.insert(id.clone());
            if node.is_asset {
                // Sheets carry URLs in their text: a new URL makes a new text.
                for importer in self.importers.get(&id).into_iter().flatten() {
                    if self
                        .nodes
                        .get(importer)
                        .is_some_and(|importer| importer.css_hash.is_some())
                    {
                        work.queue.insert(importer.clone());
                    }
                }
            }
        }
        if node.module_hash.is_none()
            && before
                .as_ref()
                .is_some_and(|before| before.module_hash.is_some())
        {
            // Whoever keeps artifacts has lost this one.
            work.gone.insert(id.clone());
        }
        if node.css_hash.is_some()
            && before
                .as_ref()
                .is_none_or(|before| before.css_hash != node.css_hash)
        {
            work.css.insert(id.clone());
        }
        if before
            .as_ref()
            .is_none_or(|before| before.exports != node.exports)
        {
            work.exports_changed.insert(id.clone());
        }
        work.edges_removed |= before.is_some_and(|before| !before.targets.is_subset(&node.targets));
        work.visited.insert(id.clone());
        self.nodes.insert(id, node);
    }

    /// Takes a node out of every index.
    pub(super) fn forget(&mut self, id: &str) -> Option<Node> {
        let node = self.nodes.remove(id)?;
        let indexes = [
            (&mut self.importers, node.targets.iter().collect::<Vec<_>>()),
            (&mut self.watchers, node.bases.iter().collect()),
            (&mut self.packages, node.packages.keys().collect()),
        ];
        for (index, keys) in indexes {
            for key in keys {
                if let Some(ids) = index.get_mut(key) {
                    ids.remove(id);
                    if ids.is_empty() {
                        index.remove(key);
                    }
                }
            }
        }
        Some(node)
    }

    /// Drops what no root reaches; answers the ids.
    pub(super) fn sweep(&mut self) -> Vec<String> {
        let mut reached: BTreeSet<String> = BTreeSet::new();
        let mut queue: Vec<String> = self.roots.iter().cloned().collect();
        while let Some(id) = queue.pop() {
            if let Some(node) = self.nodes.get(&id)
                && reached.insert(id)
            {
                queue.extend(node.targets.iter().cloned());
            }
        }
        let gone: Vec<String> = self
            .nodes
            .keys()
            .filter(|id| !reached.contains(*id))
            .cloned()
            .collect();
        for id in &gone {
            self.forget(id);
        }
        gone
    }
}

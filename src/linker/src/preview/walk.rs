//! The walk from changed modules to all that they newly reach, and the indexes it keeps.

use super::Preview;
use super::node::Node;
use crate::diagnose;
use crate::styles::{MAX_CONDITIONED, is_conditioned};
use crate::tree::{Artifacts, Tree};
use std::collections::BTreeSet;

/// What one link still has to do and has found.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) queue: BTreeSet<String>,
    pub(super) linked: u64,
    /// Sheets under conditions among the queue.
    pub(super) conditioned: usize,
    pub(super) visited: BTreeSet<String>,
    pub(super) modules: BTreeSet<String>,
    pub(super) css: BTreeSet<String>,
    pub(super) exports_changed: BTreeSet<String>,
    pub(super) gone: BTreeSet<String>,
    /// Modules that lost an importer.
    pub(super) lost: BTreeSet<String>,
    /// Whether what the app asks of npm may be something else.
    pub(super) packages_changed: bool,
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
        if is_conditioned(&id) {
            work.conditioned = work.conditioned.saturating_sub(1);
        }
        let Some(mut node) = Node::link(&id, tree, &self.resolver, &self.declared, artifacts)
        else {
            // The file is gone; whoever imported it is dirty too and says so.
            if let Some(node) = self.forget(&id) {
                work.packages_changed |= !node.packages.is_empty();
                work.lost.extend(node.targets);
                work.gone.insert(id);
            }
            return;
        };
        self.ask_for_targets(&id, &mut node, work);
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
        }
        let is_new_file = before.as_ref().is_none_or(|before| {
            before.module_hash != node.module_hash || before.version != node.version
        });
        if node.is_asset && is_new_file {
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
        let packages = before.as_ref().map(|before| before.packages.keys());
        work.packages_changed |= match packages {
            Some(packages) => !packages.eq(node.packages.keys()),
            None => !node.packages.is_empty(),
        };
        if let Some(before) = before {
            let lost = before.targets.difference(&node.targets);
            work.lost.extend(lost.cloned());
        }
        if !node.patterns.is_empty() {
            self.patterned.insert(id.clone());
        }
        work.visited.insert(id.clone());
        self.conditioned += usize::from(is_conditioned(&id));
        self.nodes.insert(id, node);
    }

    /// Puts what a node needs into the queue, unless it is there.
    fn ask_for_targets(&self, id: &str, node: &mut Node, work: &mut Work) {
        let mut refused = false;
        for target in &node.targets {
            if self.nodes.contains_key(target) || target == id || work.queue.contains(target) {
                continue;
            }
            if is_conditioned(target) {
                if self.conditioned + work.conditioned >= MAX_CONDITIONED {
                    refused = true;
                    continue;
                }
                work.conditioned += 1;
            }
            work.queue.insert(target.clone());
        }
        if refused {
            node.diagnostics.push(diagnose::too_many_conditions(id));
        }
    }

    /// Takes a node out of every index.
    pub(super) fn forget(&mut self, id: &str) -> Option<Node> {
        let node = self.nodes.remove(id)?;
        self.conditioned -= usize::from(is_conditioned(id));
        self.troubled.remove(id);
        self.patterned.remove(id);
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

    /// Drops what no root reaches any more; answers the ids. Starts at modules that lost an importer and looks
    /// from them up to a root, so that an edit costs what it cuts off and not the whole app.
    pub(super) fn sweep(&mut self, work: &mut Work) -> Vec<String> {
        let mut gone = Vec::new();
        while let Some(id) = work.lost.pop_first() {
            if self.is_reached(&id) {
                continue;
            }
            if let Some(node) = self.forget(&id) {
                work.packages_changed |= !node.packages.is_empty();
                work.lost.extend(node.targets);
                gone.push(id);
            }
        }
        gone.sort();
        gone
    }

    /// Whether a root leads to a module.
    fn is_reached(&self, id: &str) -> bool {
        let mut seen = BTreeSet::from([id]);
        let mut queue = vec![id];
        while let Some(id) = queue.pop() {
            if self.roots.contains(id) {
                return true;
            }
            let importers = self.importers.get(id).into_iter().flatten();
            queue.extend(
                importers
                    .map(String::as_str)
                    .filter(|importer| seen.insert(*importer)),
            );
        }
        false
    }
}

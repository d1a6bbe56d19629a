//! Whether imported names exist: checked anew only where an import or an export changed.

use super::{Preview, Work};
use crate::app_resolver::nearest;
use crate::diagnose;
use std::collections::BTreeSet;

impl Preview {
    /// Checks the visited modules, and the importers of those whose exports changed.
    pub(super) fn check_exports(&mut self, work: &Work) {
        let mut ids = work.visited.clone();
        let mut sources: Vec<&String> = work.exports_changed.iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(source) = sources.pop() {
            if !seen.insert(source) {
                continue;
            }
            for importer in self.importers.get(source).into_iter().flatten() {
                ids.insert(importer.clone());
                // Names travel on through `export *`.
                if self
                    .nodes
                    .get(importer)
                    .is_some_and(|node| !node.exports.stars.is_empty())
                {
                    sources.push(importer);
                }
            }
        }
        for id in ids {
            let Some(node) = self.nodes.get(&id) else {
                continue;
            };
            let mut found = Vec::new();
            for (target, import) in &node.imports {
                for name in import.all_names().filter(|name| *name != "*") {
                    if !self.exports_name(target, name, &mut BTreeSet::new()) {
                        let names = self.nodes.get(target).map(|node| &node.exports.names);
                        let names = names.into_iter().flatten().map(String::as_str);
                        let mut diagnostic = diagnose::missing_export(&id, import, name, target);
                        diagnostic.fix = nearest(name, names).map(diagnose::did_you_mean);
                        found.push(diagnostic);
                    }
                }
            }
            if let Some(node) = self.nodes.get_mut(&id) {
                node.export_diagnostics = found;
                if node.is_troubled() {
                    self.troubled.insert(id);
                } else {
                    self.troubled.remove(&id);
                }
            }
        }
    }

    /// Whether `id` exports `name`, as far as that can be told.
    fn exports_name(&self, id: &str, name: &str, seen: &mut BTreeSet<String>) -> bool {
        let Some(node) = self.nodes.get(id) else {
            return true;
        };
        if !node.exports.known || node.exports.names.contains(name) {
            return true;
        }
        if !seen.insert(id.to_owned()) || name == "default" {
            return false;
        }
        node.exports.stars.iter().any(|star| match star {
            None => true,
            Some(target) => self.exports_name(target, name, seen),
        })
    }
}

//! Class names of CSS modules: what the file calls them, and what stands in the page.
//!
//! `composes: … from` names classes of another file. Which file that is, and what its classes compose in
//! turn, is known where modules are linked: the record says the reference, the registry follows it.

use std::collections::{BTreeMap, BTreeSet};

use lightningcss::css_modules::{
    CssModuleExport, CssModuleExports, CssModuleReference, Pattern, Segment,
};
use lightningcss::dependencies::Location;

use super::{Requests, path_hash};
use crate::artifact::ImportKind;
use crate::text::quote;

/// The names that a sheet exports.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Local name → names in the page, joined with spaces.
    own: BTreeMap<String, String>,
    /// Local name → classes of other files: specifier and local name there.
    composed: BTreeMap<String, Vec<(String, String)>>,
}

/// `card` becomes `card_x1y2z`, the same for the same file and name for ever.
pub(super) fn pattern(path: &str) -> Pattern {
    Pattern {
        segments: [
            Segment::Local,
            Segment::Literal("_".into()),
            Segment::Literal(path_hash(path).into()),
        ]
        .into_iter()
        .collect(),
    }
}

impl Names {
    /// Takes what lightningcss found; other files are asked for after everything that the sheet imports.
    /// `suffix` is the query that their specifiers get.
    pub(super) fn collect(
        exports: &CssModuleExports,
        requests: &mut Requests,
        specifier_of: &dyn Fn(&str) -> String,
    ) -> Self {
        // References within the file say the name in the page.
        let locals: BTreeMap<&str, &str> = exports
            .iter()
            .map(|(local, export)| (export.name.as_str(), local.as_str()))
            .collect();
        let mut names = Self::default();
        // Maps of lightningcss have no order of their own.
        let sorted: BTreeMap<&String, &CssModuleExport> = exports.iter().collect();
        for (local, export) in sorted {
            let mut own = vec![export.name.as_str()];
            let mut composed = Vec::new();
            let mut seen = BTreeSet::from([local.as_str()]);
            let mut queue: Vec<&CssModuleReference> = export.composes.iter().rev().collect();
            while let Some(reference) = queue.pop() {
                match reference {
                    CssModuleReference::Global { name } => own.push(name),
                    CssModuleReference::Local { name } => {
                        let Some(target) = locals.get(name.as_str()) else {
                            own.push(name);
                            continue;
                        };
                        if seen.insert(target) {
                            own.push(name);
                            let next = exports.get(*target).into_iter();
                            queue.extend(next.flat_map(|export| export.composes.iter().rev()));
                        }
                    }
                    CssModuleReference::Dependency { name, specifier } => {
                        let specifier = specifier_of(specifier);
                        let start = Location { line: 1, column: 1 };
                        requests.add(specifier.clone(), ImportKind::CssImport, start);
                        requests.add_name(&specifier, name);
                        composed.push((specifier, name.clone()));
                    }
                }
            }
            own.dedup();
            names.own.insert(local.clone(), own.join(" "));
            if !composed.is_empty() {
                names.composed.insert(local.clone(), composed);
            }
        }
        names
    }

    /// The local names.
    pub(super) fn locals(&self) -> Vec<String> {
        self.own.keys().cloned().collect()
    }

    /// The registry's record of a sheet that imports `sheets`, in this order.
    pub(super) fn record(&self, sheets: &[&str]) -> String {
        let mut members = vec!["kind: \"style\"".to_owned()];
        if !sheets.is_empty() {
            let sheets: Vec<String> = sheets.iter().map(|sheet| quote(sheet)).collect();
            members.push(format!("imports: [{}]", sheets.join(", ")));
        }
        let own = self.own.iter();
        members.push(object(
            "exports",
            own.map(|(key, names)| (key, quote(names))),
        ));
        if !self.composed.is_empty() {
            let composed = self.composed.iter().map(|(local, references)| {
                let references: Vec<String> = references
                    .iter()
                    .map(|(specifier, name)| format!("[{}, {}]", quote(specifier), quote(name)))
                    .collect();
                (local, format!("[{}]", references.join(", ")))
            });
            members.push(object("composes", composed));
        }
        format!("{{ {} }}", members.join(", "))
    }
}

fn object<'a>(name: &str, entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries: Vec<String> = entries
        .map(|(key, value)| {
            // As a plain key it would set the prototype.
            let key = if key == "__proto__" {
                "[\"__proto__\"]".to_owned()
            } else {
                quote(key)
            };
            format!("{key}: {value}")
        })
        .collect();
    if entries.is_empty() {
        return format!("{name}: {{}}");
    }
    format!("{name}: {{ {} }}", entries.join(", "))
}

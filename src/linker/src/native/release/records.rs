//! The calls that define modules, for chunks and for the scripts of workers.

use super::text::Text;
use crate::builtins::EMPTY;
use crate::native::graph::{Graph, NOTHING};
use crate::native::host::Loaded;
use crate::native::worker::inline_record;
use crate::record;
use std::collections::BTreeMap;

/// What records are written with.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) graph: &'a Graph,
    /// URLs of assets, workers and public files by module id.
    pub(super) url_of: &'a dyn Fn(&str) -> Option<String>,
    /// Scripts of workers by the id of their URL.
    pub(super) inlined: &'a BTreeMap<String, String>,
}

impl Records<'_> {
    /// Calls that define modules.
    pub(super) fn of<'a>(self, ids: impl IntoIterator<Item = &'a str>) -> Text {
        let mut code = Text::default();
        let mut served = BTreeMap::new();
        for (id, module) in ids
            .into_iter()
            .filter_map(|id| Some((id, self.graph.modules.get(id)?)))
        {
            match &module.loaded {
                Loaded::Worker { .. } => {
                    let record = match self.inlined.get(id) {
                        Some(script) => inline_record(script),
                        None => record::asset(&(self.url_of)(id).unwrap_or_default()),
                    };
                    define(&mut code, id, &record);
                }
                Loaded::Empty | Loaded::External => define(&mut code, id, EMPTY),
                Loaded::Asset { .. } => {
                    let url = (self.url_of)(id).unwrap_or_default();
                    define(&mut code, id, &record::asset(&url));
                }
                Loaded::Module(artifact) => {
                    code.push(&record::define_head(id));
                    match &module.code {
                        Some(record) => code.push(record),
                        None => code.push_module(artifact),
                    }
                    code.push(&record::define_tail(&module.deps()));
                    for link in module
                        .links
                        .iter()
                        .filter(|link| !self.graph.modules.contains_key(&link.id))
                    {
                        if link.id == NOTHING {
                            served.insert(link.id.as_str(), EMPTY.to_owned());
                        } else if link.is_internal()
                            && let Some(url) = (self.url_of)(&link.id)
                        {
                            served.insert(link.id.as_str(), record::asset(&url));
                        }
                    }
                }
            }
        }
        for (id, record) in served {
            define(&mut code, id, &record);
        }
        code
    }
}

/// A module that asks for nothing.
fn define(code: &mut Text, id: &str, record: &str) {
    code.push(&record::define_head(id));
    code.push(record);
    code.push(&record::define_tail(&BTreeMap::<&str, &str>::new()));
}

//! A chunk's style sheet: the sheets of its modules, each once, in execution order.

use crate::native::graph::{Graph, GraphModule, is_external};
use crate::resolution_paths::fragment_of;
use crate::styles::{Joined, substitute};
use hotplate_compiler::ImportKind;

/// Joins the sheets of the modules in `order`.
pub(super) fn join(
    graph: &Graph,
    order: &[&str],
    url_of: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut joined = Joined::default();
    for module in order.iter().filter_map(|id| graph.modules.get(*id)) {
        if let Some(css) = module
            .artifact()
            .and_then(|artifact| artifact.css.as_deref())
        {
            joined.push(&substitute(css, &|specifier| {
                target(module, specifier, url_of)
            }));
        }
    }
    joined.text()
}

fn target(
    module: &GraphModule,
    specifier: &str,
    url_of: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let link = module
        .links
        .iter()
        .find(|link| link.kind == ImportKind::Asset && link.specifier == specifier)?;
    if is_external(&link.id) {
        Some(link.id.clone())
    } else {
        url_of(&link.id).map(|url| url + fragment_of(specifier))
    }
}

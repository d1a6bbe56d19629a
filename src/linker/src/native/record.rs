//! Registry text that only vendor chunks and releases have: aliases, edge flags, empty modules.
//!
//! The calls they share with previews are in `crate::record`.

use crate::record::literal;
use serde::Serialize;

/// A value of a record's `deps`: the id, and whether the importer is in Node's ES module mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) id: String,
    pub(crate) node: bool,
}

impl Serialize for Edge {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.node {
            (&self.id, "node").serialize(serializer)
        } else {
            self.id.serialize(serializer)
        }
    }
}

/// Appends `alias(alias, id)`.
pub(crate) fn alias(out: &mut String, alias: &str, id: &str) {
    out.push_str("__hotplate__.alias(");
    out.push_str(&literal(alias));
    out.push(',');
    out.push_str(&literal(id));
    out.push_str(");\n");
}

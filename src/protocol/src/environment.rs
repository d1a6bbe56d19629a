//! An app's public values, `import.meta.env.VITE_*`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Body and answer of `PUT /v1/apps/{slug}/env`, answer of `GET`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Name → value, all of them: a `PUT` replaces what was there. Names begin with `VITE_`.
    pub vars: BTreeMap<String, String>,
}

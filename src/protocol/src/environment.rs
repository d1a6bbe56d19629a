//! What an app is given: public values, `import.meta.env.VITE_*`, and secrets of its server.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Body of `PUT /v1/apps/{slug}/env`; what is absent stays as it is.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeEnvironment {
    /// Name → value, all of them: they replace what was there. Names begin with `VITE_`.
    #[serde(default)]
    pub vars: Option<BTreeMap<String, String>>,
    /// Name → value; `null` removes one. Those that are not named stay: nobody can read them to send them again.
    #[serde(default)]
    pub secrets: BTreeMap<String, Option<String>>,
}

/// Answer of `GET` and `PUT /v1/apps/{slug}/env`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Name → value.
    pub vars: BTreeMap<String, String>,
    /// Names, sorted; values are never told.
    pub secrets: Vec<String>,
}

/// Secrets in the open: name → value. They show nowhere: not in logs, not in errors.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(pub BTreeMap<String, String>);

impl Secrets {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

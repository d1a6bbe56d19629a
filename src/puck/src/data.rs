//! The shape of Puck's data: reads what real editors store, old forms included.
//!
//! Tolerates and keeps unknown keys; refuses only what cannot be rendered.

use serde_json::{Map, Value};

/// Deepest nesting of components that is rendered.
pub const MAX_DEPTH: usize = 64;

/// Data that cannot become a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Not an object, or `content` is no list.
    #[error("{path} is not {expected}")]
    Shape {
        /// Where: `content[2].props`.
        path: String,
        /// What was expected there.
        expected: &'static str,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("components are nested deeper than {MAX_DEPTH} at {path}")]
    TooDeep {
        /// Where.
        path: String,
    },
}

impl DataError {
    /// Stable code for the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape { .. } => "puck_invalid_data",
            Self::TooDeep { .. } => "puck_too_deep",
        }
    }
}

/// One component of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Component<'a> {
    /// Type name in the Puck config.
    pub(crate) kind: &'a str,
    /// Its props, `id` included.
    pub(crate) props: &'a Map<String, Value>,
}

impl<'a> Component<'a> {
    /// `props.id`: unlike React keys it is unique in the page and names the zones.
    pub(crate) fn id(self) -> Option<&'a str> {
        self.props.get("id").and_then(Value::as_str)
    }
}

/// A page: root props, content, zones.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// Props of the root, from `root.props` or, in old data, from `root` itself.
    pub(crate) root: Option<&'a Map<String, Value>>,
    /// The top-level components.
    pub(crate) content: &'a [Value],
    /// `<parent id>:<zone>` → components; the form before slots.
    zones: Option<&'a Map<String, Value>>,
}

impl<'a> Document<'a> {
    pub(crate) fn read(data: &'a Value) -> Result<Self, DataError> {
        let shape = |path: &str, expected| DataError::Shape {
            path: path.to_owned(),
            expected,
        };
        let object = data.as_object().ok_or_else(|| shape("data", "an object"))?;
        let content = match object.get("content") {
            None => &[][..],
            Some(content) => content
                .as_array()
                .ok_or_else(|| shape("content", "a list"))?,
        };
        let zones = match object.get("zones") {
            None | Some(Value::Null) => None,
            Some(zones) => Some(
                zones
                    .as_object()
                    .ok_or_else(|| shape("zones", "an object"))?,
            ),
        };
        let root = object.get("root").and_then(Value::as_object);
        let root = match root.and_then(|root| root.get("props")) {
            Some(props) => props.as_object(),
            None => root,
        };
        Ok(Self {
            root,
            content,
            zones,
        })
    }

    /// Zones of the component with that id: zone name and its components.
    pub(crate) fn zones_of(&self, id: &str) -> Vec<(&'a str, &'a [Value])> {
        let Some(zones) = self.zones else {
            return Vec::new();
        };
        zones
            .iter()
            .filter_map(|(key, list)| {
                // Ids may hold colons themselves; the zone's name is what follows this id.
                let zone = key.strip_prefix(id)?.strip_prefix(':')?;
                Some((zone, list.as_array()?.as_slice()))
            })
            .collect()
    }
}

/// Reads one entry of a list of components.
pub(crate) fn component<'a>(value: &'a Value, path: &str) -> Result<Component<'a>, DataError> {
    let shape = |expected| DataError::Shape {
        path: path.to_owned(),
        expected,
    };
    let object = value.as_object().ok_or_else(|| shape("a component"))?;
    let kind = object
        .get("type")
        .and_then(Value::as_str)
        .ok_or_else(|| shape("a component with a type"))?;
    let props = object
        .get("props")
        .and_then(Value::as_object)
        .ok_or_else(|| shape("a component with props"))?;
    Ok(Component { kind, props })
}

/// Whether a prop is a slot. Only the Puck config knows for certain; without it a slot is a
/// non-empty list in which every entry looks like a component.
pub(crate) fn is_slot(value: &Value) -> Option<&[Value]> {
    let list = value.as_array()?;
    let looks_like = |entry: &Value| {
        entry.get("type").is_some_and(Value::is_string)
            && entry.get("props").is_some_and(Value::is_object)
    };
    (!list.is_empty() && list.iter().all(looks_like)).then_some(list)
}

//! One page of data → one TSX module.
//!
//! Slots become components of their own at module level: Puck hands slots to a component as
//! components (`<Content />`), and one made anew at each render would lose its state.

use crate::data::{Component, DataError, Document, MAX_DEPTH, component, is_slot};
use crate::literal;
use crate::names::{Names, pascal_case};
use crate::safety;
use serde_json::Value;
use std::fmt::Write as _;

/// How a page is generated.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where components are imported from; `<folder>/<Type>` must have an export `<Type>`.
    pub components: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            components: "../components".to_owned(),
        }
    }
}

/// Something that was left out, for the one who edits the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where in the data.
    pub path: String,
    /// Stable code: `puck_unsafe_url`, `puck_renamed_type`.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// A generated page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Name of the exported component.
    pub name: String,
    /// The TSX module.
    pub source: String,
    /// Component names the module imports, sorted.
    pub components: Vec<String>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Turns Puck data into a module that exports the page as default.
///
/// `name` is the page's name (`about us` → `AboutUs`).
pub fn generate(name: &str, data: &Value, options: &Options) -> Result<Page, DataError> {
    let document = Document::read(data)?;
    let mut names = Names::default();
    names.reserve("React");
    let page = names.fresh(&format!("{}Page", pascal_case(name)));
    let mut generator = Generator {
        document: &document,
        types: names,
        parts: String::new(),
        warnings: Vec::new(),
    };
    let content = generator.list(document.content, "content", 1)?;
    let root_zones = generator.root_zones()?;
    let title = document
        .root
        .and_then(|root| root.get("title"))
        .and_then(Value::as_str);

    let mut imports = String::new();
    let mut components = Vec::new();
    for (kind, local) in generator.types.all() {
        let module = pascal_case(kind);
        let binding = if *local == module {
            module.clone()
        } else {
            format!("{module} as {local}")
        };
        let from = literal::string(&format!("{}/{module}", options.components));
        // Writing to a String cannot fail.
        let _ = writeln!(imports, "import {{ {binding} }} from {from};");
        components.push(module);
    }
    components.sort();
    components.dedup();
    let mut source = imports;
    source.push_str(&generator.parts);
    let _ = write!(
        source,
        "\nexport default function {page}() {{\n  return (\n    <>\n"
    );
    if let Some(title) = title {
        let _ = writeln!(
            source,
            "      <title>{{{}}}</title>",
            literal::string(title)
        );
    }
    source.push_str(&content);
    source.push_str(&root_zones);
    source.push_str("    </>\n  );\n}\n");
    Ok(Page {
        name: page,
        source,
        components,
        warnings: generator.warnings,
    })
}

struct Generator<'a> {
    document: &'a Document<'a>,
    /// Type → local name.
    types: Names,
    /// Slot components, before the page.
    parts: String,
    warnings: Vec<Warning>,
}

impl Generator<'_> {
    fn list(&mut self, list: &[Value], path: &str, depth: usize) -> Result<String, DataError> {
        let mut out = String::new();
        for (index, entry) in list.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let element = self.element(component(entry, &path)?, &path, depth)?;
            let _ = writeln!(out, "      {element}");
        }
        Ok(out)
    }

    fn element(
        &mut self,
        part: Component<'_>,
        path: &str,
        depth: usize,
    ) -> Result<String, DataError> {
        if depth > MAX_DEPTH {
            return Err(DataError::TooDeep {
                path: path.to_owned(),
            });
        }
        let local = self.types.of(part.kind);
        if pascal_case(part.kind) != part.kind {
            self.warnings.push(Warning {
                path: path.to_owned(),
                code: "puck_renamed_type",
                message: format!(
                    "`{}` is no component name; it is imported as {local}",
                    part.kind
                ),
            });
        }
        let mut props = String::from("{");
        for (index, (name, value)) in part.props.iter().enumerate() {
            props.push_str(if index == 0 { " " } else { ", " });
            props.push_str(&literal::key(name));
            props.push_str(": ");
            let place = format!("{path}.props.{name}");
            literal::value(&mut props, value, Some(name), &mut |value, name| {
                self.special(value, name, &local, &place, depth)
            })?;
        }
        let zones = part
            .id()
            .map(|id| self.document.zones_of(id))
            .unwrap_or_default();
        if !zones.is_empty() {
            let mut table = String::new();
            for (zone, list) in zones {
                let zone_path = format!("zones.{}:{zone}", part.id().unwrap_or_default());
                let content = self.list(list, &zone_path, depth + 1)?;
                let _ = write!(table, "{}: <>\n{content}</>, ", literal::key(zone));
            }
            let comma = if part.props.is_empty() { "" } else { "," };
            let _ = write!(
                props,
                "{comma} puck: {{ isEditing: false, renderDropZone: ({{ zone }}: {{ zone: string }}) => \
                 new Map(Object.entries({{ {table}}})).get(zone) ?? null }}"
            );
        }
        props.push_str(if props.len() == 1 { "}" } else { " }" });
        let key = part
            .id()
            .map(|id| format!(" key={{{}}}", literal::string(id)))
            .unwrap_or_default();
        Ok(format!("<{local}{key} {{...{props}}} />"))
    }

    /// Source for the values that are more than data: slots and links.
    fn special(
        &mut self,
        value: &Value,
        name: Option<&str>,
        parent: &str,
        path: &str,
        depth: usize,
    ) -> Result<Option<String>, DataError> {
        if let Some(slot) = is_slot(value) {
            let content = self.list(slot, path, depth + 1)?;
            let part = self
                .types
                .fresh(&format!("{parent}{}", pascal_case(name.unwrap_or("slot"))));
            let _ = write!(
                self.parts,
                "\nconst {part} = () => (\n    <>\n{content}    </>\n);\n"
            );
            return Ok(Some(part));
        }
        match (value, name) {
            (Value::String(url), Some(name))
                if safety::is_url_prop(name) && safety::runs_code(url) =>
            {
                self.warnings.push(Warning {
                    path: path.to_owned(),
                    code: "puck_unsafe_url",
                    message: "a link that runs code was replaced by #".to_owned(),
                });
                Ok(Some(literal::string("#")))
            }
            _ => Ok(None),
        }
    }

    /// Zones of the root are drawn after the content, as `<DropZone>`s of a root render would be.
    fn root_zones(&mut self) -> Result<String, DataError> {
        let mut out = String::new();
        for (zone, list) in self.document.zones_of("root") {
            out.push_str(&self.list(list, &format!("zones.root:{zone}"), 1)?);
        }
        Ok(out)
    }
}

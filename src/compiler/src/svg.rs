//! `?react` imports of SVG files: the drawing as a React component, as vite-plugin-svgr gives it to apps
//! written for Vite. The component is the default export and `ReactComponent`, since which of the two an app
//! takes stands in a configuration that is code and is not run here.
//!
//! Names of attributes become React's (`stroke-width` → `strokeWidth`), `style` an object, event handlers are
//! left out: React takes no text for them. Nothing is optimized.

use crate::module_id::ModuleId;
use crate::options::Options;
use crate::place::{Finding, Places};
use crate::{Outcome, script};
use roxmltree::{Attribute, Document, Node, ParsingOptions};
use serde_json::json;
use std::fmt::Write as _;

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 100;
/// Most nodes of a drawing, what its entities expand to included.
const MAX_NODES: u32 = 200_000;

const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

pub(crate) fn compile(
    id: &ModuleId<'_>,
    text: &str,
    places: Places<'_>,
    options: &Options,
) -> Outcome {
    // Drawing programs write a document type.
    let parsing = ParsingOptions {
        allow_dtd: true,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, parsing).map_err(|error| {
        let at = error.pos();
        vec![places.diagnostic_at(
            Finding::error("svg_syntax"),
            at.row,
            at.col,
            error.to_string(),
        )]
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" {
        return Err(vec![places.diagnostic(
            Finding::error("svg_syntax"),
            root.range().start,
            "Only a drawing, whose outermost element is <svg>, can be a component",
        )]);
    }
    let mut element = String::new();
    write_element(root, 0, &mut element).map_err(|at| {
        vec![places.diagnostic(
            Finding::error("nesting_too_deep"),
            at,
            "The elements are nested too deeply here",
        )]
    })?;
    let code = format!(
        "import {{ createElement }} from \"react\";\n\
         export function ReactComponent(props) {{ return {element}; }}\n\
         export default ReactComponent;\n"
    );
    // A map would lead to this text, which is nobody's.
    let options = Options {
        source_map: false,
        ..options.clone()
    };
    let mut artifact = script::compile(id, &code, places, &options)?;
    // Nor do places in it.
    for import in &mut artifact.imports {
        (import.line, import.column) = (0, 0);
    }
    Ok((artifact, Vec::new()))
}

/// Writes the call that makes an element; an error is the place of one that is too deep.
fn write_element(node: Node<'_, '_>, depth: usize, out: &mut String) -> Result<(), usize> {
    if depth > MAX_DEPTH {
        return Err(node.range().start);
    }
    let mut attributes = Vec::new();
    if depth == 0 {
        for namespace in node.namespaces() {
            let name = match namespace.name() {
                None => "xmlns",
                Some("xlink") => "xmlnsXlink",
                Some(_) => continue,
            };
            attributes.push((name.to_owned(), json!(namespace.uri()).to_string()));
        }
    }
    attributes.extend(node.attributes().filter_map(property));
    let attributes = object(&attributes);
    let _ = write!(out, "createElement({}, ", json!(node.tag_name().name()));
    let _ = match depth {
        0 => write!(out, "{{ ...{attributes}, ...props }}"),
        _ => write!(out, "{attributes}"),
    };
    let keeps_blanks = matches!(
        node.tag_name().name(),
        "text" | "tspan" | "textPath" | "style" | "title" | "desc"
    );
    for child in node.children() {
        if child.is_element() {
            out.push_str(", ");
            write_element(child, depth + 1, out)?;
        } else if let Some(text) = child.text().filter(|_| child.is_text())
            && (keeps_blanks || !text.trim().is_empty())
        {
            let _ = write!(out, ", {}", json!(text));
        }
    }
    out.push(')');
    Ok(())
}

/// An attribute as React names it.
fn property(attribute: Attribute<'_, '_>) -> Option<(String, String)> {
    let (name, value) = (attribute.name(), json!(attribute.value()).to_string());
    let name = match attribute.namespace() {
        None => name.to_owned(),
        Some(XLINK) => format!("xlink:{name}"),
        Some(XML) => format!("xml:{name}"),
        // What drawing programs keep for themselves.
        Some(_) => return None,
    };
    if name.len() > 2
        && name
            .get(..2)
            .is_some_and(|on| on.eq_ignore_ascii_case("on"))
    {
        return None;
    }
    Some(match name.as_str() {
        "style" => (name, style(attribute.value())),
        "class" => ("className".to_owned(), value),
        "for" => ("htmlFor".to_owned(), value),
        "tabindex" => ("tabIndex".to_owned(), value),
        "crossorigin" => ("crossOrigin".to_owned(), value),
        _ if name.starts_with("data-") || name.starts_with("aria-") => (name, value),
        _ => (camel_case(&name), value),
    })
}

/// Properties with their code, in their order (which a JSON object would not keep everywhere).
fn object(properties: &[(String, String)]) -> String {
    let properties = properties
        .iter()
        .map(|(name, code)| format!("{}: {code}", json!(name)));
    format!("{{ {} }}", properties.collect::<Vec<_>>().join(", "))
}

/// Declarations as React's style object.
fn style(text: &str) -> String {
    let declarations = text.split(';').filter_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        let name = name.trim();
        let key = if name.starts_with("--") {
            name.to_owned()
        } else {
            // React writes this one prefix with a small letter.
            camel_case(if name.starts_with("-ms-") {
                name.trim_start_matches('-')
            } else {
                name
            })
        };
        Some((key, json!(value.trim()).to_string()))
    });
    object(&declarations.collect::<Vec<_>>())
}

/// `stroke-width` → `strokeWidth`, `xlink:href` → `xlinkHref`, `-webkit-x` → `WebkitX`.
fn camel_case(name: &str) -> String {
    let mut upper = false;
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '-' | ':') {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.extend(character.to_uppercase());
        } else {
            out.push(character);
        }
    }
    out
}

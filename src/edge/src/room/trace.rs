//! Errors of previews by the app's sources: places in stack traces are those of generated code, and the
//! room has the source map of each module.
//!
//! A page may run older code than the tree has now. Such a place is left as it is: no place is better
//! than a wrong one.

use super::{
    Room,
    compilation::path_of,
    storage::{Meta, TextKind},
};
use crate::config::Config;
use hotplate_compiler::Origins;
use hotplate_domain::{
    Urls,
    limits::LOG_TEXT_BYTES,
    stack::{self, Script},
};
use hotplate_linker::RecordPlace;
use hotplate_protocol::{Diagnostic, Severity};
use std::{collections::BTreeMap, rc::Rc};
use worker::{Result, console_error};

/// An update's text is evaluated as an expression, with this many characters before it
/// (`compile` in `worker-shims/live-client/src/main.js`).
const BEFORE_UPDATE: u32 = 1;

/// An error by the app's sources.
pub(super) struct Traced {
    /// The error, at the first place of its stack that is in a source.
    pub(super) diagnostic: Diagnostic,
    /// Its stack.
    pub(super) stack: String,
    /// Its component stack.
    pub(super) component_stack: String,
}

/// A place in a source.
struct Found {
    path: String,
    line: u32,
    column: u32,
    origins: Rc<Origins>,
}

/// Looks places up; reads each map once.
struct Tracer<'a> {
    room: &'a Room,
    origin: String,
    maps: BTreeMap<String, Option<Rc<Origins>>>,
    registries: BTreeMap<u64, Vec<RecordPlace>>,
}

impl Room {
    /// The live host, with its trailing slash.
    pub(super) fn origin(&self) -> Result<String> {
        let app = self.storage.meta(Meta::App)?.unwrap_or_default();
        let config = Config::read(&self.env)?;
        Ok(Urls::new(config.base_domain).live(&app))
    }

    fn tracer(&self) -> Result<Tracer<'_>> {
        Ok(Tracer {
            room: self,
            origin: self.origin()?,
            maps: BTreeMap::new(),
            registries: BTreeMap::new(),
        })
    }

    /// An error of a viewer by the app's sources.
    pub(super) fn trace_error(
        &self,
        message: &str,
        stack: &str,
        component_stack: &str,
    ) -> Result<Traced> {
        let mut tracer = self.tracer()?;
        let mut first = None;
        let stack = tracer.rewrite(stack, &mut first);
        let component_stack = tracer.rewrite(component_stack, &mut first);
        let mut diagnostic = Diagnostic::without_place(
            Severity::Error,
            "runtime_error",
            stack::cut(message, LOG_TEXT_BYTES),
        );
        if let Some(found) = first {
            diagnostic.file = found.path;
            diagnostic.line = found.line;
            diagnostic.column = found.column;
            found.origins.add_frame(&mut diagnostic);
        }
        Ok(Traced {
            diagnostic,
            stack: stack::cut(&stack, LOG_TEXT_BYTES),
            component_stack: stack::cut(&component_stack, LOG_TEXT_BYTES),
        })
    }

    /// Arguments of a console line; errors among them come as their stacks.
    pub(super) fn trace_arguments(&self, args: &[String]) -> Result<Vec<String>> {
        let mut tracer = self.tracer()?;
        let mut left = LOG_TEXT_BYTES;
        let mut texts = Vec::new();
        for arg in args {
            let text = stack::cut(&tracer.rewrite(arg, &mut None), left);
            left = left.saturating_sub(text.len());
            texts.push(text);
            if left == 0 {
                break;
            }
        }
        Ok(texts)
    }
}

impl Tracer<'_> {
    fn rewrite(&mut self, trace: &str, first: &mut Option<Found>) -> String {
        stack::rewrite(trace, |place| {
            let found = self.find(place).unwrap_or_else(|error| {
                console_error!("a place could not be looked up: {error}");
                None
            })?;
            let words = format!("{}:{}:{}", found.path, found.line, found.column);
            first.get_or_insert(found);
            Some(words)
        })
    }

    fn find(&mut self, place: &stack::Place<'_>) -> Result<Option<Found>> {
        let Some(script) = stack::script(place.url, &self.origin) else {
            return Ok(None);
        };
        let (id, seq, line, before) = match script {
            Script::Module { id, seq } => (id.to_owned(), seq, place.line, BEFORE_UPDATE),
            Script::Registry { seq } => match self.record(seq, place.line)? {
                Some(record) => {
                    let line = place.line - record.line + 1;
                    (record.id, seq, line, record.column)
                }
                None => return Ok(None),
            },
        };
        let before = if line == 1 { before } else { 0 };
        let Some(origins) = self.origins(&id, seq)? else {
            return Ok(None);
        };
        let column = place.column.saturating_sub(before);
        let found = origins.find(line, column);
        Ok(found.map(|(line, column)| Found {
            path: path_of(&id).to_owned(),
            line,
            column,
            origins,
        }))
    }

    /// The record that a line of a page's registry belongs to.
    fn record(&mut self, seq: u64, line: u32) -> Result<Option<RecordPlace>> {
        let places = match self.registries.entry(seq) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(unknown) => {
                let text = self.room.storage.text(TextKind::Places, &seq.to_string())?;
                let places = match text {
                    Some(text) => serde_json::from_str(&text)?,
                    None => Vec::new(),
                };
                unknown.insert(places)
            }
        };
        let after = places.partition_point(|place| place.line <= line);
        Ok(after
            .checked_sub(1)
            .and_then(|index| places.get(index))
            .cloned())
    }

    /// The map of a module as pages have it that were at update `seq`; `None` when the tree has moved on.
    fn origins(&mut self, id: &str, seq: u64) -> Result<Option<Rc<Origins>>> {
        let artifact = self.room.storage.artifact(id)?;
        if artifact.is_none_or(|row| row.since > seq) {
            return Ok(None);
        }
        if let Some(known) = self.maps.get(id) {
            return Ok(known.clone());
        }
        let text = self.room.storage.text(TextKind::Map, id)?;
        let origins = text.as_deref().and_then(Origins::read).map(Rc::new);
        self.maps.insert(id.to_owned(), origins.clone());
        Ok(origins)
    }
}

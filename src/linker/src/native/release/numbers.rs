//! What modules are called in a release's scripts: numbers, which are short.
//!
//! A number depends on as little as it can, because a chunk's name depends on those in it: packages of the
//! page do not count its own modules, and other chunks count from a number of their own.

use super::chunks::Chunks;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Numbers of the modules of all scripts that run in one registry.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a>(HashMap<&'a str, u32>);

/// Modules that a chunk may have; each chunk's numbers begin at a multiple of it.
const SPACE: u32 = 1 << 16;
/// Chunks that can have a place of their own; a number fits in 31 bits, so that its complement is negative.
const PLACES: u32 = 1 << 14;

impl<'a> Numbers<'a> {
    /// One after the other.
    pub(super) fn of(ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self(ids.into_iter().zip(0..).collect())
    }

    /// Those of a page's chunks.
    pub(super) fn of_chunks(chunks: &Chunks<'a>) -> Self {
        let fits = |count: usize| count < SPACE as usize / 2;
        let others = &chunks.others;
        if others.len() > PLACES as usize / 2
            || !fits(chunks.page.modules.len())
            || others.iter().any(|chunk| !fits(chunk.modules.len()))
        {
            let all = std::iter::once(&chunks.page).chain(others);
            return Self::of(all.flat_map(|chunk| chunk.modules.iter().copied()));
        }
        let mut numbers = HashMap::new();
        let (mut of_package, mut of_app) = (0, 1);
        for id in &chunks.page.modules {
            let next = if id.starts_with("npm:") {
                &mut of_package
            } else {
                &mut of_app
            };
            numbers.insert(*id, *next);
            *next += 2;
        }
        let mut taken = HashSet::new();
        for chunk in others {
            // After its last module, which is the one that is asked for.
            let mut place = place(chunk.modules.last().copied().unwrap_or_default());
            while !taken.insert(place) {
                place = (place + 1) % PLACES;
            }
            let first = (place + 1) * SPACE;
            numbers.extend(chunk.modules.iter().copied().zip(first..));
        }
        Self(numbers)
    }

    pub(super) fn get(&self, id: &str) -> Option<u32> {
        self.0.get(id).copied()
    }

    /// The number of a module that has one, as JavaScript.
    pub(super) fn name(&self, id: &str) -> String {
        self.get(id)
            .map_or_else(|| crate::record::literal(id), |number| number.to_string())
    }

    /// The same map with numbers for keys.
    pub(super) fn keyed<T>(&self, map: BTreeMap<&str, T>) -> BTreeMap<String, T> {
        let name = |id: &str| {
            self.get(id)
                .map_or_else(|| id.to_owned(), |number| number.to_string())
        };
        map.into_iter()
            .map(|(id, value)| (name(id), value))
            .collect()
    }
}

/// A place that follows from the text alone (FNV-1a, 32 bits).
fn place(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % PLACES
}

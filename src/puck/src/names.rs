//! Identifiers for the generated module: valid, readable, never twice.

use std::collections::{BTreeMap, BTreeSet};

/// `hero banner` → `HeroBanner`; never empty, never starting with a digit.
pub(crate) fn pascal_case(text: &str) -> String {
    let mut name = String::new();
    let mut upper = true;
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(if upper {
                character.to_ascii_uppercase()
            } else {
                character
            });
            upper = false;
        } else {
            upper = true;
        }
    }
    if name
        .chars()
        .next()
        .is_none_or(|first| first.is_ascii_digit())
    {
        name.insert(0, 'C');
    }
    name
}

/// Hands out names: the same key gets the same name, two keys never share one.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    by_key: BTreeMap<String, String>,
}

impl Names {
    pub(crate) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    /// The name of `key`, made from it at the first call.
    pub(crate) fn of(&mut self, key: &str) -> String {
        if let Some(name) = self.by_key.get(key) {
            return name.clone();
        }
        let name = self.fresh(&pascal_case(key));
        self.by_key.insert(key.to_owned(), name.clone());
        name
    }

    /// `wanted`, or `wanted2`, `wanted3`, … whichever is free.
    pub(crate) fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2_u32;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.by_key.iter()
    }
}

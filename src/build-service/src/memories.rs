//! What releases remember, for the apps that were released last.

use hotplate_linker::ReleaseMemory;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Apps that are remembered: an app of a thousand modules holds some 15 MB.
const APPS: usize = 3;

/// The memories, by app.
#[derive(Default)]
pub(crate) struct Memories(Mutex<VecDeque<(String, Arc<Mutex<ReleaseMemory>>)>>);

impl Memories {
    /// That of an app; the one that was asked for longest ago is forgotten for it.
    pub(crate) fn of(&self, app: &str) -> Arc<Mutex<ReleaseMemory>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|(name, _)| name == app);
        let found = place.and_then(|place| all.remove(place));
        let (name, memory) = found.unwrap_or_else(|| (app.to_owned(), Arc::default()));
        let answer = Arc::clone(&memory);
        all.push_front((name, memory));
        all.truncate(APPS);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_apps_are_remembered() {
        let memories = Memories::default();
        let first = memories.of("a");
        for app in ["b", "c"] {
            memories.of(app);
        }
        assert!(Arc::ptr_eq(&first, &memories.of("a")));
        memories.of("d");
        assert!(
            Arc::ptr_eq(&first, &memories.of("a")),
            "it was asked for after b"
        );
        for app in ["x", "y", "z"] {
            memories.of(app);
        }
        assert!(!Arc::ptr_eq(&first, &memories.of("a")));
    }
}

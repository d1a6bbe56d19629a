//! How much of one build may stand in memory at once: compiled modules and the files that a release is made of.
//!
//! Reckoned, not measured: all builds share the process and its caches. What the compiler needs for a module while it
//! works on it is bounded by the size of a file and the number of threads.

use hotplate_compiler::ModuleArtifact;
use hotplate_protocol::{Diagnostic, Severity};
use std::sync::atomic::{AtomicU64, Ordering};

/// Code of the diagnostic, and of the failure.
pub(crate) const EXCEEDED: &str = "build_memory_exceeded";

/// What one build holds.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit: u64,
    used: AtomicU64,
}

impl MemoryBudget {
    pub(crate) const fn new(limit: u64) -> Self {
        Self {
            limit,
            used: AtomicU64::new(0),
        }
    }

    /// So many bytes more are held on behalf of a module or file.
    pub(crate) fn hold(&self, id: &str, bytes: usize) -> Result<(), Vec<Diagnostic>> {
        let bytes = bytes as u64;
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used <= self.limit {
            return Ok(());
        }
        let message = format!(
            "The build needs more than {} bytes for its modules and files",
            self.limit
        );
        Err(vec![Diagnostic {
            file: id.trim_start_matches('/').to_owned(),
            ..Diagnostic::without_place(Severity::Error, EXCEEDED, message)
        }])
    }

    /// The same for a compiled module.
    pub(crate) fn hold_artifact(
        &self,
        id: &str,
        artifact: &ModuleArtifact,
    ) -> Result<(), Vec<Diagnostic>> {
        let texts = [&artifact.map, &artifact.css];
        let rest: usize = texts.into_iter().flatten().map(String::len).sum();
        self.hold(id, artifact.code.len() + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_up_to_the_limit() {
        let budget = MemoryBudget::new(100);
        assert_eq!(budget.hold("/a.ts", 60), Ok(()));
        assert_eq!(budget.hold("/b.ts", 40), Ok(()));
        let errors = budget.hold("/src/c.ts", 1).err().unwrap_or_default();
        let told: Vec<_> = errors.iter().map(|it| (&*it.file, &*it.code)).collect();
        assert_eq!(told, [("src/c.ts", EXCEEDED)]);
    }
}

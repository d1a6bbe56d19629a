//! Threads for tenant work: stacks deep enough for nested code, and panics that stop one build only.

use rayon::ThreadPool;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stack of the thread that links one build, and of each compiling thread.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Why work has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// A defect of ours; the message goes to the log and the caller.
    #[error("an internal error: {0}")]
    Panicked(String),
    /// The system gave no thread.
    #[error("no thread could be started: {0}")]
    NoThread(String),
}

/// A pool for compiling, one thread per core, with deep stacks.
pub(crate) fn pool() -> Result<ThreadPool, WorkError> {
    rayon::ThreadPoolBuilder::new()
        .stack_size(STACK_BYTES)
        .thread_name(|index| format!("compile-{index}"))
        .build()
        .map_err(|error| WorkError::NoThread(error.to_string()))
}

/// Runs `work` on a thread of its own and waits for it without blocking the runtime.
pub(crate) async fn on_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // What the work has to say belongs to whom it works for.
    let span = tracing::Span::current();
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Nobody may be listening any more; then the result is of no use.
            let _ = sender.send(span.in_scope(|| guarded(work)));
        })
        .map_err(|error| WorkError::NoThread(error.to_string()))?;
    receiver
        .await
        .unwrap_or_else(|_| Err(WorkError::Panicked("the thread ended early".to_owned())))
}

/// Runs `work`; a panic becomes an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, WorkError> {
    // Unwind safety: what the work touched is dropped with it; shared caches hold whole values.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| WorkError::Panicked(text(&*payload)))
}

fn text(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        })
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the point of the tests")]
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let result: Result<(), _> = on_thread("test", || panic!("number {}", 7)).await;
        assert_eq!(result, Err(WorkError::Panicked("number 7".to_owned())));
        assert_eq!(on_thread("test", || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn stacks_are_deep() {
        fn depth(left: u32) -> u32 {
            let frame = std::hint::black_box([0_u8; 1024]);
            if left == 0 {
                u32::from(frame[0])
            } else {
                1 + depth(left - 1)
            }
        }
        assert_eq!(on_thread("test", || depth(20_000)).await, Ok(20_000));
    }
}

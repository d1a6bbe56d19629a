//! Single flight: work asked for twice at the same time is done once, and everybody gets its result.
//!
//! It caches nothing: the next question after the end starts anew.

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

type Flight<T> = Shared<BoxFuture<'static, Option<T>>>;

/// Work in progress, by key.
pub(crate) struct Flights<T> {
    running: Mutex<HashMap<String, Flight<T>>>,
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(crate) fn new() -> Self {
        Self {
            running: Mutex::new(HashMap::new()),
        }
    }

    /// Joins the work of that key, or starts it. The work goes on when the one who asked leaves.
    /// `None` when it panicked.
    pub(crate) async fn join<F>(&self, key: &str, start: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let flight = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(flight) = running.get(key) {
                flight.clone()
            } else {
                let task = tokio::spawn(start());
                let flight: Flight<T> = async move { task.await.ok() }.boxed().shared();
                running.insert(key.to_owned(), flight.clone());
                flight
            }
        };
        let result = flight.clone().await;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Another flight of that key may have started meanwhile; it is not ours to forget.
        if running.get(key).is_some_and(|other| other.ptr_eq(&flight)) {
            running.remove(key);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::Flights;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn equal_work_at_the_same_time_runs_once() {
        let flights = Arc::new(Flights::new());
        let runs = Arc::new(AtomicU32::new(0));
        let ask = || {
            let (flights, runs) = (Arc::clone(&flights), Arc::clone(&runs));
            async move {
                flights
                    .join("key", || async move {
                        tokio::task::yield_now().await;
                        runs.fetch_add(1, Ordering::SeqCst)
                    })
                    .await
            }
        };
        assert_eq!(
            futures::join!(ask(), ask(), ask()),
            (Some(0), Some(0), Some(0))
        );
        assert_eq!(
            ask().await,
            Some(1),
            "the end of a flight makes room for the next"
        );
    }

    #[tokio::test]
    async fn a_panic_is_told_and_forgotten() {
        let flights: Flights<u32> = Flights::new();
        #[expect(clippy::panic, reason = "the point of the test")]
        let broken = flights.join("key", || async { panic!("on purpose") }).await;
        assert_eq!(broken, None);
        assert_eq!(flights.join("key", || async { 7 }).await, Some(7));
    }
}

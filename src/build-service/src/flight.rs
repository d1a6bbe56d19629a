//! Single flight: work asked for twice at the same time is done once, and everybody gets its result.
//!
//! It caches nothing: the next question after the end starts anew.

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

type Work<T> = Shared<BoxFuture<'static, Option<T>>>;

/// Where a flight says how far it is; whoever joined hears the newest.
pub(crate) type Progress = watch::Sender<String>;

struct Flight<T> {
    work: Work<T>,
    progress: watch::Receiver<String>,
}

impl<T> Clone for Flight<T>
where
    Work<T>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            work: self.work.clone(),
            progress: self.progress.clone(),
        }
    }
}

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
    /// `None` when it panicked. `hear` is told how far it is.
    pub(crate) async fn join<F>(
        &self,
        key: &str,
        start: impl FnOnce(Progress) -> F,
        mut hear: impl FnMut(&str),
    ) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flight = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(flight) = running.get(key) {
                flight.clone()
            } else {
                let (sender, progress) = watch::channel(String::new());
                let task = tokio::spawn(start(sender));
                let flight = Flight {
                    work: async move { task.await.ok() }.boxed().shared(),
                    progress,
                };
                running.insert(key.to_owned(), flight.clone());
                flight
            }
        };
        // Who joins late hears at once how far it is.
        flight.progress.mark_changed();
        let result = loop {
            tokio::select! {
                result = flight.work.clone() => break result,
                news = flight.progress.changed() => {
                    if news.is_err() {
                        break flight.work.clone().await;
                    }
                    let message = flight.progress.borrow_and_update().clone();
                    if !message.is_empty() {
                        hear(&message);
                    }
                }
            }
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Another flight of that key may have started meanwhile; it is not ours to forget.
        if running
            .get(key)
            .is_some_and(|other| other.work.ptr_eq(&flight.work))
        {
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
                    .join(
                        "key",
                        |_| async move {
                            tokio::task::yield_now().await;
                            runs.fetch_add(1, Ordering::SeqCst)
                        },
                        |_| {},
                    )
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
    async fn everybody_hears_how_far_it_is() {
        let flights = Arc::new(Flights::new());
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let (heard, mut told) = tokio::sync::mpsc::unbounded_channel();
        let start = |progress: super::Progress| async move {
            progress.send_replace("half".to_owned());
            assert!(wait.await.is_ok());
        };
        let one = flights.join("key", start, |message| {
            first.push(message.to_owned());
            assert_eq!(heard.send(()), Ok(()));
        });
        let two = async {
            assert_eq!(told.recv().await, Some(()));
            let late = flights.join(
                "key",
                |_| async {},
                |message| second.push(message.to_owned()),
            );
            let release = async { assert_eq!(go.send(()), Ok(())) };
            futures::join!(late, release).0
        };
        assert_eq!(futures::join!(one, two), (Some(()), Some(())));
        assert_eq!(
            (first, second),
            (vec!["half".to_owned()], vec!["half".to_owned()])
        );
    }

    #[tokio::test]
    async fn a_panic_is_told_and_forgotten() {
        let flights: Flights<u32> = Flights::new();
        #[expect(clippy::panic, reason = "the point of the test")]
        let broken = flights
            .join("key", |_| async { panic!("on purpose") }, |_| {})
            .await;
        assert_eq!(broken, None);
        assert_eq!(flights.join("key", |_| async { 7 }, |_| {}).await, Some(7));
    }
}

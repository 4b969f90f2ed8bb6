//! Folding: while one commit is under way the next batch gathers, and one transaction takes all.

use crate::error::{StoreError, StoreResult};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// At most so many share one commit, so that the first one does not wait for long.
const AT_MOST: usize = 256;
/// Those that may wait before callers have to.
const QUEUE: usize = 4_096;

type Place<T, R> = (T, oneshot::Sender<StoreResult<R>>);

/// A queue in front of a batch operation.
#[derive(Debug)]
pub(crate) struct Fold<T, R> {
    queue: mpsc::Sender<Place<T, R>>,
}

impl<T, R> Clone for Fold<T, R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Send + 'static, R: Send + 'static> Fold<T, R> {
    /// Starts the task that serves the queue. It ends when the last handle is dropped.
    pub(crate) fn start<F>(run: F) -> Self
    where
        F: Fn(Vec<T>) -> BoxFuture<'static, StoreResult<Vec<R>>> + Send + 'static,
    {
        let (queue, mut waiting) = mpsc::channel::<Place<T, R>>(QUEUE);
        tokio::spawn(async move {
            let mut places = Vec::with_capacity(AT_MOST);
            while waiting.recv_many(&mut places, AT_MOST).await > 0 {
                let (items, callers): (Vec<T>, Vec<_>) = places.drain(..).unzip();
                answer(callers, run(items).await);
            }
        });
        Self { queue }
    }

    /// Waits for a place in a batch and for its commit.
    pub(crate) async fn put(&self, item: T) -> StoreResult<R> {
        let closed = || StoreError::unavailable("the store is closed");
        let (tell, told) = oneshot::channel();
        self.queue.send((item, tell)).await.map_err(|_| closed())?;
        told.await.map_err(|_| closed())?
    }

    /// As [`Fold::put`] for several, which are handed in and answered in their order. They may be
    /// spread over several batches.
    pub(crate) async fn put_all(&self, items: Vec<T>) -> StoreResult<Vec<R>> {
        let closed = || StoreError::unavailable("the store is closed");
        let mut waiting = Vec::with_capacity(items.len());
        for item in items {
            let (tell, told) = oneshot::channel();
            self.queue.send((item, tell)).await.map_err(|_| closed())?;
            waiting.push(told);
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for told in waiting {
            answers.push(told.await.map_err(|_| closed())??);
        }
        Ok(answers)
    }
}

/// Gives each caller its part, or all of them the failure. A caller that went away is passed over.
fn answer<R>(callers: Vec<oneshot::Sender<StoreResult<R>>>, outcome: StoreResult<Vec<R>>) {
    match outcome {
        Ok(results) => {
            for (caller, result) in callers.into_iter().zip(results) {
                drop(caller.send(Ok(result)));
            }
        }
        Err(error) => {
            let cause = Arc::new(error);
            for caller in callers {
                drop(caller.send(Err(StoreError::unavailable(Arc::clone(&cause)))));
            }
        }
    }
}

//! Orders by their id, for systems that do not know ids themselves: the same id is the same act.
//!
//! An act goes on when its caller stops waiting, so that a slow command is not cut in the middle. A later
//! order ends an earlier one that is still under way and begins when that has let go: a rollback waits for
//! nothing, and nothing that was started before it can come after it.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{Accepted, BackendError};
use crate::domain::OrderId;

type Outcome = Result<Accepted, BackendError>;

/// Orders that are remembered; an engine retries none but the last.
const MEMORY: usize = 32;

/// The orders of one process.
#[derive(Debug, Default)]
pub(super) struct Acts {
    known: Mutex<VecDeque<Known>>,
    /// Held while one act takes the place of another, never while one runs.
    change: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known {
    id: OrderId,
    outcome: watch::Receiver<Option<Outcome>>,
    task: AbortHandle,
}

impl Acts {
    /// Carries out what `act` makes, unless `id` was carried out or is under way: then that one's outcome counts.
    /// `act` is told whether the id was tried before without a clear end.
    pub(super) async fn once<F>(&self, id: &OrderId, act: impl FnOnce(bool) -> F) -> Outcome
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let change = self.change.lock().await;
        let outcome = match self.known(id) {
            Found::Done(outcome) => return outcome,
            Found::UnderWay(outcome) => outcome,
            Found::Nothing { again } => {
                for mut ended in self.end_all() {
                    // Closed when the task is gone, and whatever it held with it.
                    let _ = ended.wait_for(Option::is_some).await;
                }
                let (tell, outcome) = watch::channel(None);
                let act = act(again);
                let task = tokio::spawn(async move {
                    let _ = tell.send(Some(act.await));
                });
                self.remember(Known { id: id.clone(), outcome: outcome.clone(), task: task.abort_handle() });
                outcome
            }
        };
        drop(change);
        let mut outcome = outcome;
        let settled = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        settled.ok().flatten().unwrap_or_else(|| Err(BackendError::Unknown("a later order ended this one".into())))
    }

    fn known(&self, id: &OrderId) -> Found {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = known.iter().position(|known| known.id == *id) else { return Found::Nothing { again: false } };
        let is_gone = known[at].outcome.has_changed().is_err();
        let outcome = known[at].outcome.borrow().clone();
        match outcome {
            Some(Ok(accepted)) => Found::Done(Ok(accepted)),
            None if !is_gone => Found::UnderWay(known[at].outcome.clone()),
            None => Found::Done(Err(BackendError::Conflict("a later order ended this one".into()))),
            Some(Err(error)) => {
                known.remove(at);
                Found::Nothing { again: error.may_have_happened() }
            }
        }
    }

    /// Ends what is under way.
    fn end_all(&self) -> Vec<watch::Receiver<Option<Outcome>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let running = known.iter().filter(|known| known.outcome.borrow().is_none());
        running
            .map(|known| {
                known.task.abort();
                known.outcome.clone()
            })
            .collect()
    }

    fn remember(&self, act: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MEMORY {
            known.pop_front();
        }
        known.push_back(act);
    }
}

enum Found {
    Done(Outcome),
    UnderWay(watch::Receiver<Option<Outcome>>),
    Nothing { again: bool },
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    fn id(text: &str) -> OrderId {
        OrderId(text.into())
    }

    const DONE: Outcome = Ok(Accepted { revision: None });

    #[tokio::test(start_paused = true)]
    async fn an_act_outlives_the_wait_for_it_and_happens_once() {
        let (acts, count) = (Acts::default(), Arc::new(AtomicU32::new(0)));
        let slow = |_: bool| {
            let count = Arc::clone(&count);
            async move {
                sleep(Duration::from_secs(20)).await;
                count.fetch_add(1, Ordering::Relaxed);
                DONE
            }
        };
        assert!(timeout(Duration::from_secs(3), acts.once(&id("a"), slow)).await.is_err());
        assert_eq!(acts.once(&id("a"), slow).await, DONE);
        assert_eq!(acts.once(&id("a"), slow).await, DONE);
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_order_ends_an_earlier_one_for_good() {
        let (acts, count) = (Acts::default(), Arc::new(AtomicU32::new(0)));
        let slow = |_: bool| {
            let count = Arc::clone(&count);
            async move {
                sleep(Duration::from_secs(20)).await;
                count.fetch_add(1, Ordering::Relaxed);
                DONE
            }
        };
        assert!(timeout(Duration::from_secs(3), acts.once(&id("a"), slow)).await.is_err());
        assert_eq!(timeout(Duration::from_secs(1), acts.once(&id("b"), |_| async { DONE })).await, Ok(DONE));
        sleep(Duration::from_secs(60)).await;
        assert_eq!(count.load(Ordering::Relaxed), 0, "what was ended has not happened afterwards");
        assert!(matches!(acts.once(&id("a"), slow).await, Err(BackendError::Conflict(_))), "nor by a late retry");
    }

    #[tokio::test]
    async fn what_failed_is_tried_again_and_knows_whether_it_may_have_happened() {
        let acts = Acts::default();
        let down = acts.once(&id("a"), |_| async { Err(BackendError::Unreachable("x".into())) }).await;
        assert!(down.is_err());
        let unknown = |again: bool| async move {
            assert!(!again);
            Err(BackendError::Unknown("x".into()))
        };
        assert!(acts.once(&id("a"), unknown).await.is_err());
        let again = |again: bool| async move {
            assert!(again);
            DONE
        };
        assert_eq!(acts.once(&id("a"), again).await, DONE);
    }
}

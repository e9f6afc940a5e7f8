//! The active split, its revision, and the orders that change it.
//!
//! A forward order (one with a revision) takes effect at once, is on disk before it is answered, and is undone if the
//! disk refuses. If the last save failed, the disk must accept the next forward order before it takes effect. A
//! rollback takes effect before anything else is tried: no lock, no disk and no other order can delay it. The answer
//! says whether it is on disk.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use super::picker::Picker;
use super::store::{Done, Saved, Store};
use crate::domain::{OrderId, Revision, Side, Split};

/// The number of orders that are remembered, to recognize retries.
const REMEMBERED: usize = 64;
/// How long an order waits for the disk.
const SAVE_LIMIT: Duration = Duration::from_secs(2);

/// An order as received by the admin interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    pub(super) split: Split,
    /// The revision that the order was made for. Only forward orders have it.
    pub(super) expected: Option<Revision>,
    pub(super) order: OrderId,
}

/// The result of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// In effect, and whether it is on disk.
    Done { done: Done, persisted: bool },
    /// The current revision differs; nothing was done.
    Conflict { revision: u64 },
    /// The id belongs to another order; nothing was done.
    Reused(Done),
    /// The state cannot be saved, so the forward order did not take effect.
    NotSaved(String),
}

/// The right to write the state file.
type Held = OwnedMutexGuard<Store>;

/// Owns the split. Nothing else changes it.
#[derive(Debug)]
pub(super) struct Control {
    picker: Picker,
    state: Mutex<State>,
    /// Held while the state file is written, even after the order no longer waits for the write.
    store: Arc<tokio::sync::Mutex<Store>>,
    /// The newest revision on disk.
    saved: Arc<AtomicU64>,
    /// Whether the last save failed.
    refusing: AtomicBool,
}

#[derive(Debug)]
struct State {
    split: Split,
    revision: u64,
    orders: VecDeque<Done>,
}

impl State {
    /// The order with this id, if it is known.
    fn known(&self, ask: &Ask) -> Option<&Done> {
        self.orders.iter().find(|done| done.id == ask.order)
    }

    fn apply(&mut self, ask: &Ask) -> Done {
        self.revision += 1;
        self.split = ask.split;
        if self.orders.len() == REMEMBERED {
            self.orders.pop_front();
        }
        let done = Done { id: ask.order.clone(), split: ask.split, revision: self.revision };
        self.orders.push_back(done.clone());
        done
    }

    fn to_saved(&self) -> Saved {
        Saved::new(self.split, self.revision, self.orders.iter().cloned().collect())
    }
}

impl Control {
    /// Starts from the saved state, or else from `initial` at revision 1.
    pub(super) fn new(store: Store, saved: Option<Saved>, initial: Split) -> Self {
        let on_disk = saved.as_ref().map_or(0, |saved| saved.revision);
        let saved = saved.unwrap_or_else(|| Saved::new(initial, 1, vec![]));
        Self {
            picker: Picker::new(saved.split),
            state: Mutex::new(State { split: saved.split, revision: saved.revision, orders: saved.orders.into() }),
            store: Arc::new(tokio::sync::Mutex::new(store)),
            saved: Arc::new(AtomicU64::new(on_disk)),
            refusing: AtomicBool::new(false),
        }
    }

    /// The side of the next request.
    pub(super) fn pick(&self) -> Side {
        self.picker.pick()
    }

    /// The split, the revision and the last order that was carried out.
    pub(super) fn read(&self) -> (Split, u64, Option<OrderId>) {
        let state = self.state();
        (state.split, state.revision, state.orders.back().map(|done| done.id.clone()))
    }

    /// Whether the active split is on disk.
    pub(super) fn is_persisted(&self) -> bool {
        self.saved.load(Ordering::Acquire) >= self.state().revision
    }

    /// Carries out an order or returns why not.
    pub(super) async fn order(&self, ask: &Ask) -> Reply {
        match &ask.expected {
            None => self.back(ask).await,
            Some(expected) => self.forward(ask, expected).await,
        }
    }

    /// Tries again to save what could not be saved before.
    pub(super) async fn catch_up(&self) {
        let revision = self.state().revision;
        // A failure stays visible: the state remains unsaved, and the next tick tries again.
        let _still_unsaved = self.persist(revision).await;
    }

    async fn back(&self, ask: &Ask) -> Reply {
        let done = {
            let mut state = self.state();
            match state.known(ask) {
                Some(done) if done.split != ask.split => return Reply::Reused(done.clone()),
                Some(done) => done.clone(),
                None => {
                    self.picker.set(ask.split);
                    state.apply(ask)
                }
            }
        };
        let persisted = self.persist(done.revision).await.is_ok();
        Reply::Done { done, persisted }
    }

    async fn forward(&self, ask: &Ask, expected: &Revision) -> Reply {
        // Refused early if possible, so that a stale order does not wait for the disk.
        if let Some(reply) = self.settled(ask, expected) {
            return reply;
        }
        let deadline = Instant::now() + SAVE_LIMIT;
        let Ok(store) = timeout_at(deadline, Arc::clone(&self.store).lock_owned()).await else {
            return Reply::NotSaved("the disk does not answer".into());
        };
        if let Some(reply) = self.settled(ask, expected) {
            return reply;
        }
        // The order takes effect before it is answered. If the last save failed, the disk is tried first, since the
        // order might have to be undone.
        let store = if self.refusing.load(Ordering::Relaxed) {
            match self.try_disk(ask, store, deadline).await {
                Ok(store) => store,
                Err(error) => return Reply::NotSaved(error.to_string()),
            }
        } else {
            store
        };
        let (before, done, next) = {
            let mut state = self.state();
            // A rollback may have arrived meanwhile. It wins.
            if expected.0 != state.revision.to_string() {
                return Reply::Conflict { revision: state.revision };
            }
            self.picker.set(ask.split);
            (state.split, state.apply(ask), state.to_saved())
        };
        match self.save(next, store, deadline).await {
            Ok(()) => Reply::Done { done, persisted: true },
            Err(error) => {
                self.undo(&done, before);
                Reply::NotSaved(error.to_string())
            }
        }
    }

    /// Writes the future state without activating it: a full or read-only disk fails here.
    async fn try_disk(&self, ask: &Ask, store: Held, deadline: Instant) -> io::Result<Held> {
        let next = {
            let state = self.state();
            let mut next = State { split: state.split, revision: state.revision, orders: state.orders.clone() };
            next.apply(ask);
            next.to_saved()
        };
        blocking(deadline, move || store.stage(&next).map(|_staged| store)).await
    }

    /// The answer to an order that needs no action: a retry, or an order for another revision.
    fn settled(&self, ask: &Ask, expected: &Revision) -> Option<Reply> {
        let state = self.state();
        match state.known(ask) {
            Some(done) if done.split != ask.split => Some(Reply::Reused(done.clone())),
            Some(done) => {
                let persisted = self.saved.load(Ordering::Acquire) >= done.revision;
                Some(Reply::Done { done: done.clone(), persisted })
            }
            None if expected.0 != state.revision.to_string() => Some(Reply::Conflict { revision: state.revision }),
            None => None,
        }
    }

    /// Undoes a forward order that could not be saved, unless a newer order is active.
    fn undo(&self, done: &Done, before: Split) {
        let mut state = self.state();
        state.orders.retain(|known| known.id != done.id);
        if state.revision == done.revision {
            state.revision += 1;
            state.split = before;
            self.picker.set(before);
        }
    }

    async fn persist(&self, revision: u64) -> io::Result<()> {
        let on_disk = |saved: &AtomicU64| saved.load(Ordering::Acquire) >= revision;
        if on_disk(&self.saved) {
            return Ok(());
        }
        let deadline = Instant::now() + SAVE_LIMIT;
        let store = timeout_at(deadline, Arc::clone(&self.store).lock_owned()).await?;
        if on_disk(&self.saved) {
            return Ok(());
        }
        let next = self.state().to_saved();
        self.save(next, store, deadline).await
    }

    /// Saves `next` to the disk.
    async fn save(&self, next: Saved, store: Held, deadline: Instant) -> io::Result<()> {
        let saved = Arc::clone(&self.saved);
        let result = blocking(deadline, move || {
            store.stage(&next)?.commit()?;
            saved.fetch_max(next.revision, Ordering::AcqRel);
            Ok(())
        });
        let result = result.await;
        self.refusing.store(result.is_err(), Ordering::Relaxed);
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs disk work outside the request path and stops waiting for it at `deadline`. The work keeps its lock until it
/// is finished.
async fn blocking<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match timeout_at(deadline, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer")),
    }
}

//! The connected clients. One task watches them all, so a request needs no timer.
//!
//! A connection that waits for the rest of a request head, or for the next request, ages with every sweep and is
//! closed at [`PATIENCE`]. So a client that sends its head byte by byte, or is idle, is disconnected. A connection
//! with a request in progress does not age.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::time::{MissedTickBehavior, interval};

use super::shared::{Phase, Shared};

/// The time between two sweeps.
const SWEEP: Duration = Duration::from_secs(1);
/// The number of sweeps for a request's head or an idle connection: a minute.
const PATIENCE: u32 = 60;
/// In place of an age: a request is in flight.
const BUSY: u32 = u32::MAX;

/// All connected clients.
#[derive(Debug, Default)]
pub(super) struct Clients {
    all: Mutex<HashMap<u64, Arc<Client>>>,
    next: AtomicU64,
}

impl Clients {
    /// Announces the shutdown phase to every client's connection.
    pub(super) fn announce(&self, phase: Phase) {
        for client in self.all().values() {
            client.announce(phase);
        }
    }

    /// Closes connections that have waited for too long. Runs until it is dropped.
    pub(super) async fn sweep(&self) {
        let mut ticks = interval(SWEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for client in self.all().values() {
                client.age();
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<Client>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client's connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) shared: Arc<Shared>,
    /// Its address, as replicas see it in the forwarding headers.
    pub(super) address: HeaderValue,
    /// Sweeps since it started to wait for a request, or [`BUSY`].
    waited: AtomicU32,
    phase: AtomicU8,
    /// The waker of the task that serves it.
    waker: Mutex<Option<Waker>>,
}

impl Client {
    /// Marks the start of a request: sweeps leave this client alone until the answer has been passed on.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.waited.store(BUSY, Relaxed);
        Busy(Arc::clone(self))
    }

    fn age(&self) {
        let waited = self.waited.load(Relaxed);
        if waited >= PATIENCE && waited != BUSY {
            self.announce(Phase::Ended);
        }
        // Fails when a request starts at this moment, which is right.
        let _ = self.waited.compare_exchange(waited, waited.saturating_add(1), Relaxed, Relaxed);
    }

    fn announce(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Relaxed);
        // The lock orders the store above before the read by the task that sets the waker below.
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn set_waker(&self, cx: &Context<'_>) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
    }

    fn has_reached(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) >= phase as u8
    }
}

/// While this lives, a request of the client is in flight.
#[derive(Debug)]
pub(super) struct Busy(Arc<Client>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.waited.store(0, Relaxed);
    }
}

/// A client's entry in the list; removed when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    id: u64,
    client: Arc<Client>,
}

impl Seat {
    pub(super) fn take(shared: &Arc<Shared>, address: HeaderValue) -> Self {
        let id = shared.clients.next.fetch_add(1, Relaxed);
        let client = Arc::new(Client {
            shared: Arc::clone(shared),
            address,
            waited: AtomicU32::new(0),
            phase: AtomicU8::new(Phase::Serving as u8),
            waker: Mutex::new(None),
        });
        shared.clients.all().insert(id, Arc::clone(&client));
        Self { id, client }
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Drives `connection` until it ends or `finish` is set. After that it takes no more requests.
    pub(super) async fn serve<C: Future>(&self, mut connection: Pin<&mut C>, finish: impl Fn(Pin<&mut C>)) {
        let client = &self.client;
        let (mut known, mut finishing) = (false, false);
        poll_fn(|cx| {
            if !known {
                // The waker of a spawned task stays the same.
                client.set_waker(cx);
                known = true;
            }
            if client.has_reached(Phase::Ended) {
                return Poll::Ready(());
            }
            if !finishing && client.has_reached(Phase::Draining) {
                finishing = true;
                finish(connection.as_mut());
            }
            // A client may end its connection in any way; nothing is reported.
            connection.as_mut().poll(cx).map(drop)
        })
        .await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.client.shared.clients.all().remove(&self.id);
    }
}

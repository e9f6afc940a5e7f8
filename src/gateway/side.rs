//! One side: its replicas, its counters, and the choice of the replica for the next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use super::replica::Replica;
use super::stats::Stats;
use crate::domain::Side;
use crate::domain::observation::Replicas;

/// A side in the gateway.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) side: Side,
    pub(super) replicas: Vec<Replica>,
    pub(super) stats: Stats,
    /// The start index of the search for the least busy replica, so that equally busy replicas take turns.
    turn: AtomicUsize,
}

impl Place {
    pub(super) fn new(side: Side, replicas: Vec<Replica>) -> Self {
        Self { side, replicas, stats: Stats::default(), turn: AtomicUsize::new(0) }
    }

    /// The least busy ready replica that was not tried yet, or else the least busy of the others.
    pub(super) fn choose(&self, tried: &[usize]) -> Option<usize> {
        if self.replicas.len() == 1 {
            return tried.is_empty().then_some(0);
        }
        let from = self.turn.fetch_add(1, Relaxed);
        let count = self.replicas.len();
        (0..count)
            .map(|step| from.wrapping_add(step) % count)
            .filter(|index| !tried.contains(index))
            .min_by_key(|index| (!self.replicas[*index].is_ready(), self.replicas[*index].in_flight()))
    }

    /// The number of ready replicas and of all replicas.
    pub(super) fn replicas(&self) -> Replicas {
        let ready = self.replicas.iter().filter(|replica| replica.is_ready()).count();
        Replicas { ready: ready as u32, total: self.replicas.len() as u32 }
    }
}

/// A request in flight; counted from its head to the end of its answer, however it ends.
#[derive(Debug)]
pub(super) struct Flight {
    place: Arc<Place>,
    replica: Option<usize>,
    began: Instant,
    settled: bool,
}

impl Flight {
    pub(super) fn begin(place: Arc<Place>) -> Self {
        place.stats.entered();
        Self { place, replica: None, began: Instant::now(), settled: false }
    }

    /// Assigns the request to this replica.
    pub(super) fn board(&mut self, index: usize) {
        if let Some(before) = self.replica.replace(index) {
            self.place.replicas[before].left();
        }
        self.place.replicas[index].entered();
    }

    /// The replica of the request. A request has a body to relay only after [`Self::board`].
    pub(super) fn replica(&self) -> &Replica {
        &self.place.replicas[self.replica.unwrap_or_default()]
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Counts the start of the answer.
    pub(super) fn answered(&mut self, status: u16) {
        self.settled = true;
        self.place.stats.answered(status, self.began.elapsed());
    }

    /// Counts a request without an answer from any replica.
    pub(super) fn no_answer(&mut self) {
        self.settled = true;
        self.place.stats.no_answer();
    }

    /// Counts an answer that broke off.
    pub(super) fn cut_off(&self) {
        self.place.stats.cut_off.fetch_add(1, Relaxed);
    }

    /// Counts a retry: no byte of the request had been sent.
    pub(super) fn retried(&self) {
        self.place.stats.retries.fetch_add(1, Relaxed);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(index) = self.replica {
            self.place.replicas[index].left();
        }
        if !self.settled {
            self.place.stats.abandoned.fetch_add(1, Relaxed);
        }
        self.place.stats.left();
    }
}

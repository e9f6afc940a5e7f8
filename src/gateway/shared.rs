//! What every task of one gateway holds.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::clients::Clients;
use super::control::Control;
use super::samples::Samples;
use super::side::Place;
use crate::domain::{Pair, RouterStatus, TrafficCounters};

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Requests are taken.
    Serving,
    /// Those under way are finished, no more are taken.
    Draining,
    /// The grace is over.
    Ended,
}

/// The phase, watched; a gateway that was dropped counts as ended.
#[derive(Debug, Clone)]
pub(super) struct PhaseWatch(pub(super) watch::Receiver<Phase>);

impl PhaseWatch {
    /// Waits for the end of serving; the phase then.
    pub(super) async fn next(&mut self) -> Phase {
        match self.0.changed().await {
            Ok(()) => *self.0.borrow_and_update(),
            Err(_) => Phase::Ended,
        }
    }

    /// Waits for the end of the grace.
    pub(super) async fn ended(&mut self) {
        while self.next().await != Phase::Ended {}
    }
}

/// Held by every task that serves a client.
pub(super) type Alive = mpsc::Sender<()>;

/// The gateway's state.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) control: Control,
    pub(super) sides: Pair<Arc<Place>>,
    pub(super) ready_path: String,
    pub(super) phase: PhaseWatch,
    pub(super) clients: Clients,
    /// The latest requests, where the user allows that they are kept.
    pub(super) samples: Option<Samples>,
    /// Names this run of the process; counters begin at zero with it.
    pub(super) epoch: String,
    /// Tells who still serves a client; weak, so that the end can be waited for.
    pub(super) alive: mpsc::WeakSender<()>,
}

impl Shared {
    /// A token to hold while serving a client; `None` at the very end.
    pub(super) fn alive(&self) -> Option<Alive> {
        self.alive.upgrade()
    }

    /// What `GET /v1/status` answers.
    pub(super) fn status(&self) -> RouterStatus {
        let (split, revision, last_order) = self.control.read();
        RouterStatus {
            split,
            revision,
            last_order: last_order.map(|id| id.0),
            replicas: self.sides.map(|_, place| place.replicas()),
            traffic: TrafficCounters {
                epoch: self.epoch.clone(),
                sides: self.sides.map(|_, place| place.stats.read().0),
            },
        }
    }
}

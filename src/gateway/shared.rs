//! The state that all tasks of one gateway share.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::clients::Clients;
use super::control::Control;
use super::samples::Samples;
use super::side::Place;
use crate::domain::{Pair, RouterStatus, TrafficCounters};

/// The phases of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Requests are accepted.
    Serving,
    /// Requests in flight are finished; no more are accepted.
    Draining,
    /// The time limit has passed.
    Ended,
}

/// Watches the phase. A dropped gateway counts as ended.
#[derive(Debug, Clone)]
pub(super) struct PhaseWatch(pub(super) watch::Receiver<Phase>);

impl PhaseWatch {
    /// Waits for the end of serving; returns the phase.
    pub(super) async fn next(&mut self) -> Phase {
        match self.0.changed().await {
            Ok(()) => *self.0.borrow_and_update(),
            Err(_) => Phase::Ended,
        }
    }

    /// Waits for [`Phase::Ended`].
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
    /// The latest requests, if the user enabled them.
    pub(super) samples: Option<Samples>,
    /// The id of this run of the process. Counters start at zero with it.
    pub(super) epoch: String,
    /// Shows who still serves a client. Weak, so that the end can be waited for.
    pub(super) alive: mpsc::WeakSender<()>,
}

impl Shared {
    /// A token to hold while serving a client; `None` at the very end.
    pub(super) fn alive(&self) -> Option<Alive> {
        self.alive.upgrade()
    }

    /// The answer to `GET /v1/status`.
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

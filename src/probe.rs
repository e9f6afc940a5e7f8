//! Probing: one poller per replica, and reading each side's version.
//!
//! A poller sends a request, waits for the answer or the timeout, and then waits for the next tick. It never has more
//! than one request in flight. It asks a replica that does not answer less and less often. The results go out as
//! [`ProbeEvent`]s without a time: the receiver stamps them, so that there is one clock. Nothing here decides
//! anything.

mod delay;
mod front;
pub(crate) mod metrics;
mod poller;
pub(crate) mod stream;
pub(crate) mod version;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

pub(crate) use front::{ask_front, start_front};
pub use metrics::{read_twice, start_metrics};
pub use stream::{start_streams, stream_once};

use crate::domain::metric::Scrape;
use crate::domain::{Pair, ProbeSpec, Side, SideSpec, Target, Version, VersionSource};
use crate::http::{self, Client};
use poller::Poller;

/// What a poller found.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeEvent {
    /// The result of one probe of one replica.
    Probe {
        /// The replica's side.
        side: Side,
        /// The replica's id.
        replica: u32,
        /// How it went.
        outcome: ProbeOutcome,
    },
    /// The result of reading a replica's version once.
    Version {
        /// The replica's side.
        side: Side,
        /// The replica's id.
        replica: u32,
        /// The version, or why it could not be read (cleaned).
        version: Result<Version, String>,
    },
    /// Who answered at the users' own address.
    Front {
        /// The version in the answer, or why it has none (cleaned).
        answer: Result<Version, String>,
    },
    /// The result of reading a model server's own metrics once.
    Metrics {
        /// The side.
        side: Side,
        /// The index of the source, from 0: first the side's metrics URLs, then the Prometheus server, then the
        /// streaming endpoint of each replica.
        source: u32,
        /// The reading, or why it failed (cleaned).
        reading: Result<Box<Scrape>, String>,
    },
}

/// The outcome of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// A 2xx answer, read to its end.
    Ready {
        /// From sending to the end of the answer, in microseconds.
        latency_us: u64,
    },
    /// An answer with another status than 2xx.
    NotReady {
        /// The HTTP status.
        status: u16,
        /// From sending to the end of the answer, in microseconds.
        latency_us: u64,
        /// For people, cleaned: `status 503`, `redirects to /login`.
        note: String,
    },
    /// No usable answer: connection refused, timed out, cut off, or too long.
    Failed {
        /// For people, cleaned.
        reason: String,
    },
}

/// The running pollers. Dropping this ends them all and cancels their requests.
#[derive(Debug, Default)]
pub struct Pollers {
    tasks: JoinSet<()>,
    dropped: Arc<AtomicU64>,
}

impl Pollers {
    /// Events that were lost because the receiver's queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The channel of the poller of source `number` of `side`.
    fn teller(&self, side: Side, number: usize, sink: &mpsc::Sender<ProbeEvent>) -> Teller {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Teller { side, number, sink: sink.clone(), dropped: Arc::clone(&self.dropped) }
    }
}

/// The first probes of all replicas are spread over one interval, but over at most this many milliseconds: otherwise
/// the screen could be empty for a minute.
const MAX_SPREAD_MS: u64 = 1000;

/// Sends the events of one poller.
struct Teller {
    side: Side,
    number: u32,
    sink: mpsc::Sender<ProbeEvent>,
    dropped: Arc<AtomicU64>,
}

impl Teller {
    /// Whether the receiver is gone.
    fn is_closed(&self) -> bool {
        self.sink.is_closed()
    }

    fn send(&self, event: ProbeEvent) {
        if let Err(TrySendError::Full(_)) = self.sink.try_send(event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn metrics(&self, reading: Result<Scrape, String>) {
        self.send(ProbeEvent::Metrics { side: self.side, source: self.number, reading: reading.map(Box::new) });
    }
}

/// Waits for a part of `interval_ms`, so that not all pollers begin at once.
async fn spread(interval_ms: u64) {
    sleep(Duration::from_millis((interval_ms.min(MAX_SPREAD_MS) as f64 * fastrand::f64()) as u64)).await;
}

/// Starts one poller for each replica of both sides that the config names. Must be called within a tokio runtime.
///
/// Events go to `sink`. When it is full, events are dropped and counted; when it is closed, the pollers end.
///
/// # Errors
/// No HTTP client can be made on this machine; in words.
pub fn start(
    sides: &Pair<SideSpec>,
    spec: &ProbeSpec,
    sink: &mpsc::Sender<ProbeEvent>,
) -> Result<ReplicaPollers, String> {
    let mut pollers = ReplicaPollers {
        client: Client::new(&spec.transport)?,
        spec: spec.clone(),
        versions: sides.map(|_, side| side.version.clone()),
        sink: sink.clone(),
        pollers: Pollers::default(),
        running: Pair::default(),
    };
    for (side, side_spec) in sides.iter() {
        let urls = side_spec.urls.iter().cloned().map(Target::plain);
        pollers.set(side, &(0..).zip(urls).collect::<Vec<_>>());
    }
    Ok(pollers)
}

/// The running pollers of the replicas. Dropping this ends them all.
#[derive(Debug)]
pub struct ReplicaPollers {
    client: Client,
    spec: ProbeSpec,
    versions: Pair<VersionSource>,
    sink: mpsc::Sender<ProbeEvent>,
    pollers: Pollers,
    running: Pair<HashMap<u32, AbortHandle>>,
}

impl ReplicaPollers {
    /// Probes exactly `targets` of `side` from now on, each under its id. Those that stay are not disturbed.
    pub fn set(&mut self, side: Side, targets: &[(u32, Target)]) {
        let stays: HashSet<u32> = targets.iter().map(|(id, _)| *id).collect();
        self.running[side].retain(|id, task| {
            let stays = stays.contains(id);
            if !stays {
                task.abort();
            }
            stays
        });
        for (id, target) in targets {
            if self.running[side].contains_key(id) {
                continue;
            }
            let (client, target, spec) = (self.client.clone(), http::Target::from(target), self.spec.clone());
            let (source, teller) = (self.versions[side].clone(), self.pollers.teller(side, *id as usize, &self.sink));
            let task = self.pollers.tasks.spawn(Poller { client, target, spec, source, teller }.run());
            self.running[side].insert(*id, task);
        }
        while self.pollers.tasks.try_join_next().is_some() {}
    }

    /// Events that were lost because the receiver's queue was full.
    pub fn dropped(&self) -> u64 {
        self.pollers.dropped()
    }
}

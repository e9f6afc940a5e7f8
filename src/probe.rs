//! Watching: one poller per replica, and where a side's version is read.
//!
//! A poller asks its replica, waits for the answer or the timeout, and only then for the next tick:
//! there is never more than one request of it under way, and a replica that does not answer is asked
//! less and less often. What it finds goes out as [`ProbeEvent`]s without a time: who receives them
//! stamps them, so that there is one clock. Nothing here decides anything.

mod delay;
pub(crate) mod metrics;
mod poller;
pub(crate) mod stream;
mod version;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use metrics::{read_twice, start_metrics};
pub use stream::{start_streams, stream_once};

use crate::domain::metric::Scrape;
use crate::domain::{Pair, ProbeSpec, Side, SideSpec, Version};
use crate::http::{Client, Target};
use poller::Poller;

/// What a poller found.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeEvent {
    /// One probe of one replica.
    Probe {
        /// The replica's side.
        side: Side,
        /// The replica's place in the side's list of URLs, from 0.
        replica: u32,
        /// How it went.
        outcome: ProbeOutcome,
    },
    /// One reading of a replica's version.
    Version {
        /// The replica's side.
        side: Side,
        /// The replica's place in the side's list of URLs, from 0.
        replica: u32,
        /// The version, or why it could not be read (cleaned).
        version: Result<Version, String>,
    },
    /// One reading of what a model server exports of itself.
    Metrics {
        /// The side.
        side: Side,
        /// The place in the side's list of metrics URLs, from 0; after the last: the Prometheus server, then the
        /// streaming endpoint of each replica.
        source: u32,
        /// The reading, or why there is none (cleaned).
        reading: Result<Box<Scrape>, String>,
    },
}

/// How one probe went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// A 2xx answer, read to its end.
    Ready {
        /// From sending to the end of the answer, in microseconds.
        latency_us: u64,
    },
    /// An answer that is not 2xx.
    NotReady {
        /// The HTTP status.
        status: u16,
        /// From sending to the end of the answer, in microseconds.
        latency_us: u64,
        /// For people, cleaned: `status 503`, `redirects to /login`.
        note: String,
    },
    /// No answer that could be used: refused, timed out, cut off, too long.
    Failed {
        /// For people, cleaned.
        reason: String,
    },
}

/// The running pollers. Dropping it ends them all, requests under way included.
#[derive(Debug)]
pub struct Pollers {
    tasks: JoinSet<()>,
    dropped: Arc<AtomicU64>,
}

impl Pollers {
    /// Events that were lost because the receiver's queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Pollers still running; all of them unless one has panicked.
    pub fn running(&mut self) -> usize {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len()
    }

    /// Ends every poller.
    pub fn stop(&mut self) {
        self.tasks.abort_all();
    }
}

/// Starts one poller for every replica of both sides. Must be called within a tokio runtime.
///
/// Events go to `sink`; when it is full they are dropped and counted, when it is closed the pollers end.
///
/// # Errors
/// When no HTTP client can be made on this machine, in words.
pub fn start(sides: &Pair<SideSpec>, spec: &ProbeSpec, sink: &mpsc::Sender<ProbeEvent>) -> Result<Pollers, String> {
    let client = Client::new(&spec.transport)?;
    let dropped = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for (side, side_spec) in sides.iter() {
        for (replica, url) in side_spec.urls.iter().enumerate() {
            let poller = Poller {
                client: client.clone(),
                target: Target::new(url),
                side,
                replica: u32::try_from(replica).unwrap_or(u32::MAX),
                spec: spec.clone(),
                source: side_spec.version.clone(),
                sink: sink.clone(),
                dropped: Arc::clone(&dropped),
            };
            tasks.spawn(poller.run());
        }
    }
    Ok(Pollers { tasks, dropped })
}

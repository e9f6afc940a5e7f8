//! Everything that can happen to the engine, as data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::command::Request;
use crate::domain::metric::Scrape;
use crate::domain::{Accepted, BackendError, Evidence, LoadRun, Observation, OrderId, Record, Side, Version};

/// What happened. The runtime hands each in with the [`Stamp`](crate::domain::Stamp) of its arrival.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// About once a second.
    Tick,
    /// The router was read, or could not be.
    Observed {
        /// The reading.
        result: Result<Box<Observation>, BackendError>,
    },
    /// A replica was probed.
    Probed {
        /// Which side.
        side: Side,
        /// Which replica, by its id: the index into the side's URLs, unless the traffic system says where they are.
        replica: u32,
        /// Latency in microseconds where it answered.
        latency_us: Option<u64>,
        /// Why it is not ready; `None` when it is.
        fault: Option<String>,
    },
    /// A replica's version was read, or could not be.
    VersionRead {
        /// Which side.
        side: Side,
        /// Which replica.
        replica: u32,
        /// The version, or why it could not be read.
        version: Result<Version, String>,
    },
    /// The users' own address was asked.
    Fronted {
        /// The version in the answer, or why it has none.
        answer: Result<Version, String>,
    },
    /// The metrics of a model server were read, or the reading failed.
    Scraped {
        /// Which side.
        side: Side,
        /// Which of the side's sources.
        source: u32,
        /// The reading, or why it failed.
        reading: Result<Box<Scrape>, String>,
    },
    /// A request of an operator or a script.
    Asked(Request),
    /// The backend answered an order.
    Answered {
        /// Which order.
        id: OrderId,
        /// What will show that it took effect, or what went wrong.
        result: Result<Accepted, BackendError>,
    },
    /// Another process appended to the journal (or these are the records read at the start).
    Recorded {
        /// In the order of the journal.
        records: Vec<Record>,
    },
    /// All records that existed at the start are in.
    Restored {
        /// Where the journal differs from what was written. Forward commands are refused until a person has looked.
        broken: Option<String>,
        /// Why the journal cannot be written.
        unwritable: Option<String>,
    },
    /// The journal differs from what was written.
    JournalBroken {
        /// Where and how.
        text: String,
    },
    /// Records of this process are on disk.
    Written {
        /// The ticket of the effect, where it had one.
        ticket: Option<u64>,
    },
    /// Records of this process could not be written. A forward order that waited for them was not sent.
    JournalFailed {
        /// The order that was therefore not sent, if any.
        order: Option<OrderId>,
        /// The ticket of the effect, where it had one.
        ticket: Option<u64>,
        /// Why, with path and remedy.
        text: String,
    },
    /// A gate run came further.
    GateProgress {
        /// Which run.
        run: u64,
        /// How many checks are done.
        done: u64,
        /// How many there are.
        total: u64,
        /// How a load goes.
        #[serde(default)]
        load: Option<Arc<LoadRun>>,
    },
    /// A gate run ended.
    GateEnded {
        /// Which run.
        run: u64,
        /// What it saw.
        evidence: Evidence,
    },
    /// An alert was delivered to a place, or given up.
    AlertEnded {
        /// The alert's id.
        alert: String,
        /// The place's name.
        to: String,
        /// Whether it arrived.
        delivered: bool,
        /// How many tries it took.
        tries: u32,
        /// What the last try came to.
        detail: String,
    },
    /// Who drives has changed.
    Lease {
        /// Who does now.
        driver: Driver,
    },
    /// The operator is gone (hang-up, closed terminal); the on-disconnect policy applies.
    OperatorGone {
        /// `SIGHUP`, `terminal gone`.
        why: String,
    },
    /// The process is about to end by itself: an order that certainly was not carried out is given up.
    Leaving,
    /// Something outside was lost because a queue was full.
    Dropped {
        /// How many.
        count: u64,
    },
}

/// Who drives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// This process.
    Me,
    /// Another one, by its name; also where it cannot be told which.
    Other(String),
    /// The one that did is gone.
    Nobody,
}

impl Event {
    /// Whether this is one of many readings of a replica or a gate: they change figures at the next tick only.
    pub const fn is_sample(&self) -> bool {
        matches!(
            self,
            Self::Probed { .. }
                | Self::VersionRead { .. }
                | Self::Scraped { .. }
                | Self::Fronted { .. }
                | Self::GateProgress { .. }
        )
    }
}

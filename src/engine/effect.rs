//! What the engine wants done, as values; the runtime does it.

use serde::{Deserialize, Serialize};

use super::command::Reply;
use crate::domain::{Alert, Digest, LogLine, Order, Record, Sample, Side, Target};

/// One thing to be done outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Append records to the journal; answered by `Written` or `JournalFailed`.
    Journal {
        /// In this order.
        records: Vec<Record>,
        /// Comes back with the answer; set where a request waits for it.
        ticket: Option<u64>,
    },
    /// Append records, then hand the order to the backend; answered by `Written` and `Answered`.
    Send {
        /// The order.
        order: Order,
        /// What must be (or should be, see `rule`) on disk before it is sent. Empty on a retry.
        records: Vec<Record>,
        /// What happens when the journal cannot be written.
        rule: WriteRule,
    },
    /// Read the router now, besides the regular reading.
    Observe,
    /// Probe exactly these replicas of a side from now on.
    Poll {
        /// Which side.
        side: Side,
        /// Each with its id.
        targets: Vec<(u32, Target)>,
    },
    /// Run a gate on the candidate.
    RunGate {
        /// Names the run in its events.
        run: u64,
        /// The gate's name.
        gate: String,
        /// The side to run it on.
        side: Side,
        /// The version digest the evidence will be bound to.
        version: Digest,
    },
    /// Stop a gate run; it ends with a "not yet".
    StopGate {
        /// Which run.
        run: u64,
    },
    /// Answer a request.
    Reply {
        /// The request's id.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// A line for the log.
    Log(LogLine),
    /// A journal event as a log line, for readers that do not use the snapshot's events.
    Event(LogLine),
    /// Keep figures for the report. A sample that cannot be written is a gap in it.
    Sample(Sample),
    /// Send an alert; answered by `AlertEnded`, once for each place.
    Alert {
        /// The alert, without its log lines: the runtime adds them.
        alert: Box<Alert>,
        /// The gate whose log lines belong to it; `None`: the last lines of any gate.
        about: Option<String>,
        /// The names of the places.
        to: Vec<String>,
    },
    /// Take the driver's place from the console that holds it.
    TakeLease,
}

/// What happens to an order when the journal cannot be written (laws 1 and 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteRule {
    /// Forward: on disk before it is sent, or not sent.
    BeforeSending,
    /// Rollback: written first if that takes only a few milliseconds, and sent in any case.
    NeverInTheWay,
}

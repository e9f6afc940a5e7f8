//! What the screen and the CLI see: the status document, and what a screen needs besides.
//!
//! [`Status`] is the machine-readable document: shares are percent, latencies milliseconds, rates
//! per second or fractions 0 to 1, times RFC 3339 UTC. What is not known is `null`, never 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod fault;
mod gate;
mod guard;
mod metric;
mod phase;
mod side;

pub use fault::{Fault, FaultKind};
pub use gate::{GateState, GateStatus};
pub(crate) use guard::VersusStatus;
pub use guard::{GuardState, GuardStatus};
pub use metric::MetricStatus;
pub(crate) use metric::Soon;
pub use phase::{Phase, Step};
pub use side::{Latency, SideStatus, Source};

use super::command::{Command, RefusalKind};
use super::detail::Detail;
use crate::domain::{
    Cause, Controller, Move, OrderFault, OrderId, OrderState, Pair, Point, RollbackClass, Side, Split,
};

/// The version of the status document; a rename of any member raises it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Everything a screen is drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The status document.
    pub status: Status,
    /// One point a second per side, oldest first.
    pub history: Pair<History>,
    /// The last events of the journal, oldest first, at most 200.
    pub events: Arc<Vec<EventLine>>,
    /// The exact requests of the commands that the screen shows now, by verb, secrets masked: the address first, then
    /// line by line. Only commands that move traffic have one.
    #[serde(default)]
    pub previews: BTreeMap<String, Vec<String>>,
    /// What a screen shows besides.
    #[serde(default)]
    pub detail: Detail,
}

/// Points over time of one side; a second without samples is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// From the router's own counters.
    pub traffic: Arc<Vec<Option<Point>>>,
    /// From our probes.
    pub probes: Arc<Vec<Option<Point>>>,
    /// Each row of the servers' own metrics, in their order and unit.
    #[serde(default)]
    pub rows: Arc<Vec<Vec<Option<f32>>>>,
}

/// One event of the journal, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// What, cleaned: `promote 10% > 50%`.
    pub text: String,
    /// Whether it deserves attention: a failure, a rollback, drift.
    pub warn: bool,
    /// The move that was ordered; `null` for every other event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Move>,
}

/// More notes of a traffic system than this are not passed on.
pub(crate) const MAX_NOTES: usize = 20;

/// The status document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the document was made.
    pub time: DateTime<Utc>,
    /// The service's name.
    pub service: String,
    /// The environment's name; may be empty.
    pub environment: String,
    /// The backend's name.
    pub backend: String,
    /// How far the rollout is.
    pub phase: Phase,
    /// How far the plan is.
    pub step: Step,
    /// The state digest, four characters.
    pub digest: String,
    /// Asked and read shares.
    pub split: SplitStatus,
    /// The side that is rolled out: before, during and after.
    pub candidate: Side,
    /// Both sides.
    pub sides: Pair<SideStatus>,
    /// What a controller or a slow platform is doing; `null` for a system that does nothing by itself.
    #[serde(default)]
    pub controller: Option<Controller>,
    /// Who answered at the users' own address lately; `null` where the config names none.
    #[serde(default)]
    pub front: Option<FrontStatus>,
    /// Gates in the order of the config.
    pub gates: Vec<GateStatus>,
    /// Guards in the order of the config.
    pub guards: Vec<GuardStatus>,
    /// The way back.
    pub rollback: RollbackStatus,
    /// Why commands cannot be given now; one entry per command and reason, the most important reason first.
    pub blocked: Vec<Blocked>,
    /// Why the plan is paused, where it is and somebody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// The last order of any process.
    pub last_order: Option<OrderStatus>,
    /// Who drives.
    pub driver: DriverStatus,
    /// Faults to be shown: replicas that disagree, drift, a broken journal, an unreachable router. Most important first.
    #[serde(flatten, with = "fault::document")]
    pub faults: Vec<Fault>,
    /// What the traffic system reports that is not a fault: sessions still open, a node that is down, what a
    /// reload would undo. Cleaned, at most [`MAX_NOTES`], most important first.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Age of the oldest data the screen depends on, in seconds; `null` when some was never seen.
    pub data_age_s: Option<f64>,
    /// Whether forward commands are locked because data is older than the config allows.
    pub stale: bool,
    /// Events lost to full queues since the start.
    pub dropped: u64,
    /// Commands whose question wants the candidate's version typed: `switch`, and what the config adds.
    #[serde(default)]
    pub typed: Vec<Move>,
}

impl Status {
    /// What blocks `command`, most important first. Also empty for a command that the status does not list.
    pub fn blockers(&self, command: &Command) -> impl Iterator<Item = &Blocked> {
        self.blocked.iter().filter(move |blocked| blocked.command == *command)
    }

    /// Whether the question before `command` wants the candidate's version typed.
    pub fn wants_typed(&self, command: &Command) -> bool {
        command.as_move().is_some_and(|it| self.typed.contains(&it))
    }

    /// The first fault of `kind`.
    pub fn fault(&self, kind: FaultKind) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.kind == kind)
    }
}

/// Asked and read shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitStatus {
    /// What was asked for; `null` before the first order.
    pub desired: Option<Split>,
    /// What the router said last.
    pub observed: Option<Split>,
    /// Why the router has no one clean split.
    pub mixed: Option<String>,
    /// Whether the router reports a split that no order asked for.
    pub drift: bool,
    /// Seconds since the router was read; `null` when it never was.
    pub age_s: Option<f64>,
}

/// The way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackStatus {
    /// Whether the side to go back to is known to be able to take the traffic.
    pub ready: bool,
    /// How fast it is: `instant`, `after_ttl`, `redeploy`, `none`; `null` while the system was not read.
    pub class: Option<RollbackClass>,
    /// When the system takes the old side down by itself; `null` where it does not.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
    /// About how long it takes, in seconds; `null` where one order is all.
    #[serde(default)]
    pub takes_s: Option<u64>,
    /// Seconds until the rollback window closes; `null` when none is open.
    pub window_left_s: Option<f64>,
    /// How long the standby is kept after a complete switch, in seconds.
    #[serde(default)]
    pub window_s: f64,
    /// The side traffic would go to.
    pub to: Side,
    /// Why it is not ready, or that there is nothing to roll back.
    pub because: Option<String>,
    /// Whether a rollback would change anything.
    pub needed: bool,
    /// The most requests a second that side has been seen to serve; `null` when it never was.
    #[serde(default)]
    pub served_rps: Option<f64>,
    /// How long the last verified order took from sent to read back, seconds.
    pub last_took_s: Option<f64>,
}

/// Who answered at the users' own address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrontStatus {
    /// Answers by blue.
    pub blue: u32,
    /// Answers by green.
    pub green: u32,
    /// Answers of which it cannot be told who gave them.
    pub neither: u32,
    /// The seconds that these answers are of.
    pub window_s: f64,
    /// Seconds since the last answer; `null` before the first one.
    pub age_s: Option<f64>,
    /// Why the last request was not answered; `null` when it was.
    pub fault: Option<String>,
}

/// Why a command cannot be given now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// One of [`Command::BLOCKABLE`], serialised as its verb.
    #[serde(with = "word")]
    pub command: Command,
    /// One line.
    pub because: String,
    /// What kind of reason.
    pub kind: RefusalKind,
    /// The gate that blocks it; `null` where something else does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
}

/// A command as its verb.
mod word {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Command;

    pub(super) fn serialize<S: Serializer>(command: &Command, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(command.verb())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Command, D::Error> {
        let word = String::deserialize(from)?;
        let named = Command::BLOCKABLE.into_iter().find(|command| command.verb() == word);
        named.ok_or_else(|| Error::custom(format!("{word} is not a command that a status lists")))
    }
}

/// An order, as the screen follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderStatus {
    /// Its id.
    pub id: OrderId,
    /// What it means.
    pub command: Move,
    /// How far it is.
    pub state: OrderState,
    /// Who gave it.
    pub by: String,
    /// What was read before.
    pub from: Option<Split>,
    /// What it asks for.
    pub target: Split,
    /// The side that gains traffic.
    pub toward: Side,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Seconds since it was sent, or until it was verified.
    pub took_s: f64,
    /// What it waits for, while the system is at work on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// Retries with the same id.
    pub retries: u32,
    /// Whether it was not read back in time.
    pub late: bool,
    /// What the backend said.
    pub detail: Option<String>,
    /// What went wrong, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<OrderFault>,
    /// Why it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The reason in words, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Who drives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DriverStatus {
    /// This process's operator.
    pub me: String,
    /// Whether this process may move traffic forward.
    pub may_drive: bool,
    /// Whether this process holds no driver at all (started read-only): not even rollback.
    pub read_only: bool,
    /// The other console that drives.
    pub holder: Option<String>,
}

//! What the screen and the CLI see: the status document, and what a screen needs besides.
//!
//! [`Status`] is the machine-readable document: shares are percent, latencies milliseconds, rates
//! per second or fractions 0 to 1, times RFC 3339 UTC. What is not known is `null`, never 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod metric;

pub use metric::{MetricStatus, Soon};

use super::command::RefusalKind;
use super::detail::Detail;
use crate::domain::{
    GuardAction, Metric, OnDisconnect, OnFailure, OrderId, OrderState, Pair, Point, Role, Side, Split, Version,
};

/// The version of the status document; a rename of any member raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a screen is drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The status document.
    pub status: Status,
    /// One point a second per side, oldest first.
    pub history: Pair<History>,
    /// The last events of the journal, oldest first, at most 200.
    pub events: Arc<Vec<EventLine>>,
    /// The exact request each command would be if it were sent now, secrets masked: by verb, where to first, then line
    /// by line. Only commands that move traffic have one.
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
}

/// More notes of a traffic system than this are not passed on.
pub const MAX_NOTES: usize = 20;

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
    /// Where the rollout stands.
    pub phase: Phase,
    /// Where the plan stands.
    pub step: Step,
    /// The state digest, four characters.
    pub digest: String,
    /// Asked and read shares.
    pub split: SplitStatus,
    /// Both sides.
    pub sides: Pair<SideStatus>,
    /// Gates in the order of the config.
    pub gates: Vec<GateStatus>,
    /// Guards in the order of the config.
    pub guards: Vec<GuardStatus>,
    /// The way back.
    pub rollback: RollbackStatus,
    /// Why each command that cannot be given now cannot; a command may stand here more than once, most important reason first.
    pub blocked: Vec<Blocked>,
    /// The last order, whoever gave it.
    pub last_order: Option<OrderStatus>,
    /// Who drives.
    pub driver: DriverStatus,
    /// Faults to be shown: replicas that disagree, drift, a broken journal, an unreachable router. Most important first.
    pub faults: Vec<String>,
    /// What the traffic system tells of itself and no fault is: sessions still open, a node that is down, what a
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
    pub typed: Vec<String>,
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing under way.
    Idle,
    /// Gates are running.
    Validating,
    /// Nothing stands in the way of the first step.
    Ready,
    /// The candidate takes some traffic.
    Shifting,
    /// Stopped by a person or a guard.
    Paused,
    /// The candidate takes all traffic; the rollback window is open.
    Switched,
    /// The rollback window was ended.
    Finalized,
    /// Given up before it was complete.
    Aborted,
    /// Traffic is back.
    RolledBack,
    /// The router cannot be read, or says what nobody asked for.
    Unknown,
}

impl Phase {
    /// `SHIFT`, `ROLLED BACK`, ... as the screen spells it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Validating => "VALIDATING",
            Self::Ready => "READY",
            Self::Shifting => "SHIFT",
            Self::Paused => "PAUSED",
            Self::Switched => "SWITCHED",
            Self::Finalized => "FINALIZED",
            Self::Aborted => "ABORTED",
            Self::RolledBack => "ROLLED BACK",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// As the status document spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Validating => "validating",
            Self::Ready => "ready",
            Self::Shifting => "shifting",
            Self::Paused => "paused",
            Self::Switched => "switched",
            Self::Finalized => "finalized",
            Self::Aborted => "aborted",
            Self::RolledBack => "rolled_back",
            Self::Unknown => "unknown",
        }
    }
}

/// Where the plan stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Steps reached, 0 before the first.
    pub index: usize,
    /// Steps there are.
    pub of: usize,
    /// The candidate's share at the step reached, percent; `null` before the first.
    pub target: Option<u8>,
    /// The candidate's share at the next step, percent; `null` after the last.
    pub next: Option<u8>,
    /// Seconds until the bake of this step is over; `null` when nothing bakes.
    pub bake_left_s: Option<f64>,
    /// The candidate's share after each step.
    pub steps: Vec<u8>,
    /// What a lost operator means.
    pub on_disconnect: OnDisconnect,
    /// Whether the plan is walked unattended.
    pub auto: bool,
    /// What becomes of traffic when it fails then.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Whether the candidate's version is the one whose rollout has ended.
    #[serde(default)]
    pub tried: bool,
}

/// Asked and read shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitStatus {
    /// What was asked for; `null` when nobody ever asked.
    pub desired: Option<Split>,
    /// What the router said last.
    pub observed: Option<Split>,
    /// Why the router has no one clean split.
    pub mixed: Option<String>,
    /// Whether the router says what nobody asked for.
    pub drift: bool,
    /// Seconds since the router was read; `null` when it never was.
    pub age_s: Option<f64>,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideStatus {
    /// What the side is for.
    pub role: Role,
    /// What it serves, if all replicas agree on it.
    pub version: Option<Version>,
    /// Replicas that answer our probes; `null` before the first probe.
    pub ready: Option<u32>,
    /// Replicas there are.
    pub replicas: u32,
    /// Which source the four figures below are from.
    pub source: Option<Source>,
    /// Latency over the last minute.
    pub latency_ms: Latency,
    /// Share of requests that failed over the last minute.
    pub error_rate: Option<f64>,
    /// Requests a second of live traffic; `null` when the router tells none.
    pub rps: Option<f64>,
    /// Requests (or probes) behind the figures.
    pub samples: u64,
    /// Latency of our probes over the last minute.
    pub probe_ms: Latency,
    /// Live requests under way, where the router tells.
    pub in_flight: Option<u64>,
    /// What its servers export of themselves, by row.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricStatus>,
    /// Seconds since the newest answer of a replica; `null` when none ever answered.
    pub age_s: Option<f64>,
    /// What is wrong with it: replicas that disagree on the version, that do not answer.
    pub faults: Vec<String>,
}

/// Where figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The router's counters of production traffic.
    Traffic,
    /// Our own probes.
    Probes,
    /// What the model servers count themselves, where the router does not: of some or all of the figures.
    Metrics,
}

/// Latency quantiles, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateStatus {
    /// Its name.
    pub name: String,
    /// `health`, `golden`, `smoke`, ...
    pub kind: String,
    /// Whether it blocks forward commands.
    pub required: bool,
    /// How it stands for the candidate's version now.
    pub status: GateState,
    /// The measured value in `unit`.
    pub value: Option<f64>,
    /// The limit in `unit`.
    pub limit: Option<f64>,
    /// Whether the value must be at least the limit.
    pub at_least: bool,
    /// `ratio`, `ms`, `count` or empty.
    pub unit: String,
    /// Checks behind the value.
    pub samples: u64,
    /// Seconds since the run ended.
    pub age_s: Option<f64>,
    /// The version digest the evidence is bound to.
    pub version_digest: Option<String>,
    /// One line: `12 misses`, `41% of 400`, who overrode it and why.
    pub note: String,
    /// The first misses or faults.
    pub details: Vec<String>,
}

/// How a gate stands for the candidate's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Not run on this version.
    Pending,
    /// Running; an older verdict does not count meanwhile unless it passed.
    Running,
    /// Passed and still valid.
    Passed,
    /// Failed.
    Failed,
    /// Ran, and could not say.
    NotYet,
    /// Passed once, too long ago.
    Stale,
    /// Failed, and overridden by a person for this version.
    Overridden,
}

impl GateState {
    /// `PASS`, `FAIL`, ... four or five letters, as the screen spells it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pending => "WAIT",
            Self::Running => "RUN",
            Self::Passed => "PASS",
            Self::Failed => "FAIL",
            Self::NotYet => "NYET",
            Self::Stale => "STALE",
            Self::Overridden => "OVER",
        }
    }

    /// Whether forward commands may pass it.
    pub const fn lets_pass(self) -> bool {
        matches!(self, Self::Passed | Self::Overridden)
    }
}

/// One guard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardStatus {
    /// What it watches.
    pub metric: Metric,
    /// What saturation is of; `null` for all else.
    #[serde(default)]
    pub row: Option<String>,
    /// The unit of value and limit: `ratio`, `ms`, or that of the row.
    #[serde(default)]
    pub unit: String,
    /// When it will have enough to judge by; `null` where it has, or nobody can say.
    #[serde(default)]
    pub soon: Option<Soon>,
    /// Where.
    pub side: Side,
    /// How it stands.
    pub status: GuardState,
    /// What it saw: milliseconds, or a rate from 0 to 1.
    pub value: Option<f64>,
    /// What is allowed.
    pub limit: f64,
    /// How it stands to the other side, where it compares and both take traffic.
    #[serde(default)]
    pub versus: Option<VersusStatus>,
    /// Requests behind the value.
    pub samples: u64,
    /// Breaches in a row.
    pub breaches: u32,
    /// Breaches in a row that make it act.
    pub consecutive: u32,
    /// What it does then.
    pub then: GuardAction,
}

/// How a side stands to the other, looked at all the time without false alarms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VersusStatus {
    /// How much worse it looks since the step began: 0.21 is 21 %; `null` while that cannot be said.
    pub seen: Option<f64>,
    /// How much worse it is at least, as sure as `sure`; `null` while there is not enough data.
    pub at_least: Option<f64>,
    /// How much worse it may be.
    pub allowed: f64,
    /// How sure the guard has to be, 0 to 1.
    pub sure: f64,
    /// When there will be enough to compare by; `null` where there is, or nobody can say.
    #[serde(default)]
    pub soon: Option<Soon>,
}

/// How a guard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardState {
    /// Not on watch: no traffic moves and no rollback window is open.
    Off,
    /// Too few requests to say.
    NotYet,
    /// Within the limit.
    Ok,
    /// Over the limit, not yet often enough to act.
    Breach,
    /// Over the limit often enough: it acted.
    Tripped,
}

/// The way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackStatus {
    /// Whether the side to go back to is known to be able to take the traffic.
    pub ready: bool,
    /// How fast it is: `instant`, `instant_until`, `redeploy`, `none`.
    pub class: String,
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

/// Why a command cannot be given now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// `promote`, `switch`, `abort`, `rollback`, `finalize`, ...
    pub command: String,
    /// One line.
    pub because: String,
    /// What kind of reason.
    pub kind: RefusalKind,
}

/// An order, as the screen follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderStatus {
    /// Its id.
    pub id: OrderId,
    /// The verb.
    pub command: String,
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
    /// Retries with the same id.
    pub retries: u32,
    /// Whether it was not read back in time.
    pub late: bool,
    /// What the backend said.
    pub detail: Option<String>,
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

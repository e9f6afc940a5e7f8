//! The document a report is, before it is written down; its JSON form is these types.
//!
//! Additions are free, renames are a new [`SCHEMA_VERSION`]. Shares are percent, latencies milliseconds, error
//! rates 0 to 1, spans seconds, times UTC. What is not known is `null`, never 0.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{Bound, Digest, Evidence, GuardAction, Metric, Pair, Sample, Side, Version, in_unit};

/// The version of the document's shape.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// The version of the program that made it.
    pub cutover: String,
    /// The service's name.
    pub service: String,
    /// Where it runs; may be empty.
    pub environment: String,
    /// Journal records that were read.
    pub records: usize,
    /// Rollouts in the journal, in this report or not.
    pub rollouts_in_journal: usize,
    /// What could not be read, in words; empty when everything could.
    pub faults: Vec<String>,
    /// The rollouts, oldest first.
    pub rollouts: Vec<Rollout>,
}

/// How a rollout ended, or its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Its first order was not carried out.
    NotBegun,
    /// Traffic is on its way over.
    Shifting,
    /// Stopped on the way, waits for a person.
    Paused,
    /// The candidate has all traffic; the rollback window was not ended.
    Switched,
    /// The rollback window was ended.
    Finalized,
    /// Given up before it was complete.
    Aborted,
    /// Taken back.
    RolledBack,
    /// Ended outside of cutover, and accepted.
    EndedElsewhere,
}

/// One rollout.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Rollout {
    /// Which one of the journal, from 1.
    pub number: usize,
    /// How it ended, or its state.
    pub outcome: Outcome,
    /// The whole story in two or three sentences.
    pub summary: String,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended; `None` while it goes on.
    pub ended: Option<DateTime<Utc>>,
    /// The side that was live when it began.
    pub live: Side,
    /// The side that was rolled out.
    pub candidate: Side,
    /// What both served when it began.
    pub versions: Pair<Option<Version>>,
    /// Who began it.
    pub by: String,
    /// How long things took.
    pub times: Times,
    /// The largest share the candidate had, in percent.
    pub highest_share: u8,
    /// The candidate's share over time.
    pub shares: Vec<Share>,
    /// The stretches between one share and the next.
    pub steps: Vec<Step>,
    /// Orders, oldest first.
    pub orders: Vec<OrderRow>,
    /// Guards that were breached, oldest first.
    pub breaches: Vec<Breach>,
    /// What the gates said of this candidate.
    pub gates: Vec<GateRow>,
    /// What people decided, with their reasons.
    pub decisions: Vec<Decision>,
    /// Everything in order.
    pub timeline: Vec<Milestone>,
    /// Limits of the guards in the config the report was made with.
    pub limits: Vec<(Metric, f64)>,
    /// What was measured.
    pub samples: Vec<Sample>,
    /// What is not known, was dropped or left out, in words.
    pub unknown: Vec<String>,
}

/// How long things took, in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Times {
    /// From the beginning of the first breach to the guard acting.
    pub to_detect: Option<f64>,
    /// What that is counted from.
    pub to_detect_from: Option<String>,
    /// From the decision to go back until the router said so.
    pub to_roll_back: Option<f64>,
    /// The candidate had some but not all traffic for this long.
    pub bake: Option<f64>,
    /// The candidate had all traffic for this long, as far as the rollback window went.
    pub window: Option<f64>,
    /// The plan was stopped for this long.
    pub paused: f64,
    /// From the beginning to the end, or until now.
    pub total: f64,
}

/// From here on the candidate had this share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Share {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Percent of the traffic.
    pub percent: u8,
    /// `start`, `verified`, `adopted` or `drift`.
    pub by: &'static str,
}

/// A stretch at one share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Step {
    /// The candidate's share, percent.
    pub percent: u8,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when, or until the report was made.
    pub to: DateTime<Utc>,
    /// What was measured; `None` where nothing was.
    pub sides: Pair<Option<StepSide>>,
}

/// What was measured of a side over a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct StepSide {
    /// Samples behind it.
    pub samples: usize,
    /// Requests a second, mean.
    pub rps: f64,
    /// Share of requests that failed, mean over requests.
    pub error_rate: f64,
    /// The middle one of the samples' medians, milliseconds.
    pub p50: Option<f64>,
    /// The middle one of the samples' 99th percentiles, milliseconds.
    pub p99: Option<f64>,
    /// The largest one of the samples' 99th percentiles, milliseconds.
    pub p99_worst: Option<f64>,
}

/// An order with all that came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct OrderRow {
    /// Its id.
    pub id: String,
    /// `promote`, `switch`, `abort` or `rollback`.
    pub verb: &'static str,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// How it came in: `console`, `cli`, `auto`, `demo`.
    pub via: String,
    /// The candidate's share before, percent.
    pub from: Option<u8>,
    /// The candidate's share asked for, percent.
    pub target: u8,
    /// Why, where a reason was recorded.
    pub why: Option<String>,
    /// The state digest the consent was given to.
    pub consent: Option<Digest>,
    /// `sent`, `accepted`, `verified`, `unknown` or `failed`.
    pub state: &'static str,
    /// What the traffic system said last.
    pub detail: Option<String>,
    /// When it was read back or given up.
    pub settled: Option<DateTime<Utc>>,
    /// From the decision until it was read back, seconds.
    pub took: Option<f64>,
}

/// A guard that was breached often enough to act.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Breach {
    /// When it acted.
    pub at: DateTime<Utc>,
    /// What it watches.
    pub metric: Metric,
    /// Where.
    pub side: Side,
    /// What saturation is of.
    pub row: Option<String>,
    /// The unit of value and limit.
    pub unit: String,
    /// What it saw, in that unit.
    pub value: f64,
    /// What is allowed, in that unit.
    #[serde(flatten)]
    pub bound: Bound,
    /// Requests behind the value.
    pub samples: u64,
    /// How much worse than the other side at least, where that was the reason.
    pub worse_by: Option<f64>,
    /// What it did: `warn`, `pause` or `rollback`.
    pub action: GuardAction,
    /// In words.
    pub text: String,
    /// When the breach began, as far as that is known.
    pub since: Option<DateTime<Utc>>,
    /// The source of that.
    pub since_by: Option<String>,
    /// From its beginning to the guard acting, seconds.
    pub to_detect: Option<f64>,
}

impl Breach {
    /// What it watches: `p99`, `queue`.
    pub(super) fn subject(&self) -> &str {
        self.row.as_deref().unwrap_or_else(|| self.metric.name())
    }

    /// What it saw.
    pub(super) fn seen(&self) -> String {
        in_unit(self.value, &self.unit)
    }

    /// What it held that against.
    pub(super) fn allowed(&self) -> String {
        match self.worse_by {
            Some(by) => format!("worse by {:.0} % or more", by * 100.0),
            None if self.bound.at_least => format!("at least {}", in_unit(self.bound.limit, &self.unit)),
            None => in_unit(self.bound.limit, &self.unit),
        }
    }
}

/// What one gate said of the candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GateRow {
    /// The gate's name.
    pub gate: String,
    /// Runs on record for this rollout.
    pub runs: u32,
    /// Of these, how many failed.
    pub failed: u32,
    /// Of these, how many could not say.
    pub not_yet: u32,
    /// The last evidence.
    pub last: Option<Evidence>,
    /// The last evidence of a failure, if the last run did not fail.
    pub last_failure: Option<Evidence>,
    /// The last evidence is from before the end of the rollout before: it still counted.
    pub from_before: bool,
    /// `signed` or `overridden`, where a person let it pass.
    pub let_pass: Option<&'static str>,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Decision {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// How it came in.
    pub via: String,
    /// `override`, `approve`, `pause`, `resume`, `adopt`, `finalize`, `take over` or `note`.
    pub what: &'static str,
    /// What it was about: a gate, a split.
    pub about: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Milestone {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// What, in words.
    pub text: String,
    /// Deserves attention.
    pub warn: bool,
    /// The number it has in the plots.
    pub mark: Option<u32>,
}

//! Guards: checks that go on while traffic moves and in the rollback window.

use serde::{Deserialize, Serialize};

mod metric;

pub(crate) use metric::Measure;
pub use metric::Metric;

use super::bound::Bound;
use super::side::Side;

/// What a guard on saturation watches besides the rows of the metrics: the requests under way.
pub const IN_FLIGHT: &str = "in_flight";

/// What a breached guard does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardAction {
    /// Say so.
    Warn,
    /// Stop the plan where it is; forward commands are blocked until a person resumes.
    Pause,
    /// All traffic back.
    Rollback,
}

impl GuardAction {
    /// `warn`, `pause` or `rollback`, as configs and journals spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Pause => "pause",
            Self::Rollback => "rollback",
        }
    }
}

/// What a guard saw when it acted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// What it watches.
    pub metric: Metric,
    /// What saturation is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// The unit of value and limit where it is a row's: `ms`, `bytes`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where.
    pub side: Side,
    /// What it saw: milliseconds, a rate or drop from 0 to 1, or in the unit of the row.
    pub value: f64,
    /// What is allowed, in the unit of the value.
    #[serde(flatten)]
    pub bound: Bound,
    /// Requests (throughput: expected ones, saturation: readings) behind the value.
    pub samples: u64,
    /// How much worse than the other side it is at least (0.21 is 21 %), where that was the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worse_by: Option<f64>,
    /// What it did.
    pub action: GuardAction,
}

impl Breach {
    /// The unit of value and limit.
    pub fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or_else(|| self.metric.unit())
    }

    /// What was watched: `p99`, `queue`.
    pub fn subject(&self) -> &str {
        self.row.as_deref().unwrap_or_else(|| self.metric.name())
    }
}

/// A comparison with the other side, besides the absolute limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How much worse than the other side is too much: 0.2 is 20 %.
    pub worse_by: f64,
    /// How sure it must be before the guard acts, over a whole rollout: 0.99 is one false alarm in a hundred.
    pub sure: f64,
}

/// One configured guard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardSpec {
    /// What is watched.
    pub metric: Metric,
    /// What saturation is of: [`IN_FLIGHT`] or a row of the metrics; `None` for all else.
    #[serde(default)]
    pub row: Option<String>,
    /// The side it watches; `None`: the side that is being rolled out.
    pub side: Option<Side>,
    /// What is allowed: milliseconds, a rate or drop from 0 to 1, or in the unit of the row. Only a row has a least value.
    #[serde(flatten)]
    pub bound: Bound,
    /// Also compared with the other side where set.
    pub versus: Option<Comparison>,
    /// The window looked at, in milliseconds.
    pub window_ms: u64,
    /// Below this many requests in the window (throughput: expected ones, saturation: readings) it does not judge.
    pub min_samples: u64,
    /// Breaches in a row, one evaluation a second, before it acts.
    pub consecutive: u32,
    /// What it does then.
    pub then: GuardAction,
    /// Whether an unattended plan waits for it to have enough data before the next step.
    #[serde(default = "yes")]
    pub require_data: bool,
}

const fn yes() -> bool {
    true
}

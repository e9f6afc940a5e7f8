//! A guard's state: by its limit, and in comparison with the other side.

use serde::{Deserialize, Serialize};

use super::Soon;
use crate::domain::{Bound, GuardAction, Metric, Side};

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
    /// When it will have enough data to judge by; `null` where it has enough, or that is unknown.
    #[serde(default)]
    pub soon: Option<Soon>,
    /// Where.
    pub side: Side,
    /// Its state.
    pub status: GuardState,
    /// What it saw: milliseconds, or a rate from 0 to 1.
    pub value: Option<f64>,
    /// What is allowed, in the unit of the value.
    #[serde(flatten)]
    pub bound: Bound,
    /// The comparison with the other side, where the guard compares and both sides take traffic.
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

impl GuardStatus {
    /// What it watches, as the config names it: its row, or its metric.
    pub fn name(&self) -> &str {
        self.row.as_deref().unwrap_or_else(|| self.metric.name())
    }

    /// Whether it is over its limit, or below its least value, now.
    pub const fn is_broken(&self) -> bool {
        matches!(self.status, GuardState::Breach | GuardState::Tripped)
    }
}

/// One side compared with the other; may be read at any time without raising the share of false alarms.
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
    /// When there will be enough data to compare; `null` where there is enough, or that is unknown.
    #[serde(default)]
    pub soon: Option<Soon>,
}

/// A guard's state.
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

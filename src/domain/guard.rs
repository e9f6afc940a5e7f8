//! Guards: checks that go on while traffic moves and in the rollback window.

use serde::{Deserialize, Serialize};

use super::side::Side;

/// What a guard looks at, on the traffic the router measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of answers that were 5xx or no answer, 0 to 1.
    ErrorRate,
    /// Median latency, milliseconds.
    P50,
    /// 95th percentile of latency, milliseconds.
    P95,
    /// 99th percentile of latency, milliseconds.
    P99,
    /// How far a side's rate has fallen below what is expected of it, 0 to 1.
    Throughput,
    /// How full a side is: requests under way, or a row of its metrics, in that row's unit.
    Saturation,
}

/// What a guard on saturation watches besides the rows of the metrics: the requests under way.
pub const IN_FLIGHT: &str = "in_flight";

impl Metric {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::ErrorRate, Self::P50, Self::P95, Self::P99, Self::Throughput, Self::Saturation];

    /// The quantile of latency it is, 0 to 1; `None` for all other metrics.
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::ErrorRate | Self::Throughput | Self::Saturation => None,
            Self::P50 => Some(0.50),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
        }
    }

    /// The unit of its values; of saturation that of a row, where it is of one.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::ErrorRate | Self::Throughput => "ratio",
            Self::P50 | Self::P95 | Self::P99 => "ms",
            Self::Saturation => "count",
        }
    }

    /// `error_rate`, `p50`, `p95`, `p99`, `throughput` or `saturation`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Throughput => "throughput",
            Self::Saturation => "saturation",
        }
    }
}

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
    /// What is allowed.
    pub limit: f64,
    /// Whether the limit is the least value allowed, not the largest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
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
    /// Largest value allowed: milliseconds, a rate or drop from 0 to 1, or in the unit of the row.
    pub limit: f64,
    /// Whether the limit is the least value allowed instead; of rows alone.
    #[serde(default)]
    pub at_least: bool,
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
}

impl GuardSpec {
    /// Whether `value` is beyond the limit.
    pub fn is_broken_by(&self, value: f64) -> bool {
        if self.at_least { value < self.limit } else { value > self.limit }
    }
}

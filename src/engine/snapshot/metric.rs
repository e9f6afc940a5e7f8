//! What the status document says of the servers' own metrics, and of data that is still to come.

use serde::{Deserialize, Serialize};

use crate::domain::metric::Unit;

/// A row of the metrics that the servers of a side export.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricStatus {
    /// Its value in `unit`; `null` while it is unknown.
    pub value: Option<f64>,
    /// What it is.
    pub unit: Unit,
    /// For a quantile: the bounds of its bucket. The exact value within them is unknown.
    pub within: Option<[f64; 2]>,
    /// Whether no server of the side exports it.
    pub missing: bool,
    /// Seconds since it was read.
    pub age_s: Option<f64>,
}

/// When there will be enough data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "soon", rename_all = "snake_case")]
pub enum Soon {
    /// If requests go on coming as they do.
    In {
        /// Seconds.
        s: f64,
    },
    /// Not at this rate: the window is too short for it.
    Never {
        /// Requests a second.
        per_s: f64,
    },
}

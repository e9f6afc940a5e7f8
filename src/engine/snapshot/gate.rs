//! A gate's state for the candidate's version.

use serde::{Deserialize, Serialize};

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateStatus {
    /// Its name.
    pub name: String,
    /// `health`, `golden`, `smoke`, ...
    pub kind: String,
    /// Whether it blocks forward commands.
    pub required: bool,
    /// Its state for the candidate's version now.
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

/// A gate's state for the candidate's version.
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

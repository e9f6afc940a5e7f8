//! Gates: checks that must pass before traffic moves.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::load::LoadRun;

/// What a gate found. Not enough data is an answer of its own (law 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The check holds.
    Passed,
    /// The check does not hold.
    Failed,
    /// Too little was seen to say, or the check could not be carried out.
    NotYet,
}

impl Verdict {
    /// `PASS`, `FAIL` or `WAIT`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Failed => "FAIL",
            Self::NotYet => "WAIT",
        }
    }
}

/// What the engine knows of a configured gate. How it is carried out is the affair of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateSpec {
    /// Unique among the gates of a service; the kind unless the config names it.
    pub name: String,
    /// `health`, `golden`, `smoke`, ...: as the config spells it.
    pub kind: String,
    /// Whether forward commands are blocked until it passes or is overridden.
    pub required: bool,
    /// How long a result counts, in milliseconds.
    pub valid_for_ms: u64,
    /// The whole run is given up after this long, in milliseconds; the verdict is then "not yet".
    pub timeout_ms: u64,
    /// What a person must have looked at before signing; `None` for a gate that runs.
    pub ask: Option<String>,
}

impl GateSpec {
    /// Whether a person signs for it, so that it cannot be run.
    pub const fn is_manual(&self) -> bool {
        self.ask.is_some()
    }
}

/// What a gate saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The gate's name.
    pub gate: String,
    /// What it found.
    pub verdict: Verdict,
    /// The measured value in `unit`, when there is one.
    pub value: Option<f64>,
    /// The limit in `unit`, when there is one.
    pub limit: Option<f64>,
    /// `ratio` (0 to 1), `ms`, `count`; empty when the gate has no number.
    pub unit: String,
    /// Whether `value` must be at least `limit` (accuracy) or at most (latency).
    pub at_least: bool,
    /// Number of checks, cases or requests behind it.
    pub samples: u64,
    /// The digest of the version it was measured on. Evidence counts for that version only.
    pub version: Digest,
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// How long the run took, in milliseconds.
    pub took_ms: u64,
    /// One line for the screen: `12 misses`.
    pub note: String,
    /// The first misses or faults, cleaned, at most 20.
    pub details: Vec<String>,
    /// The course of a load; `None` of other gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<std::sync::Arc<LoadRun>>,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For reading.
    #[default]
    Info,
    /// For attention.
    Warn,
    /// Something failed.
    #[serde(rename = "error")]
    Err,
}

impl LogLevel {
    /// `INFO`, `WARN` or `ERR`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Err => "ERR",
        }
    }
}

/// A line for the log pane and the gate's log file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How important it is.
    pub level: LogLevel,
    /// The gate's name, or `traffic`, `guard`, `journal`, `probe`, an actor.
    pub source: String,
    /// The text, already cleaned.
    pub text: String,
}

//! What a screen shows besides the status document: how the plan went so far, each replica, what gates found before.
//!
//! Not part of the document that scripts read: it may change with the screen.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::snapshot::GateState;
use crate::domain::{LoadRun, Pair};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// When the rollout under way began; `None` while none is under way.
    pub started: Option<DateTime<Utc>>,
    /// The candidate's share in percent after each order that was verified in this rollout, and when.
    pub reached: Vec<(u8, DateTime<Utc>)>,
    /// The short state digest that consent to the last order was given to; `None` where none was needed.
    pub consent: Option<String>,
    /// How long a step is watched, seconds.
    pub bake_s: f64,
    /// Each replica, in the order of the config.
    pub replicas: Pair<Vec<ReplicaStatus>>,
    /// What each gate found over time, in no order.
    pub trails: Arc<Vec<GateTrail>>,
    /// The load runs on the candidate's version: under way or ended.
    pub loads: Vec<GateLoad>,
    /// The rows of the servers' own metrics, in the order of the config.
    pub rows: Vec<String>,
    /// Where each gate's log is kept: its name and the path.
    pub logs: Arc<Vec<(String, String)>>,
}

impl Detail {
    /// What `gate` found over time, oldest first; empty when nothing is known.
    pub fn trail(&self, gate: &str) -> &[GatePoint] {
        self.trails.iter().find(|trail| trail.gate == gate).map_or(&[], |trail| trail.points.as_slice())
    }

    /// The load run of `gate`.
    pub fn load_of(&self, gate: &str) -> Option<&GateLoad> {
        self.loads.iter().find(|load| load.gate == gate)
    }

    /// Where the log of `gate` is.
    pub fn log_of(&self, gate: &str) -> Option<&str> {
        self.logs.iter().find(|(name, _)| name == gate).map(|(_, path)| path.as_str())
    }
}

/// A load on the candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateLoad {
    /// The gate's name.
    pub gate: String,
    /// Whether it is under way.
    pub running: bool,
    /// Its figures over time.
    pub run: Arc<LoadRun>,
}

/// One replica, as our probes see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// Where it is. Shared: a snapshot of a thousand replicas copies no text.
    pub url: Arc<str>,
    /// Whether its last probe succeeded; `None` before the first.
    pub ready: Option<bool>,
    /// Why it is not ready.
    pub fault: Option<String>,
    /// The name of the version it says it serves.
    pub version: Option<String>,
    /// How long the last probe took, milliseconds; `None` without an answer.
    pub latency_ms: Option<f64>,
    /// Seconds since its last probe ended.
    pub age_s: Option<f64>,
}

/// What one gate found over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateTrail {
    /// The gate's name.
    pub gate: String,
    /// Oldest first; the oldest are dropped.
    pub points: Vec<GatePoint>,
}

/// The state of a gate from one moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatePoint {
    /// From when.
    pub at: DateTime<Utc>,
    /// How.
    pub state: GateState,
    /// What was measured, in the gate's unit.
    pub value: Option<f64>,
    /// Checks behind the value.
    pub samples: u64,
    /// One line.
    pub note: String,
    /// Whether a run ended here; otherwise the state changed without one: it began, grew old, was overridden.
    pub run: bool,
}

//! How far a rollout and its plan are.

use serde::{Deserialize, Serialize};

use crate::domain::{OnDisconnect, OnFailure};

/// How far a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing under way.
    Idle,
    /// Gates are running.
    Validating,
    /// Nothing blocks the first step.
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
    /// The router cannot be read, or reports a split that no order asked for.
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
}

/// How far the plan is.
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
    /// Why the bake or, after it, an unattended plan waits; `null` while neither does.
    #[serde(default)]
    pub waits: Option<String>,
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

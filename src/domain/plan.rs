//! The steps of a rollout.

use serde::{Deserialize, Serialize};

/// The plan a rollout follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The candidate's share after each step, rising, ending in 100.
    pub steps: Vec<u8>,
    /// How long each step is watched before the next, in milliseconds.
    pub bake_ms: u64,
    /// How long an unattended plan waits after a bake for guards that have too little data, in milliseconds. Then it
    /// pauses.
    #[serde(default = "data_timeout_ms")]
    pub data_timeout_ms: u64,
    /// How long the standby is kept after 100 %, in milliseconds.
    pub rollback_window_ms: u64,
    /// What happens to traffic when the driving console loses its operator.
    pub on_disconnect: OnDisconnect,
    /// What becomes of traffic when a plan that is walked unattended fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Whether the next step is taken without a person once gates pass and the bake is over.
    pub auto: bool,
    /// Whether the question before a promote wants the candidate's version typed, as the one before a switch does.
    pub typed_promote: bool,
}

const fn data_timeout_ms() -> u64 {
    15 * 60_000
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            steps: vec![10, 50, 100],
            bake_ms: 5 * 60_000,
            data_timeout_ms: data_timeout_ms(),
            rollback_window_ms: 24 * 3_600_000,
            on_disconnect: OnDisconnect::Hold,
            on_failure: OnFailure::Abort,
            auto: false,
            typed_promote: false,
        }
    }
}

/// What becomes of traffic when a plan that is walked unattended fails. What a guard does is the guard's own setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It stays where it is, and the plan waits for a person.
    Pause,
    /// The rollout is given up: all traffic to the live side. Once the candidate has all of it, as `Rollback`.
    #[default]
    Abort,
    /// All traffic back.
    Rollback,
}

/// What a console that loses its operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDisconnect {
    /// Traffic stays where it is.
    #[default]
    Hold,
    /// A rollout under way is rolled back before the console ends.
    Rollback,
}

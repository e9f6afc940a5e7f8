//! A traffic system that acts by itself: a controller with steps of its own, or a platform that works for minutes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a controller is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// What it does now.
    pub state: ControllerState,
    /// The new side's share after each of its own steps, percent, rising; empty where every step is an order of ours.
    pub steps: Vec<u8>,
    /// How many of its steps it has reached.
    pub reached: usize,
    /// Its own phase and message, cleaned: `Paused: BlueGreenPause`.
    pub message: String,
    /// When it goes on by itself; `None` where it waits for something else.
    pub next_change: Option<DateTime<Utc>>,
}

impl Controller {
    /// The share that its own plan has now; `None` before its first step.
    pub fn share(&self) -> Option<u8> {
        self.steps.get(self.reached.checked_sub(1)?).copied()
    }
}

/// What a controller does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControllerState {
    /// Nothing is under way.
    Resting,
    /// It changes something, or waits for a time of its own.
    Working,
    /// It waits for a person.
    Paused,
    /// The rollout was given up: traffic is at the old side, or on its way there.
    Aborted,
    /// It cannot go on.
    Failed,
}

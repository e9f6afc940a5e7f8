//! What shows that an order took effect, as a value: the engine compares it with every reading.

use serde::{Deserialize, Serialize};

use super::controller::ControllerState;
use super::observation::Observation;
use super::order::{Move, Order, Revision};
use super::split::Split;

/// What has to be read before an order is VERIFIED.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// This split, whole.
    Split(Split),
    /// A controller that is this far.
    Controller(Reached),
    /// This revision.
    Revision(Revision),
    /// All of these.
    All(Vec<Self>),
}

/// How far a controller has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// It waits for a person.
    Paused,
    /// It does not wait for a person any more.
    GoesOn,
    /// This many of its steps, or more.
    Step(usize),
    /// Nothing is under way any more.
    Rests,
}

impl Goal {
    /// The goal of an order whose backend names no other.
    pub const fn of(order: &Order) -> Self {
        match order.kind {
            Move::Promote | Move::Switch | Move::Abort | Move::Rollback => Self::Split(order.target),
            Move::Pause => Self::Controller(Reached::Paused),
            Move::Resume | Move::Retry => Self::Controller(Reached::GoesOn),
            Move::Finish => Self::Controller(Reached::Rests),
        }
    }

    /// Whether `seen` shows it.
    pub fn is_met(&self, seen: &Observation) -> bool {
        match self {
            Self::Split(split) => seen.split == *split && seen.mixed.is_none(),
            Self::Controller(reached) => reached.is_met(seen),
            Self::Revision(revision) => seen.revision == *revision,
            Self::All(goals) => goals.iter().all(|goal| goal.is_met(seen)),
        }
    }
}

impl Reached {
    fn is_met(self, seen: &Observation) -> bool {
        let Some(controller) = &seen.controller else { return false };
        match (self, controller.state) {
            (Self::Paused, state) => state == ControllerState::Paused,
            (Self::GoesOn, state) => matches!(state, ControllerState::Working | ControllerState::Resting),
            (Self::Step(_), ControllerState::Aborted | ControllerState::Failed) => false,
            (Self::Step(step), _) => controller.reached >= step,
            (Self::Rests, state) => state == ControllerState::Resting,
        }
    }
}

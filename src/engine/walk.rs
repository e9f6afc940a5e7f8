//! The plan walked unattended: the next step once nothing stands in its way and the bake is over.

use super::command::Command;
use super::rollout::Stage;
use super::state::State;
use crate::domain::{Actor, Move};

impl State {
    /// Milliseconds until the bake of the step reached is over; `None` when nothing bakes.
    pub(super) fn bake_left_ms(&self) -> Option<u64> {
        let since = self.rollout.step_since.filter(|_| self.rollout.stage == Stage::Moving)?;
        Some(self.service.plan.bake_ms.saturating_sub(self.now.since_ms(since)))
    }

    /// Takes the next step by itself where the plan is walked unattended.
    pub(super) fn walk(&mut self) {
        let baked = match self.rollout.stage {
            Stage::Idle => true,
            Stage::Moving => self.bake_left_ms() == Some(0),
            _ => false,
        };
        if !self.auto || !self.role.runs_gates || !baked || !self.blockers(&Command::Promote).is_empty() {
            return;
        }
        if let Some(target) = self.target(&Command::Promote) {
            self.order(Move::Promote, target, Actor::auto(), None, None);
        }
    }
}

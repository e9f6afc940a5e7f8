//! The way back, proven all the time: a side that traffic could go back to is watched, and its loss is recorded.

use serde::{Deserialize, Serialize};

use super::rollout::Stage;
use super::state::State;
use crate::domain::{Actor, Fact, Side, Stamp};

/// A side that answers nothing for this long is lost, and one that answers again is back: milliseconds.
const LASTS_MS: u64 = 3_000;

/// What is known of the side to go back to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Standby {
    /// What was recorded of it last.
    lost: bool,
    /// Since when it has been otherwise.
    otherwise: Option<Stamp>,
    /// The most requests a second it has been seen to serve.
    served: Option<(Side, f64)>,
}

impl State {
    /// Once a second.
    pub(super) fn watch_standby(&mut self) {
        let side = self.origin();
        self.note_served(side);
        if !matches!(self.rollout.stage, Stage::Moving | Stage::Switched) {
            self.standby.otherwise = None;
            self.standby.lost = false;
            return;
        }
        let Some(ready) = self.sides[side].ready() else { return };
        if (ready == 0) == self.standby.lost {
            self.standby.otherwise = None;
            return;
        }
        let since = *self.standby.otherwise.get_or_insert(self.now);
        if self.now.since_ms(since) < LASTS_MS {
            return;
        }
        self.standby.lost = ready == 0;
        self.standby.otherwise = None;
        if self.access.watches() && self.may_drive() {
            let why = self.sides[side].first_fault().unwrap_or_default().to_owned();
            let total = self.sides[side].replicas.len() as u32;
            self.record(Fact::Standby { side, ready, total, why }, Actor::auto());
        }
    }

    /// The most requests a second that the side to go back to has been seen to serve; `None` when it never was.
    pub(super) fn served_rps(&self) -> Option<f64> {
        let (side, rps) = self.standby.served?;
        (side == self.origin()).then_some(rps)
    }

    fn note_served(&mut self, side: Side) {
        let Some(rps) = self.sides[side].rps().filter(|rps| *rps > 0.0) else { return };
        match &mut self.standby.served {
            Some((of, most)) if *of == side => *most = most.max(rps),
            served => *served = Some((side, rps)),
        }
    }
}

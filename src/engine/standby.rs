//! The way back, proven all the time: the side that traffic could go back to is watched, and its loss is recorded.

use serde::{Deserialize, Serialize};

use super::rollout::Stage;
use super::wish::Wish;
use super::world::World;
use crate::domain::{Fact, Side, Stamp};

/// A side that answers nothing for this long is lost, and one that answers again is back: milliseconds.
const LASTS_MS: u64 = 3_000;

/// What is known of the side to go back to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Standby {
    /// What was recorded last.
    lost: bool,
    /// Since when the side has been in the other state.
    otherwise: Option<Stamp>,
    /// The most requests a second that the side has served.
    served: Option<(Side, f64)>,
}

impl Standby {
    /// Once a second.
    pub(super) fn tick(&mut self, world: &World) -> Option<Wish> {
        let side = world.origin();
        let watch = &world.sides[side];
        self.note_served(side, watch.rps());
        if !matches!(world.rollout().stage, Stage::Moving | Stage::Switched) {
            self.otherwise = None;
            self.lost = false;
            return None;
        }
        let at_router = world.unready_at_router(side);
        let ready = if at_router.is_some() { 0 } else { watch.replicas.ready()? };
        if (ready == 0) == self.lost {
            self.otherwise = None;
            return None;
        }
        let since = *self.otherwise.get_or_insert(world.now);
        if world.now.since_ms(since) < LASTS_MS {
            return None;
        }
        self.lost = ready == 0;
        self.otherwise = None;
        let why = at_router.unwrap_or_else(|| watch.replicas.first_fault().unwrap_or_default().to_owned());
        let fact = Fact::Standby { side, ready, total: watch.replicas.len() as u32, why };
        (world.access.watches() && world.may_drive()).then(|| Wish::record(fact))
    }

    /// The most requests a second that the side to go back to has served; `None` when it never served any.
    pub(super) fn served_rps(&self, world: &World) -> Option<f64> {
        let (side, rps) = self.served?;
        (side == world.origin()).then_some(rps)
    }

    fn note_served(&mut self, side: Side, rps: Option<f64>) {
        let Some(rps) = rps.filter(|rps| *rps > 0.0) else { return };
        match &mut self.served {
            Some((of, most)) if *of == side => *most = most.max(rps),
            served => *served = Some((side, rps)),
        }
    }
}

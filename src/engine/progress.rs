//! A controller with a plan of its own: what it does by itself is progress, not drift.

use super::rollout::Stage;
use super::world::World;
use crate::domain::text::clean;
use crate::domain::{Controller, ControllerState, Fact, Observation, Split};

/// Whether the split that is read is what the controller's own plan wants. Then no order is behind it.
pub(super) fn explains(world: &World) -> bool {
    world.router.seen.as_ref().is_some_and(|(_, seen)| plan(seen).is_some_and(|it| is_by_plan(it, seen, world)))
}

/// What the controller did by itself since the last record; `None` where that is nothing, or an order is under way.
pub(super) fn made(world: &World) -> Option<Fact> {
    let (_, seen) = world.router.seen.as_ref()?;
    let controller = plan(seen)?;
    if world.rollout().unsettled().is_some() || !is_by_plan(controller, seen, world) {
        return None;
    }
    let share = seen.split.share(world.candidate());
    let under_way = matches!(world.rollout().stage, Stage::Moving | Stage::Switched);
    let gave_up = matches!(controller.state, ControllerState::Aborted | ControllerState::Failed);
    let has_moved = world.rollout().desired.is_some_and(|desired| desired != seen.split)
        || (!under_way && share > 0 && world.rollout().stage != Stage::Finalized);
    (has_moved || (gave_up && share == 0 && under_way)).then(|| Fact::Progress {
        split: seen.split,
        origin: world.origin(),
        state: controller.state,
        step: (controller.reached, controller.steps.len()),
        message: clean(&controller.message, 200),
    })
}

/// The controller, where it has a plan of its own.
fn plan(seen: &Observation) -> Option<&Controller> {
    seen.controller.as_ref().filter(|it| !it.steps.is_empty() && seen.mixed.is_none())
}

/// A controller at work may be anywhere between two steps. One that waits is at its step, and one that rests at either
/// end: any other split was made by somebody else.
fn is_by_plan(controller: &Controller, seen: &Observation, world: &World) -> bool {
    let share = seen.split.share(world.candidate());
    match controller.state {
        ControllerState::Working | ControllerState::Aborted => true,
        ControllerState::Paused | ControllerState::Failed => share == controller.share().unwrap_or(0),
        ControllerState::Resting => seen.split == Split::all(world.origin()) || share == 100,
    }
}

//! The plan walked unattended: the next step once nothing blocks it and the bake is over; the end of the walk at the
//! first failure, in the same second that sees it.

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::consent::Consent;
use super::gates::Gates;
use super::guards::{Guards, Hold};
use super::rollout::{Stage, Tracked};
use super::snapshot::GateState;
use super::wish::{Wanted, Wish};
use super::world::World;
use crate::domain::{Actor, Cause, Move, OnFailure, OrderState, Side, Split, Stamp};

/// A candidate that answers nothing for this long has failed, in milliseconds: one lost probe is not a failure.
const DEAD_MS: u64 = 3_000;

/// Why a plan that is walked unattended cannot go on.
enum Failure {
    /// The candidate is at fault: what the plan says of failures is done.
    Candidate(String),
    /// The traffic system is not where we left it: a machine does not argue with it.
    Router(String),
}

/// The plan walked unattended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Walk {
    /// Whether it is.
    auto: bool,
    /// Since when the candidate has had traffic and answered nothing.
    candidate_dead: Option<Stamp>,
    /// Since when guards have had too little data for the next step.
    no_data: Option<Stamp>,
}

impl Walk {
    pub(super) const fn new(auto: bool) -> Self {
        Self { auto, candidate_dead: None, no_data: None }
    }

    pub(super) const fn is_on(&self) -> bool {
        self.auto
    }

    /// Walks, or stops walking.
    pub(super) const fn set(&mut self, on: bool) {
        self.auto = on;
    }

    /// Once a second: takes the next step by itself where the plan is walked unattended, or ends the walk.
    pub(super) fn tick(&mut self, world: &World, gates: &Gates, guards: &Guards) -> Option<Wish> {
        self.watch_candidate(world);
        let rollout = world.rollout();
        if rollout.paused.is_some() {
            self.no_data = None;
        }
        if !self.auto || !world.access.drives() || !world.may_drive() || rollout.paused.is_some() {
            return None;
        }
        if rollout.unsettled().is_some() {
            return None;
        }
        let consent = Consent::new(world, gates);
        if let Some(failure) = self.failure(&consent) {
            return Some(end(world, failure));
        }
        let baked = match rollout.stage {
            Stage::Idle => true,
            Stage::Moving => world.bake_left_ms() == Some(0),
            Stage::Finalized | Stage::Aborted | Stage::RolledBack => !world.is_tried(),
            Stage::Switched => false,
        };
        if !baked {
            self.no_data = None;
        }
        if !baked || !consent.blockers(&Command::Promote).is_empty() {
            return None;
        }
        match guards.hold(world) {
            None => self.no_data = None,
            Some(Hold::Breach(_)) => return None,
            Some(Hold::NoData(what)) => {
                // It goes on while something else blocks for a moment: a gate that runs again must not begin it anew.
                let since = *self.no_data.get_or_insert(world.now);
                let waited = world.now.since_ms(since);
                let why = format!("plan: {what}; waited for {} s", waited / 1000);
                let is_over = waited >= world.service.plan.data_timeout_ms;
                return is_over.then_some(Wish::Pause { why, cause: Cause::Plan });
            }
        }
        Some(Wish::Order(Wanted::by_plan(Move::Promote, consent.target(&Command::Promote)?, None)))
    }

    fn watch_candidate(&mut self, world: &World) {
        let candidate = world.candidate();
        let answers =
            world.sides[candidate].replicas.ready() != Some(0) && world.unready_at_router(candidate).is_none();
        let dead = !answers && world.share().is_some_and(|share| share > 0);
        self.candidate_dead = if dead { self.candidate_dead.or(Some(world.now)) } else { None };
    }

    /// What has failed, if anything has; before any traffic has moved nothing needs to be done about it.
    fn failure(&self, consent: &Consent<'_>) -> Option<Failure> {
        let world = consent.world();
        if !matches!(world.rollout().stage, Stage::Moving | Stage::Switched) {
            return None;
        }
        let accepted = world.rollout().accepted.as_ref();
        let failed = |last: &&Tracked| {
            last.state == OrderState::Failed && last.by == Actor::auto() && accepted != Some(&last.order.id)
        };
        if let Some(last) = world.rollout().last.as_ref().filter(failed) {
            let detail = last.detail.as_deref().unwrap_or("the traffic system did not say why");
            return Some(Failure::Router(format!("order {} failed: {detail}", last.order.id)));
        }
        if let (Some(drift), Some(desired)) = (world.drift(), world.rollout().desired) {
            return Some(Failure::Router(format!("drift: router says {}, asked was {desired}", drift.observed)));
        }
        let candidate = world.candidate();
        if self.candidate_dead.is_some_and(|since| world.now.since_ms(since) >= DEAD_MS) {
            let total = world.sides[candidate].replicas.len();
            let own = || format!("{candidate} 0/{total} ready");
            return Some(Failure::Candidate(world.unready_at_router(candidate).unwrap_or_else(own)));
        }
        changed_version(world, candidate).or_else(|| failed_gate(consent)).map(Failure::Candidate)
    }
}

fn changed_version(world: &World, candidate: Side) -> Option<String> {
    let began = world.rollout().began_with.as_ref()?[candidate].as_ref()?;
    let now = world.version_digest(candidate)?;
    let name = world.version_name(candidate).unwrap_or_else(|| now.short().to_owned());
    (now != began.digest).then(|| format!("{candidate} serves {name} now, the rollout is of {}", began.name))
}

fn failed_gate(consent: &Consent<'_>) -> Option<String> {
    let rollout = consent.world().rollout();
    if rollout.stage != Stage::Moving {
        return None;
    }
    let (gate, _) = consent.gates().find(|(gate, state)| gate.required && *state == GateState::Failed)?;
    let note = rollout.evidence.get(&gate.name).map(|(_, evidence)| evidence.note.as_str());
    let note = note.filter(|note| !note.is_empty()).map(|note| format!(": {note}")).unwrap_or_default();
    Some(format!("gate {} failed{note}", gate.name))
}

/// What the plan does about a failure.
fn end(world: &World, failure: Failure) -> Wish {
    let (why, action) = match failure {
        Failure::Router(why) => (why, OnFailure::Pause),
        Failure::Candidate(why) => (why, world.service.plan.on_failure),
    };
    let why = format!("plan: {why}");
    let (origin, way_back) = (world.origin(), world.has_way_back());
    let at_router = world.unready_at_router(origin).map(|why| format!(", {why}")).unwrap_or_default();
    let paused = |why| Wish::Pause { why, cause: Cause::Plan };
    match action {
        OnFailure::Abort
            if way_back && world.rollout().stage == Stage::Moving && world.refuses(Move::Abort).is_none() =>
        {
            Wish::Order(Wanted::by_plan(Move::Abort, Split::all(origin), Some(why)))
        }
        OnFailure::Abort | OnFailure::Rollback if way_back => Wish::RollBack { why, cause: Cause::Plan },
        OnFailure::Pause => paused(why),
        OnFailure::Abort | OnFailure::Rollback => {
            paused(format!("{why}; not taken back: {origin} answers nothing{at_router}"))
        }
    }
}

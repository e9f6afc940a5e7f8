//! The plan walked unattended: the next step once nothing stands in its way and the bake is over; and the end of it
//! at the first failure, within the evaluation that sees it.

use super::command::Command;
use super::orders::Wanted;
use super::rollout::Stage;
use super::snapshot::GateState;
use super::state::State;
use crate::domain::{Actor, Cause, Fact, Move, OnFailure, OrderState, Side};

/// A candidate that answers nothing for this long has failed, in milliseconds: one lost probe is none.
const DEAD_MS: u64 = 3_000;

/// Why a plan that is walked unattended cannot go on.
enum Failure {
    /// The candidate is at fault: what the plan says of failures is done.
    Candidate(String),
    /// The traffic system is not where we left it: a machine does not argue with it.
    Router(String),
}

impl State {
    /// Milliseconds until the bake of the step reached is over; `None` when nothing bakes.
    ///
    /// For a process on watch only what it watched itself counts: while none was there, no guard would have acted.
    pub(super) fn bake_left_ms(&self) -> Option<u64> {
        let since = self.rollout.step_since.filter(|_| self.rollout.stage == Stage::Moving)?;
        let since = if self.access.watches() { since.mono_ms.max(self.began_ms) } else { since.mono_ms };
        let baked = (self.now.mono_ms - since).max(0).unsigned_abs();
        Some(self.service.plan.bake_ms.saturating_sub(baked))
    }

    /// Takes the next step by itself where the plan is walked unattended, or ends the walk.
    pub(super) fn walk(&mut self) {
        self.watch_candidate();
        if !self.auto || !self.access.drives() || !self.may_drive() || self.rollout.paused.is_some() {
            return;
        }
        if self.rollout.unsettled().is_some() {
            return;
        }
        if let Some(failure) = self.failure() {
            return self.end_walk(failure);
        }
        let baked = match self.rollout.stage {
            Stage::Idle => true,
            Stage::Moving => self.bake_left_ms() == Some(0),
            Stage::Finalized | Stage::Aborted | Stage::RolledBack => !self.is_tried(),
            Stage::Switched => false,
        };
        if baked
            && self.blockers(&Command::Promote).is_empty()
            && let Some(target) = self.target(&Command::Promote)
        {
            self.order(Wanted::by_itself(Move::Promote, target, None, Cause::Plan));
        }
    }

    /// Whether the candidate's version is the one whose rollout has ended, or is not known.
    pub(super) fn is_tried(&self) -> bool {
        let candidate = self.candidate();
        let tried = self.rollout.began_with.as_ref().and_then(|began| began[candidate].as_ref());
        match (self.version_digest(candidate), tried) {
            (Some(now), Some(tried)) => now == tried.digest,
            _ => true,
        }
    }

    fn watch_candidate(&mut self) {
        let dead = self.sides[self.candidate()].ready() == Some(0) && self.share().is_some_and(|share| share > 0);
        self.candidate_dead = if dead { self.candidate_dead.or(Some(self.now)) } else { None };
    }

    /// What has failed, if anything has; before any traffic has moved nothing needs to be done about it.
    fn failure(&self) -> Option<Failure> {
        if !matches!(self.rollout.stage, Stage::Moving | Stage::Switched) {
            return None;
        }
        let accepted = self.rollout.accepted.as_ref();
        let failed = |last: &&super::rollout::Tracked| {
            last.state == OrderState::Failed && last.by == Actor::auto() && accepted != Some(&last.order.id)
        };
        if let Some(last) = self.rollout.last.as_ref().filter(failed) {
            let detail = last.detail.as_deref().unwrap_or("the traffic system did not say why");
            return Some(Failure::Router(format!("order {} failed: {detail}", last.order.id)));
        }
        if let (Some(drift), Some(desired)) = (self.drift(), self.rollout.desired) {
            return Some(Failure::Router(format!("drift: router says {}, asked was {desired}", drift.observed)));
        }
        let candidate = self.candidate();
        if self.candidate_dead.is_some_and(|since| self.now.since_ms(since) >= DEAD_MS) {
            let total = self.sides[candidate].replicas.len();
            return Some(Failure::Candidate(format!("{candidate} 0/{total} ready")));
        }
        self.changed_version(candidate).or_else(|| self.failed_gate()).map(Failure::Candidate)
    }

    fn changed_version(&self, candidate: Side) -> Option<String> {
        let began = self.rollout.began_with.as_ref()?[candidate].as_ref()?;
        let now = self.version_digest(candidate)?;
        let name = self.version_name(candidate).unwrap_or_else(|| now.short().to_owned());
        (now != began.digest).then(|| format!("{candidate} serves {name} now, the rollout is of {}", began.name))
    }

    fn failed_gate(&self) -> Option<String> {
        if self.rollout.stage != Stage::Moving {
            return None;
        }
        let failed = |gate: &&crate::domain::GateSpec| gate.required && self.gate_state(gate) == GateState::Failed;
        let gate = self.service.gates.iter().find(failed)?;
        let note = self.rollout.evidence.get(&gate.name).map(|(_, evidence)| evidence.note.as_str());
        let note = note.filter(|note| !note.is_empty()).map(|note| format!(": {note}")).unwrap_or_default();
        Some(format!("gate {} failed{note}", gate.name))
    }

    fn end_walk(&mut self, failure: Failure) {
        let (why, action) = match failure {
            Failure::Router(why) => (why, OnFailure::Pause),
            Failure::Candidate(why) => (why, self.service.plan.on_failure),
        };
        let why = format!("plan: {why}");
        let origin = self.origin();
        // Reason: traffic is not moved by a machine onto a side that answers nothing; a person still can.
        let way_back = self.sides[origin].ready() != Some(0);
        match action {
            OnFailure::Abort if way_back && self.rollout.stage == Stage::Moving && self.capabilities.abort => {
                if let Some(target) = self.target(&Command::Abort) {
                    self.order(Wanted::by_itself(Move::Abort, target, Some(why), Cause::Plan));
                }
            }
            OnFailure::Abort | OnFailure::Rollback if way_back => {
                self.roll_back(Actor::auto(), None, Some(why), Cause::Plan);
            }
            OnFailure::Pause => self.record(paused(why), Actor::auto()),
            OnFailure::Abort | OnFailure::Rollback => {
                let why = format!("{why}; not taken back: {origin} answers nothing");
                self.record(paused(why), Actor::auto());
            }
        }
    }
}

const fn paused(why: String) -> Fact {
    Fact::Paused { why: Some(why), cause: Some(Cause::Plan) }
}

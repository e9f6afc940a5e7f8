//! What every part of the engine may read and none may change: the config, this process's access, the moment, and what is
//! known of the router, the sides and the rollout.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::bake::Bake;
use super::front::Front;
use super::rollout::{Rollout, Stage};
use super::watch::{Counted, Drift, Router, Serves, SideWatch};
use crate::domain::masked;
use crate::domain::observation::Replicas;
use crate::domain::{
    Actor, Capabilities, Controller, Digest, Move, Observation, Order, Pair, Record, RollbackClass, Service, Side,
    Stamp, WayBack,
};

/// See the module. Only the [`State`](super::State) changes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct World {
    #[serde(serialize_with = "masked::serialize")]
    pub(super) service: Arc<Service>,
    pub(super) capabilities: Capabilities,
    /// This process's operator.
    pub(super) me: Actor,
    pub(super) access: Access,
    /// Makes order ids of this process differ from those of any other process.
    pub(super) seed: u64,
    pub(super) now: Stamp,
    /// When this process began to watch.
    pub(super) began: Stamp,
    /// What the journal says; only records change it.
    rollout: Rollout,
    pub(super) router: Router,
    pub(super) sides: Pair<SideWatch>,
    /// How long this process has watched the step reached.
    #[serde(default)]
    bake: Bake,
    /// The other console that drives.
    pub(super) holder: Option<String>,
    /// Whether the console that drove is gone.
    pub(super) nobody_drives: bool,
    pub(super) front: Front,
    /// Why the journal cannot be written. The next successful write clears it.
    pub(super) journal_fault: Option<String>,
    /// The journal differs from what was written. No write repairs that.
    pub(super) journal_broken: Option<String>,
}

impl World {
    pub(super) fn new(
        service: Arc<Service>,
        capabilities: Capabilities,
        (me, access, seed): (Actor, Access, u64),
        now: Stamp,
    ) -> Self {
        Self {
            sides: service.sides.map(|_, spec| SideWatch::new(spec)),
            service,
            capabilities,
            me,
            access,
            seed,
            now,
            began: now,
            rollout: Rollout::default(),
            router: Router::default(),
            bake: Bake::default(),
            holder: None,
            nobody_drives: false,
            front: Front::default(),
            journal_fault: None,
            journal_broken: None,
        }
    }

    pub(super) const fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Takes a record in, ours or another process's.
    pub(super) fn fold(&mut self, record: &Record) {
        self.rollout.fold(record, self.now);
    }

    /// Closes the second that has passed on both sides.
    pub(super) fn advance(&mut self) {
        for side in Side::BOTH {
            if let Some(metrics) = &self.service.metrics {
                self.sides[side].metrics.advance(metrics, self.now);
            }
            self.sides[side].advance(self.now);
        }
        let is_fresh = self.unwatched().is_none();
        self.bake.look(self.rollout.step_since, self.began, self.now, is_fresh);
    }

    /// Takes in the traffic that `seen` counts; what both sides got since the last reading, where it counts at all.
    pub(super) fn count(&mut self, seen: &Observation) -> Option<Pair<Option<Counted>>> {
        let Some(counters) = &seen.traffic else {
            self.sides.blue.stop_counting();
            self.sides.green.stop_counting();
            return None;
        };
        let counted = Pair::from_fn(|side| self.router.delta(counters, side));
        let restarted = self.router.restarted(counters);
        for side in Side::BOTH {
            let watch = &mut self.sides[side];
            watch.in_flight = Some(counters.sides[side].in_flight);
            watch.note_total(self.now, counters.sides[side].total(), restarted);
            watch.note_share(self.now, seen.split.share(side), &counters.sides[side], restarted);
            if let Some(counted) = counted[side].as_ref().filter(|counted| counted.count > 0) {
                watch.traffic.absorb(self.now.mono_ms, counted.count, counted.errors, &counted.cells);
            }
        }
        Some(counted)
    }

    /// What a controller said last; `None` for a system that does nothing by itself.
    pub(super) fn controller(&self) -> Option<&Controller> {
        self.router.seen.as_ref()?.1.controller.as_ref()
    }

    /// The controller whose plan is walked; `None` where every step is an order of ours.
    pub(super) fn plan_owner(&self) -> Option<&Controller> {
        self.controller().filter(|controller| !controller.steps.is_empty())
    }

    /// The candidate's share after each step: of the controller's plan, or of ours.
    pub(super) fn steps(&self) -> &[u8] {
        self.plan_owner().map_or(&self.service.plan.steps, |controller| &controller.steps)
    }

    /// The share of the next step; `None` after the last.
    pub(super) fn next_share(&self) -> Option<u8> {
        let share = self.share()?;
        self.steps().iter().copied().find(|step| *step > share)
    }

    /// Why the traffic system refuses `kind` now, by its own word; `None` where it does it, or was not read.
    pub(super) fn refuses(&self, kind: Move) -> Option<&str> {
        self.router.seen.as_ref()?.1.can.refusal(kind)
    }

    /// How far the way back reaches, by the system's word; `None` while it was not read.
    pub(super) fn way_back(&self) -> Option<&WayBack> {
        self.router.seen.as_ref().map(|(_, seen)| &seen.rollback)
    }

    /// Whether the console that drove is gone while a rollout is under way: no guard acts then.
    pub(super) const fn is_undriven(&self) -> bool {
        self.nobody_drives && matches!(self.rollout.stage, Stage::Moving | Stage::Switched)
    }

    /// Whether this process may move traffic forward as far as the lease goes.
    pub(super) const fn may_drive(&self) -> bool {
        !self.access.is_read_only() && self.holder.is_none()
    }

    /// The side that is live while no rollout is under way, and the way back while one is.
    pub(super) fn origin(&self) -> Side {
        self.rollout.origin.or_else(|| self.router.split()?.majority()).unwrap_or(Side::Blue)
    }

    /// The side that is rolled out, before, during and after.
    pub(super) fn candidate(&self) -> Side {
        self.origin().other()
    }

    /// The candidate's share as read from the router, percent.
    pub(super) fn share(&self) -> Option<u8> {
        self.router.split().map(|split| split.share(self.candidate()))
    }

    /// Whether the side to go back to answers, or was not probed yet. The engine moves no traffic by itself onto a side
    /// that answers nothing; a person still can.
    pub(super) fn has_way_back(&self) -> bool {
        let origin = self.origin();
        let is_gone = self.way_back().is_some_and(|way| way.class == RollbackClass::None);
        // Reason: a side that is deployed anew on the way back answers nothing before.
        let is_redeployed = self.way_back().is_some_and(|way| way.class == RollbackClass::Redeploy);
        let answers = || self.sides[origin].replicas.ready() != Some(0) && self.unready_at_router(origin).is_none();
        !is_gone && (is_redeployed || answers())
    }

    /// How many replicas of `side` the router uses, by a reading that is fresh.
    pub(super) fn replicas_at_router(&self, side: Side) -> Option<Replicas> {
        let (_, seen) = self.router.seen.as_ref().filter(|_| self.router_is_fresh())?;
        seen.sides[side].replicas
    }

    /// Why the router sends no request to any replica of `side`, by what it says of them now: a probe of ours that
    /// succeeds does not help users then. `None` where it uses one, or says nothing of them.
    pub(super) fn unready_at_router(&self, side: Side) -> Option<String> {
        let replicas = self.replicas_at_router(side).filter(|replicas| replicas.ready == 0)?;
        let (_, seen) = self.router.seen.as_ref()?;
        let why = seen.sides[side].unready.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("the router uses 0 of {} replicas of {side}{why}", replicas.total))
    }

    /// The digest evidence about `side` is bound to now; `None` while its version is not known.
    pub(super) fn version_digest(&self, side: Side) -> Option<Digest> {
        match self.sides[side].replicas.serves() {
            Serves::Known(version) => Some(version.digest),
            Serves::Unsaid => match self.router.seen.as_ref().and_then(|(_, seen)| seen.sides[side].version.clone()) {
                Some(version) => Some(version.digest),
                // Reason: without a source, evidence can only be bound to the place; valid_for still limits it.
                None => Some(Digest::of(["unversioned", side.name()])),
            },
            Serves::Pending(_) | Serves::Disagree(_) => None,
        }
    }

    /// What people call the version `side` serves now; `None` while that is not known.
    pub(super) fn version_name(&self, side: Side) -> Option<String> {
        match self.sides[side].replicas.serves() {
            Serves::Known(version) => Some(version.name),
            Serves::Unsaid => {
                let (_, seen) = self.router.seen.as_ref()?;
                seen.sides[side].version.as_ref().map(|version| version.name.clone())
            }
            Serves::Pending(_) | Serves::Disagree(_) => None,
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

    /// A split that the router reports and no order asked for: drift, or not yet. The order may be newer than the reading.
    pub(super) fn deviation(&self) -> Option<Drift> {
        self.router.drift.filter(|drift| Some(drift.observed) != self.rollout.desired)
    }

    /// A deviation that lasted long enough.
    pub(super) fn drift(&self) -> Option<Drift> {
        self.deviation().filter(|drift| drift.lasts(self.now))
    }

    /// Whether the router was read within the time after which data is stale.
    pub(super) fn router_is_fresh(&self) -> bool {
        self.router.age_ms(self.now).is_some_and(|age| age <= self.router_stale_ms())
    }

    /// When a reading of the router is stale, in milliseconds: a slow system is read less often.
    pub(super) fn router_stale_ms(&self) -> u64 {
        self.service.stale_after_ms + self.service.pace.slack_ms()
    }

    /// From when guards judge: a step, or a person who lets the plan go on, begins anew.
    pub(super) fn judged_since(&self) -> Option<Stamp> {
        let since = self.rollout.step_since?;
        Some(self.rollout.resumed_at.filter(|at| at.mono_ms > since.mono_ms).unwrap_or(since))
    }

    /// Milliseconds until the rollback window closes; `None` when none is open.
    pub(super) fn window_left_ms(&self) -> Option<u64> {
        let at = self.rollout.switched_at.filter(|_| self.rollout.stage == Stage::Switched)?;
        Some(self.service.plan.rollback_window_ms.saturating_sub(self.now.since_ms(at)))
    }

    /// Milliseconds until the bake of the step reached is over; `None` when nothing bakes.
    ///
    /// For a process on watch only what it watched itself with fresh data counts: at any other time no guard would have
    /// acted.
    pub(super) fn bake_left_ms(&self) -> Option<u64> {
        let since = self.rollout.step_since.filter(|_| self.rollout.stage == Stage::Moving)?;
        let watched = self.access.watches();
        let baked = if watched { self.bake.watched_ms(since, self.now) } else { self.now.since_ms(since) };
        Some(self.service.plan.bake_ms.saturating_sub(baked))
    }

    /// Why what happens now is not watched; `None` while it is.
    pub(super) fn unwatched(&self) -> Option<String> {
        let candidate = self.candidate();
        if !self.router_is_fresh() {
            Some("router unread".to_owned())
        } else if self.drift().is_some() {
            Some("drift".to_owned())
        } else if self.probes_are_old(candidate) {
            Some(format!("{candidate} not probed"))
        } else {
            None
        }
    }

    /// Whether `side` was not probed lately. The limit allows for a failing replica, which is probed only every 8 intervals.
    pub(super) fn probes_are_old(&self, side: Side) -> bool {
        let limit = self.service.stale_after_ms + 8 * self.service.probe.interval_ms;
        self.sides[side].replicas.probe_age_ms(self.now).is_none_or(|age| age > limit)
    }

    /// Whether a rollback would change anything, or might: an order that is not settled may still move traffic.
    pub(super) fn rollback_is_needed(&self) -> bool {
        let moved = self.share() != Some(0);
        // Reason: of nodes that disagree, one may still send traffic to the other side.
        let mixed = self.router.seen.as_ref().is_some_and(|(_, seen)| seen.mixed.is_some());
        moved
            || mixed
            || !self.router_is_fresh()
            || self.rollout.unsettled().is_some()
            || matches!(self.rollout.stage, Stage::Moving | Stage::Switched)
    }

    /// Why an order that the router shows does not reach users yet, by what they get at their own address.
    pub(super) fn users_wait_for(&self, sent: Stamp, order: &Order) -> Option<String> {
        self.service.front.as_ref().filter(|_| order.kind.moves())?;
        self.front.waits_for(self, sent, order.target)
    }

    /// Whether the users' own address tells who answers there.
    pub(super) fn is_seen_at_front(&self) -> bool {
        self.service.front.is_some() && !self.front.is_blind(self)
    }

    /// Whether anything counts the errors of `side`.
    pub(super) fn counts_errors(&self, side: Side) -> bool {
        self.router.counts() || self.sides[side].metrics.counts_errors_if_fed()
    }
}

//! The way back in the status document: whether there is one, by the system's word and by what is proven.

use super::seconds;
use crate::domain::{Move, RollbackClass, Side};
use crate::engine::snapshot::RollbackStatus;
use crate::engine::state::State;

impl State {
    pub(super) fn rollback_status(&self) -> RollbackStatus {
        let to = self.world.origin();
        let needed = self.world.rollback_is_needed();
        let because = if self.world.access.is_read_only() {
            Some("started read-only".to_owned())
        } else {
            self.system_denies(to).or_else(|| self.not_proven(to))
        };
        let way = self.world.way_back();
        RollbackStatus {
            ready: because.is_none(),
            class: way.map(|way| way.class),
            until: way.and_then(|way| way.until),
            takes_s: way.and_then(|way| way.takes_s),
            window_left_s: self.world.window_left_ms().map(seconds),
            window_s: seconds(self.world.service.plan.rollback_window_ms),
            to,
            because,
            needed,
            served_rps: self.standby.served_rps(&self.world),
            last_took_s: self.world.rollout().last_took_ms.map(seconds),
        }
    }

    /// Why the traffic system itself says that there is no way back to `to`.
    fn system_denies(&self, to: Side) -> Option<String> {
        let way = self.world.way_back()?;
        let why = way.why_not.as_deref();
        if way.class == RollbackClass::None {
            return Some(format!("none: {}", why.unwrap_or("the traffic system has no way back")));
        }
        let is_over = way.until.filter(|until| *until <= self.world.now.wall);
        let over = is_over.map(|until| format!("{to} was kept until {}: it may be gone", until.format("%H:%M")));
        let refused = || self.world.refuses(Move::Rollback).map(|why| format!("not now: {why}"));
        why.map(str::to_owned).or(over).or_else(refused)
    }

    /// Why it is not proven that `to` can take the traffic.
    fn not_proven(&self, to: Side) -> Option<String> {
        // Reason: a side that is deployed anew on the way back answers nothing before.
        if self.world.way_back().is_some_and(|way| way.class == RollbackClass::Redeploy) {
            return self.unread();
        }
        let watch = &self.world.sides[to];
        let total = watch.replicas.len();
        let own = || match watch.replicas.ready() {
            None => Some(format!("{to} was not probed yet")),
            Some(0) => Some(format!("{to} 0/{total} ready: {}", watch.replicas.first_fault().unwrap_or_default())),
            Some(_) => self.old_probes(to).or_else(|| self.unread()),
        };
        self.world.unready_at_router(to).or_else(own)
    }

    /// Why probes are too old to prove the way back. A failing replica is probed up to 8 intervals apart.
    fn old_probes(&self, side: Side) -> Option<String> {
        let age = self.world.sides[side].replicas.probe_age_ms(self.world.now)?;
        self.world.probes_are_old(side).then(|| format!("not proven: {side} was probed {} s ago", age / 1000))
    }

    /// A router that cannot be read may not take an order either; the way back is tried all the same.
    fn unread(&self) -> Option<String> {
        let fault = self.world.router.fault.as_ref()?;
        let is_old = self.world.router.age_ms(self.world.now).is_none_or(|age| age > self.world.router_stale_ms());
        is_old.then(|| format!("not proven: the router cannot be read: {}", fault.when_reading()))
    }
}

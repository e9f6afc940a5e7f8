//! Orders on their way: SENT, ACCEPTED, VERIFIED by reading back, or UNKNOWN until an observation settles it.

use serde::{Deserialize, Serialize};

use super::effect::{Effect, WriteRule};
use super::wish::Wish;
use super::world::World;
use crate::domain::{
    BackendError, Digest, Fact, LogLevel, Move, Order, OrderFault, OrderId, OrderState, Revision, Split, Stamp,
};

/// A rollback that is not answered is sent again after this long, milliseconds.
const RETRY_MS: u64 = 1_000;
/// And at most this often: then a person must look.
const MAX_RETRIES: u32 = 600;

/// The orders of this process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Orders {
    pending: Option<Pending>,
    made: u64,
}

/// An order this process has sent and follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    order: Order,
    sent: Stamp,
    last_try: Stamp,
    answered: bool,
    retries: u32,
    /// Why the last try certainly changed nothing.
    nothing_happened: Option<(String, OrderFault)>,
    may_have_happened: bool,
    late: bool,
}

impl Orders {
    /// The next order of this process, not yet made.
    pub(super) fn preview(&self, world: &World, kind: Move, target: Split) -> Order {
        let forward = kind.is_forward();
        let n = (self.made + 1).to_string();
        // Reason: the id is known before the order is made, so that a preview shows the very request.
        let parts = [world.seed.to_string(), n, world.began.wall.to_rfc3339(), kind.verb().into()];
        Order {
            id: OrderId(Digest::of(parts).as_str().chars().take(8).collect()),
            kind,
            from: world.router.split(),
            target,
            toward: if forward { world.candidate() } else { world.origin() },
            expected: world.router.seen.as_ref().map(|(_, seen)| seen.revision.clone()).filter(|_| forward),
        }
    }

    /// Makes the next order.
    pub(super) fn make(&mut self, world: &World, kind: Move, target: Split) -> Order {
        let order = self.preview(world, kind, target);
        self.made += 1;
        order
    }

    /// Forgets the order under way for a newer one; the fact that ends it, where it was not settled.
    pub(super) fn supersede(&mut self, world: &World) -> Option<Fact> {
        self.pending = None;
        let id = world.rollout().unsettled()?.order.id.clone();
        let detail = Some("superseded by a newer order".to_owned());
        Some(Fact::OrderIs { id, state: OrderState::Failed, detail, fault: Some(OrderFault::Superseded) })
    }

    /// Follows `order` from now on.
    pub(super) fn sent(&mut self, order: Order, now: Stamp) {
        self.pending = Some(Pending {
            order,
            sent: now,
            last_try: now,
            answered: false,
            retries: 0,
            nothing_happened: None,
            may_have_happened: false,
            late: false,
        });
    }

    pub(super) fn is_rolling_back(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.order.kind == Move::Rollback)
    }

    /// Whether a forward order was sent that the backend has not answered yet.
    pub(super) fn awaits_answer(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| !pending.answered && pending.order.kind.is_forward())
    }

    /// How often the order `id` was sent again, and whether it is late.
    pub(super) fn progress_of(&self, id: &OrderId) -> (u32, bool) {
        let pending = self.pending.as_ref().filter(|pending| pending.order.id == *id);
        pending.map_or((0, false), |pending| (pending.retries, pending.late))
    }

    /// The backend answered.
    pub(super) fn answered(
        &mut self,
        world: &World,
        id: &OrderId,
        result: Result<Option<Revision>, BackendError>,
    ) -> Vec<Wish> {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.order.id == *id) else { return Vec::new() };
        pending.answered = true;
        pending.may_have_happened |= result.as_ref().map_or_else(BackendError::may_have_happened, |_| true);
        let kind = pending.order.kind;
        let mut wishes = Vec::new();
        match result {
            Ok(_) => {
                wishes.extend(news(world, id, OrderState::Accepted, None, None));
                wishes.push(Wish::Do(Effect::Observe));
            }
            Err(error) if error.may_have_happened() => {
                wishes.extend(news(world, id, OrderState::Unknown, Some(error.to_string()), Some((&error).into())));
                wishes.push(Wish::Do(Effect::Observe));
            }
            // Reason: the way back is not given up because the line is down for a moment.
            Err(error) if kind == Move::Rollback && !matches!(error, BackendError::Denied(_)) => {
                let (text, fault) = (error.to_string(), OrderFault::from(&error));
                pending.nothing_happened = Some((text.clone(), fault));
                wishes.extend(news(world, id, OrderState::Sent, Some(text.clone()), Some(fault)));
                wishes.push(Wish::Log(LogLevel::Warn, "rollback", format!("{text}; trying again")));
            }
            Err(error) => wishes.extend(self.give_up(world, id, error.to_string(), (&error).into())),
        }
        wishes
    }

    /// The order `id` was not sent, because the journal could not be written.
    pub(super) fn not_sent(&mut self, id: &OrderId, why: &str) -> Fact {
        self.pending = None;
        let detail = Some(format!("not sent: the journal cannot be written: {why}"));
        Fact::OrderIs { id: id.clone(), state: OrderState::Failed, detail, fault: Some(OrderFault::Journal) }
    }

    /// The process ends and will not try again: an order that certainly was not carried out must not look as if it
    /// might have been.
    pub(super) fn leave(&mut self, world: &World) -> Option<Wish> {
        let pending = self.pending.as_ref().filter(|pending| !pending.may_have_happened)?;
        let (why, fault) = pending.nothing_happened.clone()?;
        let id = pending.order.id.clone();
        self.give_up(world, &id, format!("not carried out: {why}"), fault)
    }

    fn give_up(&mut self, world: &World, id: &OrderId, why: String, fault: OrderFault) -> Option<Wish> {
        self.pending = None;
        news(world, id, OrderState::Failed, Some(why), Some(fault))
    }

    /// The router was read: an order of any process that asked for the reported split is verified.
    pub(super) fn observed(&mut self, world: &World) -> Option<Wish> {
        let (_, seen) = world.router.seen.as_ref()?;
        let last = world.rollout().unsettled()?;
        if seen.split != last.order.target || seen.mixed.is_some() {
            return None;
        }
        let id = &last.order.id;
        if let Some(pending) = self.pending.as_ref().filter(|pending| pending.order.id == *id) {
            // Reason: before the backend has answered, the split that is read may be the one from before the order.
            if !pending.answered {
                return None;
            }
            let detail = format!("router says {} after {} ms", seen.split, world.now.since_ms(pending.sent));
            self.pending = None;
            news(world, id, OrderState::Verified, Some(detail), None)
        } else if settles_for_others(world) && world.now.since_ms(last.at) > 2_000 {
            let detail = format!("left behind by another process; router says {}", seen.split);
            news(world, id, OrderState::Verified, Some(detail), None)
        } else {
            None
        }
    }

    /// Once a second: retries, lateness, and orders other processes left behind.
    pub(super) fn tick(&mut self, world: &World) -> Vec<Wish> {
        if self.pending.is_some() { self.follow_own(world) } else { follow_foreign(world).into_iter().collect() }
    }

    fn follow_own(&mut self, world: &World) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let Some(pending) = self.pending.as_mut() else { return wishes };
        let waited = world.now.since_ms(pending.sent);
        let became_late = waited > world.service.verify_timeout_ms && !pending.late;
        pending.late |= became_late;
        let (id, kind) = (pending.order.id.clone(), pending.order.kind);
        if kind == Move::Rollback {
            let due = pending.answered && world.now.since_ms(pending.last_try) >= RETRY_MS;
            if due && pending.retries < MAX_RETRIES {
                pending.retries += 1;
                pending.last_try = world.now;
                pending.answered = false;
                let order = pending.order.clone();
                wishes.push(Wish::Do(Effect::Send { order, records: Vec::new(), rule: WriteRule::NeverInTheWay }));
            }
        } else if became_late {
            let unknown = world.rollout().last.as_ref().is_some_and(|last| last.state == OrderState::Unknown);
            if unknown && is_fresh(world) {
                let why = format!("not carried out: router says {} after {} s", says(world), waited / 1000);
                wishes.extend(self.give_up(world, &id, why, OrderFault::NotSeen));
            }
        }
        if became_late {
            let text = format!("order {id} is not read back after {} s", waited / 1000);
            wishes.push(Wish::Log(LogLevel::Warn, "traffic", text));
        }
        wishes.push(Wish::Do(Effect::Observe));
        wishes
    }
}

/// An order whose own process is gone, and that the router does not show in time.
fn follow_foreign(world: &World) -> Option<Wish> {
    let last = world.rollout().unsettled()?;
    let is_late = world.now.since_ms(last.at) > world.service.verify_timeout_ms;
    if !settles_for_others(world) || !is_fresh(world) || !is_late {
        return None;
    }
    let detail = format!("left behind by another process and not carried out: router says {}", says(world));
    news(world, &last.order.id, OrderState::Failed, Some(detail), Some(OrderFault::NotSeen))
}

/// The record of how far an order is; `None` where that is on record.
fn news(
    world: &World,
    id: &OrderId,
    state: OrderState,
    detail: Option<String>,
    fault: Option<OrderFault>,
) -> Option<Wish> {
    let same = world.rollout().last.as_ref().is_some_and(|last| {
        last.order.id == *id && last.state == state && (state != OrderState::Sent || last.fault == fault)
    });
    let fact = Fact::OrderIs { id: id.clone(), state, detail, fault };
    (!same).then(|| Wish::Record(fact, world.me.clone()))
}

/// Any process that may move traffic may say what became of an order whose own process is gone.
const fn settles_for_others(world: &World) -> bool {
    world.may_drive() && !world.access.only_looks()
}

fn is_fresh(world: &World) -> bool {
    world.router.age_ms(world.now).is_some_and(|age| age < world.service.stale_after_ms)
}

fn says(world: &World) -> String {
    world.router.split().map_or_else(|| "nothing".into(), |split| split.to_string())
}

//! Orders on their way: SENT, ACCEPTED, VERIFIED by reading back, or UNKNOWN until an observation settles it.

use serde::{Deserialize, Serialize};

use super::effect::{Effect, WriteRule};
use super::rollout::Tracked;
use super::wish::Wish;
use super::world::World;
use crate::domain::text::clean;
use crate::domain::{
    Accepted, BackendError, Controller, ControllerState, Digest, Fact, LogLevel, Move, Observation, Order, OrderFault,
    OrderId, OrderState, RollbackClass, Split, Stamp,
};

/// A rollback is sent again at most this often: then a person must look.
const MAX_RETRIES: u32 = 600;

/// How long another process has to record what became of its order, milliseconds.
const GRACE_MS: u64 = 2_000;

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
    /// What a controller did when the order was made.
    before: Option<ControllerState>,
    /// Whether the system was seen at work since it accepted the order.
    worked: bool,
    /// Whether the last reading showed it.
    is_shown: bool,
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
        let id = &world.rollout().unsettled()?.order.id;
        Some(is(id, OrderState::Failed, "superseded by a newer order".into(), Some(OrderFault::Superseded)))
    }

    /// Follows `order` from now on.
    pub(super) fn sent(&mut self, order: Order, world: &World) {
        self.pending = Some(Pending {
            order,
            sent: world.now,
            last_try: world.now,
            answered: false,
            retries: 0,
            nothing_happened: None,
            may_have_happened: false,
            late: false,
            before: world.controller().map(|it| it.state),
            worked: false,
            is_shown: false,
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
        result: Result<Accepted, BackendError>,
    ) -> Vec<Wish> {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.order.id == *id) else { return Vec::new() };
        pending.answered = true;
        pending.may_have_happened |= result.as_ref().map_or_else(BackendError::may_have_happened, |_| true);
        let kind = pending.order.kind;
        let mut wishes = Vec::new();
        match result {
            Ok(accepted) => {
                pending.nothing_happened = None;
                let (id, state) = (id.clone(), OrderState::Accepted);
                let accepted = Fact::OrderIs { id, state, detail: None, fault: None, accepted: Some(accepted) };
                wishes.extend(news(world, accepted));
                wishes.push(Wish::Do(Effect::Observe));
            }
            Err(error) if error.may_have_happened() => {
                wishes.extend(news(world, is(id, OrderState::Unknown, error.to_string(), Some((&error).into()))));
                wishes.push(Wish::Do(Effect::Observe));
            }
            // Reason: the way back is not given up because the line is down for a moment.
            Err(error) if kind == Move::Rollback && !is_final(world, &error) => {
                let (text, fault) = (error.to_string(), OrderFault::from(&error));
                pending.nothing_happened = Some((text.clone(), fault));
                wishes.extend(news(world, is(id, OrderState::Sent, text.clone(), Some(fault))));
                wishes.push(Wish::Log(LogLevel::Warn, "rollback", format!("{text}; trying again")));
            }
            Err(error) => wishes.extend(self.give_up(world, id, error.to_string(), (&error).into())),
        }
        wishes
    }

    /// The order `id` was not sent, because the journal could not be written.
    pub(super) fn not_sent(&mut self, id: &OrderId, why: &str) -> Fact {
        self.pending = None;
        let why = format!("not sent: the journal cannot be written: {why}");
        is(id, OrderState::Failed, why, Some(OrderFault::Journal))
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
        news(world, is(id, OrderState::Failed, why, Some(fault)))
    }

    /// The router was read: an order of any process whose goal it shows is verified; one that the system itself gave up
    /// has failed.
    pub(super) fn observed(&mut self, world: &World) -> Option<Wish> {
        let (_, seen) = world.router.seen.as_ref()?;
        let last = world.rollout().unsettled()?;
        // Reason: a platform that is at work may still change what it shows.
        let changes = at_work(seen) && world.plan_owner().is_none();
        let (id, is_met) = (&last.order.id, last.goal().is_met(seen) && last.order.is_shown_by(seen) && !changes);
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.order.id == *id) {
            // Reason: before the backend has answered, what is read may be from before the order. And what was certainly
            // not carried out proves nothing: an order before it may still take effect.
            if !pending.answered || !pending.may_have_happened {
                return None;
            }
            // Nor does a rollback without an answer, where the router shows what it showed before.
            let is_taken = last.state == OrderState::Accepted || last.order.from != Some(last.order.target);
            let is_met = is_met && (is_taken || last.order.kind.is_forward());
            pending.worked |= at_work(seen);
            pending.is_shown = is_met;
            if is_met {
                // The system has done it; whether users get it already is asked at their own address.
                if world.users_wait_for(last.at, &last.order).is_some() {
                    return None;
                }
                let proof = proof(world, &pending.order);
                let detail = format!("router says {} after {} ms{proof}", seen.split, world.now.since_ms(pending.sent));
                self.pending = None;
                return news(world, is(id, OrderState::Verified, detail, None));
            }
            let why = given_up(pending, seen, world)?;
            self.give_up(world, &id.clone(), why, OrderFault::GivenUp)
        } else if is_met
            && settles_for_others(world)
            && is_left_behind(world, last)
            && world.users_wait_for(last.at, &last.order).is_none()
        {
            let detail = format!("left behind by another process; router says {}", seen.split);
            news(world, is(id, OrderState::Verified, detail, None))
        } else {
            None
        }
    }

    /// A person accepts what the router says instead of an order that is late; the fact that ends the order.
    pub(super) fn accept_late(&mut self, world: &World, by: &str) -> Option<Fact> {
        let last = world.rollout().unsettled()?;
        let is_late = world.now.since_ms(last.at) > last.settle_within_ms(&world.service.pace);
        let split = world.router.split().filter(|_| is_late && world.router_is_fresh())?;
        self.pending = None;
        let why = format!("given up by {by}, who accepts what the router says: {split}");
        Some(is(&last.order.id, OrderState::Failed, why, Some(OrderFault::NotSeen)))
    }

    /// Once a second: retries, lateness, and orders other processes left behind.
    pub(super) fn tick(&mut self, world: &World) -> Vec<Wish> {
        if self.pending.is_some() { self.follow_own(world) } else { follow_foreign(world).into_iter().collect() }
    }

    fn follow_own(&mut self, world: &World) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let Some(pending) = self.pending.as_mut() else { return wishes };
        let last = world.rollout().last.as_ref().filter(|last| last.order.id == pending.order.id);
        let pace = &world.service.pace;
        let limit = last.map_or(pace.settle_within_ms, |last| last.settle_within_ms(pace));
        let waited = world.now.since_ms(pending.sent);
        let became_late = waited > limit && !pending.late;
        pending.late |= became_late;
        let (id, kind) = (pending.order.id.clone(), pending.order.kind);
        let is_lost = pending.late && !pending.is_shown && world.router_is_fresh() && has_lost(pending, last, world);
        // What the router shows is not sent again: users get it when the way to them has let go of what was before.
        let is_retried = kind == Move::Rollback && !pending.is_shown;
        if is_retried && !is_lost {
            let after = if pending.nothing_happened.is_some() { Some(pace.read_every_ms) } else { pace.retry_ms };
            let is_due = after.is_some_and(|ms| pending.answered && world.now.since_ms(pending.last_try) >= ms);
            if is_due && pending.retries == MAX_RETRIES {
                let (why, fault) =
                    pending.nothing_happened.clone().unwrap_or(("not read back".into(), OrderFault::NotSeen));
                wishes.extend(self.give_up(world, &id, format!("given up after {MAX_RETRIES} tries: {why}"), fault));
                return wishes;
            }
            if is_due {
                pending.retries += 1;
                pending.last_try = world.now;
                pending.answered = false;
                let order = pending.order.clone();
                wishes.push(Wish::Do(Effect::Send { order, records: Vec::new(), rule: WriteRule::NeverInTheWay }));
            }
        } else if is_lost {
            let why = format!("not carried out: router says {} after {} s", says(world), waited / 1000);
            wishes.extend(self.give_up(world, &id, why, OrderFault::NotSeen));
        }
        if became_late {
            let text = format!("order {id} is not read back after {} s", waited / 1000);
            wishes.push(Wish::Log(LogLevel::Warn, "traffic", text));
        }
        wishes.push(Wish::Do(Effect::Observe));
        wishes
    }
}

/// That nothing but the router's word shows an order; empty where traffic does.
fn proof(world: &World, order: &Order) -> &'static str {
    let is_shown = world.router.counts() || world.is_seen_at_front() || !order.kind.moves();
    if is_shown { "" } else { "; not proven by traffic" }
}

/// Whether no other try of a rollback can change the answer.
fn is_final(world: &World, error: &BackendError) -> bool {
    let is_gone = world.way_back().is_some_and(|way| way.class == RollbackClass::None);
    matches!(error, BackendError::Denied(_)) || (is_gone && matches!(error, BackendError::Refused(_)))
}

const fn at_work(seen: &Observation) -> bool {
    matches!(&seen.controller, Some(Controller { state: ControllerState::Working, .. }))
}

const fn gave_up(state: ControllerState) -> bool {
    matches!(state, ControllerState::Aborted | ControllerState::Failed)
}

/// Why the system itself ended the order without reaching its goal; `None` where it did not. An order back that the
/// kind sends again is not given up.
fn given_up(pending: &Pending, seen: &Observation, world: &World) -> Option<String> {
    let controller = seen.controller.as_ref()?;
    let kind = pending.order.kind;
    let was_well = pending.worked || !pending.before.is_some_and(gave_up);
    let message = clean(&controller.message, 200);
    if kind.is_forward() && gave_up(controller.state) && was_well {
        return Some(format!("the system gave it up: {message}; router says {}", seen.split));
    }
    let is_over = controller.state == ControllerState::Resting && pending.worked;
    let is_sent_again = kind == Move::Rollback && world.service.pace.retry_ms.is_some();
    (is_over && !is_sent_again).then(|| format!("the system ended it at {}: {message}", seen.split))
}

/// Whether a late order was certainly not carried out: no answer ever came and the router does not show it, or a
/// controller that accepted it does nothing.
fn has_lost(pending: &Pending, last: Option<&Tracked>, world: &World) -> bool {
    match (last.map(|last| last.state), world.controller()) {
        (Some(OrderState::Unknown), _) => pending.order.kind != Move::Rollback,
        (Some(OrderState::Accepted), Some(controller)) => {
            controller.state != ControllerState::Working && world.service.pace.retry_ms.is_none()
        }
        _ => false,
    }
}

/// An order whose own process is gone, and that the router does not show in time.
fn follow_foreign(world: &World) -> Option<Wish> {
    let last = world.rollout().unsettled()?;
    let is_late = world.now.since_ms(last.at) > last.settle_within_ms(&world.service.pace);
    let is_at_work = world.controller().is_some_and(|it| it.state == ControllerState::Working);
    if !settles_for_others(world) || !world.router_is_fresh() || !is_late || is_at_work || !is_left_behind(world, last)
    {
        return None;
    }
    let detail = format!("left behind by another process and not carried out: router says {}", says(world));
    news(world, is(&last.order.id, OrderState::Failed, detail, Some(OrderFault::NotSeen)))
}

/// How far the order `id` is.
fn is(id: &OrderId, state: OrderState, detail: String, fault: Option<OrderFault>) -> Fact {
    Fact::OrderIs { id: id.clone(), state, detail: Some(detail), fault, accepted: None }
}

/// The record of how far an order is; `None` where that is on record.
fn news(world: &World, fact: Fact) -> Option<Wish> {
    let Fact::OrderIs { id, state, fault, .. } = &fact else { return None };
    let same = world.rollout().last.as_ref().is_some_and(|last| {
        last.order.id == *id && last.state == *state && (*state != OrderState::Sent || last.fault == *fault)
    });
    (!same).then(|| Wish::Record(fact, world.me.clone()))
}

/// Whether nobody else will say what became of an order of another process: it was answered, or its answer would have
/// come by now.
fn is_left_behind(world: &World, last: &Tracked) -> bool {
    let waited = world.now.since_ms(last.at);
    match last.state {
        OrderState::Sent => waited > world.service.pace.answer_within_ms + GRACE_MS,
        _ => waited > GRACE_MS,
    }
}

/// Any process that may move traffic may say what became of an order whose own process is gone.
const fn settles_for_others(world: &World) -> bool {
    world.may_drive() && !world.access.only_looks()
}

fn says(world: &World) -> String {
    world.router.split().map_or_else(|| "nothing".into(), |split| split.to_string())
}

//! Orders on their way: SENT, ACCEPTED, VERIFIED by reading back, or UNKNOWN until an observation settles it.

use serde::{Deserialize, Serialize};

use super::command::{Refusal, RefusalKind, Reply, Request};
use super::effect::{Effect, WriteRule};
use super::rollout::Stage;
use super::state::State;
use crate::domain::{
    Actor, BackendError, Cause, Digest, Fact, LogLevel, Move, Order, OrderFault, OrderId, OrderState, Record, Revision,
    Split, Stamp,
};

/// A rollback that is not answered is sent again after this long, milliseconds.
const RETRY_MS: u64 = 1_000;
/// And at most this often: then a person must look.
const MAX_RETRIES: u32 = 600;

/// An order this process has sent and follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) order: Order,
    pub(super) sent: Stamp,
    pub(super) last_try: Stamp,
    pub(super) answered: bool,
    pub(super) retries: u32,
    /// Why the tries so far certainly changed nothing; `None` once one may have.
    nothing_came_of_it: Option<(String, OrderFault)>,
    may_have_happened: bool,
    pub(super) late: bool,
}

/// An order to be made.
pub(super) struct Wanted {
    pub(super) kind: Move,
    pub(super) target: Split,
    pub(super) by: Actor,
    /// The request that is answered with it.
    pub(super) request: Option<u64>,
    pub(super) why: Option<String>,
    pub(super) cause: Cause,
}

impl Wanted {
    /// What `request` asks for.
    pub(super) fn of(kind: Move, target: Split, request: Request) -> Self {
        let Request { id, by, why, .. } = request;
        Self { kind, target, by, request: Some(id), why, cause: Cause::Operator }
    }

    /// What the engine wants by itself.
    pub(super) fn by_itself(kind: Move, target: Split, why: Option<String>, cause: Cause) -> Self {
        Self { kind, target, by: Actor::auto(), request: None, why, cause }
    }
}

impl State {
    /// Makes an order and sends it: journal first, then the backend.
    pub(super) fn order(&mut self, wanted: Wanted) {
        let Wanted { kind, target, by, request, why, cause } = wanted;
        let forward = kind.is_forward();
        // Reason: whoever takes traffic back, a person or a guard, has ended the walk; a person begins the next.
        self.auto &= forward;
        let toward = if forward { self.candidate() } else { self.origin() };
        let revision = self.router.seen.as_ref().map(|(_, seen)| seen.revision.clone());
        let order = Order {
            id: self.next_order_id(kind),
            kind,
            from: self.router.split(),
            target,
            toward,
            expected: if forward { revision } else { None },
        };
        let digest = forward.then(|| self.digest());
        let mut records = Vec::with_capacity(3);
        self.supersede(&mut records);
        if forward && !matches!(self.rollout.stage, Stage::Moving | Stage::Switched) {
            let versions = self.sides.map(|_, side| match side.serves() {
                super::watch::Serves::Known(version) => Some(version),
                _ => None,
            });
            records.push(self.fold(Fact::Started { live: self.origin(), versions }, by.clone()));
        }
        records.push(self.fold(Fact::Ordered { order: order.clone(), digest, why, cause: Some(cause) }, by));
        let pending = Pending {
            order: order.clone(),
            sent: self.now,
            last_try: self.now,
            answered: false,
            retries: 0,
            nothing_came_of_it: None,
            may_have_happened: false,
            late: false,
        };
        if let Some(id) = request {
            self.reply(id, Reply::Ordered { id: order.id.clone() });
        }
        self.pending = Some(pending);
        self.router.drift = None;
        self.guards.rearm();
        let rule = if forward { WriteRule::BeforeSending } else { WriteRule::NeverInTheWay };
        self.out.push(Effect::Send { order, records, rule });
        if !forward {
            self.stop_gates();
        }
    }

    fn next_order_id(&mut self, kind: Move) -> OrderId {
        self.orders_made += 1;
        self.order_id(self.orders_made, kind)
    }

    /// The id of this process's `n`th order: known before it is given, so that a preview shows the very request.
    pub(super) fn order_id(&self, n: u64, kind: Move) -> OrderId {
        let parts = [self.seed.to_string(), n.to_string(), self.started.to_rfc3339(), kind.verb().into()];
        OrderId(Digest::of(parts).as_str().chars().take(8).collect())
    }

    /// An order that is not settled gives way to a newer one.
    fn supersede(&mut self, records: &mut Vec<Record>) {
        self.pending = None;
        if let Some(old) = self.rollout.unsettled() {
            let (id, by) = (old.order.id.clone(), self.me.clone());
            let (state, fault) = (OrderState::Failed, Some(OrderFault::Superseded));
            let detail = Some("superseded by a newer order".to_owned());
            records.push(self.fold(Fact::OrderIs { id, state, detail, fault }, by));
        }
    }

    pub(super) fn answered(&mut self, id: &OrderId, result: Result<Option<Revision>, BackendError>) {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.order.id == *id) else { return };
        pending.answered = true;
        pending.may_have_happened |= result.as_ref().map_or_else(BackendError::may_have_happened, |_| true);
        let kind = pending.order.kind;
        match result {
            Ok(_) => {
                self.order_is(id, OrderState::Accepted, None, None);
                self.out.push(Effect::Observe);
            }
            Err(fault) if fault.may_have_happened() => {
                self.order_is(id, OrderState::Unknown, Some(fault.to_string()), Some((&fault).into()));
                self.out.push(Effect::Observe);
            }
            // Reason: the way back is not given up because the line is down for a moment.
            Err(fault) if kind == Move::Rollback && !matches!(fault, BackendError::Denied(_)) => {
                pending.nothing_came_of_it = Some((fault.to_string(), (&fault).into()));
                self.order_is(id, OrderState::Sent, Some(fault.to_string()), Some((&fault).into()));
                self.log(LogLevel::Warn, "rollback", &format!("{fault}; trying again"));
            }
            Err(fault) => {
                self.give_up(id, &fault.to_string(), (&fault).into());
            }
        }
    }

    pub(super) fn journal_failed(&mut self, order: Option<&OrderId>, ticket: Option<u64>, text: String) {
        if self.journal_fault.as_ref() != Some(&text) {
            self.log(LogLevel::Err, "journal", &text);
        }
        if let Some(id) = self.take_awaiting(ticket) {
            let refusal = Refusal { kind: RefusalKind::Journal, text: format!("journal: {text}") };
            self.reply(id, Reply::Refused(refusal));
        }
        if let Some(id) = order {
            self.pending = None;
            let detail = Some(format!("not sent: the journal cannot be written: {text}"));
            let by = self.me.clone();
            let (state, fault) = (OrderState::Failed, Some(OrderFault::Journal));
            self.fold(Fact::OrderIs { id: id.clone(), state, detail, fault }, by);
        }
        self.journal_fault = Some(text);
    }

    /// Whether a forward order was sent that the backend has not answered yet.
    pub fn awaits_answer(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| !pending.answered && pending.order.kind.is_forward())
    }

    /// Nobody will try again: what certainly was not carried out must not look as if it might have been.
    pub(super) fn leave_orders(&mut self) {
        let Some(pending) = self.pending.as_ref().filter(|pending| !pending.may_have_happened) else { return };
        if let Some((why, fault)) = pending.nothing_came_of_it.clone() {
            let id = pending.order.id.clone();
            self.give_up(&id, &format!("not carried out: {why}"), fault);
        }
    }

    fn give_up(&mut self, id: &OrderId, why: &str, fault: OrderFault) {
        self.pending = None;
        self.order_is(id, OrderState::Failed, Some(why.to_owned()), Some(fault));
    }

    /// Records how far an order is, unless that is on record.
    fn order_is(&mut self, id: &OrderId, state: OrderState, detail: Option<String>, fault: Option<OrderFault>) {
        let same = self.rollout.last.as_ref().is_some_and(|last| {
            last.order.id == *id && last.state == state && (state != OrderState::Sent || last.fault == fault)
        });
        if !same {
            let by = self.me.clone();
            self.record(Fact::OrderIs { id: id.clone(), state, detail, fault }, by);
        }
    }

    /// The router was read: an order that asked for what it says is verified, whoever gave it.
    pub(super) fn settle_by_observation(&mut self) {
        let Some((_, seen)) = &self.router.seen else { return };
        let Some(last) = self.rollout.unsettled() else { return };
        if seen.split != last.order.target || seen.mixed.is_some() {
            return;
        }
        let id = last.order.id.clone();
        if let Some(pending) = self.pending.as_ref().filter(|pending| pending.order.id == id) {
            // Reason: before the backend has answered, the split that is read may be the one from before the order.
            if !pending.answered {
                return;
            }
            let detail = format!("router says {} after {} ms", seen.split, self.now.since_ms(pending.sent));
            self.pending = None;
            self.order_is(&id, OrderState::Verified, Some(detail), None);
        } else if self.settles_for_others() && self.now.since_ms(last.at) > 2_000 {
            let detail = format!("left behind by another process; router says {}", seen.split);
            self.order_is(&id, OrderState::Verified, Some(detail), None);
        }
    }

    /// Once a second: retries, lateness, and orders other processes left behind.
    pub(super) fn follow_orders(&mut self) {
        if self.pending.is_some() {
            self.follow_own();
        } else {
            self.follow_foreign();
        }
    }

    fn follow_own(&mut self) {
        let timeout = self.service.verify_timeout_ms;
        let Some(pending) = self.pending.as_mut() else { return };
        let waited = self.now.since_ms(pending.sent);
        let became_late = waited > timeout && !pending.late;
        pending.late |= became_late;
        let (id, kind) = (pending.order.id.clone(), pending.order.kind);
        if kind == Move::Rollback {
            let due = pending.answered && self.now.since_ms(pending.last_try) >= RETRY_MS;
            if due && pending.retries < MAX_RETRIES {
                pending.retries += 1;
                pending.last_try = self.now;
                pending.answered = false;
                let order = pending.order.clone();
                self.out.push(Effect::Send { order, records: Vec::new(), rule: WriteRule::NeverInTheWay });
            }
        } else if became_late {
            let unknown = self.rollout.last.as_ref().is_some_and(|last| last.state == OrderState::Unknown);
            let says = self.router.split().map_or_else(|| "nothing".into(), |split| split.to_string());
            let fresh = self.router.age_ms(self.now).is_some_and(|age| age < self.service.stale_after_ms);
            if unknown && fresh {
                let why = format!("not carried out: router says {says} after {} s", waited / 1000);
                self.give_up(&id, &why, OrderFault::NotSeen);
            }
        }
        if became_late {
            self.log(LogLevel::Warn, "traffic", &format!("order {id} is not read back after {} s", waited / 1000));
        }
        self.out.push(Effect::Observe);
    }

    /// Any process that may move traffic may say what became of an order whose own process is gone.
    fn settles_for_others(&self) -> bool {
        self.may_drive() && !self.access.only_looks()
    }

    fn follow_foreign(&mut self) {
        let Some(last) = self.rollout.unsettled() else { return };
        let fresh = self.router.age_ms(self.now).is_some_and(|age| age < self.service.stale_after_ms);
        if !self.settles_for_others() || !fresh || self.now.since_ms(last.at) <= self.service.verify_timeout_ms {
            return;
        }
        let says = self.router.split().map_or_else(|| "nothing".into(), |split| split.to_string());
        let id = last.order.id.clone();
        let detail = format!("left behind by another process and not carried out: router says {says}");
        self.order_is(&id, OrderState::Failed, Some(detail), Some(OrderFault::NotSeen));
    }
}

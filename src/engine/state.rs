//! The state and its one entrance, [`State::apply`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::alerts::Alerts;
use super::command::{Refusal, RefusalKind, Reply};
use super::consent::Consent;
use super::effect::Effect;
use super::event::{Driver, Event};
use super::gates::Gates;
use super::guards::Guards;
use super::metrics;
use super::orders::Orders;
use super::progress;
use super::rollout::{Rollout, Stage};
use super::sampling::Sampler;
use super::standby::Standby;
use super::walk::Walk;
use super::watch::Drift;
use super::world::World;
use crate::domain::text::clean;
use crate::domain::{
    Actor, BackendError, Capabilities, Cause, Closing, Digest, Fact, LogLevel, Observation, OnDisconnect, OrderId,
    Record, Service, Side, Stamp, Target,
};

/// The whole state of a rollout as one process knows it: the world, and the parts that each keep their own state.
///
/// Only [`State::apply`] changes it. The parts read the world and answer with wishes; the state carries them out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    pub(super) world: World,
    pub(super) gates: Gates,
    pub(super) guards: Guards,
    pub(super) orders: Orders,
    pub(super) walk: Walk,
    pub(super) standby: Standby,
    pub(super) alerts: Alerts,
    sampler: Sampler,
    pub(super) backend: String,
    pub(super) dropped: u64,
    /// Requests that are answered once their records are on disk: ticket = request id.
    pub(super) awaiting_disk: Vec<u64>,
    #[serde(skip)]
    pub(super) out: Vec<Effect>,
}

impl State {
    /// The state before anything was seen.
    ///
    /// `seed` is random: it makes the order ids of this process differ from those of any other.
    pub fn new(
        service: Arc<Service>,
        backend: &str,
        capabilities: Capabilities,
        me: Actor,
        access: Access,
        seed: u64,
        now: Stamp,
    ) -> Self {
        Self {
            gates: Gates::default(),
            guards: Guards::new(&service),
            orders: Orders::default(),
            walk: Walk::new(service.plan.auto),
            standby: Standby::default(),
            alerts: Alerts::default(),
            sampler: Sampler::default(),
            backend: backend.to_owned(),
            dropped: 0,
            awaiting_disk: Vec::new(),
            out: Vec::new(),
            world: World::new(service, capabilities, (me, access, seed), now),
        }
    }

    /// What is rolled out, as the config says it.
    pub fn service(&self) -> &Service {
        &self.world.service
    }

    /// Takes one event and returns the effects of it.
    pub fn apply(&mut self, now: Stamp, event: Event) -> Vec<Effect> {
        self.world.now = now;
        match event {
            Event::Tick => self.tick(),
            Event::Observed { result } => self.observed(result),
            Event::Probed { side, replica, latency_us, fault } => {
                self.world.sides[side].probed(replica, now, latency_us, fault);
            }
            Event::VersionRead { side, replica, version } => {
                self.world.sides[side].replicas.version_read(replica, now, version);
            }
            Event::Fronted { answer } => self.world.front.answered(now, answer),
            Event::Scraped { side, source, reading } => self.world.sides[side].metrics.scraped(source, now, reading),
            Event::Asked(request) => self.asked(request),
            Event::Answered { id, result } => {
                let wishes = self.orders.answered(&self.world, &id, result);
                self.carry_out(wishes);
            }
            Event::Recorded { records } => self.recorded(&records),
            Event::Restored { broken, unwritable } => self.restored(broken, unwritable),
            Event::JournalBroken { text } => {
                self.log(LogLevel::Err, "journal", &text);
                self.world.journal_broken = Some(text);
            }
            Event::Written { ticket } => self.written(ticket),
            Event::JournalFailed { order, ticket, text } => self.journal_failed(order.as_ref(), ticket, text),
            Event::GateProgress { run, done, total, load } => self.gates.progress(run, done, total, load),
            Event::GateEnded { run, evidence } => {
                let wishes = self.gates.ended(&self.world, run, evidence);
                self.carry_out(wishes);
            }
            Event::AlertEnded { alert, to, delivered, tries, detail } => {
                let detail = clean(&detail, 200);
                self.record(Fact::Alerted { alert, to, delivered, tries, detail }, Actor::auto());
            }
            Event::Lease { driver } => self.driven_by(driver),
            Event::OperatorGone { why } => self.operator_gone(&why),
            Event::Leaving => {
                let wish = self.orders.leave(&self.world);
                self.carry_out(wish);
            }
            Event::Dropped { count } => self.dropped += count,
        }
        std::mem::take(&mut self.out)
    }

    fn tick(&mut self) {
        if let Some(counted) = metrics::feed(&mut self.world) {
            self.guards.counted(&self.world, &counted);
        }
        self.world.advance();
        let wishes = self.orders.tick(&self.world);
        self.carry_out(wishes);
        let wishes = self.gates.tick(&self.world);
        self.carry_out(wishes);
        let wish = self.standby.tick(&self.world);
        self.carry_out(wish);
        let wish = self.walk.tick(&self.world, &self.gates, &self.guards);
        self.carry_out(wish);
        let wishes = self.sampler.tick(&self.world);
        self.carry_out(wishes);
        let wishes = self.alerts.tick(&self.world);
        self.carry_out(wishes);
    }

    fn observed(&mut self, result: Result<Box<Observation>, BackendError>) {
        match result {
            Err(fault) => {
                if self.world.router.fault.is_none() {
                    self.log(LogLevel::Warn, "router", &format!("cannot be read: {}", fault.when_reading()));
                }
                self.world.router.fault = Some(fault);
            }
            Ok(seen) => {
                if self.world.router.fault.take().is_some() {
                    self.log(LogLevel::Info, "router", &format!("is read again: {}", seen.split));
                }
                self.count_traffic(&seen);
                self.follow_replicas(&seen);
                self.world.front.router_says(self.world.now, seen.split);
                self.world.router.seen = Some((self.world.now, *seen));
                let wish = self.orders.observed(&self.world);
                self.carry_out(wish);
                self.note_progress();
                self.look_for_drift();
                self.evaluate_guards();
            }
        }
    }

    /// One guard after the other: what one of them does changes the world that the next one is judged by.
    fn evaluate_guards(&mut self) {
        if !self.guards.begin(&self.world) {
            return;
        }
        for index in 0..self.world.service.guards.len() {
            let wishes = self.guards.evaluate(&self.world, index);
            self.carry_out(wishes);
        }
    }

    /// Replicas come and go: the pollers follow.
    fn follow_replicas(&mut self, seen: &Observation) {
        for side in Side::BOTH {
            let spec = &self.world.service.sides[side];
            let replicas = &mut self.world.sides[side].replicas;
            if replicas.follow(seen.sides[side].targets.as_deref(), spec) {
                let targets = replicas.targets();
                self.out.push(Effect::Poll { side, targets });
            }
        }
    }

    /// Where gates ask `side` now.
    pub fn targets(&self, side: Side) -> Vec<Target> {
        self.world.sides[side].replicas.targets().into_iter().map(|(_, target)| target).collect()
    }

    fn count_traffic(&mut self, seen: &Observation) {
        let counted = self.world.count(seen);
        if let Some(counted) = &counted {
            self.guards.counted(&self.world, counted);
        }
        self.world.router.keep_counters(seen.traffic.clone());
    }

    /// Records what a controller did by itself, where this process drives.
    fn note_progress(&mut self) {
        if !self.world.access.watches() || !self.world.may_drive() {
            return;
        }
        let Some(fact) = progress::made(&self.world) else { return };
        let by = Actor { name: self.backend.clone(), via: "auto".into() };
        if !matches!(self.world.rollout().stage, Stage::Moving | Stage::Switched) {
            let started = self.started();
            self.record(started, by.clone());
        }
        self.record(fact, by);
    }

    fn look_for_drift(&mut self) {
        if progress::explains(&self.world) {
            self.world.router.drift = None;
            return;
        }
        let world = &mut self.world;
        let (Some(desired), Some(observed)) = (world.rollout().desired, world.router.split()) else { return };
        if desired == observed || world.rollout().unsettled().is_some() {
            world.router.drift = None;
            return;
        }
        let mut drift = match world.router.drift {
            Some(drift) if drift.observed == observed => drift,
            _ => Drift { observed, since: world.now, recorded: false },
        };
        let is_new = !drift.recorded && drift.lasts(world.now);
        drift.recorded |= is_new;
        if is_new && world.access.watches() && world.may_drive() {
            self.record(Fact::Drift { desired, observed }, Actor::auto());
        }
        self.world.router.drift = Some(drift);
    }

    fn recorded(&mut self, records: &[Record]) {
        for record in records {
            self.world.fold(record);
            self.gates.recorded(&self.world, record);
            self.tell(record);
            if matches!(&record.fact, Fact::Ordered { order, .. } if order.kind.is_back()) {
                let wishes = self.gates.stop();
                self.carry_out(wishes);
            }
            if record.fact == Fact::Resumed {
                self.guards.rearm();
            }
            self.alerts.other(&self.world, record);
        }
    }

    fn restored(&mut self, broken: Option<String>, unwritable: Option<String>) {
        for fault in broken.iter().chain(&unwritable) {
            self.log(LogLevel::Err, "journal", fault);
        }
        self.world.journal_broken = broken;
        self.world.journal_fault = unwritable;
        if let Some(last) = self.world.rollout().unsettled() {
            let text = format!(
                "order {} ({} to {}) by {} was {} when its process ended; the router is being read",
                last.order.id,
                last.order.kind.verb(),
                last.order.target,
                last.by.name,
                last.state.title()
            );
            self.log(LogLevel::Warn, "journal", &text);
        }
    }

    fn written(&mut self, ticket: Option<u64>) {
        self.world.journal_fault = None;
        if let Some(id) = self.take_awaiting(ticket) {
            self.reply(id, Reply::Done);
        }
    }

    pub(super) fn take_awaiting(&mut self, ticket: Option<u64>) -> Option<u64> {
        let at = self.awaiting_disk.iter().position(|id| Some(*id) == ticket)?;
        Some(self.awaiting_disk.swap_remove(at))
    }

    fn driven_by(&mut self, driver: Driver) {
        self.world.nobody_drives = driver == Driver::Nobody;
        self.world.holder = match driver {
            Driver::Me => None,
            Driver::Other(name) => Some(name),
            Driver::Nobody => Some("nobody".into()),
        };
        let is_told = self.world.rollout().undriven || self.world.access.is_read_only();
        if self.world.is_undriven() && !is_told {
            self.record(Fact::Undriven, self.world.me.clone());
        }
    }

    fn operator_gone(&mut self, why: &str) {
        let moving = self.world.rollout().stage == Stage::Moving;
        let me = self.world.me.clone();
        let why_closed = Closing::Other(format!("operator disconnected: {why}"));
        self.record(Fact::Closed { why: why_closed, cause: Some(Cause::Disconnect) }, me);
        let policy = self.world.service.plan.on_disconnect;
        if policy == OnDisconnect::Rollback && moving && self.world.may_drive() {
            self.roll_back(Actor::auto(), None, Some(format!("on_disconnect: {why}")), Cause::Disconnect);
        }
    }

    /// The journal could not be written. `order` was not sent because of that, `ticket` is not answered yet.
    fn journal_failed(&mut self, order: Option<&OrderId>, ticket: Option<u64>, text: String) {
        if self.world.journal_fault.as_ref() != Some(&text) {
            self.log(LogLevel::Err, "journal", &text);
        }
        if let Some(id) = self.take_awaiting(ticket) {
            let refusal = Refusal { kind: RefusalKind::Journal, text: format!("journal: {text}") };
            self.reply(id, Reply::Refused(refusal));
        }
        if let Some(id) = order {
            let fact = self.orders.not_sent(id, &text);
            self.fold(fact, self.world.me.clone());
        }
        self.world.journal_fault = Some(text);
    }

    /// Whether a forward order was sent that the backend has not answered yet.
    pub fn awaits_answer(&self) -> bool {
        self.orders.awaits_answer()
    }

    pub(super) fn consent(&self) -> Consent<'_> {
        Consent::new(&self.world, &self.gates)
    }

    /// What the journal says of the rollout, as far as this process has read it.
    pub const fn rollout(&self) -> &Rollout {
        self.world.rollout()
    }

    /// The digest evidence about `side` is bound to now; `None` while its version is not known.
    pub fn version_digest(&self, side: Side) -> Option<Digest> {
        self.world.version_digest(side)
    }

    /// What people call the version `side` serves now; `None` while that is not known.
    pub fn version_name(&self, side: Side) -> Option<String> {
        self.world.version_name(side)
    }
}

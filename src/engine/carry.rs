//! What the state does for its parts: folding and writing facts, making orders, lines for the log.

use super::command::Reply;
use super::effect::{Effect, WriteRule};
use super::rollout::Stage;
use super::state::State;
use super::watch::Serves;
use super::wish::{Wanted, Wish};
use crate::domain::text::clean;
use crate::domain::{Actor, Cause, Fact, LogLevel, LogLine, Move, Record, Split};

impl State {
    /// Carries out what the parts want, in order.
    pub(super) fn carry_out(&mut self, wishes: impl IntoIterator<Item = Wish>) {
        for wish in wishes {
            match wish {
                Wish::Record(fact, by) => self.record(fact, by),
                Wish::Order(wanted) => self.order(wanted),
                Wish::RollBack { why, cause } => self.roll_back(Actor::auto(), None, Some(why), cause),
                Wish::Pause { why, cause } => self.stop_plan(why, cause),
                Wish::Log(level, source, text) => self.log(level, source, &text),
                Wish::Do(effect) => self.out.push(effect),
            }
        }
    }

    /// Makes an order and sends it: journal first, then the backend.
    pub(super) fn order(&mut self, wanted: Wanted) {
        let Wanted { kind, target, by, request, why, cause } = wanted;
        let forward = kind.is_forward();
        if kind.is_back() {
            // Reason: an order back, by a person or a guard, ends the walk; a person begins the next.
            self.walk.set(false);
        }
        let digest = forward.then(|| self.consent().digest());
        let order = self.orders.make(&self.world, kind, target);
        let mut records = Vec::with_capacity(3);
        if let Some(fact) = self.orders.supersede(&self.world) {
            records.push(self.fold(fact, self.world.me.clone()));
        }
        if forward && !matches!(self.world.rollout().stage, Stage::Moving | Stage::Switched) {
            let started = self.started();
            records.push(self.fold(started, by.clone()));
        }
        records.push(self.fold(Fact::Ordered { order: order.clone(), digest, why, cause: Some(cause) }, by));
        if let Some(id) = request {
            self.reply(id, Reply::Ordered { id: order.id.clone() });
        }
        self.orders.sent(order.clone(), &self.world);
        self.world.router.drift = None;
        if kind != Move::Pause {
            self.guards.rearm();
        }
        let rule = if forward { WriteRule::BeforeSending } else { WriteRule::NeverInTheWay };
        self.out.push(Effect::Send { order, records, rule });
        if kind.is_back() {
            let wishes = self.gates.stop();
            self.carry_out(wishes);
        }
    }

    /// A rollout of what both sides serve now begins.
    pub(super) fn started(&self) -> Fact {
        let versions = self.world.sides.map(|_, side| match side.replicas.serves() {
            Serves::Known(version) => Some(version),
            _ => None,
        });
        Fact::Started { live: self.world.origin(), versions }
    }

    /// Stops the plan: ours, or the controller's, where it can be stopped. A controller that cannot goes on, and only
    /// what cutover would do next is stopped.
    fn stop_plan(&mut self, why: String, cause: Cause) {
        let split = self.world.plan_owner().and_then(|_| self.world.router.split());
        let refusal = self.world.refuses(Move::Pause).map(str::to_owned);
        match (split, refusal) {
            (None, _) => self.record(Fact::Paused { why: Some(why), cause: Some(cause) }, Actor::auto()),
            (Some(target), None) => {
                let (kind, by) = (Move::Pause, Actor::auto());
                self.order(Wanted { kind, target, by, request: None, why: Some(why), cause });
            }
            (Some(_), Some(refusal)) => {
                let why = format!("{why}; the controller goes on, it cannot be paused: {refusal}");
                self.record(Fact::Paused { why: Some(why), cause: Some(cause) }, Actor::auto());
            }
        }
    }

    /// Orders all traffic back; the fastest thing here, and refused only in a read-only process.
    pub(super) fn roll_back(&mut self, by: Actor, request: Option<u64>, why: Option<String>, cause: Cause) {
        let running = self.world.rollout().unsettled().is_some_and(|order| order.order.kind == Move::Rollback);
        let origin = self.world.origin();
        let nothing = if running && self.orders.is_rolling_back() {
            "a rollback is already under way".to_owned()
        } else if self.world.rollback_is_needed() {
            let target = Split::all(origin);
            return self.order(Wanted { kind: Move::Rollback, target, by, request, why, cause });
        } else {
            format!("nothing to roll back: {origin} already takes all traffic")
        };
        if let Some(id) = request {
            self.reply(id, Reply::AlreadySo { text: nothing });
        }
    }

    /// Folds a fact of this process at once and asks for it to be written: what happened is true before it is on disk.
    pub(super) fn record(&mut self, fact: Fact, by: Actor) {
        let record = self.fold(fact, by);
        self.out.push(Effect::Journal { records: vec![record], ticket: None });
    }

    /// Folds a fact of this process and writes it into the log. The caller writes it to the journal.
    pub(super) fn fold(&mut self, fact: Fact, by: Actor) -> Record {
        let record = Record { at: self.world.now.wall, by, fact };
        self.world.fold(&record);
        self.gates.recorded(&self.world, &record);
        // Reason: a gate that ran here has written the same into its own log.
        if !matches!(record.fact, Fact::Gate { .. }) {
            self.tell(&record);
        }
        let wish = self.alerts.own(&self.world, &record);
        self.carry_out(wish);
        record
    }

    pub(super) fn log(&mut self, level: LogLevel, source: &str, text: &str) {
        let line = LogLine { at: self.world.now.wall, level, source: source.to_owned(), text: clean(text, 500) };
        self.out.push(Effect::Log(line));
    }

    pub(super) fn reply(&mut self, id: u64, reply: Reply) {
        self.out.push(Effect::Reply { id, reply });
    }

    pub(super) fn tell(&mut self, record: &Record) {
        if let Some((text, warn)) = crate::narrate::short(&record.fact) {
            let level = if warn { LogLevel::Warn } else { LogLevel::Info };
            let source = clean(&record.by.name, 20);
            self.out.push(Effect::Event(LogLine { at: record.at, level, source, text }));
        }
    }
}

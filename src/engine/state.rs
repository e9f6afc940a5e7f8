//! The state and its one entrance, [`State::apply`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::alerts::Alerts;
use super::command::Reply;
use super::effect::Effect;
use super::event::Event;
use super::gates::Gates;
use super::guards::Guards;
use super::orders::Pending;
use super::rollout::{Rollout, Stage};
use super::sampling::Sampler;
use super::standby::Standby;
use super::watch::{Drift, Router, SideWatch};
use crate::domain::masked;
use crate::domain::text::clean;
use crate::domain::{
    Actor, BackendError, Capabilities, Cause, Digest, Fact, LogLevel, LogLine, Observation, Pair, Record, Service,
    Side, Stamp,
};

/// The whole state of a rollout as one process knows it. Only [`State::apply`] changes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    #[serde(serialize_with = "masked::serialize")]
    pub(super) service: Arc<Service>,
    pub(super) backend: String,
    pub(super) capabilities: Capabilities,
    /// This process's operator.
    pub(super) me: Actor,
    pub(super) access: Access,
    /// Makes order ids of this process differ from those of any other process.
    pub(super) seed: u64,
    pub(super) now: Stamp,
    /// Makes order ids of this process differ from those of an earlier one.
    pub(super) started: DateTime<Utc>,
    /// When this process began to watch, by its own clock.
    pub(super) began_ms: i64,
    pub(super) rollout: Rollout,
    pub(super) router: Router,
    pub(super) sides: Pair<SideWatch>,
    pub(super) gates: Gates,
    pub(super) guards: Guards,
    pub(super) alerts: Alerts,
    pub(super) standby: Standby,
    /// Since when the candidate has had traffic and answered nothing.
    pub(super) candidate_dead: Option<Stamp>,
    pub(super) pending: Option<Pending>,
    pub(super) journal_fault: Option<String>,
    /// The journal is not what was written; no write mends that.
    pub(super) journal_broken: Option<String>,
    pub(super) holder: Option<String>,
    pub(super) auto: bool,
    pub(super) dropped: u64,
    pub(super) orders_made: u64,
    /// Requests that are answered once their records are on disk: ticket = request id.
    pub(super) awaiting_disk: Vec<u64>,
    pub(super) sampler: Sampler,
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
            sides: service.sides.map(|_, spec| SideWatch::new(spec)),
            guards: Guards::new(&service),
            auto: service.plan.auto,
            backend: backend.to_owned(),
            capabilities,
            me,
            access,
            seed,
            now,
            started: now.wall,
            began_ms: now.mono_ms,
            rollout: Rollout::default(),
            router: Router::default(),
            gates: Gates::default(),
            alerts: Alerts::default(),
            standby: Standby::default(),
            candidate_dead: None,
            pending: None,
            journal_fault: None,
            journal_broken: None,
            holder: None,
            dropped: 0,
            orders_made: 0,
            awaiting_disk: Vec::new(),
            sampler: Sampler::default(),
            out: Vec::new(),
            service,
        }
    }

    /// What is rolled out, as the config says it.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Takes one event in and gives out what is to be done.
    pub fn apply(&mut self, now: Stamp, event: Event) -> Vec<Effect> {
        self.now = now;
        match event {
            Event::Tick => self.tick(),
            Event::Observed { result } => self.observed(result),
            Event::Probed { side, replica, latency_us, fault } => {
                self.sides[side].probed(replica, now, latency_us, fault);
            }
            Event::VersionRead { side, replica, version } => {
                if let Some(replica) = self.sides[side].replicas.get_mut(replica as usize) {
                    replica.version = Some(version);
                }
            }
            Event::Scraped { side, source, reading } => self.sides[side].metrics.scraped(source, now, reading),
            Event::Asked(request) => self.asked(request),
            Event::Answered { id, result } => self.answered(&id, result),
            Event::Recorded { records } => self.recorded(&records),
            Event::Restored { broken, unwritable } => self.restored(broken, unwritable),
            Event::JournalBroken { text } => {
                self.log(LogLevel::Err, "journal", &text);
                self.journal_broken = Some(text);
            }
            Event::Written { ticket } => self.written(ticket),
            Event::JournalFailed { order, ticket, text } => self.journal_failed(order.as_ref(), ticket, text),
            Event::GateProgress { run, done, total, load } => self.gates.progress(run, done, total, load),
            Event::GateEnded { run, evidence } => self.gate_ended(run, evidence),
            Event::AlertEnded { alert, to, delivered, tries, detail } => {
                self.alert_ended(alert, to, delivered, tries, &detail);
            }
            Event::Lease { holder } => self.holder = holder,
            Event::OperatorGone { why } => self.operator_gone(&why),
            Event::Leaving => self.leave_orders(),
            Event::Dropped { count } => self.dropped += count,
        }
        std::mem::take(&mut self.out)
    }

    fn tick(&mut self) {
        self.feed();
        for side in Side::BOTH {
            if let Some(metrics) = &self.service.metrics {
                self.sides[side].metrics.advance(metrics, self.now);
            }
            self.sides[side].advance(self.now);
        }
        self.follow_orders();
        self.run_missing_gates();
        self.note_gates();
        self.watch_standby();
        self.walk();
        self.take_sample();
        self.raise_owed();
    }

    fn observed(&mut self, result: Result<Box<Observation>, BackendError>) {
        match result {
            Err(fault) => {
                if self.router.fault.is_none() {
                    self.log(LogLevel::Warn, "router", &format!("cannot be read: {}", fault.when_reading()));
                }
                self.router.fault = Some(fault);
            }
            Ok(seen) => {
                if self.router.fault.take().is_some() {
                    self.log(LogLevel::Info, "router", &format!("is read again: {}", seen.split));
                }
                self.count_traffic(&seen);
                self.router.seen = Some((self.now, *seen));
                self.settle_by_observation();
                self.look_for_drift();
                self.evaluate_guards();
            }
        }
    }

    fn count_traffic(&mut self, seen: &Observation) {
        if let Some(counters) = &seen.traffic {
            let counted = Side::BOTH.map(|side| self.router.delta(counters, side));
            let [blue, green] = counted;
            let counted = Pair { blue, green };
            let (step, candidate) = (self.rollout.step_since, self.candidate());
            self.guards.compared.absorb(step, &counted, &self.service.guards, candidate, self.now);
            for side in Side::BOTH {
                let restarted = self.router.restarted(counters);
                self.sides[side].in_flight = Some(counters.sides[side].in_flight);
                self.sides[side].note_total(self.now, counters.sides[side].total(), restarted);
                if let Some(counted) = &counted[side]
                    && counted.count > 0
                {
                    let watch = &mut self.sides[side];
                    watch.traffic.absorb(self.now.mono_ms, counted.count, counted.errors, &counted.cells);
                }
            }
        }
        if seen.traffic.is_none() {
            for side in Side::BOTH {
                self.sides[side].stop_counting();
            }
        }
        self.router.keep_counters(seen.traffic.clone());
    }

    fn look_for_drift(&mut self) {
        let (Some(desired), Some(observed)) = (self.rollout.desired, self.router.split()) else { return };
        if desired == observed || self.rollout.unsettled().is_some() {
            self.router.drift = None;
            return;
        }
        let mut drift = match self.router.drift {
            Some(drift) if drift.observed == observed => drift,
            _ => Drift { observed, since: self.now, told: false },
        };
        if !drift.told && drift.lasts(self.now) {
            drift.told = true;
            if self.access.watches() && self.may_drive() {
                self.record(Fact::Drift { desired, observed }, Actor::auto());
            }
        }
        self.router.drift = Some(drift);
    }

    /// What the router says and was not asked for, drift or not yet. What was asked for may have changed since it was read.
    pub(super) fn deviation(&self) -> Option<Drift> {
        self.router.drift.filter(|drift| Some(drift.observed) != self.rollout.desired)
    }

    /// What the router says and nobody asked for.
    pub(super) fn drift(&self) -> Option<Drift> {
        self.deviation().filter(|drift| drift.lasts(self.now))
    }

    fn recorded(&mut self, records: &[Record]) {
        for record in records {
            self.rollout.fold(record, self.now);
            self.tell(record);
            if matches!(&record.fact, Fact::Ordered { order, .. } if !order.kind.is_forward()) {
                self.stop_gates();
            }
            self.alert_other(record);
        }
    }

    fn tell(&mut self, record: &Record) {
        if let Some((text, warn)) = super::narrate::narrate(&record.fact) {
            let level = if warn { LogLevel::Warn } else { LogLevel::Info };
            let source = clean(&record.by.name, 20);
            self.out.push(Effect::Event(LogLine { at: record.at, level, source, text }));
        }
    }

    fn restored(&mut self, broken: Option<String>, unwritable: Option<String>) {
        for fault in broken.iter().chain(&unwritable) {
            self.log(LogLevel::Err, "journal", fault);
        }
        self.journal_broken = broken;
        self.journal_fault = unwritable;
        if let Some(last) = self.rollout.unsettled() {
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
        self.journal_fault = None;
        if let Some(id) = self.take_awaiting(ticket) {
            self.reply(id, Reply::Done);
        }
    }

    pub(super) fn take_awaiting(&mut self, ticket: Option<u64>) -> Option<u64> {
        let at = self.awaiting_disk.iter().position(|id| Some(*id) == ticket)?;
        Some(self.awaiting_disk.swap_remove(at))
    }

    fn operator_gone(&mut self, why: &str) {
        let moving = self.rollout.stage == Stage::Moving;
        let me = self.me.clone();
        let why_closed = format!("operator disconnected: {why}");
        self.record(Fact::Closed { why: why_closed, cause: Some(Cause::Disconnect) }, me);
        let policy = self.service.plan.on_disconnect;
        if policy == crate::domain::OnDisconnect::Rollback && moving && self.may_drive() {
            self.roll_back(Actor::auto(), None, Some(format!("on_disconnect: {why}")), Cause::Disconnect);
        }
    }

    // ---- small things every part uses ----

    /// Folds a fact of ours at once and has it written; reality does not wait for the disk.
    pub(super) fn record(&mut self, fact: Fact, by: Actor) {
        let record = self.fold(fact, by);
        self.out.push(Effect::Journal { records: vec![record], ticket: None });
    }

    /// Folds a fact of ours and says it in the log; the caller has it written.
    pub(super) fn fold(&mut self, fact: Fact, by: Actor) -> Record {
        let record = Record { at: self.now.wall, by, fact };
        self.rollout.fold(&record, self.now);
        // Reason: a gate that ran here has said the same in its own log already.
        if !matches!(record.fact, Fact::Gate { .. }) {
            self.tell(&record);
        }
        self.alert_own(&record);
        record
    }

    pub(super) fn log(&mut self, level: LogLevel, source: &str, text: &str) {
        let line = LogLine { at: self.now.wall, level, source: source.to_owned(), text: clean(text, 500) };
        self.out.push(Effect::Log(line));
    }

    pub(super) fn reply(&mut self, id: u64, reply: Reply) {
        self.out.push(Effect::Reply { id, reply });
    }

    /// Whether this process may move traffic forward as far as the lease goes.
    pub(super) fn may_drive(&self) -> bool {
        !self.access.is_read_only() && self.holder.is_none()
    }

    /// The side that is live while nothing is under way, and the way back while something is.
    pub(super) fn origin(&self) -> Side {
        self.rollout.origin.or_else(|| self.router.split()?.majority()).unwrap_or(Side::Blue)
    }

    /// The side that is rolled out, before, during and after.
    pub(super) fn candidate(&self) -> Side {
        self.origin().other()
    }

    /// The candidate's share as read from the router.
    pub(super) fn share(&self) -> Option<u8> {
        self.router.split().map(|split| split.share(self.candidate()))
    }

    /// The digest evidence about `side` is bound to now; `None` while its version is not known.
    pub fn version_digest(&self, side: Side) -> Option<Digest> {
        use super::watch::Serves;
        match self.sides[side].serves() {
            Serves::Known(version) => Some(version.digest),
            Serves::Unsaid => match self.router.seen.as_ref().and_then(|(_, seen)| seen.versions[side].clone()) {
                Some(version) => Some(version.digest),
                // Reason: without a source, evidence can only be bound to the place; valid_for still limits it.
                None => Some(Digest::of(["unversioned", side.name()])),
            },
            Serves::Pending(_) | Serves::Disagree(_) => None,
        }
    }

    /// What people call the version `side` serves now; `None` while that is not known.
    pub fn version_name(&self, side: Side) -> Option<String> {
        match self.sides[side].serves() {
            super::watch::Serves::Known(version) => Some(version.name),
            super::watch::Serves::Unsaid => {
                let (_, seen) = self.router.seen.as_ref()?;
                seen.versions[side].as_ref().map(|version| version.name.clone())
            }
            super::watch::Serves::Pending(_) | super::watch::Serves::Disagree(_) => None,
        }
    }
}

//! Which records raise an alert, and what the alert says.
//!
//! The process that makes a record sends its alert, so that a console and a command on the same journal never both do.
//! Each place's delivery is a record too. When a process is killed before its alert was delivered, the next process
//! that drives sends it to the places that have not had it. An alert's id keeps it from arriving twice at one place.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::rollout::Stage;
use super::wish::Wish;
use super::world::World;
use crate::domain::alert::SCHEMA_VERSION;
use crate::domain::text::clean;
use crate::domain::{
    Actor, Alert, AlertKind, Cause, Digest, Fact, GuardAction, Move, OnDisconnect, Order, OrderFault, OrderState, Pair,
    Record, Side, Verdict, in_unit,
};
use crate::narrate::{Around, sentence};

/// Ids remembered: many more than one rollout makes.
const REMEMBERED: usize = 256;
/// Alerts of others that may wait for their receipt.
const MAX_OWED: usize = 32;
/// Another process has this long to deliver its own alert, in milliseconds: longer than it tries.
const OTHERS_MS: u64 = 180_000;
/// A record older than this raises no alert any more, in milliseconds.
const OLD_MS: u64 = 1_800_000;
/// Evidence lines of one alert.
const LINES: usize = 20;

/// Alerts that were sent, and those that other processes should have sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Alerts {
    told: VecDeque<String>,
    /// Of other processes: the alert and the place that had it, or was given up.
    receipts: VecDeque<(String, String)>,
    owed: VecDeque<Subject>,
}

/// What an alert is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Subject {
    kind: AlertKind,
    id: String,
    record: Record,
    /// The order it is about.
    order: Option<Order>,
}

impl Alerts {
    fn remember(&mut self, id: &str) {
        if self.told.len() == REMEMBERED {
            self.told.pop_front();
        }
        self.told.push_back(id.to_owned());
        self.owed.retain(|owed| owed.id != id);
    }

    fn receive(&mut self, id: &str, place: &str) {
        if self.receipts.len() == REMEMBERED {
            self.receipts.pop_front();
        }
        self.receipts.push_back((id.to_owned(), place.to_owned()));
    }

    /// The alert for a record of this process, if the record needs one.
    pub(super) fn own(&mut self, world: &World, record: &Record) -> Option<Wish> {
        self.raise(world, &subject(world, record)?)
    }

    /// Notes a record of another or an earlier process.
    pub(super) fn other(&mut self, world: &World, record: &Record) {
        if let Fact::Alerted { alert, to, .. } = &record.fact {
            self.receive(alert, to);
            let kind = self.owed.iter().find(|owed| owed.id == *alert).map(|owed| owed.kind);
            if kind.is_some_and(|kind| self.untold(world, kind, alert).is_empty()) {
                self.remember(alert);
            }
        } else if let Some(subject) = subject(world, record) {
            if self.owed.len() == MAX_OWED {
                self.owed.pop_front();
            }
            self.owed.push_back(subject);
        }
    }

    /// Once a second: the driver sends the alerts that other processes did not send in time.
    pub(super) fn tick(&mut self, world: &World) -> Vec<Wish> {
        if !world.access.drives() || !world.may_drive() {
            return Vec::new();
        }
        let age = |subject: &Subject| world.now.since_ms(world.now.restore(subject.record.at));
        self.owed.retain(|owed| age(owed) < OLD_MS);
        let due: Vec<Subject> = self.owed.iter().filter(|owed| age(owed) >= OTHERS_MS).cloned().collect();
        due.iter().filter_map(|subject| self.raise(world, subject)).collect()
    }

    fn raise(&mut self, world: &World, subject: &Subject) -> Option<Wish> {
        if world.access.only_looks() || self.told.contains(&subject.id) {
            return None;
        }
        let to = self.untold(world, subject.kind, &subject.id);
        self.remember(&subject.id);
        let about = match &subject.record.fact {
            Fact::Gate { evidence } => Some(evidence.gate.clone()),
            _ => None,
        };
        (!to.is_empty()).then(|| Wish::Do(Effect::Alert { alert: Box::new(alert(world, subject)), about, to }))
    }

    /// The places that want alerts of `kind` and that, as far as the journal says, have not had this one.
    fn untold(&self, world: &World, kind: AlertKind, id: &str) -> Vec<String> {
        let had = |name: &str| self.receipts.iter().any(|(alert, place)| alert == id && place == name);
        let wanted = world.service.alerts.iter().filter(|place| place.on.contains(&kind) && !had(&place.name));
        wanted.map(|place| place.name.clone()).collect()
    }
}

/// The alert that `record` needs; `None` for most records.
fn subject(world: &World, record: &Record) -> Option<Subject> {
    let by_itself = record.by == Actor::auto();
    // Reason: the alert about the guard says what it did.
    let by_guard = |cause: &Option<Cause>| *cause == Some(Cause::Guard);
    let mut order = None;
    let kind = match &record.fact {
        Fact::Guard(_) => AlertKind::Guard,
        Fact::Gate { evidence } if evidence.verdict == Verdict::Failed && is_required(world, &evidence.gate) => {
            AlertKind::Gate
        }
        Fact::Paused { cause, .. } if by_itself && !by_guard(cause) => AlertKind::Paused,
        Fact::Ordered { order: given, cause, .. } if given.kind.is_back() && !by_guard(cause) => {
            order = Some(given.clone());
            AlertKind::Rollback
        }
        Fact::OrderIs { id, state, fault, .. } => {
            let last = world.rollout().last.as_ref().filter(|last| last.order.id == *id)?;
            let superseded = *fault == Some(OrderFault::Superseded);
            let back = last.order.kind.is_back();
            order = Some(last.order.clone());
            match state {
                OrderState::Verified if back => AlertKind::RolledBack,
                OrderState::Verified if last.order.target.share(last.order.toward) == 100 => AlertKind::Switched,
                // Reason: a person who gave a forward order sees on the screen that it was refused.
                OrderState::Failed if !superseded && (back || last.by == Actor::auto()) => AlertKind::Order,
                OrderState::Unknown => AlertKind::Order,
                _ => return None,
            }
        }
        Fact::Drift { .. } => AlertKind::Drift,
        Fact::Standby { ready: 0, .. } => AlertKind::Standby,
        Fact::Closed { cause: Some(Cause::Disconnect), .. } if world.rollout().stage == Stage::Moving => {
            AlertKind::Disconnect
        }
        Fact::Undriven => AlertKind::Disconnect,
        Fact::Finalized { .. } => AlertKind::Finalized,
        _ => return None,
    };
    let id = match &record.fact {
        // Reason: a gate that fails again on the same version raises no second alert.
        Fact::Gate { evidence } => Digest::of(["gate", &evidence.gate, evidence.version.as_str()]),
        Fact::OrderIs { id, .. } => Digest::of([kind.name(), &id.0]),
        // Reason: two guards may act at the same moment.
        Fact::Guard(seen) => Digest::of([kind.name(), &record.at.to_rfc3339(), seen.side.name(), seen.subject()]),
        _ => Digest::of([kind.name(), &record.at.to_rfc3339()]),
    };
    let id = id.as_str().chars().take(12).collect();
    Some(Subject { kind, id, record: record.clone(), order })
}

fn is_required(world: &World, gate: &str) -> bool {
    world.service.gates.iter().any(|spec| spec.name == gate && spec.required)
}

fn alert(world: &World, subject: &Subject) -> Alert {
    let told = told(world, subject);
    let place = [world.service.name.as_str(), world.service.environment.as_str()];
    let place: Vec<&str> = place.into_iter().filter(|word| !word.is_empty()).collect();
    Alert {
        schema_version: SCHEMA_VERSION,
        id: subject.id.clone(),
        kind: subject.kind,
        severity: subject.kind.severity(),
        time: subject.record.at,
        service: world.service.name.clone(),
        environment: world.service.environment.clone(),
        title: clean(&format!("{}: {}", place.join(" "), told.what), 300),
        side: told.side,
        value: told.value,
        limit: told.limit,
        at_least: told.at_least,
        unit: told.unit,
        samples: told.samples,
        evidence: told.evidence.into_iter().take(LINES).collect(),
        by: subject.record.by.name.clone(),
        versions: Pair { blue: world.version_name(Side::Blue), green: world.version_name(Side::Green) },
        split: world
            .router
            .split()
            .map(|split| Pair { blue: split.share(Side::Blue), green: split.share(Side::Green) }),
        done: told.done,
        way_back: way_back(world, subject),
        log: Vec::new(),
    }
}

/// What depends on the fact: the title, the figures behind it, and what is done about it.
fn told(world: &World, subject: &Subject) -> Told {
    let around = Around { origin: world.origin(), order: subject.order.as_ref() };
    let told = Told { what: sentence(&subject.record, around), done: done(world, subject), ..Told::default() };
    match &subject.record.fact {
        Fact::Guard(seen) => Told {
            side: Some(seen.side),
            value: Some(seen.value),
            limit: Some(seen.bound.limit),
            at_least: seen.bound.at_least,
            unit: seen.unit().to_owned(),
            samples: Some(seen.samples),
            evidence: figures(world),
            ..told
        },
        Fact::Gate { evidence } => Told {
            side: Some(world.candidate()),
            value: evidence.value,
            limit: evidence.limit,
            at_least: evidence.at_least,
            unit: evidence.unit.clone(),
            samples: Some(evidence.samples),
            evidence: evidence.details.clone(),
            ..told
        },
        Fact::Paused { .. } => Told { evidence: figures(world), ..told },
        Fact::Ordered { order, .. } => Told { side: Some(order.toward), evidence: figures(world), ..told },
        Fact::OrderIs { .. } => Told { side: subject.order.as_ref().map(|order| order.toward), ..told },
        Fact::Standby { side, .. } => Told { side: Some(*side), evidence: figures(world), ..told },
        Fact::Finalized { live } => Told { side: Some(*live), ..told },
        _ => told,
    }
}

/// What is done about it, and what happens to traffic.
fn done(world: &World, subject: &Subject) -> String {
    let now = world.router.split().map_or_else(|| "the router cannot be read".into(), |split| format!("{split} stays"));
    let back = || format!("all traffic is being sent back to {}", world.origin());
    match &subject.record.fact {
        Fact::Guard(seen) => match seen.action {
            GuardAction::Rollback => back(),
            GuardAction::Pause => format!("the plan is stopped, {now}"),
            GuardAction::Warn => format!("nothing was moved: this guard only warns; {now}"),
        },
        Fact::Gate { .. } if world.share().is_some_and(|share| share > 0) => format!("forward is blocked, {now}"),
        Fact::Gate { .. } => "forward is blocked; no traffic had moved".into(),
        Fact::Paused { .. } => format!("the plan is stopped, {now}"),
        Fact::Ordered { order, .. } => format!("order {} sends all traffic to {}", order.id, order.toward),
        Fact::Drift { .. } => "nothing was moved; forward is locked until a person accepts it or rolls back".into(),
        Fact::Closed { .. } if world.service.plan.on_disconnect == OnDisconnect::Rollback => back(),
        Fact::Undriven => format!("{now}; no guard acts until a console takes over (W)"),
        Fact::Finalized { .. } => "the standby may go".into(),
        _ => now,
    }
}

/// What both sides do, a line each.
fn figures(world: &World) -> Vec<String> {
    let line = |side: Side| {
        let stats = world.sides[side].traffic.stats_since(world.now.mono_ms, 30_000, i64::MIN / 2);
        let ms = |name: &str, value: Option<f64>| value.map(|ms| format!("{name} {ms:.0} ms"));
        let errors = stats.error_rate.map(|rate| format!("errors {}", in_unit(rate, "ratio")));
        let figures: Vec<String> =
            [ms("p50", stats.p50), ms("p95", stats.p95), ms("p99", stats.p99), errors].into_iter().flatten().collect();
        let figures = if figures.is_empty() { "no traffic measured".to_owned() } else { figures.join(", ") };
        let version = world.version_name(side).map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{side}{version}: {figures}, n={} in 30 s", stats.samples)
    };
    Side::BOTH.map(line).to_vec()
}

fn way_back(world: &World, subject: &Subject) -> String {
    let origin = world.origin();
    let how = "R then y in the console, or: cutover rollback --yes";
    let under_way = world.rollout().unsettled().is_some_and(|last| last.order.kind == Move::Rollback)
        || matches!(&subject.record.fact, Fact::Guard(seen) if seen.action == GuardAction::Rollback);
    match world.share() {
        _ if under_way => format!("under way; if it does not end, {how}"),
        Some(0) => format!("not needed: {origin} has all traffic"),
        _ if world.sides[origin].replicas.ready() == Some(0) => format!("{how}; but {origin} answers nothing now"),
        _ if !world.has_way_back() => format!("{how}; but {}", world.unready_at_router(origin).unwrap_or_default()),
        _ => how.to_owned(),
    }
}

/// The part of an alert that hangs on what happened.
#[derive(Default)]
struct Told {
    what: String,
    done: String,
    side: Option<Side>,
    value: Option<f64>,
    limit: Option<f64>,
    at_least: bool,
    unit: String,
    samples: Option<u64>,
    evidence: Vec<String>,
}

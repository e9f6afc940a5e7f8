//! Which records wake somebody up, and what that person is told.
//!
//! The process that makes a record tells of it, so that a console and a command on the same journal never both do.
//! What became of it is a record too, one for each place: what a killed process left untold is told by the next one
//! that drives, at the places that have not had it, and by its id an event is never told twice at one place.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::narrate::breach;
use super::rollout::Stage;
use super::state::State;
use crate::domain::alert::SCHEMA_VERSION;
use crate::domain::text::clean;
use crate::domain::{
    Actor, Alert, AlertKind, Breach, Cause, Digest, Evidence, Fact, GuardAction, Move, Order, OrderFault, OrderState,
    Pair, Record, Side, Verdict, in_unit,
};

/// Ids remembered: many more than one rollout makes.
const REMEMBERED: usize = 256;
/// Alerts of others that may wait for their receipt.
const MAX_OWED: usize = 32;
/// Another process has this long to deliver its own alert, in milliseconds: longer than it tries.
const OTHERS_MS: u64 = 180_000;
/// News older than this wakes nobody any more, in milliseconds.
const OLD_MS: u64 = 1_800_000;
/// Evidence lines of one alert.
const LINES: usize = 20;

/// What was told, and what others should have told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Alerts {
    told: VecDeque<String>,
    /// Of other processes: the alert and the place that had it, or was given up.
    receipts: VecDeque<(String, String)>,
    owed: VecDeque<Subject>,
}

/// Something worth telling.
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
}

impl State {
    /// A record of ours was folded: tells of it where it is worth it.
    pub(super) fn alert_own(&mut self, record: &Record) {
        if let Some(subject) = self.subject(record) {
            self.raise(&subject);
        }
    }

    /// A record of another process, or of an earlier one, was folded.
    pub(super) fn alert_other(&mut self, record: &Record) {
        if let Fact::Alerted { alert, to, .. } = &record.fact {
            self.alerts.receive(alert, to);
            let kind = self.alerts.owed.iter().find(|owed| owed.id == *alert).map(|owed| owed.kind);
            if kind.is_some_and(|kind| self.untold(kind, alert).is_empty()) {
                self.alerts.remember(alert);
            }
        } else if let Some(subject) = self.subject(record) {
            if self.alerts.owed.len() == MAX_OWED {
                self.alerts.owed.pop_front();
            }
            self.alerts.owed.push_back(subject);
        }
    }

    /// Once a second: what nobody told in time is told by the process that drives.
    pub(super) fn raise_owed(&mut self) {
        if !self.access.drives() || !self.may_drive() {
            return;
        }
        let age = |subject: &Subject| self.now.since_ms(self.now.restore(subject.record.at));
        let due: Vec<Subject> = self.alerts.owed.iter().filter(|owed| age(owed) >= OTHERS_MS).cloned().collect();
        for subject in due {
            if age_of(self, &subject) < OLD_MS {
                self.raise(&subject);
            } else {
                self.alerts.owed.retain(|owed| owed.id != subject.id);
            }
        }
    }

    /// What became of an alert at one place.
    pub(super) fn alert_ended(&mut self, alert: String, to: String, delivered: bool, tries: u32, detail: &str) {
        let detail = clean(detail, 200);
        self.record(Fact::Alerted { alert, to, delivered, tries, detail }, Actor::auto());
    }

    fn raise(&mut self, subject: &Subject) {
        if self.access.only_looks() || self.alerts.told.contains(&subject.id) {
            return;
        }
        let to = self.untold(subject.kind, &subject.id);
        self.alerts.remember(&subject.id);
        if !to.is_empty() {
            let alert = Box::new(self.alert(subject));
            let about = match &subject.record.fact {
                Fact::Gate { evidence } => Some(evidence.gate.clone()),
                _ => None,
            };
            self.out.push(Effect::Alert { alert, about, to });
        }
    }

    /// The places that want alerts of `kind` and of which no other process says that they had this one.
    fn untold(&self, kind: AlertKind, id: &str) -> Vec<String> {
        let had = |name: &str| self.alerts.receipts.iter().any(|(alert, place)| alert == id && place == name);
        let wanted = self.service.alerts.iter().filter(|place| place.on.contains(&kind) && !had(&place.name));
        wanted.map(|place| place.name.clone()).collect()
    }

    /// What `record` is worth telling as; `None` for what wakes nobody.
    fn subject(&self, record: &Record) -> Option<Subject> {
        let by_itself = record.by == Actor::auto();
        // Reason: the alert about the guard says what it did.
        let by_guard = |cause: &Option<Cause>| *cause == Some(Cause::Guard);
        let mut order = None;
        let kind = match &record.fact {
            Fact::Guard(_) => AlertKind::Guard,
            Fact::Gate { evidence } if evidence.verdict == Verdict::Failed && self.is_required(&evidence.gate) => {
                AlertKind::Gate
            }
            Fact::Paused { cause, .. } if by_itself && !by_guard(cause) => AlertKind::Paused,
            Fact::Ordered { order: given, cause, .. } if !given.kind.is_forward() && !by_guard(cause) => {
                order = Some(given.clone());
                AlertKind::Rollback
            }
            Fact::OrderIs { id, state, fault, .. } => {
                let last = self.rollout.last.as_ref().filter(|last| last.order.id == *id)?;
                let superseded = *fault == Some(OrderFault::Superseded);
                let back = !last.order.kind.is_forward();
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
            Fact::Closed { cause: Some(Cause::Disconnect), .. } if self.rollout.stage == Stage::Moving => {
                AlertKind::Disconnect
            }
            Fact::Finalized { .. } => AlertKind::Finalized,
            _ => return None,
        };
        let id = match &record.fact {
            // Reason: a gate that fails again on the same version is no news.
            Fact::Gate { evidence } => Digest::of(["gate", &evidence.gate, evidence.version.as_str()]),
            Fact::OrderIs { id, .. } => Digest::of([kind.name(), &id.0]),
            // Reason: two guards may act at the same moment.
            Fact::Guard(seen) => Digest::of([kind.name(), &record.at.to_rfc3339(), seen.side.name(), seen.subject()]),
            _ => Digest::of([kind.name(), &record.at.to_rfc3339()]),
        };
        let id = id.as_str().chars().take(12).collect();
        Some(Subject { kind, id, record: record.clone(), order })
    }

    fn is_required(&self, gate: &str) -> bool {
        self.service.gates.iter().any(|spec| spec.name == gate && spec.required)
    }

    fn alert(&self, subject: &Subject) -> Alert {
        let told = self.told(subject);
        let place = [self.service.name.as_str(), self.service.environment.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|word| !word.is_empty()).collect();
        Alert {
            schema_version: SCHEMA_VERSION,
            id: subject.id.clone(),
            kind: subject.kind,
            severity: subject.kind.severity(),
            time: subject.record.at,
            service: self.service.name.clone(),
            environment: self.service.environment.clone(),
            title: clean(&format!("{}: {}", place.join(" "), told.what), 300),
            side: told.side,
            value: told.value,
            limit: told.limit,
            at_least: told.at_least,
            unit: told.unit,
            samples: told.samples,
            evidence: told.evidence.into_iter().take(LINES).collect(),
            by: subject.record.by.name.clone(),
            versions: Pair { blue: self.version_name(Side::Blue), green: self.version_name(Side::Green) },
            split: self
                .router
                .split()
                .map(|split| Pair { blue: split.share(Side::Blue), green: split.share(Side::Green) }),
            done: told.done,
            way_back: self.way_back(subject),
            log: Vec::new(),
        }
    }

    fn told(&self, subject: &Subject) -> Told {
        let origin = self.origin();
        let now =
            self.router.split().map_or_else(|| "the router cannot be read".into(), |split| format!("{split} stays"));
        let order = |verb: &str| subject.order.as_ref().map_or_else(|| verb.to_owned(), |o| format!("{verb} {}", o.id));
        match &subject.record.fact {
            Fact::Guard(seen) => self.told_of_guard(seen, &now),
            Fact::Gate { evidence } => self.told_of_gate(evidence, &now),
            Fact::Paused { why, .. } => {
                let why = why.clone().unwrap_or_default();
                Told {
                    evidence: self.figures(),
                    ..Told::of(format!("paused: {why}"), format!("the plan is stopped, {now}"))
                }
            }
            Fact::Ordered { order, why, .. } => {
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                let what = format!("{} to {} by {}{why}", order.kind.verb(), order.toward, subject.record.by.name);
                let done = format!("order {} sends all traffic to {}", order.id, order.toward);
                Told { side: Some(order.toward), evidence: self.figures(), ..Told::of(what, done) }
            }
            Fact::OrderIs { state, detail, .. } => {
                let detail = detail.clone().unwrap_or_default();
                let verb = subject.order.as_ref().map_or("order", |order| order.kind.verb());
                let what = match (subject.kind, state) {
                    (AlertKind::RolledBack, _) => format!("{verb} done, {origin} has all traffic ({detail})"),
                    (AlertKind::Switched, _) => format!("{} has all traffic ({detail})", self.candidate()),
                    (_, OrderState::Unknown) => format!("{} may have happened: {detail}", order(verb)),
                    _ => format!("{} FAILED: {detail}", order(verb)),
                };
                Told { side: subject.order.as_ref().map(|order| order.toward), ..Told::of(what, now) }
            }
            Fact::Drift { desired, observed } => {
                let what = format!("drift: the router says {observed}, asked for was {desired}");
                Told::of(what, "nothing was moved; forward is locked until a person accepts it or rolls back".into())
            }
            Fact::Closed { why, .. } => {
                let then = match self.service.plan.on_disconnect {
                    crate::domain::OnDisconnect::Hold => now,
                    crate::domain::OnDisconnect::Rollback => format!("all traffic is being sent back to {origin}"),
                };
                Told::of(why.clone(), then)
            }
            Fact::Standby { side, total, why, .. } => {
                let what = format!("the way back is lost: {side} 0/{total} ready: {why}");
                Told { side: Some(*side), evidence: self.figures(), ..Told::of(what, now) }
            }
            Fact::Finalized { live } => Told {
                side: Some(*live),
                ..Told::of(format!("finalized, {live} is live"), "the standby may go".into())
            },
            fact => Told::of(super::narrate::narrate(fact).map(|line| line.0).unwrap_or_default(), now),
        }
    }

    fn told_of_guard(&self, seen: &Breach, now: &str) -> Told {
        let origin = self.origin();
        let (then, done) = match seen.action {
            GuardAction::Rollback => {
                (format!("rolling back to {origin}"), format!("all traffic is being sent back to {origin}"))
            }
            GuardAction::Pause => ("the plan is stopped".into(), format!("the plan is stopped, {now}")),
            GuardAction::Warn => {
                ("nothing was moved".into(), format!("nothing was moved: this guard only warns; {now}"))
            }
        };
        Told {
            side: Some(seen.side),
            value: Some(seen.value),
            limit: Some(seen.limit),
            at_least: seen.at_least,
            unit: seen.unit().to_owned(),
            samples: Some(seen.samples),
            evidence: self.figures(),
            ..Told::of(format!("guard {} (n={}), {then}", breach(seen), seen.samples), done)
        }
    }

    fn told_of_gate(&self, evidence: &Evidence, now: &str) -> Told {
        let note = if evidence.note.is_empty() { String::new() } else { format!(": {}", evidence.note) };
        let moved = self.share().is_some_and(|share| share > 0);
        let done = if moved {
            format!("forward is blocked, {now}")
        } else {
            "forward is blocked; no traffic had moved".into()
        };
        Told {
            side: Some(self.candidate()),
            value: evidence.value,
            limit: evidence.limit,
            at_least: evidence.at_least,
            unit: evidence.unit.clone(),
            samples: Some(evidence.samples),
            evidence: evidence.details.clone(),
            ..Told::of(format!("gate {} failed{note}", evidence.gate), done)
        }
    }

    /// What both sides do, a line each.
    fn figures(&self) -> Vec<String> {
        let line = |side: Side| {
            let stats = self.sides[side].traffic.stats_since(self.now.mono_ms, 30_000, i64::MIN / 2);
            let ms = |name: &str, value: Option<f64>| value.map(|ms| format!("{name} {ms:.0} ms"));
            let errors = stats.error_rate.map(|rate| format!("errors {}", in_unit(rate, "ratio")));
            let figures: Vec<String> = [ms("p50", stats.p50), ms("p95", stats.p95), ms("p99", stats.p99), errors]
                .into_iter()
                .flatten()
                .collect();
            let figures = if figures.is_empty() { "no traffic measured".to_owned() } else { figures.join(", ") };
            let version = self.version_name(side).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("{side}{version}: {figures}, n={} in 30 s", stats.samples)
        };
        Side::BOTH.map(line).to_vec()
    }

    fn way_back(&self, subject: &Subject) -> String {
        let origin = self.origin();
        let how = "R then y in the console, or: cutover rollback --yes";
        let under_way = self.rollout.unsettled().is_some_and(|last| last.order.kind == Move::Rollback)
            || matches!(&subject.record.fact, Fact::Guard(seen) if seen.action == GuardAction::Rollback);
        match self.share() {
            _ if under_way => format!("under way; if it does not end, {how}"),
            Some(0) => format!("not needed: {origin} has all traffic"),
            _ if self.sides[origin].ready() == Some(0) => format!("{how}; but {origin} answers nothing now"),
            _ => how.to_owned(),
        }
    }
}

fn age_of(state: &State, subject: &Subject) -> u64 {
    state.now.since_ms(state.now.restore(subject.record.at))
}

/// The part of an alert that hangs on what happened.
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

impl Told {
    fn of(what: String, done: String) -> Self {
        Self {
            what,
            done,
            side: None,
            value: None,
            limit: None,
            at_least: false,
            unit: String::new(),
            samples: None,
            evidence: Vec::new(),
        }
    }
}

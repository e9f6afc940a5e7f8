//! Guards: checks on live traffic that go on while it moves and in the rollback window.

mod measure;

use serde::{Deserialize, Serialize};

use super::compare::{Compared, Excess};
use super::rollout::Stage;
use super::snapshot::{GuardState, GuardStatus, Soon, VersusStatus};
use super::state::State;
use crate::domain::{Actor, Breach, Cause, Fact, GuardAction, GuardSpec, LogLevel, Metric, Service, Side, Stamp};

/// What every guard saw last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Guards {
    watches: Vec<Watch>,
    pub(super) compared: Compared,
    evaluated: Option<Stamp>,
    /// The step that was begun last, and the requests a second of both sides before it.
    step: Option<Stamp>,
    before: Option<f64>,
}

/// One guard's memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Watch {
    value: Option<f64>,
    samples: u64,
    rate: Option<f64>,
    /// The reading it is of, where readings come at a pace of their own.
    reading: Option<u64>,
    breaches: u32,
    tripped: bool,
    excess: Option<Excess>,
}

impl Guards {
    pub(super) fn new(service: &Service) -> Self {
        let watches = vec![Watch::default(); service.guards.len()];
        Self { watches, compared: Compared::new(service), evaluated: None, step: None, before: None }
    }

    /// A new step, or a person's decision, starts the counting again.
    pub(super) fn rearm(&mut self) {
        for watch in &mut self.watches {
            watch.breaches = 0;
            watch.tripped = false;
        }
    }
}

impl State {
    /// Whether guards are on watch: the candidate has traffic, or had it all and the window is open.
    pub(super) fn guards_watch(&self) -> bool {
        match self.rollout.stage {
            Stage::Moving => self.share().is_some_and(|share| share > 0),
            Stage::Switched => self.window_left_ms().is_some_and(|left| left > 0),
            _ => false,
        }
    }

    /// Milliseconds until the rollback window closes.
    pub(super) fn window_left_ms(&self) -> Option<u64> {
        let at = self.rollout.switched_at.filter(|_| self.rollout.stage == Stage::Switched)?;
        Some(self.service.plan.rollback_window_ms.saturating_sub(self.now.since_ms(at)))
    }

    /// Evaluates every guard, at most once a second, on fresh counters.
    pub(super) fn evaluate_guards(&mut self) {
        let due = self.guards.evaluated.is_none_or(|at| self.now.since_ms(at) >= 950);
        if !due {
            return;
        }
        self.guards.evaluated = Some(self.now);
        self.note_before();
        if !self.guards_watch() {
            return self.guards.rearm();
        }
        let service = self.service.clone();
        for (index, spec) in service.guards.iter().enumerate() {
            self.evaluate(index, spec);
        }
    }

    fn evaluate(&mut self, index: usize, spec: &GuardSpec) {
        let side = spec.side.unwrap_or_else(|| self.candidate());
        let own = self.measure(spec, side);
        let excess = spec.versus.and_then(|versus| self.guards.compared.judge(index, spec, side, versus));
        let Some(watch) = self.guards.watches.get_mut(index) else { return };
        // One reading is one look, however often it is looked at.
        if own.reading.is_some() && own.reading == watch.reading && own.value.is_some() {
            return;
        }
        (watch.value, watch.samples, watch.rate, watch.reading) = (own.value, own.samples, own.rate, own.reading);
        watch.excess = excess;
        let Some(value) = watch.value.filter(|_| own.samples >= spec.min_samples) else {
            watch.breaches = 0;
            return;
        };
        // A comparison is as sure as it has to be when it speaks: it is not waited for again.
        let is_worse = excess.is_some_and(|excess| excess.is_worse);
        if !spec.is_broken_by(value) && !is_worse {
            watch.breaches = 0;
            watch.tripped = false;
            return;
        }
        watch.breaches = watch.breaches.saturating_add(1);
        if (is_worse || watch.breaches >= spec.consecutive) && !watch.tripped {
            watch.tripped = true;
            let over = if spec.is_broken_by(value) { None } else { excess };
            self.trip(spec, side, value, over, own.samples);
        }
    }

    fn trip(&mut self, spec: &GuardSpec, side: Side, value: f64, over: Option<Excess>, samples: u64) {
        if !self.access.watches() || !self.may_drive() {
            return;
        }
        let origin = self.origin();
        // Reason: traffic is not moved by a machine onto a side that answers nothing; a person still can.
        let way_back = self.sides[origin].ready() != Some(0);
        let action = match spec.then {
            GuardAction::Rollback if !way_back => GuardAction::Pause,
            action => action,
        };
        let seen = Breach {
            metric: spec.metric,
            row: spec.row.clone(),
            unit: spec.row.is_some().then(|| self.unit_of(spec).to_owned()),
            side,
            value,
            limit: spec.limit,
            at_least: spec.at_least,
            samples,
            worse_by: over.and_then(|over| over.at_least),
            action,
        };
        let why = format!("guard {}", super::narrate::breach(&seen));
        self.record(Fact::Guard(seen), Actor::auto());
        match action {
            GuardAction::Warn => {}
            GuardAction::Pause => {
                if !way_back {
                    self.log(LogLevel::Err, "guard", &format!("not rolled back: {origin} answers nothing"));
                }
                if self.rollout.paused.is_none() {
                    let paused = Fact::Paused { why: Some(why), cause: Some(Cause::Guard) };
                    self.record(paused, Actor::auto());
                }
            }
            GuardAction::Rollback => self.roll_back(Actor::auto(), None, Some(why), Cause::Guard),
        }
    }

    /// The unit of a guard's value: of its metric, or of the row it watches.
    fn unit_of(&self, spec: &GuardSpec) -> &'static str {
        let metrics = self.service.metrics.as_ref();
        let row = spec.row.as_deref().and_then(|name| metrics?.row(name));
        row.map_or(spec.metric.unit(), |(_, row)| row.unit.name())
    }

    /// Guards, for the status document.
    pub(super) fn guard_statuses(&self) -> Vec<GuardStatus> {
        let watching = self.guards_watch();
        let specs = self.service.guards.iter();
        specs
            .zip(&self.guards.watches)
            .map(|(spec, watch)| {
                let status = if !watching {
                    GuardState::Off
                } else if watch.value.is_none() || watch.samples < spec.min_samples {
                    GuardState::NotYet
                } else if watch.tripped {
                    GuardState::Tripped
                } else if watch.breaches > 0 {
                    GuardState::Breach
                } else {
                    GuardState::Ok
                };
                let side = spec.side.unwrap_or_else(|| self.candidate());
                let compared = &self.guards.compared;
                GuardStatus {
                    metric: spec.metric,
                    row: spec.row.clone(),
                    unit: self.unit_of(spec).to_owned(),
                    side,
                    soon: soon(spec, watch).filter(|_| status == GuardState::NotYet),
                    status,
                    value: watch.value.filter(|_| watching),
                    limit: spec.limit,
                    at_least: spec.at_least,
                    versus: spec.versus.filter(|_| watching).map(|versus| VersusStatus {
                        seen: watch.excess.and_then(|excess| excess.seen),
                        at_least: watch.excess.and_then(|excess| excess.at_least),
                        allowed: versus.worse_by,
                        sure: versus.sure,
                        soon: compared.soon(spec, side, watch.excess.is_some()),
                    }),
                    samples: if watching { watch.samples } else { 0 },
                    breaches: watch.breaches,
                    consecutive: spec.consecutive,
                    then: spec.then,
                }
            })
            .collect()
    }
}

/// When a guard will have enough to judge by, if requests go on coming as they do.
fn soon(spec: &GuardSpec, watch: &Watch) -> Option<Soon> {
    let rate = watch.rate.filter(|rate| *rate > 0.0)?;
    let ever = spec.metric == Metric::Saturation || rate * spec.window_ms as f64 / 1000.0 >= spec.min_samples as f64;
    let missing = spec.min_samples.saturating_sub(watch.samples);
    Some(if ever { Soon::In { s: missing as f64 / rate } } else { Soon::Never { per_s: rate } })
}

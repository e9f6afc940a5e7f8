//! Guards: checks on live traffic that go on while it moves and in the rollback window.

mod measure;

use serde::{Deserialize, Serialize};

use super::compare::{Compared, Excess};
use super::rollout::Stage;
use super::snapshot::{GuardState, GuardStatus, Soon, VersusStatus};
use super::watch::Counted;
use super::wish::Wish;
use super::words;
use super::world::World;
use crate::domain::{Breach, Cause, Fact, GuardAction, GuardSpec, LogLevel, Measure, Pair, Service, Side, Stamp};

/// Why an unattended plan does not take the next step yet; in words.
pub(super) enum Hold {
    /// A guard is over its limit, though not yet often enough to act.
    Breach(String),
    /// A guard that must have data has too little.
    NoData(String),
}

/// What every guard saw last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Guards {
    watches: Vec<Watch>,
    compared: Compared,
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

    /// Takes in what was counted on both sides between two readings.
    pub(super) fn counted(&mut self, world: &World, counted: &Pair<Option<Counted>>) {
        let (step, candidate) = (world.judged_since(), world.candidate());
        self.compared.absorb(step, counted, &world.service.guards, candidate, world.now);
    }

    /// Whether guards are to be evaluated now: at most once a second, and only while they watch.
    pub(super) fn begin(&mut self, world: &World) -> bool {
        if self.evaluated.is_some_and(|at| world.now.since_ms(at) < 950) {
            return false;
        }
        self.evaluated = Some(world.now);
        self.note_before(world);
        let watches = guards_watch(world);
        if !watches {
            self.rearm();
        }
        watches
    }

    /// Evaluates the guard at `index` on fresh counters.
    pub(super) fn evaluate(&mut self, world: &World, index: usize) -> Vec<Wish> {
        let Some(spec) = world.service.guards.get(index) else { return Vec::new() };
        let side = spec.side.unwrap_or_else(|| world.candidate());
        let own = self.measure(world, spec, side);
        let excess = spec.versus.and_then(|versus| self.compared.judge(index, spec, side, versus));
        let Some(watch) = self.watches.get_mut(index) else { return Vec::new() };
        // One reading counts once, however often it is evaluated.
        if own.reading.is_some() && own.reading == watch.reading && own.value.is_some() {
            return Vec::new();
        }
        (watch.value, watch.samples, watch.rate, watch.reading) = (own.value, own.samples, own.rate, own.reading);
        watch.excess = excess;
        let Some(value) = watch.value.filter(|_| own.samples >= spec.min_samples) else {
            watch.breaches = 0;
            return Vec::new();
        };
        // A comparison is as sure as it has to be when it speaks: it need not speak twice.
        let is_worse = excess.is_some_and(|excess| excess.is_worse);
        if !spec.bound.is_broken_by(value) && !is_worse {
            watch.breaches = 0;
            watch.tripped = false;
            return Vec::new();
        }
        watch.breaches = watch.breaches.saturating_add(1);
        if (!is_worse && watch.breaches < spec.consecutive) || watch.tripped {
            return Vec::new();
        }
        watch.tripped = true;
        let over = if spec.bound.is_broken_by(value) { None } else { excess };
        trip(world, spec, side, value, over, own.samples)
    }

    /// What keeps an unattended plan from the next step; a breach before all else.
    pub(super) fn hold(&self, world: &World) -> Option<Hold> {
        let statuses = self.statuses(world);
        let words = |guard: &GuardStatus| format!("guard on {}: {}", guard.side, words::guard(guard));
        if let Some(guard) = statuses.iter().find(|guard| guard.status == GuardState::Breach) {
            return Some(Hold::Breach(format!("{}, {} of {} times", words(guard), guard.breaches, guard.consecutive)));
        }
        let mut required = world.service.guards.iter().zip(&statuses).filter(|(spec, _)| spec.require_data);
        let (_, guard) = required.find(|(_, guard)| guard.status == GuardState::NotYet)?;
        Some(Hold::NoData(words(guard)))
    }

    /// Guards, for the status document.
    pub(super) fn statuses(&self, world: &World) -> Vec<GuardStatus> {
        let watching = guards_watch(world);
        let specs = world.service.guards.iter();
        specs
            .zip(&self.watches)
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
                let side = spec.side.unwrap_or_else(|| world.candidate());
                let compared = &self.compared;
                GuardStatus {
                    metric: spec.metric,
                    row: spec.row.clone(),
                    unit: unit_of(world, spec).to_owned(),
                    side,
                    soon: soon(spec, watch).filter(|_| status == GuardState::NotYet),
                    status,
                    value: watch.value.filter(|_| watching),
                    bound: spec.bound,
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

/// What a guard does that was breached often enough.
fn trip(world: &World, spec: &GuardSpec, side: Side, value: f64, over: Option<Excess>, samples: u64) -> Vec<Wish> {
    if !world.access.watches() || !world.may_drive() {
        return Vec::new();
    }
    let way_back = world.has_way_back();
    let action = match spec.then {
        GuardAction::Rollback if !way_back => GuardAction::Pause,
        action => action,
    };
    let seen = Breach {
        metric: spec.metric,
        row: spec.row.clone(),
        unit: spec.row.is_some().then(|| unit_of(world, spec).to_owned()),
        side,
        value,
        bound: spec.bound,
        samples,
        worse_by: over.and_then(|over| over.at_least),
        action,
    };
    let why = format!("guard {}", crate::narrate::breach(&seen));
    let mut wishes = vec![Wish::record(Fact::Guard(seen))];
    match action {
        GuardAction::Warn => {}
        GuardAction::Pause => {
            if !way_back {
                let origin = world.origin();
                let why = world.unready_at_router(origin).unwrap_or_else(|| format!("{origin} answers nothing"));
                let text = format!("not rolled back: {why}");
                wishes.push(Wish::Log(LogLevel::Err, "guard", text));
            }
            if world.rollout().paused.is_none() {
                wishes.push(Wish::Pause { why, cause: Cause::Guard });
            }
        }
        GuardAction::Rollback => wishes.push(Wish::RollBack { why, cause: Cause::Guard }),
    }
    wishes
}

/// Whether guards are on watch: the candidate has traffic, or had it all and the window is open.
fn guards_watch(world: &World) -> bool {
    match world.rollout().stage {
        Stage::Moving => world.share().is_some_and(|share| share > 0),
        Stage::Switched => world.window_left_ms().is_some_and(|left| left > 0),
        _ => false,
    }
}

/// The unit of a guard's value: of its metric, or of the row it watches.
fn unit_of(world: &World, spec: &GuardSpec) -> &'static str {
    let metrics = world.service.metrics.as_ref();
    let row = spec.row.as_deref().and_then(|name| metrics?.row(name));
    row.map_or(spec.metric.unit(), |(_, row)| row.unit.name())
}

/// When a guard will have enough to judge by, if requests go on coming as they do.
fn soon(spec: &GuardSpec, watch: &Watch) -> Option<Soon> {
    let rate = watch.rate.filter(|rate| *rate > 0.0)?;
    let ever =
        spec.metric.measure() == Measure::Level || rate * spec.window_ms as f64 / 1000.0 >= spec.min_samples as f64;
    let missing = spec.min_samples.saturating_sub(watch.samples);
    Some(if ever { Soon::In { s: missing as f64 / rate } } else { Soon::Never { per_s: rate } })
}

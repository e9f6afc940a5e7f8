//! What a guard sees: the value it judges, and how much is behind it.

use super::Guards;
use crate::domain::guard::IN_FLIGHT;
use crate::domain::window::Stats;
use crate::domain::{GuardSpec, Measure, Side, Stamp};
use crate::engine::world::World;

/// How long after a step its rate is compared with the rate before it, milliseconds. Later the load may differ.
const BEFORE_COUNTS_MS: u64 = 600_000;
/// The time before a step whose rate is expected after it, milliseconds.
const BEFORE_MS: i64 = 60_000;

/// What was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) value: Option<f64>,
    /// Requests, expected requests or readings behind it.
    pub(super) samples: u64,
    /// Samples a second.
    pub(super) rate: Option<f64>,
    /// The number of the reading, for values that are read at their own interval.
    pub(super) reading: Option<u64>,
}

impl Guards {
    pub(super) fn measure(&self, world: &World, spec: &GuardSpec, side: Side) -> Seen {
        let windowed = |value: &dyn Fn(&Stats) -> Option<f64>| {
            let stats = guard_stats(world, spec, side);
            Seen { value: value(&stats), samples: stats.samples, rate: stats.rps, reading: None }
        };
        match spec.metric.measure() {
            Measure::Drop => self.throughput(world, spec, side).unwrap_or_default(),
            Measure::Level => level(world, spec, side).unwrap_or_default(),
            Measure::Latency(percentile) => windowed(&|stats| stats.latency(percentile)),
            // Errors that are not counted are unknown, not zero.
            Measure::Errors => windowed(&|stats| stats.error_rate.filter(|_| world.counts_errors(side))),
        }
    }

    /// How far the side's rate lies below its share of all traffic, and for ten minutes after a step below its share
    /// of what there was before it: a side that loses requests may take the whole service's rate down with it.
    fn throughput(&self, world: &World, spec: &GuardSpec, side: Side) -> Option<Seen> {
        let share = f64::from(world.router.split()?.share(side)) / 100.0;
        let counted =
            world.router.counts() || Side::BOTH.iter().all(|&side| world.sides[side].metrics.feeds(world.now, 0));
        if share <= 0.0 || !counted {
            return None;
        }
        let rate = |side| guard_stats(world, spec, side).rps.unwrap_or(0.0);
        let (own, other) = (rate(side), rate(side.other()));
        let since_ms = world.rollout().step_since.map_or(u64::MAX, |at| world.now.since_ms(at));
        let before = self.before.filter(|_| since_ms <= BEFORE_COUNTS_MS).unwrap_or(0.0);
        let expected = (own + other).max(before) * share;
        let seconds = spec.window_ms.min(since_ms) / 1000;
        let value = (expected > 0.0).then(|| (1.0 - own / expected).max(0.0));
        Some(Seen { value, samples: (expected * seconds as f64) as u64, rate: Some(expected), reading: None })
    }

    /// Notes what both sides took together before a step that has just begun.
    pub(super) fn note_before(&mut self, world: &World) {
        let step = world.rollout().step_since;
        if self.step == step {
            return;
        }
        self.step = step;
        self.before = step.and_then(|at| {
            let rate = |side: Side| world.sides[side].traffic.rate_between(at.mono_ms - BEFORE_MS, at.mono_ms);
            match (rate(Side::Blue), rate(Side::Green)) {
                (None, None) => None,
                (blue, green) => Some(blue.unwrap_or(0.0) + green.unwrap_or(0.0)),
            }
        });
    }
}

/// The window, but nothing from before this step, or before a person let the plan go on.
fn guard_stats(world: &World, spec: &GuardSpec, side: Side) -> Stats {
    let from = world.judged_since().map_or(i64::MIN / 2, |at| at.mono_ms);
    world.sides[side].traffic.stats_since(world.now.mono_ms, spec.window_ms, from)
}

fn level(world: &World, spec: &GuardSpec, side: Side) -> Option<Seen> {
    let watch = &world.sides[side];
    let since = world.judged_since();
    let name = spec.row.as_deref()?;
    if name == IN_FLIGHT {
        let samples = since.map_or(0, |at| world.now.since_ms(at) / 1000);
        return Some(Seen { value: Some(watch.in_flight? as f64), samples, rate: Some(1.0), reading: None });
    }
    let metrics = world.service.metrics.as_ref()?;
    let (_, row) = metrics.row(name)?;
    let readings = watch.metrics.readings_of(&row.take);
    let stream = metrics.stream.as_ref().filter(|_| row.take.is_stream());
    let interval_ms = stream.map_or(metrics.interval_ms, |stream| stream.interval_ms);
    let is_new = |at: &&Stamp| since.is_none_or(|since| at.mono_ms > since.mono_ms);
    Some(Seen {
        value: watch.metrics.value(metrics, name, world.now),
        samples: readings.stamps.iter().filter(is_new).count() as u64,
        rate: Some(1000.0 / interval_ms.max(1) as f64),
        reading: Some(readings.count),
    })
}

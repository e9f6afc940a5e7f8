//! The candidate beside the live side, while both take traffic: what the guards' `versus` judges.
//!
//! Counted anew at every step: another split is another mixture of requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::snapshot::Soon;
use super::watch::Counted;
use crate::domain::sequential::{ErrorRatio, quantile_excess};
use crate::domain::{Comparison, GuardSpec, Measure, Pair, Service, Side, Stamp};

/// A comparison of error rates says nothing below this many errors.
const MIN_ERRORS: u64 = 5;

/// What was counted on both sides since the step began.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Compared {
    /// The step it belongs to.
    step: Option<Stamp>,
    /// When counting began, and when it last went on.
    seen: Option<(Stamp, Stamp)>,
    requests: Pair<u64>,
    errors: Pair<u64>,
    /// Latencies: microseconds, how many.
    cells: Pair<BTreeMap<u64, u64>>,
    /// The same where only buckets are known: the lowest value of each.
    lows: Pair<BTreeMap<u64, u64>>,
    /// Per guard that compares error rates.
    ratios: Vec<Option<(Side, ErrorRatio)>>,
    /// Steps a rollout has: its false alarms are shared among them.
    steps: usize,
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Excess {
    /// How much worse the side looks: 0.21 is 21 %. `None` while it cannot be said.
    pub(super) seen: Option<f64>,
    /// How much worse it is at least, with the certainty that the guard asks for.
    pub(super) at_least: Option<f64>,
    /// Whether it is worse by more than is allowed, with the certainty that the guard asks for.
    pub(super) is_worse: bool,
}

impl Compared {
    pub(super) fn new(service: &Service) -> Self {
        let steps = service.plan.steps.len().max(1);
        Self { ratios: vec![None; service.guards.len()], steps, ..Self::default() }
    }

    /// Adds what was counted between two readings of the router, for the step that began at `step`.
    pub(super) fn absorb(
        &mut self,
        step: Option<Stamp>,
        counted: &Pair<Option<Counted>>,
        guards: &[GuardSpec],
        candidate: Side,
        now: Stamp,
    ) {
        if self.step != step {
            // What was counted across the change belongs to neither step.
            let steps = self.steps;
            let ratios = guards.iter().map(|spec| ratio_of(spec, candidate)).collect();
            *self = Self { step, ratios, steps, seen: Some((now, now)), ..Self::default() };
            return;
        }
        let (Some(blue), Some(green)) = (&counted.blue, &counted.green) else { return };
        self.seen = Some((self.seen.map_or(now, |seen| seen.0), now));
        for (side, it) in [(Side::Blue, blue), (Side::Green, green)] {
            self.requests[side] += it.count;
            self.errors[side] += it.errors;
            for &(us, n) in &it.cells {
                *self.cells[side].entry(us).or_default() += n;
            }
            for &(us, n) in it.lows.as_ref().unwrap_or(&it.cells) {
                *self.lows[side].entry(us).or_default() += n;
            }
        }
        let of = |side: Side| if side == Side::Blue { (blue.count, blue.errors) } else { (green.count, green.errors) };
        for (side, ratio) in self.ratios.iter_mut().flatten() {
            ratio.absorb(of(*side), of(side.other()));
        }
    }

    /// How much worse `side` is than the other, by the guard at `index`; `None` below its least samples on either side.
    pub(super) fn judge(&self, index: usize, spec: &GuardSpec, side: Side, versus: Comparison) -> Option<Excess> {
        let enough = self.requests[side] >= spec.min_samples && self.requests[side.other()] >= spec.min_samples;
        if !enough {
            return None;
        }
        let alpha = (1.0 - versus.sure) / self.steps as f64;
        match spec.metric.measure() {
            Measure::Latency(percentile) => {
                Some(self.latency(side, f64::from(percentile) / 100.0, alpha, versus.worse_by))
            }
            Measure::Errors => self.errors(index, side, alpha),
            Measure::Drop | Measure::Level => None,
        }
    }

    /// When there will be enough to compare by, if requests go on coming as they have since the step began.
    pub(super) fn soon(&self, spec: &GuardSpec, side: Side, compares: bool) -> Option<Soon> {
        let (from, now) = self.seen?;
        let seconds = now.since_ms(from) as f64 / 1000.0;
        if compares || seconds < 1.0 {
            return None;
        }
        let wait = |side: Side| {
            let missing = spec.min_samples.saturating_sub(self.requests[side]) as f64;
            missing / (self.requests[side] as f64 / seconds)
        };
        let longest = wait(side).max(wait(side.other()));
        longest.is_finite().then_some(Soon::In { s: longest })
    }

    fn latency(&self, side: Side, q: f64, alpha: f64, worse_by: f64) -> Excess {
        let list = |cells: &BTreeMap<u64, u64>| cells.iter().map(|(&us, &n)| (us, n)).collect::<Vec<_>>();
        let (own, other) = (list(&self.cells[side]), list(&self.cells[side.other()]));
        // Where only the bucket of a latency is known, its lowest value counts: the benefit of the doubt.
        let at_least = quantile_excess(&list(&self.lows[side]), &other, q, alpha);
        let seen =
            quantile(&own, q).zip(quantile(&other, q)).map(|(own, other)| own as f64 / other.max(1) as f64 - 1.0);
        Excess { seen, at_least, is_worse: at_least.is_some_and(|by| by > worse_by) }
    }

    fn errors(&self, index: usize, side: Side, alpha: f64) -> Option<Excess> {
        let (_, ratio) = self.ratios.get(index)?.as_ref()?;
        let rate = |side: Side| self.errors[side] as f64 / self.requests[side].max(1) as f64;
        let other = rate(side.other());
        let enough = self.errors[side] >= MIN_ERRORS;
        Some(Excess {
            seen: (other > 0.0).then(|| rate(side) / other - 1.0),
            at_least: ratio.at_least(alpha).map(|ratio| ratio - 1.0),
            is_worse: enough && ratio.is_worse(alpha),
        })
    }
}

fn ratio_of(spec: &GuardSpec, candidate: Side) -> Option<(Side, ErrorRatio)> {
    let versus = spec.versus.filter(|_| spec.metric.measure() == Measure::Errors)?;
    Some((spec.side.unwrap_or(candidate), ErrorRatio::new(1.0 + versus.worse_by)))
}

/// The `q`-quantile of `(value, count)` cells.
fn quantile(cells: &[(u64, u64)], q: f64) -> Option<u64> {
    let all: u64 = cells.iter().map(|cell| cell.1).sum();
    let wanted = (all as f64 * q).ceil().max(1.0) as u64;
    let mut before = 0;
    cells
        .iter()
        .find(|(_, n)| {
            before += n;
            before >= wanted
        })
        .map(|cell| cell.0)
}

//! Figures over stretches of time, and the stretches nothing was measured in.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Share, Step, StepSide};
use super::words::{clock, seconds, span};
use crate::domain::{Pair, Sample, Side};

/// How long before the beginning and after the end figures are used, in seconds.
const AROUND_S: i64 = 300;

/// The samples of a rollout, at most one a second.
pub(super) fn of_rollout(samples: &[Sample], began: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Sample> {
    let (from, to) = (began - TimeDelta::seconds(AROUND_S), until);
    let mut kept: Vec<Sample> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.at >= from && sample.at <= to) {
        // Two processes on watch measure the same traffic.
        if kept.last().is_none_or(|last| (sample.at - last.at).num_milliseconds() >= 500) {
            kept.push(sample.clone());
        }
    }
    kept
}

/// Until when samples after `ended` belong to a rollout that the next one follows at `next`.
pub(super) fn reach(ended: DateTime<Utc>, next: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let after = ended + TimeDelta::seconds(AROUND_S);
    next.map_or(after, |next| after.min(next))
}

/// Longer than this without a sample is a gap, in seconds; `over_s` is the stretch of the later one.
pub(super) fn is_gap(before: &Sample, after: &Sample) -> bool {
    seconds(before.at, after.at) > f64::from(before.over_s.max(after.over_s).clamp(1, 3_600)) * 2.5
}

/// The stretches at one share, with what was measured in them, from a little before the beginning to a little after the end.
pub(super) fn steps(shares: &[Share], samples: &[Sample], end: DateTime<Utc>) -> Vec<Step> {
    let mut shares = shares.to_vec();
    let (first, last) = (samples.first(), samples.last());
    if let (Some(share), Some(sample)) = (shares.first_mut(), first) {
        share.at = share.at.min(sample.at - TimeDelta::seconds(i64::from(sample.over_s.min(60))));
    }
    let end = last.map_or(end, |sample| end.max(sample.at));
    let ends = shares.iter().skip(1).map(|share| share.at).chain([end]);
    let stretch = |(share, to): (&Share, DateTime<Utc>)| {
        // A sample looks back: what it saw before the step began does not belong to it.
        let inside = |sample: &&Sample| {
            sample.at <= to && sample.at - TimeDelta::seconds(i64::from(sample.over_s.min(60)) / 2) >= share.at
        };
        let seen: Vec<&Sample> = samples.iter().filter(inside).collect();
        Step { percent: share.percent, from: share.at, to, sides: Pair::from_fn(|side| summed_up(&seen, side)) }
    };
    let steps = shares.iter().zip(ends).map(stretch);
    steps
        .filter(|step| seconds(step.from, step.to) >= 1.0 || step.sides.iter().any(|(_, side)| side.is_some()))
        .collect()
}

fn summed_up(samples: &[&Sample], side: Side) -> Option<StepSide> {
    let seen: Vec<_> = samples.iter().filter_map(|sample| sample.sides[side]).collect();
    let requests: u64 = seen.iter().map(|side| side.n).sum();
    if seen.is_empty() || requests == 0 {
        return None;
    }
    let failed: f64 = seen.iter().map(|side| side.error_rate * side.n as f64).sum();
    let p99 = sorted(seen.iter().filter_map(|side| side.p99));
    Some(StepSide {
        samples: seen.len(),
        rps: seen.iter().map(|side| side.rps).sum::<f64>() / seen.len() as f64,
        error_rate: failed / requests as f64,
        p50: middle(&sorted(seen.iter().filter_map(|side| side.p50))),
        p99: middle(&p99),
        p99_worst: p99.last().copied(),
    })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

/// What of the series is missing, in words.
pub(super) fn missing(samples: &[Sample], began: DateTime<Utc>, end: DateTime<Utc>) -> Vec<String> {
    /// How many gaps are listed one by one.
    const TOLD: usize = 8;
    let Some((first, last)) = samples.first().zip(samples.last()) else {
        return vec![
            "no figures were kept over this rollout: latency, errors and throughput are not known (they are written by the process that drives)".into(),
        ];
    };
    let mut gaps: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        samples.windows(2).filter(|pair| is_gap(&pair[0], &pair[1])).map(|pair| (pair[0].at, pair[1].at)).collect();
    if seconds(began, first.at) > 30.0 {
        gaps.insert(0, (began, first.at));
    }
    if seconds(last.at, end) > 2.5 * f64::from(last.over_s.clamp(10, 3_600)) {
        gaps.push((last.at, end));
    }
    let mut told: Vec<String> = gaps
        .iter()
        .take(TOLD)
        .map(|&(from, to)| {
            let long = span(seconds(from, to));
            format!(
                "no figures from {} to {} ({long}): no process that drives was watching",
                clock(from, began),
                clock(to, began)
            )
        })
        .collect();
    if gaps.len() > TOLD {
        told.push(format!("and {} more gaps in the figures", gaps.len() - TOLD));
    }
    let unread = samples.iter().filter(|sample| sample.split.is_none()).count();
    if unread > 0 {
        told.push(format!("in {unread} of {} samples the router could not be read", samples.len()));
    }
    told
}

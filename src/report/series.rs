//! The plots of a rollout: split, latency, errors and throughput over the same stretch of time.

use chrono::{DateTime, TimeDelta, Utc};

use super::figures::is_gap;
use super::model::Rollout;
use super::plot::{Line, Mark, Plot, Unit};
use super::words::{self, seconds};
use crate::domain::{Measure, Metric, Sample, Side, SideSample};

/// Points of one line: more than one in two units of width cannot be distinguished.
const POINTS: usize = 400;

/// A stretch of time that is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    pub(super) title: &'static str,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
}

/// What is drawn: the whole, and before it the part in which traffic moved where that is a small part.
pub(super) fn views(rollout: &Rollout, made: DateTime<Utc>) -> Vec<View> {
    let end = rollout.ended.unwrap_or(made).max(rollout.began);
    let around = |length: f64| TimeDelta::milliseconds((length * 250.0).clamp(20_000.0, 300_000.0) as i64);
    let whole = |title| {
        let around = around(seconds(rollout.began, end));
        let first = rollout.samples.first().map_or(rollout.began, |sample| sample.at);
        let last = rollout.samples.last().map_or(end, |sample| sample.at);
        let lead = TimeDelta::milliseconds((seconds(rollout.began, end) * 40.0).max(1_000.0) as i64);
        View {
            title,
            from: first.max(rollout.began - around).min(rollout.began - lead),
            to: last.min(end + around).max(end),
        }
    };
    let moved = rollout.shares.last().map_or(end, |share| share.at);
    let (total, moving) = (seconds(rollout.began, end), seconds(rollout.began, moved));
    if total < 1_800.0 || moving * 4.0 > total {
        return vec![whole("")];
    }
    let around = around(moving.max(240.0));
    let close =
        View { title: "While traffic moved", from: whole("").from.max(rollout.began - around), to: moved + around };
    vec![close, whole("The whole time")]
}

/// Orders, breaches and drift, by the numbers of the timeline.
pub(super) fn marks(rollout: &Rollout) -> Vec<Mark> {
    let numbered = |line: &super::model::Milestone| Some(Mark { at: line.at, number: line.mark?, warn: line.warn });
    rollout.timeline.iter().filter_map(numbered).collect()
}

/// The four plots of a view, one below the other.
pub(super) fn plots<'a>(rollout: &Rollout, view: View, prefix: &str, marks: &'a [Mark]) -> Vec<Plot<'a>> {
    let inside: Vec<&Sample> = rollout.samples.iter().filter(|s| s.at >= view.from && s.at <= view.to).collect();
    let plot = |name: &str, title, unit, at_least, lines, limits| Plot {
        id: format!("{prefix}-{name}"),
        title,
        unit,
        from: view.from,
        to: view.to,
        at_least,
        lines,
        limits,
        marks,
    };
    let both = |of: fn(&SideSample) -> Option<f64>, classes: [&'static str; 2], name: &str, peaks: bool| {
        let line = |(side, class)| line(&inside, side, of, class, name, peaks);
        Side::BOTH.into_iter().zip(classes).map(line).collect::<Vec<Line>>()
    };
    let thin = ["blue thin", "green thin"];
    let full = ["blue", "green"];
    let mut latency = both(|side| side.p99, full, "p99", true);
    latency.extend(both(|side| side.p50, thin, "p50", false));
    vec![
        plot("split", "Traffic of the candidate", Unit::Percent, 100.0, vec![share(rollout, view)], Vec::new()),
        plot("latency", "Latency", Unit::Ms, 1.0, latency, limits(rollout, &[Metric::P50, Metric::P99])),
        plot(
            "errors",
            "Requests that failed",
            Unit::Rate,
            0.01,
            both(|side| Some(side.error_rate), full, "", true),
            limits(rollout, &[Metric::ErrorRate]),
        ),
        plot(
            "rps",
            "Requests a second",
            Unit::PerSecond,
            1.0,
            both(|side| Some(side.rps), full, "", false),
            Vec::new(),
        ),
    ]
}

fn share(rollout: &Rollout, view: View) -> Line {
    let before = rollout.shares.iter().rev().find(|share| share.at <= view.from);
    let mut points: Vec<(DateTime<Utc>, f64)> =
        before.map(|share| (view.from, f64::from(share.percent))).into_iter().collect();
    let inside = rollout.shares.iter().filter(|share| share.at > view.from && share.at <= view.to);
    points.extend(inside.map(|share| (share.at, f64::from(share.percent))));
    // The share the router was left with goes on.
    points.extend(points.last().map(|(_, percent)| (view.to, *percent)));
    let (class, label) = match rollout.candidate {
        Side::Blue => ("blue", "blue"),
        Side::Green => ("green", "green"),
    };
    Line { class, label: label.into(), pieces: vec![points], is_steps: true }
}

/// One line of what `of` takes from a side, in pieces where nothing was measured.
fn line(
    samples: &[&Sample],
    side: Side,
    of: fn(&SideSample) -> Option<f64>,
    class: &'static str,
    name: &str,
    peaks: bool,
) -> Line {
    let mut pieces: Vec<Vec<(DateTime<Utc>, f64)>> = vec![Vec::new()];
    let mut before: Option<&Sample> = None;
    for sample in samples {
        let value = sample.sides[side].as_ref().and_then(of).filter(|value| value.is_finite());
        let is_broken = value.is_none() || before.is_some_and(|before| is_gap(before, sample));
        if is_broken && pieces.last().is_some_and(|piece| !piece.is_empty()) {
            pieces.push(Vec::new());
        }
        if let (Some(value), Some(piece)) = (value, pieces.last_mut()) {
            piece.push((sample.at, value));
        }
        before = Some(sample);
    }
    let all: usize = pieces.iter().map(Vec::len).sum();
    let pieces = pieces.into_iter().map(|piece| thinned(piece, all.div_ceil(POINTS), peaks)).collect();
    let label = if name.is_empty() { side.name().to_owned() } else { format!("{side} {name}") };
    Line { class, label, pieces, is_steps: false }
}

/// One point for each `by`: the highest one where peaks matter, else the mean.
fn thinned(piece: Vec<(DateTime<Utc>, f64)>, by: usize, peaks: bool) -> Vec<(DateTime<Utc>, f64)> {
    if by <= 1 {
        return piece;
    }
    let one = |group: &[(DateTime<Utc>, f64)]| {
        let highest = group.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let mean = group.iter().map(|(_, value)| value).sum::<f64>() / group.len() as f64;
        Some(if peaks { highest } else { (highest.0.max(group.last()?.0), mean) })
    };
    piece.chunks(by).filter_map(one).collect()
}

/// Limits of guards, each once: those that were breached as they were then, the others as they are configured.
fn limits(rollout: &Rollout, metrics: &[Metric]) -> Vec<(f64, String)> {
    let mut limits: Vec<(f64, String)> = Vec::new();
    let breached = rollout.breaches.iter().filter(|breach| breach.worse_by.is_none());
    let all = breached.map(|breach| (breach.metric, breach.bound.limit)).chain(rollout.limits.iter().copied());
    for (metric, limit) in all.filter(|(metric, _)| metrics.contains(metric)) {
        let label = match metric.measure() {
            Measure::Errors => format!("limit {}", words::rate(limit)),
            _ => format!("limit of {} {}", metric.name(), words::ms(limit)),
        };
        if limits.iter().all(|(_, known)| *known != label) {
            limits.push((limit, label));
        }
    }
    limits
}

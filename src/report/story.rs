//! A chapter of the journal becomes a rollout's part of the document.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::chapter::Chapter;
use super::model::{Breach, Milestone, OrderRow, Outcome, Rollout, Share, Times};
use super::words::{self, plain, seconds, span};
use super::{Source, breaches, figures, gates, orders};
use crate::domain::{Fact, GuardAction, OrderState, Pair, Record, Side};
use crate::narrate::short;

/// Lines of a timeline; what is more is counted.
const LINES: usize = 400;

/// Tells one chapter.
pub(super) fn tell(chapter: &Chapter<'_>, source: &Source<'_>) -> Rollout {
    let (began, by) = chapter.records.first().map_or((source.made, String::new()), |r| (r.at, plain(&r.by.name)));
    let (live, versions) = match chapter.records.first().map(|record| &record.fact) {
        Some(Fact::Started { live, versions }) => (*live, versions.clone()),
        _ => (Side::Blue, Pair { blue: None, green: None }),
    };
    let candidate = live.other();
    let orders = orders::orders(chapter, candidate);
    let shares = orders::shares(chapter, &orders, candidate);
    let (outcome, ended) = outcome(chapter, &orders, live);
    let next = chapter.next.map(|record| record.at);
    let end = ended.or(next).unwrap_or(source.made).max(began);
    let samples = figures::of_rollout(source.samples, began, figures::reach(end, next));
    let breaches = breaches::breaches(chapter, &shares, &samples);
    let digest = versions[candidate].as_ref().map(|version| &version.digest);
    let (gates, mut unknown) = gates::gates(chapter, digest);
    let mut rollout = Rollout {
        number: chapter.number,
        outcome,
        summary: String::new(),
        began,
        ended: ended.or(next),
        live,
        candidate,
        by,
        times: times(chapter, &orders, &shares, &breaches, (began, end)),
        highest_share: shares.iter().map(|share| share.percent).max().unwrap_or(0),
        steps: figures::steps(&shares, &samples, end),
        timeline: timeline(chapter, &mut unknown),
        decisions: gates::decisions(chapter),
        limits: source.guards.iter().map(|guard| (guard.metric, guard.bound.limit)).collect(),
        versions,
        shares,
        orders,
        breaches,
        gates,
        samples,
        unknown,
    };
    missing(&mut rollout, end);
    rollout.unknown.extend(source.lost.iter().cloned());
    rollout.summary = summary(&rollout);
    rollout
}

/// How it ended and when, as far as the journal goes.
fn outcome(chapter: &Chapter<'_>, orders: &[OrderRow], live: Side) -> (Outcome, Option<DateTime<Utc>>) {
    let mut outcome = Outcome::Shifting;
    let (mut ended, mut paused) = (None, false);
    for record in &chapter.records {
        let (is, end) = match &record.fact {
            Fact::OrderIs { id, state: OrderState::Verified, .. } => {
                match orders.iter().find(|order| order.id == plain(&id.0)).map(|order| (order.verb, order.target)) {
                    Some(("abort", _)) => (Outcome::Aborted, true),
                    Some(("rollback", _)) => (Outcome::RolledBack, true),
                    Some((_, 100)) => (Outcome::Switched, false),
                    Some(_) => (Outcome::Shifting, false),
                    None => continue,
                }
            }
            Fact::Finalized { .. } => (Outcome::Finalized, true),
            Fact::Adopted { split, .. } => match split.share(live) {
                100 => (Outcome::EndedElsewhere, true),
                0 => (Outcome::Switched, false),
                _ => (Outcome::Shifting, false),
            },
            Fact::Paused { .. } => {
                paused = true;
                continue;
            }
            Fact::Resumed => {
                paused = false;
                continue;
            }
            _ => continue,
        };
        outcome = is;
        ended = end.then_some(record.at);
    }
    let nothing_came_of_it = !orders.is_empty() && orders.iter().all(|order| order.state == "failed");
    match outcome {
        Outcome::Shifting if nothing_came_of_it => (Outcome::NotBegun, orders.last().and_then(|order| order.settled)),
        Outcome::Shifting if paused => (Outcome::Paused, None),
        outcome => (outcome, ended),
    }
}

fn times(
    chapter: &Chapter<'_>,
    orders: &[OrderRow],
    shares: &[Share],
    breaches: &[Breach],
    (began, end): (DateTime<Utc>, DateTime<Utc>),
) -> Times {
    let acted = breaches.iter().find(|breach| breach.action != GuardAction::Warn);
    let back = orders.iter().rev().find(|order| matches!(order.verb, "abort" | "rollback") && order.took.is_some());
    let ends = shares.iter().skip(1).map(|share| share.at).chain([end]);
    let stretches: Vec<(u8, f64)> = shares.iter().zip(ends).map(|(s, to)| (s.percent, seconds(s.at, to))).collect();
    let sum = |wanted: &dyn Fn(u8) -> bool| {
        let seen: Vec<f64> = stretches.iter().filter(|(share, _)| wanted(*share)).map(|(_, s)| *s).collect();
        (!seen.is_empty()).then(|| seen.iter().sum())
    };
    Times {
        to_detect: acted.and_then(|breach| breach.to_detect),
        to_detect_from: acted.and_then(|breach| breach.since_by.clone()),
        to_roll_back: back.and_then(|order| order.took),
        bake: sum(&|share| (1..100).contains(&share)),
        window: sum(&|share| share == 100),
        paused: paused_for(&chapter.records, end),
        total: seconds(began, end),
    }
}

fn paused_for(records: &[&Record], end: DateTime<Utc>) -> f64 {
    let (mut since, mut sum) = (None, 0.0);
    for record in records.iter().filter(|record| record.at <= end) {
        match record.fact {
            Fact::Paused { .. } => since = since.or(Some(record.at)),
            Fact::Resumed => sum += since.take().map_or(0.0, |since| seconds(since, record.at)),
            _ => {}
        }
    }
    sum + since.map_or(0.0, |since| seconds(since, end))
}

/// Everything in order; what moves or judges traffic is numbered, for the plots.
fn timeline(chapter: &Chapter<'_>, unknown: &mut Vec<String>) -> Vec<Milestone> {
    let mut marks = 0;
    let mut lines: Vec<Milestone> = Vec::new();
    let mut left_out = 0_usize;
    for record in chapter.before.iter().chain(&chapter.records) {
        let Some((text, warn)) = short(&record.fact) else { continue };
        let is_marked = matches!(record.fact, Fact::Ordered { .. } | Fact::Guard(_) | Fact::Drift { .. });
        if lines.len() >= LINES && !is_marked {
            left_out += 1;
            continue;
        }
        marks += u32::from(is_marked);
        let mark = is_marked.then_some(marks);
        lines.push(Milestone { at: record.at, by: plain(&record.by.name), text: plain(&text), warn, mark });
    }
    if left_out > 0 {
        unknown.push(format!("{left_out} lines of the timeline are left out; `cutover events` has them"));
    }
    lines
}

/// Adds to `unknown` what the record does not hold.
fn missing(rollout: &mut Rollout, end: DateTime<Utc>) {
    for side in Side::BOTH {
        if rollout.versions[side].is_none() {
            rollout.unknown.push(format!("the version of {side} was not known when the rollout began"));
        }
    }
    for order in &rollout.orders {
        if order.settled.is_none() {
            let text = format!(
                "what became of order {} ({}) is not on record: it stands at {}",
                order.id, order.verb, order.state
            );
            rollout.unknown.push(text);
        }
    }
    if rollout.shares.is_empty() {
        rollout.unknown.push("the split at the beginning was not known".into());
    }
    rollout.unknown.extend(figures::missing(&rollout.samples, rollout.began, end));
}

fn summary(rollout: &Rollout) -> String {
    let (side, live) = (rollout.candidate, rollout.live);
    let (new, old) = (words::version(&rollout.versions, side), words::version(&rollout.versions, live));
    let mut text = match rollout.outcome {
        Outcome::NotBegun => format!("The rollout of {new} on {side} did not begin: no order was carried out."),
        Outcome::Shifting => format!("{new} on {side} is being rolled out, {old} on {live} is the way back."),
        Outcome::Paused => format!("The rollout of {new} on {side} is paused."),
        Outcome::Switched => format!("{new} on {side} took all traffic; {old} on {live} is the way back."),
        Outcome::Finalized => format!("{new} on {side} took all traffic and was finalized."),
        Outcome::Aborted => format!("The rollout of {new} on {side} was aborted; {old} on {live} has all traffic."),
        Outcome::RolledBack => format!("{new} on {side} was rolled back; {old} on {live} has all traffic again."),
        Outcome::EndedElsewhere => format!("The rollout of {new} on {side} ended outside of cutover."),
    };
    if rollout.outcome != Outcome::NotBegun {
        let _ = write!(text, " The candidate had {} % of the traffic at most.", rollout.highest_share);
    }
    if let Some(breach) =
        rollout.breaches.iter().find(|breach| breach.action != GuardAction::Warn).or(rollout.breaches.first())
    {
        let _ = write!(text, " A guard acted ({}): {}.", breach.action.name(), breach.text);
        if let (Some(s), Some(from)) = (breach.to_detect, &breach.since_by) {
            let _ = write!(text, " That was {} after {from}.", span(s));
        }
    }
    if let Some(back) = rollout.times.to_roll_back {
        let _ = write!(text, " From the decision to go back to the router saying so it took {}.", span(back));
    }
    text
}

//! Facts of the journal in words, once, at three lengths.
//!
//! | length | for | says |
//! |---|---|---|
//! | [`short`] | the screen, the report's timeline | what happened; nothing for what is no news |
//! | [`line()`] | `cutover events` | the same with ids, versions and counts |
//! | [`sentence`] | the title of an alert | what it means for traffic |

use crate::domain::text::clean;
use crate::domain::{
    Breach, Closing, ControllerState, Evidence, Fact, GuardAction, Measure, Move, Order, OrderState, Record, Side,
    Verdict, in_unit,
};

/// The longest short form, in characters.
const SHORT_MAX: usize = 200;

/// The short form of `fact`, and whether it deserves attention; `None` for what is no news.
pub fn short(fact: &Fact) -> Option<(String, bool)> {
    if matches!(fact, Fact::OrderIs { state: OrderState::Sent | OrderState::Accepted, .. }) {
        return None;
    }
    Some((clean(&words(fact, false), SHORT_MAX), is_warning(fact)))
}

/// The form of `fact` for the log, with all its details.
pub(crate) fn line(fact: &Fact) -> String {
    words(fact, true)
}

/// What an alert has to know besides the fact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The side that is the way back.
    pub origin: Side,
    /// The order that the fact is about.
    pub order: Option<&'a Order>,
}

/// What `record` means for traffic, in one sentence.
pub(crate) fn sentence(record: &Record, around: Around<'_>) -> String {
    let origin = around.origin;
    match &record.fact {
        Fact::Guard(seen) => {
            let then = match seen.action {
                GuardAction::Rollback => format!("rolling back to {origin}"),
                GuardAction::Pause => "the plan is stopped".into(),
                GuardAction::Warn => "nothing was moved".into(),
            };
            format!("{}, {then}", guard(seen))
        }
        Fact::Gate { evidence } if evidence.verdict == Verdict::Failed => {
            format!("gate {} failed{}", evidence.gate, because(some(&evidence.note)))
        }
        Fact::Ordered { order, why, .. } => {
            format!("{} to {} by {}{}", order.kind.verb(), order.toward, record.by.name, because(why.as_deref()))
        }
        Fact::OrderIs { id, state, detail, .. } => {
            let detail = detail.as_deref().unwrap_or_default();
            let verb = around.order.map_or("order", |order| order.kind.verb());
            match (state, around.order) {
                (OrderState::Verified, Some(order)) if order.kind.is_forward() => {
                    format!("{} has all traffic ({detail})", order.toward)
                }
                (OrderState::Verified, Some(order)) if !order.kind.is_back() => format!("{verb} done ({detail})"),
                (OrderState::Verified, _) => format!("{verb} done, {origin} has all traffic ({detail})"),
                (OrderState::Unknown, _) => format!("{verb} {id} may have happened: {detail}"),
                _ => format!("{verb} {id} FAILED: {detail}"),
            }
        }
        Fact::Closed { why, .. } => why.to_string(),
        fact => words(fact, false),
    }
}

/// The words of a fact; with ids, versions and counts where `long`.
fn words(fact: &Fact, long: bool) -> String {
    match fact {
        Fact::Opened { pid, cutover } if long => format!("opened, pid {pid}, cutover {cutover}"),
        Fact::Opened { pid, .. } => format!("opened, pid {pid}"),
        Fact::Closed { why, .. } => format!("closed: {why}"),
        Fact::Recovered { bytes } => format!("journal: a torn last line of {bytes} bytes was cut away"),
        Fact::Undriven => "nobody drives any more: guards do not act".into(),
        Fact::TookOver { from } => format!("took over from {from}"),
        Fact::Started { live, versions } if long => {
            let name = |side: Side| versions[side].as_ref().map_or("unknown", |version| version.name.as_str());
            let new = live.other();
            format!("rollout started, {live} {} is live, {new} {} is the candidate", name(*live), name(new))
        }
        Fact::Started { live, .. } => format!("rollout started, {live} is live"),
        Fact::Ordered { order, why, .. } => ordered(order, why.as_deref(), long),
        Fact::OrderIs { id, state, detail, .. } => {
            format!("order {id} {}{}", state.title(), because(detail.as_deref()))
        }
        Fact::Gate { evidence } => gate(evidence, long),
        Fact::Overridden { gate, version, reason } if long => {
            format!("gate {gate} overridden for version {}: {reason}", version.short())
        }
        Fact::Overridden { gate, reason, .. } => format!("gate {gate} overridden: {reason}"),
        Fact::Approved { gate, version, reason } if long => {
            format!("gate {gate} signed for version {}: {reason}", version.short())
        }
        Fact::Approved { gate, reason, .. } => format!("gate {gate} signed: {reason}"),
        Fact::Paused { why, .. } => format!("paused{}", because(why.as_deref())),
        Fact::Resumed => "resumed".into(),
        Fact::Guard(seen) => format!("{} -> {}", guard(seen), seen.action.name()),
        Fact::Drift { desired, observed } => format!("drift: the router says {observed}, asked was {desired}"),
        Fact::Progress { split, state, step: (reached, of), message, .. } => {
            let what = match state {
                ControllerState::Aborted => "gave up by itself".to_owned(),
                ControllerState::Failed => "failed".to_owned(),
                _ => format!("step {reached}/{of} by itself"),
            };
            format!("{what}: {split}{}", because(some(message)))
        }
        Fact::Standby { side, ready: 0, total, why } => format!("the way back is lost: {side} 0/{total} ready: {why}"),
        Fact::Standby { side, ready, total, .. } => {
            format!("the way back is there again: {side} {ready}/{total} ready")
        }
        Fact::Adopted { split, .. } => format!("accepted what the router says: {split}"),
        Fact::Finalized { live } => format!("finalized, {live} is live"),
        Fact::Alerted { delivered: true, tries: 1, alert, to, .. } => format!("alert {alert} delivered to {to}"),
        Fact::Alerted { delivered: true, tries, alert, to, .. } => {
            format!("alert {alert} delivered to {to} at try {tries}")
        }
        Fact::Alerted { delivered: false, tries, alert, to, detail } => {
            format!("alert {alert} NOT delivered to {to} after {tries} tries: {detail}")
        }
        Fact::Note { text } => format!("note: {text}"),
    }
}

/// Whether `fact` deserves attention: a failure, a way back, drift, an exception someone made.
fn is_warning(fact: &Fact) -> bool {
    match fact {
        Fact::Closed { why, .. } => !matches!(why, Closing::Quit | Closing::Done),
        Fact::Ordered { order, .. } => order.kind.is_back(),
        Fact::Progress { state, .. } => matches!(state, ControllerState::Aborted | ControllerState::Failed),
        Fact::OrderIs { state, .. } => *state != OrderState::Verified,
        Fact::Gate { evidence } => evidence.verdict != Verdict::Passed,
        Fact::Standby { ready, .. } => *ready == 0,
        Fact::Alerted { delivered, .. } => !delivered,
        Fact::Recovered { .. }
        | Fact::TookOver { .. }
        | Fact::Undriven
        | Fact::Overridden { .. }
        | Fact::Paused { .. }
        | Fact::Guard(_)
        | Fact::Drift { .. }
        | Fact::Adopted { .. } => true,
        Fact::Opened { .. }
        | Fact::Started { .. }
        | Fact::Approved { .. }
        | Fact::Resumed
        | Fact::Finalized { .. }
        | Fact::Note { .. } => false,
    }
}

fn because(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// `promote green 10 > 50% (why)`; with the order's id where `long`.
fn ordered(order: &Order, why: Option<&str>, long: bool) -> String {
    let from = order.from.map(|split| format!("{} > ", split.share(order.toward))).unwrap_or_default();
    let why = why.map(|text| format!(" ({text})")).unwrap_or_default();
    let verb = if order.kind == Move::Rollback { "ROLLBACK" } else { order.kind.verb() };
    let id = if long { format!(" {}:", order.id) } else { String::new() };
    if !order.kind.moves() {
        return format!("{verb}{id}{why}");
    }
    format!("{verb}{id} {} {from}{}%{why}", order.toward, order.target.share(order.toward))
}

/// `gate golden FAIL: 12 misses`; with its samples where `long`.
fn gate(evidence: &Evidence, long: bool) -> String {
    let samples = if long { format!(" (n={})", evidence.samples) } else { String::new() };
    format!("gate {} {}{samples}{}", evidence.gate, evidence.verdict.title(), because(some(&evidence.note)))
}

/// `guard p99 on green: 612 ms over 250 ms (n=3075)`.
fn guard(seen: &Breach) -> String {
    format!("guard {} (n={})", breach(seen), seen.samples)
}

/// `p99 on green: 612 ms over 250 ms`, `p99 on green: 60 ms, at least 21 % worse than blue`.
pub(crate) fn breach(seen: &Breach) -> String {
    let (value, limit) = (in_unit(seen.value, seen.unit()), in_unit(seen.bound.limit, seen.unit()));
    let (what, side) = (seen.subject(), seen.side);
    match (seen.metric.measure(), seen.worse_by) {
        (Measure::Drop, _) => format!("throughput on {side}: {value} below what is expected, limit {limit}"),
        (_, Some(by)) => format!("{what} on {side}: {value}, at least {:.0} % worse than {}", by * 100.0, side.other()),
        (_, None) => {
            format!("{what} on {side}: {value} {} {limit}", if seen.bound.at_least { "under" } else { "over" })
        }
    }
}

//! Journal facts as people read them, one line each.

use crate::domain::text::clean;
use crate::domain::{Breach, Fact, Metric, Move, Order, OrderState, Verdict, in_unit};

/// The line for `fact` and whether it deserves attention; `None` for facts that people need not see.
pub fn narrate(fact: &Fact) -> Option<(String, bool)> {
    let line = match fact {
        Fact::Opened { pid, .. } => (format!("opened, pid {pid}"), false),
        Fact::Closed { why, .. } => (format!("closed: {why}"), why != "quit" && why != "done"),
        Fact::Recovered { bytes } => (format!("journal: a torn last line of {bytes} bytes was cut away"), true),
        Fact::TookOver { from } => (format!("took over from {from}"), true),
        Fact::Started { live, .. } => (format!("rollout begun, {live} is live"), false),
        Fact::Ordered { order, why, .. } => (ordered(order, why.as_deref()), !order.kind.is_forward()),
        Fact::OrderIs { state: OrderState::Sent | OrderState::Accepted, .. } => return None,
        Fact::OrderIs { id, state, detail, .. } => {
            let detail = detail.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
            (format!("order {id} {}{detail}", state.title()), *state != OrderState::Verified)
        }
        Fact::Gate { evidence } => {
            let note = if evidence.note.is_empty() { String::new() } else { format!(": {}", evidence.note) };
            (format!("gate {} {}{note}", evidence.gate, evidence.verdict.title()), evidence.verdict != Verdict::Passed)
        }
        Fact::Overridden { gate, reason, .. } => (format!("gate {gate} overridden: {reason}"), true),
        Fact::Approved { gate, reason, .. } => (format!("gate {gate} signed: {reason}"), false),
        Fact::Paused { why, .. } => {
            (format!("paused{}", why.as_deref().map(|w| format!(": {w}")).unwrap_or_default()), true)
        }
        Fact::Resumed => ("resumed".into(), false),
        Fact::Guard(seen) => (format!("guard {} (n={}) -> {}", breach(seen), seen.samples, seen.action.name()), true),
        Fact::Drift { desired, observed } => (format!("drift: router says {observed}, asked for was {desired}"), true),
        Fact::Standby { side, ready: 0, total, why } => {
            (format!("the way back is lost: {side} 0/{total} ready: {why}"), true)
        }
        Fact::Standby { side, ready, total, .. } => {
            (format!("the way back is there again: {side} {ready}/{total} ready"), false)
        }
        Fact::Adopted { split, .. } => (format!("accepted what the router says: {split}"), true),
        Fact::Finalized { live } => (format!("finalized, {live} is live"), false),
        Fact::Alerted { delivered: true, tries: 1, alert, to, .. } => {
            (format!("alert {alert} delivered to {to}"), false)
        }
        Fact::Alerted { delivered: true, tries, alert, to, .. } => {
            (format!("alert {alert} delivered to {to} at try {tries}"), false)
        }
        Fact::Alerted { delivered: false, tries, alert, to, detail } => {
            (format!("alert {alert} NOT delivered to {to} after {tries} tries: {detail}"), true)
        }
        Fact::Note { text } => (format!("note: {text}"), false),
    };
    Some((clean(&line.0, 200), line.1))
}

fn ordered(order: &Order, why: Option<&str>) -> String {
    let from = order.from.map(|split| format!("{} > ", split.share(order.toward))).unwrap_or_default();
    let why = why.map(|text| format!(" ({text})")).unwrap_or_default();
    let verb = match order.kind {
        Move::Promote => "promote",
        Move::Switch => "switch",
        Move::Abort => "abort",
        Move::Rollback => "ROLLBACK",
    };
    format!("{verb} {} {from}{}%{why}", order.toward, order.target.share(order.toward))
}

/// `p99 on green: 612 ms over 250 ms`, `p99 on green: 60 ms, at least 21 % worse than blue`.
pub fn breach(seen: &Breach) -> String {
    let (value, limit) = (in_unit(seen.value, seen.unit()), in_unit(seen.limit, seen.unit()));
    let (what, side) = (seen.subject(), seen.side);
    match (seen.metric, seen.worse_by) {
        (Metric::Throughput, _) => format!("throughput on {side}: {value} below what is expected, limit {limit}"),
        (_, Some(by)) => format!("{what} on {side}: {value}, at least {:.0} % worse than {}", by * 100.0, side.other()),
        (_, None) => {
            format!("{what} on {side}: {value} {} {limit}", if seen.at_least { "under" } else { "over" })
        }
    }
}

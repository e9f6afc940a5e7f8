//! Journal facts as people read them, one line each.

use crate::domain::text::clean;
use crate::domain::{Fact, Metric, Move, Order, OrderState, Side, Verdict};

/// The line for `fact` and whether it deserves attention; `None` for what is no news.
pub fn narrate(fact: &Fact) -> Option<(String, bool)> {
    let line = match fact {
        Fact::Opened { pid, .. } => (format!("opened, pid {pid}"), false),
        Fact::Closed { why } => (format!("closed: {why}"), why != "quit" && why != "done"),
        Fact::Recovered { bytes } => (format!("journal: a torn last line of {bytes} bytes was cut away"), true),
        Fact::TookOver { from } => (format!("took over from {from}"), true),
        Fact::Started { live, .. } => (format!("rollout begun, {live} is live"), false),
        Fact::Ordered { order, why, .. } => (ordered(order, why.as_deref()), !order.kind.is_forward()),
        Fact::OrderIs { state: OrderState::Sent | OrderState::Accepted, .. } => return None,
        Fact::OrderIs { id, state, detail } => {
            let detail = detail.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
            (format!("order {id} {}{detail}", state.title()), *state != OrderState::Verified)
        }
        Fact::Gate { evidence } => {
            let note = if evidence.note.is_empty() { String::new() } else { format!(": {}", evidence.note) };
            (format!("gate {} {}{note}", evidence.gate, evidence.verdict.title()), evidence.verdict != Verdict::Passed)
        }
        Fact::Overridden { gate, reason, .. } => (format!("gate {gate} overridden: {reason}"), true),
        Fact::Approved { gate, reason, .. } => (format!("gate {gate} signed: {reason}"), false),
        Fact::Paused { why } => {
            (format!("paused{}", why.as_deref().map(|w| format!(": {w}")).unwrap_or_default()), true)
        }
        Fact::Resumed => ("resumed".into(), false),
        Fact::Guard { metric, side, value, limit, samples, worse_by, action } => {
            let told = breach(*metric, *side, *value, *limit, *worse_by);
            (format!("guard {told} (n={samples}) -> {action}"), true)
        }
        Fact::Drift { desired, observed } => (format!("drift: router says {observed}, asked for was {desired}"), true),
        Fact::Adopted { split } => (format!("accepted what the router says: {split}"), true),
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
pub fn breach(metric: Metric, side: Side, value: f64, limit: f64, worse_by: Option<f64>) -> String {
    let seen = format!("{} on {side}: {}", metric.name(), amount(metric, value));
    match worse_by {
        Some(by) => format!("{seen}, at least {:.0} % worse than {}", by * 100.0, side.other()),
        None => format!("{seen} over {}", amount(metric, limit)),
    }
}

/// A guard's value in its unit: `612 ms`, `4.2%`.
pub fn amount(metric: Metric, value: f64) -> String {
    match metric {
        Metric::ErrorRate => format!("{:.2}%", value * 100.0),
        Metric::P50 | Metric::P95 | Metric::P99 => format!("{value:.0} ms"),
    }
}

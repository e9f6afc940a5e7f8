//! Journal facts as people read them, one line each.

use super::words;
use crate::domain::text::clean;
use crate::domain::{Fact, GuardSpec, Metric, Move, Order, OrderState, Side, Verdict};

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
        Fact::Standby { side, ready: 0, total, why } => {
            (format!("the way back is lost: {side} 0/{total} ready: {why}"), true)
        }
        Fact::Standby { side, ready, total, .. } => {
            (format!("the way back is there again: {side} {ready}/{total} ready"), false)
        }
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

/// `p99 on green: 612 ms over 250 ms`, `p99 on green: 60 ms, at least 21 % worse than blue`; `unit` is the guard's.
pub fn breach_of(spec: &GuardSpec, unit: &str, side: Side, value: f64, worse_by: Option<f64>) -> String {
    told(spec.metric, spec.row.as_deref(), unit, side, [value, spec.limit], worse_by)
}

/// The same from what the journal has of it.
pub fn breach(metric: Metric, side: Side, value: f64, limit: f64, worse_by: Option<f64>) -> String {
    told(metric, None, unit(metric), side, [value, limit], worse_by)
}

/// A guard's value in its unit: `612 ms`, `4.20%`.
pub fn amount(metric: Metric, value: f64) -> String {
    words::in_unit(value, unit(metric))
}

fn told(
    metric: Metric,
    row: Option<&str>,
    unit: &str,
    side: Side,
    [value, limit]: [f64; 2],
    worse_by: Option<f64>,
) -> String {
    let (seen, limit) = (words::in_unit(value, unit), words::in_unit(limit, unit));
    match (metric, worse_by) {
        (Metric::Throughput, _) => format!("throughput on {side}: {seen} below what is expected, limit {limit}"),
        (Metric::Saturation, _) => format!("{} on {side}: {seen} over {limit}", row.unwrap_or("saturation")),
        (_, Some(by)) => {
            format!("{} on {side}: {seen}, at least {:.0} % worse than {}", metric.name(), by * 100.0, side.other())
        }
        (_, None) => format!("{} on {side}: {seen} over {limit}", metric.name()),
    }
}

/// The unit of a metric that is not a row's own.
const fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::ErrorRate | Metric::Throughput => "ratio",
        Metric::P50 | Metric::P95 | Metric::P99 => "ms",
        Metric::Saturation => "count",
    }
}

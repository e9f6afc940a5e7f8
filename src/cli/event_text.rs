//! The journal's records as people read them, one line each.

use serde_json::Value;

use crate::domain::text::clean;
use crate::domain::{Fact, Order, Record, Side};
use crate::engine::breach;

/// The longest line shown.
const LONGEST: usize = 400;

/// A line of the journal: for people, and as the JSON it is.
pub(crate) fn line(raw: &str) -> (String, Value) {
    let json = serde_json::from_str(raw).unwrap_or_else(|_| Value::String(clean(raw, LONGEST)));
    let text = match serde_json::from_str::<Record>(raw) {
        Ok(record) => {
            let at = record.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            let by = if record.by.via == record.by.name {
                record.by.name.clone()
            } else {
                format!("{}/{}", record.by.name, record.by.via)
            };
            format!("{at} {} {}", clean(&by, 60), clean(&fact(&record.fact), LONGEST))
        }
        Err(_) => format!("? {}", clean(raw, LONGEST)),
    };
    (text, json)
}

fn fact(fact: &Fact) -> String {
    let because = |why: &Option<String>| why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    match fact {
        Fact::Opened { pid, cutover } => format!("opened (pid {pid}, cutover {cutover})"),
        Fact::Closed { why, .. } => format!("closed: {why}"),
        Fact::Recovered { bytes } => format!("recovered the journal: {bytes} bytes of a torn line were cut away"),
        Fact::TookOver { from } => format!("took over from {from}"),
        Fact::Started { live, versions } => {
            let name = |side: Side| versions[side].as_ref().map_or("unknown", |version| version.name.as_str());
            format!("rollout started: {live} {} > {} {}", name(*live), live.other(), name(live.other()))
        }
        Fact::Ordered { order, why, .. } => format!("{}{}", ordered(order), because(why)),
        Fact::OrderIs { id, state, detail, .. } => format!("order {id} {}{}", state.title(), because(detail)),
        Fact::Gate { evidence } => {
            format!("gate {} {} n={} {}", evidence.gate, evidence.verdict.title(), evidence.samples, evidence.note)
        }
        Fact::Overridden { gate, version, reason } => {
            format!("gate {gate} overridden for version {}: {reason}", version.short())
        }
        Fact::Approved { gate, version, reason } => {
            format!("gate {gate} signed for version {}: {reason}", version.short())
        }
        Fact::Paused { why, .. } => format!("paused{}", because(why)),
        Fact::Resumed => "resumed".into(),
        Fact::Guard(seen) => format!("guard {} (n={}) > {}", breach(seen), seen.samples, seen.action.name()),
        Fact::Drift { desired, observed } => format!("drift: asked for {desired}, the router says {observed}"),
        Fact::Standby { side, ready, total, why } => format!("way back: {side} {ready}/{total} ready {why}"),
        Fact::Adopted { split, .. } => format!("accepted {split}"),
        Fact::Finalized { live } => format!("finalized: {live} is live"),
        Fact::Alerted { alert, to, delivered, tries, detail } => {
            let came = if *delivered { "delivered" } else { "NOT delivered" };
            format!("alert {alert} to {to}: {came}, tries {tries} {detail}")
        }
        Fact::Note { text } => format!("note: {text}"),
    }
}

fn ordered(order: &Order) -> String {
    let from = order.from.map_or_else(|| "unknown".to_owned(), |split| split.to_string());
    format!("{} {} {from} > {}", order.kind.verb(), order.id, order.target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, Move, OrderId, Split, Stamp};

    #[test]
    fn a_record_in_its_chain_is_read_and_a_torn_one_is_shown() {
        let order = Order {
            id: OrderId("7f3e".into()),
            kind: Move::Promote,
            from: Some(Split::all(Side::Blue)),
            target: Split::toward(Side::Green, 10),
            toward: Side::Green,
            expected: None,
        };
        let record = Record {
            at: Stamp::epoch().wall,
            by: Actor { name: "op1".into(), via: "cli".into() },
            fact: Fact::Ordered { order, digest: None, why: Some("fx\u{1b}[2J".into()), cause: None },
        };
        let mut json = serde_json::to_value(&record).unwrap();
        json["seq"] = 17.into();
        json["hash"] = "ab".into();
        let (text, back) = line(&json.to_string());
        assert_eq!(text, "2026-01-01T00:00:00.000Z op1/cli promote 7f3e 100/0 > 90/10: fx");
        assert_eq!(back["seq"], 17);
        assert_eq!(line("{\"torn").0, "? {\"torn");
    }
}

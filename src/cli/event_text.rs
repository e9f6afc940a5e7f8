//! The journal's records in words, one line each.

use serde_json::Value;

use crate::domain::Record;
use crate::domain::text::clean;
use crate::narrate;

/// The longest line shown.
const LONGEST: usize = 400;

/// A record of the journal: in words, and as JSON.
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
            format!("{at} {} {}", clean(&by, 60), clean(&narrate::line(&record.fact), LONGEST))
        }
        Err(_) => format!("? {}", clean(raw, LONGEST)),
    };
    (text, json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, Fact, Move, Order, OrderId, Side, Split, Stamp};

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
        assert_eq!(text, "2026-01-01T00:00:00.000Z op1/cli promote 7f3e: green 0 > 10% (fx)");
        assert_eq!(back["seq"], 17);
        assert_eq!(line("{\"torn").0, "? {\"torn");
    }
}

//! Keys that several kinds of gate share: a call, what its answer must be, and bounds.

use crate::domain::{Bound, Call, Expect, Scalar, placeholder};
use crate::settings::{Node, Table, call, transport, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

/// `min` or `max`: one of the two, or neither.
#[expect(clippy::option_option, reason = "not written, at fault, and a value are three things")]
pub(super) fn bound(table: &Table<'_>) -> Option<Option<Bound>> {
    let read = |key, at_least| table.maybe(key, |node| Some(Bound { limit: node.amount()?, at_least }));
    match (read("min", true)?, read("max", false)?) {
        (Some(_), Some(_)) => {
            table.refuse("min and max are both written".into(), "keep one; a second gate can hold the other")
        }
        (least, most) => Some(least.or(most)),
    }
}

/// `url`, `method`, `headers`, `bearer`, `body` and `request_timeout`.
pub(super) fn gate_call(table: &Table<'_>, may_be_path: bool) -> Option<Call> {
    let call = call::call_of(table, may_be_path, &placeholder::NAMES);
    let timeout_ms = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    let transport = transport(table);
    Some(Call { timeout_ms, transport, ..call? })
}

/// `status`, `pointer`, `equals`, `min`, `max`, `contains` and `max_latency`.
pub(super) fn expect(table: &Table<'_>) -> Option<Expect> {
    let status = table.maybe("status", |node| node.number(200..=599).and_then(|n| u16::try_from(n).ok()));
    let pointer = table.maybe("pointer", values::pointer);
    let equals = table.maybe("equals", Node::scalar);
    let bound = bound(table);
    let contains = table.maybe("contains", |node| node.text().map(str::to_owned));
    let max_latency = table.maybe("max_latency", |node| node.duration(1..=HOUR));
    let (equals, bound) = (equals?, bound?);
    let (pointer, status, contains) = (pointer?, status?, contains?);
    if let (Some(bound), Some(value)) = (bound, equals.as_ref()) {
        let fits = matches!(value, Scalar::Number(number) if bound.holds(*number));
        if !fits {
            let limit = if bound.at_least { "min" } else { "max" };
            return table
                .refuse(format!("{value} does not keep {limit}, so that no answer can pass"), "keep one of the two");
        }
    }
    if let Some(status @ (204 | 205 | 304)) = status.filter(|_| pointer.is_some() || contains.is_some()) {
        return table.refuse(
            format!("an answer of status {status} has no body, so that none can pass"),
            "remove pointer and contains, or status",
        );
    }
    match (&pointer, equals.is_some() || bound.is_some()) {
        (None, true) => {
            return table.refuse("equals, min and max need a pointer".into(), "write e.g. pointer = \"/status\"");
        }
        (Some(_), false) => {
            return table.refuse("a pointer needs equals, min or max".into(), "write e.g. equals = \"passed\"");
        }
        _ => {}
    }
    Some(Expect { status, pointer, equals, bound, contains, max_latency_ms: max_latency? })
}

/// `path`; `usual` where it is not written, else it must be.
pub(super) fn path(table: &Table<'_>, usual: Option<&str>) -> Option<String> {
    match (table.get("path"), usual) {
        (Some(node), _) => values::http_path(&node),
        (None, Some(usual)) => Some(usual.to_owned()),
        (None, None) => {
            table.need("path", "write e.g. path = \"/v2/models/spam/infer\"").and_then(|node| values::http_path(&node))
        }
    }
}

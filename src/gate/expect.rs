//! Keys that several kinds of gate share: a call, what its answer must be, and bounds.

use crate::domain::{Bound, Call, Expect, Scalar, placeholder};
use crate::settings::{Node, Table, call, transport, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
/// Longer lists are refused.
const MAX_ITEMS: usize = 100;

/// The value has a fault, which is noted.
pub(super) struct Faulty;

/// `min` or `max`: one of the two, or neither.
pub(super) fn bound(table: &Table<'_>) -> Result<Option<Bound>, Faulty> {
    let read = |key: &str, at_least| table.get(key).map(|node| node.amount().map(|limit| Bound { limit, at_least }));
    match (read("min", true), read("max", false)) {
        (Some(_), Some(_)) => {
            table.fault("min and max are both written".into(), "keep one; a second gate can hold the other");
            Err(Faulty)
        }
        (Some(one), None) | (None, Some(one)) => one.map(Some).ok_or(Faulty),
        (None, None) => Ok(None),
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
    let status = table.get("status").map(|node| node.number(200..=599).and_then(|n| u16::try_from(n).ok()));
    let pointer = table.get("pointer").map(|node| values::pointer(&node));
    let equals = table.get("equals").map(|node| node.scalar());
    let bound = bound(table);
    let contains = table.get("contains").map(|node| node.text().map(str::to_owned));
    let max_latency = table.get("max_latency").map(|node| node.duration(1..=HOUR));
    let (equals, bound) = (values::given(equals)?, bound.ok()?);
    let pointer = values::given(pointer)?;
    if let (Some(bound), Some(value)) = (bound, equals.as_ref()) {
        let fits = matches!(value, Scalar::Number(number) if bound.holds(*number));
        if !fits {
            let limit = if bound.at_least { "min" } else { "max" };
            return table
                .refuse(format!("{value} does not keep {limit}, so that no answer can pass"), "keep one of the two");
        }
    }
    if let Some(Some(status @ (204 | 205 | 304))) = status.filter(|_| pointer.is_some() || contains.is_some()) {
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
    let expect = Expect {
        status: values::given(status)?,
        pointer,
        equals,
        bound,
        contains: values::given(contains)?,
        max_latency_ms: values::given(max_latency)?,
    };
    Some(expect)
}

pub(super) fn few<'a>(node: &Node<'a>, example: &str) -> Option<Vec<Node<'a>>> {
    let items = node.list(example)?;
    if items.len() > MAX_ITEMS {
        return node.refuse(format!("{} items are too many", items.len()), format!("write at most {MAX_ITEMS}"));
    }
    Some(items)
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

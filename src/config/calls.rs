//! What the `[[gate]]`s mean that make requests of other systems: http, prometheus, integration.

use super::gates::bound;
use super::keys;
use crate::domain::{Call, Expect, GateKind, Scalar, Step, placeholder};
use crate::settings::{BaseUrl, Node, TRANSPORT, Table, call, transport, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
/// Steps, headers and values of one list beyond this are refused.
const MAX_ITEMS: usize = 100;

/// A gate that asks an endpoint for a status.
pub(super) fn http(table: &Table<'_>) -> Option<GateKind> {
    let call = gate_call(table, false);
    let expect = expect(table);
    let pending = table.get("pending").map_or(Some(Vec::new()), |node| {
        let items = few(&node, "write e.g. [\"queued\", \"running\"]")?;
        items.iter().map(Node::scalar).collect::<Option<Vec<Scalar>>>()
    });
    let expect = expect?;
    if expect == Expect::default() {
        let remedy = "write status, contains, or pointer with equals, min or max";
        table.fault("nothing is said of what the answer must be".into(), remedy);
        return None;
    }
    let pending = pending?;
    if let Some(value) = expect.equals.as_ref().filter(|value| pending.contains(value)) {
        table.fault(
            format!("{value} means not yet, so that it can never pass"),
            "remove it from pending, or from equals",
        );
        return None;
    }
    Some(GateKind::Http { call: call?, expect, pending })
}

/// A gate that makes named calls.
pub(super) fn integration(table: &Table<'_>) -> Option<GateKind> {
    let example = "write [[gate.steps]] below it, with name and url";
    let node = table.need("steps", example)?;
    let items = few(&node, example)?;
    if items.is_empty() {
        return node.refuse("holds no step".into(), example);
    }
    let steps: Vec<Option<Step>> = items.iter().map(step).collect();
    Some(GateKind::Integration { steps: steps.into_iter().collect::<Option<Vec<Step>>>()? })
}

fn step(node: &Node<'_>) -> Option<Step> {
    let table = node.table()?.keys_of(&[&keys::STEP, &TRANSPORT]);
    let name = table.need("name", "write what people call it").and_then(|node| {
        let text = node.text()?.trim();
        let fits = (1..=60).contains(&text.chars().count());
        if fits { Some(text.to_owned()) } else { node.refuse("must have 1 to 60 characters".into(), "shorten it") }
    });
    let (call, expect) = (gate_call(&table, true), expect(&table));
    Some(Step { name: name?, call: call?, expect: expect? })
}

/// A gate that asks Prometheus.
pub(super) fn prometheus(table: &Table<'_>) -> Option<GateKind> {
    let url = table.need("url", "write e.g. url = \"http://127.0.0.1:9090\"").and_then(|node| {
        match BaseUrl::parse(node.text()?) {
            Ok(url) => Some(url.to_string()),
            Err((why, remedy)) => node.refuse(why, remedy),
        }
    });
    let example = "write e.g. query = 'max(feature_drift{version=\"{{version}}\"})'";
    let query = table.need("query", example).and_then(|node| {
        let text = node.lines()?.trim();
        if text.is_empty() {
            return node.refuse("is empty".into(), example);
        }
        match placeholder::fill_promql(text, |_| Ok("x".into())) {
            Ok(_) => Some(text.to_owned()),
            Err(why) => node.refuse(why, example),
        }
    });
    let bound = bound(table);
    let max_age_ms = table.duration("max_age", SECOND..=24 * HOUR, 300 * SECOND);
    let headers = call::headers(table);
    let timeout_ms = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    let Some(bound) = bound.ok()? else {
        table.fault("neither min nor max is written".into(), "write e.g. max = 0.1");
        return None;
    };
    let (url, query, headers, transport) = (url?, query?, headers?, transport(table));
    Some(GateKind::Prometheus { url, query, headers, bound, max_age_ms, timeout_ms, transport })
}

/// `url`, `method`, `headers`, `bearer`, `body` and `request_timeout`.
fn gate_call(table: &Table<'_>, may_be_path: bool) -> Option<Call> {
    let call = call::call_of(table, may_be_path, &placeholder::NAMES);
    let timeout_ms = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    let transport = transport(table);
    Some(Call { timeout_ms, transport, ..call? })
}

/// `status`, `pointer`, `equals`, `min`, `max`, `contains` and `max_latency`.
fn expect(table: &Table<'_>) -> Option<Expect> {
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
            table.fault(format!("{value} does not keep {limit}, so that no answer can pass"), "keep one of the two");
            return None;
        }
    }
    if let Some(Some(status @ (204 | 205 | 304))) = status.filter(|_| pointer.is_some() || contains.is_some()) {
        table.fault(
            format!("an answer of status {status} has no body, so that none can pass"),
            "remove pointer and contains, or status",
        );
        return None;
    }
    match (&pointer, equals.is_some() || bound.is_some()) {
        (None, true) => {
            table.fault("equals, min and max need a pointer".into(), "write e.g. pointer = \"/status\"");
            return None;
        }
        (Some(_), false) => {
            table.fault("a pointer needs equals, min or max".into(), "write e.g. equals = \"passed\"");
            return None;
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

fn few<'a>(node: &Node<'a>, example: &str) -> Option<Vec<Node<'a>>> {
    let items = node.list(example)?;
    if items.len() > MAX_ITEMS {
        return node.refuse(format!("{} items are too many", items.len()), format!("write at most {MAX_ITEMS}"));
    }
    Some(items)
}

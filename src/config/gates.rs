//! What the `[[gate]]`s mean that ask something besides the side itself: a command, an endpoint, a
//! query, a person.

use super::keys;
use crate::domain::GateKind;
use crate::domain::gate::{Bound, LoadLimits, Stage};
use crate::domain::load::{Saturation, Selector};
use crate::settings::{Node, Table, call, duration, quote, values};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
/// What the last answers of a load may take, in milliseconds.
const GRACE: u64 = 10 * SECOND;
/// More than one thread can send, in requests per second.
const MAX_RPS: f64 = 100_000.0;
const MAX_STAGES: usize = 50;
/// With fewer requests a p99 means nothing.
const LEAST_REQUESTS: f64 = 100.0;

/// Longest question to a person, in characters.
const MAX_ASK: usize = 200;
/// Longest name of a metric with its labels, in bytes.
const MAX_SELECTOR: usize = 500;

/// What was written is at fault, and that is noted.
pub(super) struct Faulty;

/// `min` or `max`: one of the two or none.
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

/// A gate that runs a command.
pub(super) fn exec(table: &Table<'_>) -> Option<GateKind> {
    let example = "write e.g. command = [\"./check.sh\", \"--strict\"]";
    let command = table.need("command", example).and_then(|node| values::command(&node, example));
    let dir = values::dir(table);
    let not_yet_code = table.number("not_yet_code", 2..=255, 75);
    let bound = bound(table).ok();
    Some(GateKind::Exec { command: command?, dir: dir?, not_yet_code: u8::try_from(not_yet_code).ok()?, bound: bound? })
}

/// A gate that puts load on the side.
pub(super) fn load(table: &Table<'_>, timeout_ms: u64) -> Option<GateKind> {
    let requests = table.need("requests", "name a file of JSON lines").and_then(|node| values::readable_file(&node));
    let path =
        table.need("path", "write e.g. path = \"/v2/models/spam/infer\"").and_then(|node| values::http_path(&node));
    let stages = stages(table);
    let latency = |key: &str| table.get(key).map(|node| node.duration(1..=MINUTE));
    let (p50, p95) = (latency("max_p50"), latency("max_p95"));
    let p99 = table.need("max_p99", "write e.g. max_p99 = \"250ms\"").and_then(|node| node.duration(1..=MINUTE));
    let example = "write e.g. max_error_rate = \"0.1%\"";
    let errors = table.need("max_error_rate", example).and_then(|node| share(&node, 0.0, example));
    let min_rate = table.get("min_rate").map_or(Some(0.95), |node| share(&node, 0.01, "write e.g. \"95%\""));
    let connections = table.number("connections", 1..=1024, 64);
    let saturation = table.get("saturation").map(|node| saturation(&node));
    let stages = stages?;
    let length: u64 = stages.iter().map(|stage| stage.for_ms).sum();
    if length + GRACE >= timeout_ms {
        table.fault(
            format!("the load takes {}, and its last answers up to 10 s more", duration::format(length)),
            "raise timeout above that, or shorten the load",
        );
        return None;
    }
    let total: f64 = stages.iter().map(|s| f64::midpoint(s.from_rps, s.to_rps) * s.for_ms as f64 / 1000.0).sum();
    if total < LEAST_REQUESTS {
        table.fault(format!("{total:.0} requests are too few for a p99"), "raise rate or duration: at least 100");
        return None;
    }
    let limits = LoadLimits {
        max_p50_ms: p50.map_or(Ok(None), |ms| ms.map(Some).ok_or(())).ok()?,
        max_p95_ms: p95.map_or(Ok(None), |ms| ms.map(Some).ok_or(())).ok()?,
        max_p99_ms: p99?,
        max_error_rate: errors?,
        min_rate: min_rate?,
    };
    let connections = usize::try_from(connections).ok()?;
    // A part that was written and is at fault ends here; one that was not written is absent.
    let saturation = saturation.map_or(Some(None), |saturation| saturation.map(Some))?;
    Some(GateKind::Load { requests: requests?, path: path?, stages, connections, limits, saturation })
}

fn saturation(node: &Node<'_>) -> Option<Saturation> {
    let table = node.table()?.keys_of(&[&keys::SATURATION]);
    let example = "write e.g. metric = \"queue_depth\", or 'queue_depth{model=\"a\"}'";
    let metric = table.need("metric", example).and_then(|node| {
        let text = node.text()?;
        let fits = text.len() <= MAX_SELECTOR;
        let selector = Selector::parse(text).filter(|_| fits);
        selector.or_else(|| node.refuse(format!("{} is no metric", quote(text)), example))
    });
    let limit = table.need("limit", "write the largest value allowed, e.g. limit = 20").and_then(|node| node.amount());
    let port = table.get("port").map(|node| node.number(1..=65_535));
    let url = table.get("url").map_or(Some("/metrics".to_owned()), |node| call::place(&node));
    let consecutive = u32::try_from(table.number("consecutive", 1..=60, 3)).ok()?;
    let port = port.map_or(Some(None), |port| port.map(Some))?.and_then(|port| u16::try_from(port).ok());
    let url = url?;
    if port.is_some() && !url.starts_with('/') {
        return node.refuse("port is written beside an absolute url".into(), "write the port in the url");
    }
    Some(Saturation { url, port, metric: metric?, limit: limit?, consecutive })
}

fn stages(table: &Table<'_>) -> Option<Vec<Stage>> {
    let rate = table.get("rate").map(|node| rps(&node));
    let duration = table.get("duration").map(|node| node.duration(SECOND..=24 * 60 * MINUTE));
    let ramp = table.get("ramp").map(|node| node.duration(0..=60 * MINUTE));
    let Some(node) = table.get("stages") else {
        let (Some(rate), Some(duration)) = (rate, duration) else {
            table.fault(
                "rate and duration are missing".into(),
                "write e.g. rate = 200 and duration = \"10m\", or stages",
            );
            return None;
        };
        let (rate, ramp) = (rate?, ramp.unwrap_or(Some(0))?);
        let rise = Stage { from_rps: 0.0, to_rps: rate, for_ms: ramp };
        let hold = Stage { from_rps: rate, to_rps: rate, for_ms: duration? };
        return Some([rise, hold].into_iter().filter(|stage| stage.for_ms > 0).collect());
    };
    let example = "write [[gate.stages]] below it, with rate and for";
    let items = node.list(example)?;
    if rate.is_some() || duration.is_some() || ramp.is_some_and(|ramp| ramp != Some(0)) {
        return node.refuse("is written beside rate, duration or ramp".into(), "keep one of the two");
    }
    if items.is_empty() || items.len() > MAX_STAGES {
        return node.refuse(format!("holds {} stages", items.len()), format!("write 1 to {MAX_STAGES}"));
    }
    let read: Vec<Option<Stage>> = items.iter().map(stage).collect();
    read.into_iter().collect()
}

fn stage(node: &Node<'_>) -> Option<Stage> {
    let table = node.table()?.keys_of(&[&keys::STAGE]);
    let to = table.need("rate", "write e.g. rate = 200").and_then(|node| rps(&node));
    let length =
        table.need("for", "write e.g. for = \"10m\"").and_then(|node| node.duration(SECOND..=24 * 60 * MINUTE));
    let from = table.get("from").map_or(to, |node| rps(&node));
    Some(Stage { from_rps: from?, to_rps: to?, for_ms: length? })
}

fn rps(node: &Node<'_>) -> Option<f64> {
    let rate = node.amount()?;
    let fits = (0.0..=MAX_RPS).contains(&rate);
    if fits { Some(rate) } else { node.refuse(format!("{rate} is out of range"), format!("write 0 to {MAX_RPS}")) }
}

fn share(node: &Node<'_>, least: f64, example: &str) -> Option<f64> {
    let share = node.share(example)?;
    let fits = (least..=1.0).contains(&share);
    if fits { Some(share) } else { node.refuse(format!("{share} is not from {least} to 1"), example) }
}

/// A gate that a person signs.
pub(super) fn manual(table: &Table<'_>) -> Option<GateKind> {
    let example = "write what the person must have looked at";
    let node = table.need("ask", example)?;
    let ask = node.text()?.trim();
    if ask.is_empty() || ask.chars().count() > MAX_ASK {
        return node.refuse(format!("must have 1 to {MAX_ASK} characters"), example);
    }
    Some(GateKind::Manual { ask: ask.to_owned() })
}

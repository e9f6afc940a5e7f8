//! The config of a load gate: its keys and their meaning.

use std::path::PathBuf;

use super::super::check::{Around, GATE, Kind, Read};
use crate::domain::load::{Saturation, Selector};
use crate::settings::{Node, Section, Table, call, duration, quote, values};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
/// Extra time for the last answers of a load, in milliseconds.
const GRACE: u64 = 10 * SECOND;
/// The highest rate, in requests per second. One thread cannot send more.
const MAX_RPS: f64 = 100_000.0;
const MAX_STAGES: usize = 50;
/// With fewer requests a p99 has no meaning.
const LEAST_REQUESTS: f64 = 100.0;
/// Longest name of a metric with its labels, in bytes.
const MAX_SELECTOR: usize = 500;

pub(in crate::gate) const KIND: Kind = Kind {
    name: "load",
    keys: &[&GATE, &KEYS],
    parts: &[("A stage's keys:", &STAGE), ("", &SATURATION)],
    example: &[
        ("requests", "\"smoke.jsonl\""),
        ("path", "\"/v2/models/my-model/infer\""),
        ("rate", "200"),
        ("duration", "\"4m\""),
        ("max_p99", "\"250ms\""),
        ("max_error_rate", "\"0.1%\""),
    ],
    read,
};

const KEYS: Section = Section::new("[[gate]] kind = \"load\"", include_str!("../keys/load.md"));

const STAGE: Section = Section::new("[[gate.stages]]", include_str!("../keys/load.md"));

const SATURATION: Section = Section::new("saturation = { .. }", include_str!("../keys/load.md"));

/// Requests at a set rate, independent of how fast the side answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// JSON lines as for a smoke gate; of `expect` only the status is checked.
    pub requests: PathBuf,
    /// The path for POST requests when a line names none.
    pub path: String,
    /// The rates, one after the other.
    pub stages: Vec<Stage>,
    /// Requests in flight at once, over all replicas: 1 to 1024.
    pub connections: usize,
    /// The limits the side must keep.
    pub limits: LoadLimits,
    /// A metric of the replicas to watch during the load.
    pub saturation: Option<Saturation>,
}

/// A part of a load in which the rate changes linearly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Requests per second at its start.
    pub from_rps: f64,
    /// Requests per second at its end.
    pub to_rps: f64,
    /// Its duration, in milliseconds.
    pub for_ms: u64,
}

/// Limits for a side under load. Latency counts from when a request is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadLimits {
    /// For 50 of 100 answers, in milliseconds.
    pub max_p50_ms: Option<u64>,
    /// For 95 of 100 answers, in milliseconds.
    pub max_p95_ms: Option<u64>,
    /// For 99 of 100 answers, in milliseconds.
    pub max_p99_ms: u64,
    /// The highest share of failed requests, 0 to 1.
    pub max_error_rate: f64,
    /// The lowest share of the intended rate, 0 to 1.
    pub min_rate: f64,
}

fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Read> {
    let requests = table.need("requests", "name a file of JSON lines").and_then(|node| values::readable_file(&node));
    let path =
        table.need("path", "write e.g. path = \"/v2/models/spam/infer\"").and_then(|node| values::http_path(&node));
    let stages = stages(table);
    let latency = |key: &str| table.maybe(key, |node| node.duration(1..=MINUTE));
    let (p50, p95) = (latency("max_p50"), latency("max_p95"));
    let p99 = table.need("max_p99", "write e.g. max_p99 = \"250ms\"").and_then(|node| node.duration(1..=MINUTE));
    let example = "write e.g. max_error_rate = \"0.1%\"";
    let errors = table.need("max_error_rate", example).and_then(|node| share(&node, 0.0, example));
    let min_rate = table.or("min_rate", 0.95, |node| share(node, 0.01, "write e.g. \"95%\""));
    let connections = table.number("connections", 1..=1024, 64);
    let saturation = table.maybe("saturation", saturation);
    let stages = stages?;
    let length: u64 = stages.iter().map(|stage| stage.for_ms).sum();
    if length + GRACE >= around.timeout_ms {
        return table.refuse(
            format!("the load takes {}, and its last answers up to 10 s more", duration::format(length)),
            "raise timeout above that, or shorten the load",
        );
    }
    let total: f64 = stages.iter().map(|s| f64::midpoint(s.from_rps, s.to_rps) * s.for_ms as f64 / 1000.0).sum();
    if total < LEAST_REQUESTS {
        return table
            .refuse(format!("{total:.0} requests are too few for a p99"), "raise rate or duration: at least 100");
    }
    let limits = LoadLimits {
        max_p50_ms: p50?,
        max_p95_ms: p95?,
        max_p99_ms: p99?,
        max_error_rate: errors?,
        min_rate: min_rate?,
    };
    let connections = usize::try_from(connections).ok()?;
    // Stops here when a part is written but has a fault. A part that is not written is simply absent.
    Some(Read::runs(Load { requests: requests?, path: path?, stages, connections, limits, saturation: saturation? }))
}

fn saturation(node: &Node<'_>) -> Option<Saturation> {
    let table = node.table()?.keys_of(&[&SATURATION]);
    let example = "write e.g. metric = \"queue_depth\", or 'queue_depth{model=\"a\"}'";
    let metric = table.need("metric", example).and_then(|node| {
        let text = node.text()?;
        let fits = text.len() <= MAX_SELECTOR;
        let selector = Selector::parse(text).filter(|_| fits);
        selector.or_else(|| node.refuse(format!("{} is no metric", quote(text)), example))
    });
    let limit = table.need("limit", "write the largest value allowed, e.g. limit = 20").and_then(|node| node.amount());
    let port = table.maybe("port", |node| node.number(1..=65_535));
    let url = table.or("url", "/metrics".to_owned(), call::place);
    let consecutive = u32::try_from(table.number("consecutive", 1..=60, 3)).ok()?;
    let port = port?.and_then(|port| u16::try_from(port).ok());
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
            return table.refuse(
                "rate and duration are missing".into(),
                "write e.g. rate = 200 and duration = \"10m\", or stages",
            );
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
    let table = node.table()?.keys_of(&[&STAGE]);
    let to = table.need("rate", "write e.g. rate = 200").and_then(|node| rps(&node));
    let length =
        table.need("for", "write e.g. for = \"10m\"").and_then(|node| node.duration(SECOND..=24 * 60 * MINUTE));
    let from = table.get("from").map_or(to, |node| rps(&node));
    Some(Stage { from_rps: from?, to_rps: to?, for_ms: length? })
}

fn rps(node: &Node<'_>) -> Option<f64> {
    let rate = node.amount()?;
    let fits = (0.0..=MAX_RPS).contains(&rate);
    node.fitting(rate, fits, format!("{rate} is out of range"), format!("write 0 to {MAX_RPS}"))
}

fn share(node: &Node<'_>, least: f64, example: &str) -> Option<f64> {
    let share = node.share(example)?;
    let fits = (least..=1.0).contains(&share);
    node.fitting(share, fits, format!("{share} is not from {least} to 1"), example)
}

//! The config of a smoke gate: its keys, and what they mean.

use std::path::PathBuf;

use super::super::check::{Around, GATE, Kind, Read};
use super::super::expect;
use crate::domain::HeaderValue;
use crate::settings::{Section, Table, call, quote, values};

const HOUR: u64 = 3_600_000;
/// The gateway keeps no more requests.
const MAX_SAMPLES: u64 = 100;

pub(in crate::gate) const KIND: Kind = Kind {
    name: "smoke",
    keys: &[&GATE, &KEYS],
    parts: &[],
    example: &[
        ("requests", "\"smoke.jsonl\""),
        ("path", "\"/v2/models/my-model/infer\""),
        ("max_latency", "\"500ms\""),
    ],
    read,
};

const KEYS: Section = Section::new("[[gate]] kind = \"smoke\"", include_str!("../keys/smoke.md"));

/// Representative requests, and adversarial ones that must be refused cleanly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smoke {
    /// Where the requests come from.
    pub source: SmokeSource,
    /// Path the requests are posted to where a line names none.
    pub path: String,
    /// Longest a single answer may take, in milliseconds.
    pub max_latency_ms: u64,
    /// Whether the built-in adversarial requests are sent too.
    pub adversarial: bool,
    /// Sent with every request.
    pub headers: Vec<(String, HeaderValue)>,
}

/// Where a smoke gate's requests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmokeSource {
    /// JSON lines: `{"id":..,"path":..,"method":..,"request":{..},"expect":{"status":200,...}}`.
    File(PathBuf),
    /// The latest requests that the embedded gateway kept of live traffic.
    Live {
        /// At most so many.
        count: usize,
    },
}

fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Read> {
    let source = source(table);
    let path = expect::path(table, table.get("sample").map(|_| "/"));
    let limit =
        table.need("max_latency", "write e.g. max_latency = \"500ms\"").and_then(|node| node.duration(1..=HOUR));
    let adversarial = table.flag("adversarial", true);
    let headers = call::headers(table);
    let gate = Smoke { source: source?, path: path?, max_latency_ms: limit?, adversarial, headers: headers? };
    if let Some(why) = no_samples(around, &gate) {
        table.fault(why, "write sample = true in [gateway], or requests = \"FILE\" here");
    }
    Some(Read::runs(gate))
}

fn source(table: &Table<'_>) -> Option<SmokeSource> {
    let count = table.number("count", 1..=MAX_SAMPLES, 50);
    let Some(node) = table.get("sample") else {
        if let Some(node) = table.get("count") {
            node.fault("belongs to sample = \"live\"".into(), "remove it: of a file every line is sent");
        }
        let file = table.need("requests", "name a file of JSON lines")?;
        return values::readable_file(&file).map(SmokeSource::File);
    };
    node.choice(&[("live", ())])?;
    if let Some(file) = table.get("requests") {
        return file.refuse(format!("{} stands beside sample = \"live\"", quote(file.text()?)), "keep one of the two");
    }
    Some(SmokeSource::Live { count: usize::try_from(count).ok()? })
}

/// Why a gate that samples live traffic would never have any.
fn no_samples(around: &Around<'_>, gate: &Smoke) -> Option<String> {
    let SmokeSource::Live { .. } = gate.source else { return None };
    let root = around.root;
    let word =
        |section: &str, key: &str| root.get(section).and_then(|node| node.table()).and_then(|table| table.get(key));
    if let Some(kind) =
        word("backend", "kind").and_then(|node| node.text()).filter(|kind| !(around.keeps_requests)(kind))
    {
        return Some(format!("{} keeps no requests of live traffic", quote(kind)));
    }
    // A gateway that another file describes is asked when the gate runs.
    root.get("gateway")?;
    let keeps = word("gateway", "sample").and_then(|node| node.flag()).unwrap_or(false);
    (!keeps).then(|| "the gateway keeps no requests of live traffic".to_owned())
}

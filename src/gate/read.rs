//! Reading the `[[gate]]` tables of a config.

use std::collections::HashMap;

use super::check::{Around, GATE, Kind, Read};
use super::kinds::{Checks, KINDS};
use crate::domain::GateSpec;
use crate::settings::{Table, quote, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// Reads every gate, in the order of the file; a gate with a fault is left out, and its fault noted.
/// `ready_path` is the path that probes ask; `keeps_requests` says which kinds of backend keep requests of live traffic.
pub(crate) fn gates(root: &Table<'_>, ready_path: &str, keeps_requests: fn(&str) -> bool) -> (Vec<GateSpec>, Checks) {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let (mut gates, mut checks) = (Vec::new(), Checks::default());
    for table in root.tables("gate", GATE.name, 100) {
        let Some((name, read)) = gate(&table, |timeout_ms| Around { root, ready_path, keeps_requests, timeout_ms })
        else {
            continue;
        };
        if let Some(line) = lines.get(&name) {
            table.fault(
                format!("a gate on line {line} is named {} already", quote(&name)),
                "give one of them another name = \"..\"",
            );
        } else {
            lines.insert(name.clone(), table.line());
        }
        let Some((spec, read)) = read else { continue };
        if let Read::Runs(check) = read {
            checks.add(&name, check);
        }
        gates.push(spec);
    }
    (gates, checks)
}

/// The gate's name, and the gate unless it has a fault.
fn gate<'a>(table: &Table<'a>, around: impl FnOnce(u64) -> Around<'a>) -> Option<(String, Option<(GateSpec, Read)>)> {
    let node = table.need("kind", "write kind = \"health\", \"golden\", \"smoke\" or another")?;
    let kinds: Vec<(&'static str, &Kind)> = KINDS.iter().map(|kind| (kind.name, *kind)).collect();
    let kind = node.choice(&kinds)?;
    let table = table.clone().keys_of(kind.keys);
    let name = table.or("name", kind.name.to_owned(), |node| values::name(node, 40))?;
    let required = table.flag("required", true);
    let valid_for_ms = table.duration("valid_for", SECOND..=30 * DAY, HOUR);
    let timeout_ms = table.duration("timeout", 100..=DAY, 300 * SECOND);
    let read = kind.read(&table, &around(timeout_ms));
    let spec =
        |ask| GateSpec { name: name.clone(), kind: kind.name.to_owned(), required, valid_for_ms, timeout_ms, ask };
    let read = read.map(|read| match &read {
        Read::Runs(_) => (spec(None), read),
        Read::Signed(ask) => (spec(Some(ask.clone())), read),
    });
    Some((name.clone(), read))
}

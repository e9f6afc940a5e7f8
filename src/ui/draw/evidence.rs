//! All the evidence of a gate, as lines to be read.

use super::gates::in_unit;
use crate::engine::Snapshot;
use crate::engine::detail::GatePoint;
use crate::engine::snapshot::GateStatus;
use crate::ui::text::{age, clock, count};

/// How many earlier runs and changes are shown.
const EARLIER: usize = 100;

/// The lines about the gate named `name`.
pub(super) fn evidence(snapshot: Option<&Snapshot>, name: &str) -> Vec<String> {
    let Some(snapshot) = snapshot else { return vec!["nothing was read yet".into()] };
    let Some(gate) = snapshot.status.gates.iter().find(|gate| gate.name == name) else {
        return vec!["this gate is gone".into()];
    };
    let trail = snapshot.detail.trail(name);
    let mut lines = found(snapshot, gate, trail);
    if !gate.details.is_empty() {
        lines.push(String::new());
        lines.push("what it saw".into());
        lines.extend(gate.details.iter().map(|detail| format!("- {detail}")));
    }
    if !trail.is_empty() {
        lines.push(String::new());
        lines.push("how it stood, newest first".into());
        lines.extend(trail.iter().rev().take(EARLIER).map(|point| earlier(gate, point)));
    }
    lines
}

fn found(snapshot: &Snapshot, gate: &GateStatus, trail: &[GatePoint]) -> Vec<String> {
    let value = gate.value.map_or_else(|| "-".into(), |value| in_unit(value, &gate.unit, false));
    let limit = gate.limit.map(|limit| in_unit(limit, &gate.unit, true));
    let bound = if gate.at_least { "at least" } else { "at most" };
    let limit = limit.map_or_else(|| "none".into(), |limit| format!("{bound} {limit}"));
    let version = gate.version_digest.as_deref().unwrap_or("-");
    let required = if gate.required { "required" } else { "optional" };
    let run = trail.iter().rev().find(|point| point.run).filter(|_| gate.age_s.is_some());
    let at = run.map_or_else(String::new, |run| format!(", at {}Z", run.at.format("%Y-%m-%d %H:%M:%S")));
    let when = gate.age_s.map_or_else(|| "not run on this version".into(), |s| format!("{} ago{at}", age(s)));
    let log = snapshot.detail.log_of(&gate.name).unwrap_or("-");
    vec![
        format!("state     {}, {required}, {}", gate.status.title(), gate.kind),
        format!("value     {value}"),
        format!("limit     {limit}"),
        format!("samples   {}", count(gate.samples)),
        format!("when      {when}"),
        format!("version   {version}"),
        format!("note      {}", if gate.note.is_empty() { "-" } else { &gate.note }),
        format!("log       {log}"),
    ]
}

fn earlier(gate: &GateStatus, point: &GatePoint) -> String {
    let value = point.value.map_or_else(String::new, |value| in_unit(value, &gate.unit, false));
    let samples = if point.samples > 0 { format!("n={}", count(point.samples)) } else { String::new() };
    format!("{} {:<5} {value:>8}  {samples:<9} {}", clock(point.at), point.state.title(), point.note)
        .trim_end()
        .to_owned()
}

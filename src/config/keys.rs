//! Every key that a config may have. The check for unknown keys, the template and the reference use this one table.

use crate::backend::kinds;
use crate::gate::GATE;
use crate::gate::kinds::KINDS;
use crate::settings::{KeyDoc, Section, TOKEN, TRANSPORT};

/// The page of the keys that belong to no kind of backend or gate.
const PAGE: &str = include_str!("keys.md");

pub(super) const SERVICE: Section = Section::new("[service]", PAGE);
pub(super) const SIDE: Section = Section::new("[blue], [green]", PAGE);
pub(super) const VERSION: Section = Section::new("version = { .. }", PAGE);
pub(super) const PROBE: Section = Section::new("[probe]", PAGE);
pub(super) const FRONT: Section = Section::new("[front]", PAGE);
pub(super) const PROBE_OPENAI: Section = Section::new("[probe.openai]", PAGE);
pub(super) const METRICS: Section = Section::new("[metrics]", PAGE);
pub(super) const METRICS_ROW: Section = Section::new("[[metrics.row]]", PAGE);
pub(super) const METRICS_TRAFFIC: Section = Section::new("[metrics.traffic]", PAGE);
pub(super) const GATEWAY: Section = Section::new("[gateway]", PAGE);
pub(super) const STATE: Section = Section::new("[state]", PAGE);
pub(super) const PLAN: Section = Section::new("[plan]", PAGE);
pub(super) const PROMPTS: Section = Section::new("[prompts]", PAGE);
pub(super) const UI: Section = Section::new("[ui]", PAGE);
pub(super) const GUARD: Section = Section::new("[[guard]]", PAGE);
pub(super) const VERSUS: Section = Section::new("versus = { .. }", PAGE);
pub(super) const ALERT: Section = Section::new("[[alert]]", PAGE);
pub(super) const ALERT_WEBHOOK: Section = Section::new("[[alert]] kind = \"webhook\"", PAGE);
pub(super) const ALERT_COMMAND: Section = Section::new("[[alert]] kind = \"command\"", PAGE);
pub(super) const LOG: Section = Section::new("[[log]]", PAGE);

/// The sections of a file, in the order in which the template writes them.
pub(super) const TOP: [&str; 16] = [
    "service", "blue", "green", "probe", "front", "metrics", "backend", "gateway", "state", "ui", "plan", "prompts",
    "gate", "guard", "alert", "log",
];

/// The sections before those of the backends, in the order of the reference.
#[rustfmt::skip]
const BEFORE_BACKENDS: &[&Section] = &[
    &SERVICE, &SIDE, &VERSION, &PROBE, &PROBE_OPENAI, &FRONT, &METRICS, &METRICS_ROW, &METRICS_TRAFFIC,
];

/// The sections between those of the backends and those of the kinds of gate.
#[rustfmt::skip]
const BEFORE_GATES: &[&Section] = &[
    &TRANSPORT, &GATEWAY, &TOKEN, &STATE, &PLAN, &PROMPTS, &UI,
    &GATE,
];

/// The sections after those of the kinds of gate.
const AFTER_GATES: &[&Section] = &[&GUARD, &VERSUS, &ALERT, &ALERT_WEBHOOK, &ALERT_COMMAND, &LOG];

/// Every section, in the order of the reference.
fn all() -> impl Iterator<Item = &'static Section> {
    let gates = KINDS.iter().flat_map(|kind| kind.sections());
    let before = BEFORE_BACKENDS.iter().copied().chain(kinds::sections()).chain(BEFORE_GATES.iter().copied());
    before.chain(gates).chain(AFTER_GATES.iter().copied())
}

/// Every key with the name of its section, in the order of the reference.
pub fn reference() -> Vec<(&'static str, KeyDoc)> {
    all().flat_map(|section| section.keys().map(|doc| (section.name, doc))).collect()
}

/// The reference as Markdown tables.
pub fn reference_markdown() -> String {
    all().map(Section::markdown).collect::<Vec<_>>().join("\n")
}

//! Every key that a config may have. The check for unknown keys, the template and the reference use this one table.

#[rustfmt::skip]
mod deciding;
#[rustfmt::skip]
mod watched;

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::backend::kinds;
use crate::gate::GATE;
use crate::gate::kinds::KINDS;
use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{KeyDoc, Section, TOKEN, TRANSPORT};

pub(super) use deciding::*;
pub(super) use watched::*;

/// The sections of a file, in the order in which the template writes them.
pub(super) const TOP: [&str; 15] = [
    "service", "blue", "green", "probe", "metrics", "backend", "gateway", "state", "ui", "plan", "prompts", "gate",
    "guard", "alert", "log",
];

/// The sections before those of the backends, in the order of the reference.
#[rustfmt::skip]
const BEFORE_BACKENDS: &[&Section] = &[
    &SERVICE, &SIDE, &VERSION, &PROBE, &PROBE_OPENAI, &METRICS, &METRICS_ROW, &METRICS_TRAFFIC,
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
    all().flat_map(|section| section.keys.iter().map(|doc| (section.name, *doc))).collect()
}

/// The reference as Markdown tables.
pub fn reference_markdown() -> String {
    let mut out = String::new();
    for section in all() {
        let gap = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{gap}#### `{}`\n\n| key | value | default | |\n|---|---|---|---|", section.name);
        for doc in section.keys {
            let default: Cow<'_, str> = match doc.default {
                Required => "required".into(),
                Nothing => "-".into(),
                Is(value) => format!("`{value}`").into(),
                // Text that looks like a tag would vanish from the page.
                From(words) => words.replace('<', "&lt;").into(),
            };
            let kind = doc.kind.replace(" | ", ", ");
            let _ = writeln!(out, "| `{}` | {kind} | {default} | {} |", doc.key, doc.doc);
        }
    }
    out
}

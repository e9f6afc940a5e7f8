//! What the gates said of the candidate, and what people decided.

use std::collections::BTreeMap;

use super::chapter::Chapter;
use super::model::{Decision, GateRow};
use super::words::plain;
use crate::domain::{Digest, Evidence, Fact, Record, Verdict};

/// Most gates in a report: a journal may name any number.
const GATES: usize = 100;

/// One row per gate; `version` is the candidate's digest where it is known.
pub(super) fn gates(chapter: &Chapter<'_>, version: Option<&Digest>) -> (Vec<GateRow>, Vec<String>) {
    let mut rows: BTreeMap<String, GateRow> = BTreeMap::new();
    let (mut other_versions, mut left_out) = (0_u32, 0_u32);
    for record in chapter.before.iter().chain(&chapter.records) {
        let about = match &record.fact {
            Fact::Gate { evidence } => (&evidence.gate, &evidence.version),
            Fact::Overridden { gate, version, .. } | Fact::Approved { gate, version, .. } => (gate, version),
            _ => continue,
        };
        if version.is_some_and(|version| about.1 != version) {
            other_versions += 1;
            continue;
        }
        if rows.len() >= GATES && !rows.contains_key(about.0) {
            left_out += 1;
            continue;
        }
        take(rows.entry(about.0.clone()).or_insert_with(|| empty(about.0)), &record.fact);
    }
    if let Some(version) = version {
        from_before(chapter.earlier, version, &mut rows);
    }
    let mut unknown = Vec::new();
    if other_versions > 0 {
        unknown.push(format!("{other_versions} gate results are of other versions and do not count here"));
    }
    if left_out > 0 {
        unknown.push(format!("{left_out} gate results are left out: more than {GATES} gates are named"));
    }
    (rows.into_values().collect(), unknown)
}

fn empty(gate: &str) -> GateRow {
    GateRow {
        gate: plain(gate),
        runs: 0,
        failed: 0,
        not_yet: 0,
        last: None,
        last_failure: None,
        from_before: false,
        let_pass: None,
    }
}

fn take(row: &mut GateRow, fact: &Fact) {
    match fact {
        Fact::Gate { evidence } => {
            row.runs += 1;
            row.failed += u32::from(evidence.verdict == Verdict::Failed);
            row.not_yet += u32::from(evidence.verdict == Verdict::NotYet);
            row.last_failure = match evidence.verdict {
                Verdict::Failed => None,
                _ => row.last.take().filter(|last| last.verdict == Verdict::Failed).or(row.last_failure.take()),
            };
            row.last = Some(safe(evidence));
        }
        Fact::Overridden { .. } => row.let_pass = Some("overridden"),
        Fact::Approved { .. } => row.let_pass = Some("signed"),
        _ => {}
    }
}

/// Evidence of an earlier rollout still counts for the same version.
fn from_before(earlier: &[Record], version: &Digest, rows: &mut BTreeMap<String, GateRow>) {
    for record in earlier.iter().rev() {
        let Fact::Gate { evidence } = &record.fact else { continue };
        if evidence.version == *version && !rows.contains_key(&evidence.gate) && rows.len() < GATES {
            let row = GateRow { last: Some(safe(evidence)), from_before: true, ..empty(&evidence.gate) };
            rows.insert(evidence.gate.clone(), row);
        }
    }
}

fn safe(evidence: &Evidence) -> Evidence {
    Evidence {
        gate: plain(&evidence.gate),
        note: plain(&evidence.note),
        unit: plain(&evidence.unit),
        details: evidence.details.iter().take(20).map(|line| plain(line)).collect(),
        ..evidence.clone()
    }
}

/// What people decided, oldest first.
pub(super) fn decisions(chapter: &Chapter<'_>) -> Vec<Decision> {
    let told = chapter.before.iter().chain(&chapter.records).filter_map(|record| {
        let (what, about, reason) = match &record.fact {
            Fact::Overridden { gate, reason, .. } => ("override", Some(gate.clone()), Some(reason.clone())),
            Fact::Approved { gate, reason, .. } => ("approve", Some(gate.clone()), Some(reason.clone())),
            Fact::Paused { why, .. } => ("pause", None, why.clone()),
            Fact::Resumed => ("resume", None, None),
            Fact::Adopted { split, .. } => ("adopt", Some(split.to_string()), None),
            Fact::Finalized { live } => ("finalize", Some(format!("{live} is live")), None),
            Fact::TookOver { from } => ("take over", Some(format!("from {from}")), None),
            Fact::Note { text } => ("note", None, Some(text.clone())),
            _ => return None,
        };
        Some(Decision {
            at: record.at,
            by: plain(&record.by.name),
            via: plain(&record.by.via),
            what,
            about: about.map(|text| plain(&text)),
            reason: reason.map(|text| plain(&text)),
        })
    });
    told.collect()
}

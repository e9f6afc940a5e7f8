//! Line-by-line diff of two status snapshots.

use super::status_text;
use crate::domain::{OrderState, Side};
use crate::engine::snapshot::GateState;
use crate::engine::{Phase, Status};

/// The parts of a status that are compared: without ages and rates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparable {
    phase: Phase,
    split: String,
    sides: Vec<(Side, String)>,
    gates: Vec<(String, GateState, String)>,
    /// In the order of the config: subject and side, state, and description.
    guards: Vec<(String, &'static str, String)>,
    order: Option<(String, OrderState)>,
    rollback: String,
    faults: Vec<String>,
    notes: Vec<String>,
    blocked: Vec<String>,
    digest: String,
}

impl Comparable {
    /// The comparable parts of `status`.
    pub(super) fn of(status: &Status) -> Self {
        let side = |side: Side| {
            let it = &status.sides[side];
            let version = it.version.as_ref().map_or("unknown", |version| version.name.as_str());
            let ready = it.ready.map_or_else(|| "?".to_owned(), |ready| ready.to_string());
            (side, format!("{} {version}, ready {ready}/{}", it.role.title(), it.replicas))
        };
        let rollback = &status.rollback;
        Self {
            phase: status.phase,
            split: status_text::split(status),
            sides: Side::BOTH.into_iter().map(side).collect(),
            gates: status
                .gates
                .iter()
                .map(|gate| (gate.name.clone(), gate.status, status_text::measured(gate)))
                .collect(),
            guards: status
                .guards
                .iter()
                .map(|guard| {
                    let name = format!("{} on {}", guard.name(), guard.side);
                    (name, status_text::guard_title(guard), status_text::guard_values(guard))
                })
                .collect(),
            order: status.last_order.as_ref().map(|order| (format!("{} {}", order.command, order.id), order.state)),
            rollback: match (&rollback.because, rollback.ready) {
                (_, true) if !rollback.needed => format!("nothing to roll back: {} takes all traffic", rollback.to),
                (_, true) => format!("rollback ready to {}", rollback.to),
                (Some(because), false) => format!("rollback not ready: {because}"),
                (None, false) => "rollback not ready".into(),
            },
            faults: status.faults.iter().map(|fault| fault.text.clone()).collect(),
            notes: status.notes.clone(),
            blocked: status
                .blocked
                .iter()
                .map(|blocked| format!("{}: {}", blocked.command.verb(), blocked.because))
                .collect(),
            digest: status.digest.clone(),
        }
    }

    /// One line for each difference from `before`.
    pub(super) fn changes(&self, before: Option<&Self>) -> Vec<String> {
        let mut lines = Vec::new();
        let differs = |same: fn(&Self, &Self) -> bool| before.is_none_or(|before| !same(before, self));
        if differs(|a, b| a.phase == b.phase) {
            lines.push(format!("phase {} (state {})", self.phase.title(), self.digest));
        }
        if differs(|a, b| a.split == b.split) {
            lines.push(format!("split {}", self.split));
        }
        for side in self.sides.iter().filter(|side| before.is_none_or(|before| !before.sides.contains(side))) {
            lines.push(format!("{} {}", side.0.title(), side.1));
        }
        if let Some((order, state)) = &self.order
            && differs(|a, b| a.order == b.order)
        {
            lines.push(format!("order {order} {}", state.title()));
        }
        for (name, state, text) in &self.gates {
            let is_same = |gate: &(String, GateState, String)| gate.0 == *name && gate.1 == *state;
            if before.is_none_or(|before| !before.gates.iter().any(is_same)) {
                lines.push(format!("gate {name} {} {text}", state.title()).trim_end().to_owned());
            }
        }
        for (at, (name, title, text)) in self.guards.iter().enumerate() {
            if before.and_then(|before| before.guards.get(at)).is_none_or(|guard| guard.1 != *title) {
                lines.push(format!("guard {name} {title} {text}").trim_end().to_owned());
            }
        }
        if differs(|a, b| a.rollback == b.rollback) {
            lines.push(self.rollback.clone());
        }
        let none = Vec::new();
        let (faults, blocked) = before.map_or((&none, &none), |before| (&before.faults, &before.blocked));
        lines.extend(self.faults.iter().filter(|fault| !faults.contains(fault)).map(|fault| format!("FAULT {fault}")));
        lines.extend(faults.iter().filter(|fault| !self.faults.contains(fault)).map(|fault| format!("over: {fault}")));
        let notes = before.map_or(&none, |before| &before.notes);
        lines.extend(other_notes(&self.notes, notes).map(|note| format!("NOTE {note}")));
        lines.extend(other_notes(notes, &self.notes).map(|note| format!("over: {note}")));
        let new = self.blocked.iter().filter(|because| !blocked.contains(because));
        lines.extend(new.map(|because| format!("BLOCKED {because}")));
        lines
    }
}

/// The notes that are not in `others`. A note whose number has changed counts as the same note.
fn other_notes<'a>(notes: &'a [String], others: &'a [String]) -> impl Iterator<Item = &'a String> {
    let words =
        |note: &str| note.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().replace("sessions", "session");
    notes.iter().filter(move |note| !others.iter().any(|other| words(other) == words(note)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::status;
    use crate::domain::{Bound, Metric, Split};
    use crate::engine::snapshot::{GuardState, GuardStatus};

    #[test]
    fn only_what_changed_is_told() {
        let before = status();
        let mut after = status();
        after.time += chrono::TimeDelta::seconds(9);
        after.sides.blue.rps = Some(1.0);
        after.split.age_s = Some(0.9);
        assert_eq!(
            Comparable::of(&after).changes(Some(&Comparable::of(&before))),
            [""; 0],
            "ages and rates are no change"
        );
        after.split.observed = Some(Split::toward(Side::Green, 50));
        after.gates[0].status = GateState::Failed;
        let lines = Comparable::of(&after).changes(Some(&Comparable::of(&before)));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("50/50") && lines[1].starts_with("gate golden FAIL"), "{lines:?}");
    }

    #[test]
    fn each_guard_is_told_by_its_row_and_by_which_way_it_broke() {
        let mut before = status();
        let guard = |row: &str, status, at_least| GuardStatus {
            metric: Metric::Saturation,
            row: Some(row.into()),
            unit: "count".into(),
            status,
            bound: Bound { at_least, ..before.guards[0].bound },
            value: Some(30.0),
            ..before.guards[0].clone()
        };
        let with = |broken| [guard("queue", GuardState::Ok, false), guard("tokens", broken, true)];
        let (calm, low) = (with(GuardState::Ok), with(GuardState::Breach));
        before.guards = calm.to_vec();
        let mut after = before.clone();
        after.guards = low.to_vec();
        let lines = Comparable::of(&after).changes(Some(&Comparable::of(&before)));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].starts_with("guard tokens on ") && lines[0].contains(" LOW tokens 30, at least "),
            "{lines:?}"
        );
    }

    #[test]
    fn a_note_is_told_when_it_comes_and_goes_and_not_with_every_number() {
        let mut before = status();
        before.notes = vec!["blue: 12 sessions still open".into()];
        let mut after = status();
        after.notes = vec!["blue: 1 session still open".into(), "node is down".into()];
        let (before, after) = (Comparable::of(&before), Comparable::of(&after));
        assert_eq!(after.changes(Some(&before)), ["NOTE node is down"]);
        assert_eq!(before.changes(Some(&after)), ["over: node is down"]);
    }

    #[test]
    fn where_nothing_is_to_be_rolled_back_no_way_back_is_offered() {
        let mut status = status();
        for (needed, said) in
            [(true, "rollback ready to blue"), (false, "nothing to roll back: blue takes all traffic")]
        {
            status.rollback.needed = needed;
            let lines = Comparable::of(&status).changes(None);
            assert!(lines.contains(&said.to_owned()), "{lines:?}");
        }
    }
}

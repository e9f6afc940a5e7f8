//! `watch`: what changes, line by line; or every status as a line of JSON.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exit::Exit;
use super::failure::Failure;
use super::rollout::{Need, Rollout, Update, with_session};
use super::{Context, status_text};
use crate::domain::{OrderState, Side};
use crate::engine::snapshot::{EventLine, GateState, GuardState};
use crate::engine::{Phase, Snapshot, Status};

/// Without a change, a status is written this often.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until a signal, or until nobody reads.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    with_session(context, Need::LOOK, async |session, context| watch(session, context).await).await
}

async fn watch(session: &mut impl Rollout, context: &mut Context) -> Result<Exit, Failure> {
    let mut last: Option<(Seen, Instant)> = None;
    let mut events: Option<VecDeque<EventLine>> = None;
    while !context.out.closed() {
        let snapshot = match session.next().await {
            Update::Snapshot(snapshot) => snapshot,
            Update::Line(line) => {
                if !context.out.is_json() {
                    let at = line.at.format("%H:%M:%S");
                    context.out.line(&format!("{at} {} {}: {}", line.level.title(), line.source, line.text));
                }
                continue;
            }
        };
        let now = Seen::of(&snapshot.status);
        let changes = now.changes(last.as_ref().map(|(seen, _)| seen));
        if context.out.is_json() {
            let is_due = last.as_ref().is_none_or(|(_, at)| at.elapsed() >= EVERY);
            if is_due || !changes.is_empty() {
                context.out.json_line(&snapshot.status);
                last = Some((now, Instant::now()));
            }
            continue;
        }
        let at = snapshot.status.time.format("%H:%M:%S");
        for event in fresh(events.as_ref(), &snapshot) {
            let mark = if event.warn { "! " } else { "" };
            context.out.line(&format!("{} {mark}{}: {}", event.at.format("%H:%M:%S"), event.by, event.text));
        }
        events = Some(snapshot.events.iter().cloned().collect());
        for change in changes {
            context.out.line(&format!("{at} {change}"));
        }
        last = Some((now, Instant::now()));
    }
    Ok(Exit::Reached)
}

/// Events that were not there before; at the start none, for they are history.
fn fresh(before: Option<&VecDeque<EventLine>>, snapshot: &Arc<Snapshot>) -> Vec<EventLine> {
    let Some(last) = before.map(VecDeque::back) else {
        return Vec::new();
    };
    let events = &snapshot.events;
    let known = last.and_then(|last| events.iter().rposition(|event| event == last)).map_or(0, |at| at + 1);
    events.iter().skip(known).cloned().collect()
}

/// What a change is a change of: no ages, no rates.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    phase: Phase,
    split: String,
    sides: Vec<(Side, String)>,
    gates: Vec<(String, GateState, String)>,
    guards: Vec<(String, GuardState, String)>,
    order: Option<(String, OrderState)>,
    rollback: String,
    faults: Vec<String>,
    blocked: Vec<String>,
    digest: String,
}

impl Seen {
    fn of(status: &Status) -> Self {
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
                    let name = format!("{} on {}", guard.metric.name(), guard.side);
                    (name, guard.status, status_text::guard_values(guard))
                })
                .collect(),
            order: status.last_order.as_ref().map(|order| (format!("{} {}", order.command, order.id), order.state)),
            rollback: match (&rollback.because, rollback.ready) {
                (_, true) => format!("ready to {}", rollback.to),
                (Some(because), false) => format!("not ready: {because}"),
                (None, false) => "not ready".into(),
            },
            faults: status.faults.clone(),
            blocked: status.blocked.iter().map(|blocked| format!("{}: {}", blocked.command, blocked.because)).collect(),
            digest: status.digest.clone(),
        }
    }

    /// One line for each thing that is other than `before`.
    fn changes(&self, before: Option<&Self>) -> Vec<String> {
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
        for (name, state, text) in &self.guards {
            let is_same = |guard: &(String, GuardState, String)| guard.0 == *name && guard.1 == *state;
            if before.is_none_or(|before| !before.guards.iter().any(is_same)) {
                lines.push(format!("guard {name} {} {text}", status_text::guard_title(*state)).trim_end().to_owned());
            }
        }
        if differs(|a, b| a.rollback == b.rollback) {
            lines.push(format!("rollback {}", self.rollback));
        }
        let none = Vec::new();
        let (faults, blocked) = before.map_or((&none, &none), |before| (&before.faults, &before.blocked));
        lines.extend(self.faults.iter().filter(|fault| !faults.contains(fault)).map(|fault| format!("FAULT {fault}")));
        lines.extend(faults.iter().filter(|fault| !self.faults.contains(fault)).map(|fault| format!("over: {fault}")));
        let new = self.blocked.iter().filter(|because| !blocked.contains(because));
        lines.extend(new.map(|because| format!("BLOCKED {because}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::testing::{Script, context, status};
    use crate::domain::Split;

    #[test]
    fn only_what_changed_is_told() {
        let before = status();
        let mut after = status();
        after.time += chrono::TimeDelta::seconds(9);
        after.sides.blue.rps = Some(1.0);
        after.split.age_s = Some(0.9);
        assert_eq!(Seen::of(&after).changes(Some(&Seen::of(&before))), [""; 0], "ages and rates are no change");
        after.split.observed = Some(Split::toward(Side::Green, 50));
        after.gates[0].status = GateState::Failed;
        let lines = Seen::of(&after).changes(Some(&Seen::of(&before)));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("50/50") && lines[1].starts_with("gate golden FAIL"), "{lines:?}");
    }

    #[tokio::test]
    async fn json_is_one_status_a_line() {
        let (mut context, seen) = context(Format::Ndjson, None);
        let mut script = Script::new(status());
        let mut moved = status();
        moved.phase = Phase::Switched;
        script.then(status()).then(moved);
        let watching = tokio::time::timeout(Duration::from_millis(50), watch(&mut script, &mut context));
        assert!(watching.await.is_err(), "it goes on until it is stopped");
        let documents: Vec<Status> = seen.data().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(documents.first().unwrap().phase, Phase::Shifting);
        assert_eq!(documents.last().unwrap().phase, Phase::Switched);
    }
}

//! The demo without a terminal: runs the scenario, prints it line by line, and judges the end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::scenario::{Scenario, ScenarioRun};
use super::tree::Tree;
use crate::domain::{Actor, Cause, Closing, LogLine, OrderState, Side};
use crate::engine::snapshot::{GateState, GateStatus, OrderStatus};
use crate::engine::{Access, Command, Phase, Snapshot, Status};
use crate::runtime::session::{EngineSession, Session, Update};

/// The whole scenario must end within this time.
const LIMIT: Duration = Duration::from_secs(240);
/// How long a share of green is shown before something happens or the rollback window is closed.
const SEEN: Duration = Duration::from_secs(3);
/// The time between two lines of figures.
const FIGURES: Duration = Duration::from_secs(5);

/// Runs `scenario` on a running `tree`, with a plan that needs no confirmation. `say` gets each line. Returns the
/// exit code of the outcome.
///
/// # Errors
/// The engine cannot start, in words.
pub(crate) async fn play(tree: &mut Tree, scenario: Scenario, say: &mut dyn FnMut(&str)) -> Result<u8, String> {
    let me = Actor { name: "demo".into(), via: "demo".into() };
    let mut session = EngineSession::open(tree.config(), me, Access::Console)?;
    say(&format!("scenario {scenario}: {}", scenario.description()));
    say(&format!("look on from a second shell: cutover -c {}/cutover.toml status", tree.dir().display()));
    let _ = session.ask(Command::Auto { on: true }, None, None, Duration::from_secs(1)).await;
    let mut story = DemoRun {
        run: ScenarioRun::new(scenario, SEEN),
        live: None,
        users: None,
        told: Instant::now(),
        finalizing: false,
    };
    let deadline = Instant::now() + LIMIT;
    let code = loop {
        let Ok(update) = tokio::time::timeout_at(deadline, session.next()).await else {
            say("the story did not end in time");
            break 10;
        };
        match update {
            Update::Line(line) => say(&log_text(&line)),
            Update::Snapshot(snapshot) => {
                if let Some((code, why)) = story.judge(&snapshot) {
                    for line in session.lines() {
                        say(&log_text(&line));
                    }
                    say(&figures(&snapshot.status));
                    say(&format!("outcome: {why} (exit code {code})"));
                    break code;
                }
                story.act(&snapshot.status, tree, &mut session, say).await;
            }
        }
    };
    session.close(Closing::Done).await;
    Ok(code)
}

struct DemoRun {
    run: ScenarioRun,
    /// Since when green has all traffic.
    live: Option<Instant>,
    /// When green had its first users.
    users: Option<DateTime<Utc>>,
    told: Instant,
    finalizing: bool,
}

impl DemoRun {
    /// The end of the rollout, if it has ended.
    fn judge(&mut self, snapshot: &Snapshot) -> Option<(u8, String)> {
        let status = &snapshot.status;
        if self.users.is_none() && status.split.observed.is_some_and(|split| split.share(Side::Green) > 0) {
            self.users = Some(status.time);
        }
        let settled = status.last_order.as_ref().is_none_or(|order| order.state == OrderState::Verified);
        let failed = status.gates.iter().find(|gate| gate.required && gate.status == GateState::Failed);
        let busy = status.gates.iter().any(|gate| matches!(gate.status, GateState::Running | GateState::Pending));
        match status.phase {
            Phase::RolledBack if settled => Some((5, format!("{}; blue takes all traffic", self.caught(status)))),
            Phase::Aborted if settled => Some((4, "aborted".into())),
            Phase::Finalized => Some((0, "green is live and the window is closed".into())),
            Phase::Paused => Some((6, "paused, waits for a person".into())),
            Phase::Idle if !busy => failed.map(|gate| (3, blocked(gate))),
            Phase::Switched if self.run.struck() && !status.rollback.ready => {
                let why = status.rollback.because.clone().unwrap_or_default();
                Some((4, format!("green is live, but the way back is lost: {why}")))
            }
            _ => None,
        }
    }

    /// Which gate or guard caught the fault, and how long after green's first users.
    fn caught(&self, status: &Status) -> String {
        let caused = |order: &&OrderStatus| matches!(order.cause, Some(Cause::Guard | Cause::Plan));
        let Some(order) = status.last_order.as_ref().filter(caused) else { return "rolled back".into() };
        let after = self.users.map(|users| (order.at - users).num_seconds().max(0));
        let after = after.map(|s| format!(" {s} s after green's first users")).unwrap_or_default();
        format!("rolled back{after} by {}", order.why.as_deref().unwrap_or("cutover itself"))
    }

    /// Does the scenario's acts: kills blue, or closes the window after it was shown.
    async fn act(&mut self, status: &Status, tree: &mut Tree, session: &mut EngineSession, say: &mut dyn FnMut(&str)) {
        if self.told.elapsed() >= FIGURES {
            self.told = Instant::now();
            say(&figures(status));
        }
        let Some(split) = status.split.observed else { return };
        let share = split.share(Side::Green);
        if let Some((side, mode)) = self.run.turn(share, Instant::now()) {
            say(&format!("{side}'s server is now {mode}"));
            tree.behave(side, mode).await;
        }
        if share < 100 || self.run.scenario.late_fault().is_some() {
            self.live = None;
            return;
        }
        let since = *self.live.get_or_insert_with(Instant::now);
        if status.phase == Phase::Switched && !self.finalizing && since.elapsed() >= SEEN * 3 {
            self.finalizing = true;
            let _ = session.ask(Command::Finalize, None, None, Duration::from_secs(5)).await;
        }
    }
}

fn blocked(gate: &GateStatus) -> String {
    let note = if gate.note.is_empty() { String::new() } else { format!(" ({})", gate.note) };
    format!("blocked by gate {}{note}: no user saw green", gate.name)
}

fn log_text(line: &LogLine) -> String {
    format!("{} {:<4} {:<8} {}", line.at.format("%H:%M:%S"), line.level.title(), line.source, line.text)
}

/// The figures of both sides in one line.
pub fn figures(status: &Status) -> String {
    let split = status.split.observed.map_or_else(|| "?/?".into(), |split| split.to_string());
    let side = |side: Side| {
        let seen = &status.sides[side];
        let p99 = seen.latency_ms.p99.map_or_else(|| "-".into(), |ms| format!("{ms:.0} ms"));
        let rps = seen.rps.map_or_else(|| "-".into(), |rps| format!("{rps:.0}"));
        let errors = seen.error_rate.map_or_else(|| "-".into(), |rate| format!("{:.1}%", rate * 100.0));
        format!("{side} p99 {p99} err {errors} rps {rps}")
    };
    format!(
        "{} {:<4} {:<8} split {split}  {}  {}",
        status.time.format("%H:%M:%S"),
        status.phase.title(),
        "traffic",
        side(Side::Blue),
        side(Side::Green)
    )
}

//! `run --plan`: the whole rollout unattended, from the gates to the end of the rollback window, printed line by
//! line.
//!
//! The engine walks the plan. This prints what it does and returns the exit code of the outcome. If it is killed, a
//! new run continues from the journal.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::args::{Format, RunArgs, Until};
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::input::Input;
use super::session::{Session, Update, present, settled, with_config};
use super::watch::ChangePrinter;
use super::{Context, confirm, span};
use crate::dialogue::Words;
use crate::domain::OrderState;
use crate::engine::snapshot::{FaultKind, GateState, SCHEMA_VERSION};
use crate::engine::{Access, Command, Phase, Reply, Status};

/// How long to wait for fresh data before the question, and for the engine's answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Walks the plan as far as `args` says.
pub(crate) async fn run(context: &mut Context, args: RunArgs) -> Result<Exit, Failure> {
    if !args.yes && !context.input.is_terminal() {
        return Err(Failure::usage(
            "run needs --yes: there is no terminal on standard input to ask on; nothing was sent",
        ));
    }
    let mut config = load(context)?;
    if let Some(on_failure) = args.on_failure {
        config.service.plan.on_failure = on_failure;
    }
    with_config(context, &config, Access::Console, async |session, context| walk(session, context, &args).await).await
}

async fn walk(session: &mut impl Session, context: &mut Context, args: &RunArgs) -> Result<Exit, Failure> {
    let snapshot = settled(session, PATIENCE).await?;
    let mut progress = Progress { until: args.until, began: false };
    if let Some((exit, why)) = progress.judge(&snapshot.status) {
        return Ok(print_outcome(context, &snapshot.status, exit, &why));
    }
    let command = Command::Auto { on: true };
    let expect = match (&args.expect.expect, args.yes) {
        (Some(expect), _) => Some(expect.clone()),
        (None, true) => None,
        (None, false) => confirm::ask(session, context, &command).await?,
    };
    let effect = Words::whole(&snapshot.status).effect(&command).join("; ");
    let reply = session.ask(command, expect, None, PATIENCE).await;
    if let Ok(Reply::Refused(refusal)) = &reply {
        return Err(Failure::from(refusal));
    }
    if !context.out.is_json() {
        context.out.line(&effect);
    }
    let deadline = args.timeout.map(|limit| Instant::now() + limit);
    let mut feed = ChangePrinter::new();
    loop {
        context.out.ready().await;
        let update = match deadline {
            Some(deadline) => timeout_at(deadline, session.next()).await,
            None => Ok(session.next().await),
        };
        let Ok(update) = update else {
            let status = present(session).await?.status.clone();
            let after = span::show(args.timeout.unwrap_or_default().as_secs_f64());
            let why = format!("not at its end after {after}: {}; traffic stays where it is", status.phase.title());
            return Ok(print_outcome(context, &status, Exit::TimedOut, &why));
        };
        if context.out.format != Format::Json {
            feed.show(&mut context.out, &update);
        }
        if let Update::Snapshot(snapshot) = update
            && let Some((exit, why)) = progress.judge(&snapshot.status)
        {
            return Ok(print_outcome(context, &snapshot.status, exit, &why));
        }
    }
}

/// Prints the document or the last line.
fn print_outcome(context: &mut Context, status: &Status, exit: Exit, why: &str) -> Exit {
    if context.out.is_json() {
        let mut document = json!({
            "schema_version": SCHEMA_VERSION, "command": "run", "outcome": why, "status": status,
        });
        if exit != Exit::Reached {
            document["error"] = Failure::new(exit, why).json();
        }
        context.out.json(&document);
    } else {
        context.out.line(&format!("outcome: {why} (exit code {})", exit as u8));
    }
    exit
}

/// The progress of the walk.
struct Progress {
    until: Until,
    /// Whether a rollout was seen in progress.
    began: bool,
}

impl Progress {
    /// The exit code and the outcome in words, if `status` decides it.
    fn judge(&mut self, status: &Status) -> Option<(Exit, String)> {
        self.began |= matches!(status.phase, Phase::Shifting | Phase::Switched);
        let ended = self.began || status.step.tried;
        if let Some(holder) = &status.driver.holder {
            return Some((Exit::ReadOnly, format!("{holder} drives")));
        }
        if status.split.drift {
            let why = status.fault(FaultKind::Drift).map_or_else(|| "drift".into(), ToString::to_string);
            return Some((Exit::Paused, why));
        }
        if status.last_order.as_ref().is_some_and(|order| !order.state.is_settled()) {
            return None;
        }
        match status.phase {
            Phase::Paused => Some((Exit::Paused, reason(status))),
            Phase::RolledBack if ended => Some((Exit::RolledBack, back(status, "rolled back"))),
            Phase::Aborted if ended => Some((Exit::RolloutFailed, back(status, "given up"))),
            Phase::Finalized if ended => Some((Exit::Reached, "finalized".into())),
            Phase::Switched => self.switched(status),
            Phase::Idle | Phase::RolledBack | Phase::Aborted | Phase::Finalized => blocked(status),
            _ => None,
        }
    }

    fn switched(&self, status: &Status) -> Option<(Exit, String)> {
        let verified = status.last_order.as_ref().is_none_or(|order| order.state == OrderState::Verified);
        match (self.until, status.rollback.window_left_s) {
            (Until::Switched, _) if verified => {
                let left = status.rollback.window_left_s.map(span::show).unwrap_or_default();
                Some((
                    Exit::Reached,
                    format!("all traffic has moved; the rollback window is open for {left}, guard it"),
                ))
            }
            (Until::Window, Some(left)) if left <= 0.0 => {
                Some((Exit::Reached, "all traffic has moved and the rollback window is over; finalize ends it".into()))
            }
            _ => None,
        }
    }
}

/// A required gate that failed before any traffic moved.
fn blocked(status: &Status) -> Option<(Exit, String)> {
    let busy = status.gates.iter().any(|gate| gate.status == GateState::Running);
    let failed = status.gates.iter().find(|gate| gate.required && gate.status == GateState::Failed)?;
    let note = if failed.note.is_empty() { String::new() } else { format!(" ({})", failed.note) };
    (!busy).then(|| (Exit::Blocked, format!("blocked by gate {}{note}; no traffic has moved", failed.name)))
}

fn reason(status: &Status) -> String {
    let why = status.paused.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let split = status.split.observed.map(|split| format!("; {split} stays")).unwrap_or_default();
    format!("paused{why}{split}")
}

fn back(status: &Status, what: &str) -> String {
    let to = status.rollback.to;
    if status.step.tried && status.split.observed.is_none() {
        return what.to_owned();
    }
    format!("{what}, {to} has all traffic")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{order, status, wordless};

    fn judged(until: Until, began: bool, change: impl FnOnce(&mut Status)) -> Option<Exit> {
        let mut status = status();
        status.last_order = Some(order("7f3e", OrderState::Verified));
        status.split.drift = false;
        status.driver.holder = None;
        change(&mut status);
        let exit = |status: &Status| Progress { until, began }.judge(status).map(|(exit, _)| exit);
        assert_eq!(exit(&wordless(&status)), exit(&status), "words decide an exit code");
        exit(&status)
    }

    #[test]
    fn each_end_has_its_exit_code() {
        let phase = |phase| move |status: &mut Status| status.phase = phase;
        let window = |left: f64| {
            move |status: &mut Status| {
                status.phase = Phase::Switched;
                status.rollback.window_left_s = Some(left);
            }
        };
        assert_eq!(judged(Until::Window, true, phase(Phase::Shifting)), None);
        assert_eq!(judged(Until::Window, true, phase(Phase::Paused)), Some(Exit::Paused));
        assert_eq!(judged(Until::Window, true, phase(Phase::RolledBack)), Some(Exit::RolledBack));
        assert_eq!(judged(Until::Window, true, phase(Phase::Aborted)), Some(Exit::RolloutFailed));
        assert_eq!(judged(Until::Window, true, window(10.0)), None);
        assert_eq!(judged(Until::Window, true, window(0.0)), Some(Exit::Reached));
        assert_eq!(judged(Until::Switched, true, window(10.0)), Some(Exit::Reached));
        assert_eq!(judged(Until::Switched, true, phase(Phase::Unknown)), None, "old data settles nothing");
        let other = |status: &mut Status| status.driver.holder = Some("op2 (pid 7)".into());
        assert_eq!(judged(Until::Window, false, other), Some(Exit::ReadOnly));
        let drift = |status: &mut Status| status.split.drift = true;
        assert_eq!(judged(Until::Window, true, drift), Some(Exit::Paused));
        let under_way = |status: &mut Status| {
            status.phase = Phase::RolledBack;
            status.last_order = Some(order("7f3e", OrderState::Sent));
        };
        assert_eq!(judged(Until::Window, true, under_way), None);
    }

    #[test]
    fn an_earlier_rollout_ends_this_one_only_where_it_was_of_this_version() {
        for (tried, exit) in [(true, Some(Exit::RolledBack)), (false, None)] {
            let change = |status: &mut Status| {
                status.phase = Phase::RolledBack;
                status.step.tried = tried;
                status.gates.iter_mut().for_each(|gate| gate.status = GateState::Passed);
            };
            assert_eq!(judged(Until::Window, false, change), exit);
        }
    }

    #[test]
    fn a_failed_gate_blocks_once_nothing_runs_any_more() {
        for (running, exit) in [(GateState::Running, None), (GateState::Passed, Some(Exit::Blocked))] {
            let change = |status: &mut Status| {
                status.phase = Phase::Idle;
                status.gates.push(status.gates[0].clone());
                status.gates.iter_mut().for_each(|gate| gate.status = running);
                status.gates[0].status = GateState::Failed;
                status.gates[0].required = true;
            };
            assert_eq!(judged(Until::Window, false, change), exit);
        }
    }
}

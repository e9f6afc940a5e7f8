//! `wait --for`: waits until the rollout has reached a state, or can no longer reach it.

use std::time::Duration;

use clap::ValueEnum;

use super::args::Goal;
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::session::{Session, bake_left, has_baked, is_settled, when_or_now, with_session};
use super::{Context, span};
use crate::domain::OrderState;
use crate::engine::snapshot::GateState;
use crate::engine::{Access, Command, Phase, Status};

/// The default time limit, in addition to the bake: gates run, orders are read back.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits for `goal`.
pub(crate) async fn run(context: &mut Context, goal: Goal, timeout: Option<Duration>) -> Result<Exit, Failure> {
    let timeout = match timeout {
        Some(timeout) => timeout,
        None => default_timeout(load(context)?.service.plan.bake_ms),
    };
    with_session(context, Access::Look, async |session, context| wait(session, context, goal, timeout).await).await
}

async fn wait(
    session: &mut impl Session,
    context: &mut Context,
    goal: Goal,
    timeout: Duration,
) -> Result<Exit, Failure> {
    let snapshot = when_or_now(session, |snapshot| outcome(goal, &snapshot.status).is_some(), timeout).await?;
    let status = &snapshot.status;
    let exit = outcome(goal, status).unwrap_or(Exit::TimedOut);
    let name = name(goal);
    let failure = match exit {
        Exit::Reached => None,
        Exit::TimedOut => {
            let waited = span::show(timeout.as_secs_f64());
            let why = match (status.blocked.first(), bake_left(status)) {
                (Some(blocked), _) => format!("; {}", blocked.because),
                (None, left) if goal == Goal::Ready && left > 0.0 => {
                    format!("; the bake has {} left", span::show(left))
                }
                (None, _) => {
                    status.step.waits.as_ref().map_or_else(String::new, |why| format!("; the plan waits: {why}"))
                }
            };
            Some(Failure::new(exit, format!("not {name} after {waited}: {}{why}", status.phase.title())))
        }
        _ => Some(Failure::new(exit, format!("will not become {name}: {}", reason(status, exit)))),
    };
    if context.out.is_json() {
        let mut document = serde_json::json!({
            "schema_version": status.schema_version, "command": "wait", "for": name, "status": status,
        });
        if let Some(failure) = &failure {
            document["error"] = failure.json();
        }
        context.out.json(&document);
    } else if failure.is_none() {
        context.out.line(&format!("{name}: {}", status.phase.title()));
    }
    if let Some(failure) = &failure {
        context.out.failure_text(failure);
    }
    Ok(exit)
}

/// Long enough for a step whose bake has just started.
fn default_timeout(bake_ms: u64) -> Duration {
    PATIENCE + Duration::from_millis(bake_ms)
}

/// The name on the command line.
fn name(goal: Goal) -> String {
    goal.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn reason(status: &Status, exit: Exit) -> String {
    match (exit, &status.last_order) {
        (Exit::Blocked, _) => {
            let mut failed = status.gates.iter().filter(|gate| gate.required && gate.status == GateState::Failed);
            failed.next().map_or_else(|| "blocked".into(), |gate| format!("gate {} failed: {}", gate.name, gate.note))
        }
        (Exit::Error, Some(order)) => format!("{} failed: {}", order.command, order.detail.as_deref().unwrap_or("?")),
        _ => status.phase.title().into(),
    }
}

/// The exit code if `status` decides the result; `None` while it is open.
fn outcome(goal: Goal, status: &Status) -> Option<Exit> {
    // Old or unreadable data decides nothing.
    if status.split.observed.is_none() || status.phase == Phase::Unknown {
        return None;
    }
    match goal {
        Goal::Ready => ready(status),
        Goal::Verified => status.last_order.as_ref().and_then(|order| match order.state {
            OrderState::Verified => Some(Exit::Reached),
            OrderState::Failed => Some(Exit::Error),
            OrderState::Sent | OrderState::Accepted | OrderState::Unknown => None,
        }),
        _ => by_phase(goal, status.phase),
    }
}

/// Ready means: nothing blocks the next step and the bake is over. A required gate that failed does not change by
/// itself.
fn ready(status: &Status) -> Option<Exit> {
    let is_blocked = status.blockers(&Command::Promote).next().is_some();
    let is_baking = !has_baked(status);
    if is_settled(status) && !is_blocked && !is_baking && matches!(status.phase, Phase::Ready | Phase::Shifting) {
        return Some(Exit::Reached);
    }
    let is_running = status.gates.iter().any(|gate| gate.status == GateState::Running);
    let has_failed = status.gates.iter().any(|gate| gate.required && gate.status == GateState::Failed);
    match status.phase {
        Phase::Paused => Some(Exit::Paused),
        _ if has_failed && !is_running => Some(Exit::Blocked),
        _ => None,
    }
}

fn by_phase(goal: Goal, phase: Phase) -> Option<Exit> {
    let is_goal = match goal {
        Goal::Shifting => phase == Phase::Shifting,
        Goal::Switched => matches!(phase, Phase::Switched | Phase::Finalized),
        Goal::Paused => phase == Phase::Paused,
        Goal::RolledBack => phase == Phase::RolledBack,
        Goal::Aborted => phase == Phase::Aborted,
        Goal::Finalized => phase == Phase::Finalized,
        Goal::Done => matches!(phase, Phase::Switched | Phase::Finalized),
        Goal::Ready | Goal::Verified => false,
    };
    if is_goal {
        return Some(Exit::Reached);
    }
    match phase {
        Phase::RolledBack => Some(Exit::RolledBack),
        Phase::Aborted => Some(Exit::RolloutFailed),
        // A person can still roll back or abort from here.
        Phase::Paused if !matches!(goal, Goal::RolledBack | Goal::Aborted) => Some(Exit::Paused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::testing::{Script, context, order, status};

    #[test]
    fn t50_each_goal_is_reached_or_out_of_reach() {
        use Exit::{Paused, Reached, RolledBack, RolloutFailed};
        let table = [
            (Goal::Switched, Phase::Shifting, None),
            (Goal::Switched, Phase::Switched, Some(Reached)),
            (Goal::Switched, Phase::Finalized, Some(Reached)),
            (Goal::Switched, Phase::RolledBack, Some(RolledBack)),
            (Goal::Switched, Phase::Aborted, Some(RolloutFailed)),
            (Goal::Switched, Phase::Paused, Some(Paused)),
            (Goal::Shifting, Phase::Ready, None),
            (Goal::Shifting, Phase::Shifting, Some(Reached)),
            (Goal::Paused, Phase::Paused, Some(Reached)),
            (Goal::RolledBack, Phase::RolledBack, Some(Reached)),
            (Goal::RolledBack, Phase::Paused, None),
            (Goal::Aborted, Phase::Aborted, Some(Reached)),
            (Goal::Finalized, Phase::Switched, None),
            (Goal::Finalized, Phase::Finalized, Some(Reached)),
            (Goal::Done, Phase::Switched, Some(Reached)),
            (Goal::Done, Phase::RolledBack, Some(RolledBack)),
            (Goal::Done, Phase::Aborted, Some(RolloutFailed)),
            (Goal::Done, Phase::Paused, Some(Paused)),
            (Goal::Done, Phase::Shifting, None),
            (Goal::Done, Phase::Unknown, None),
        ];
        for (goal, phase, expected) in table {
            let mut status = status();
            status.phase = phase;
            assert_eq!(outcome(goal, &status), expected, "{goal:?} in {phase:?}");
        }
    }

    #[test]
    fn a_step_that_has_just_begun_is_waited_for() {
        for bake_s in [0, 300, 3600] {
            assert!(default_timeout(bake_s * 1000) > Duration::from_secs(bake_s));
        }
    }

    #[test]
    fn an_order_is_verified_or_failed_or_open() {
        let mut status = status();
        for (state, expected) in [
            (OrderState::Sent, None),
            (OrderState::Unknown, None),
            (OrderState::Verified, Some(Exit::Reached)),
            (OrderState::Failed, Some(Exit::Error)),
        ] {
            status.last_order = Some(order("7f3e", state));
            assert_eq!(outcome(Goal::Verified, &status), expected, "{state:?}");
        }
    }

    #[test]
    fn ready_is_out_of_reach_once_a_required_gate_failed() {
        let mut status = status();
        status.phase = Phase::Idle;
        status.gates[0].status = GateState::Running;
        assert_eq!(outcome(Goal::Ready, &status), None);
        status.gates[0].status = GateState::Failed;
        assert_eq!(outcome(Goal::Ready, &status), Some(Exit::Blocked));
        status.gates[0].status = GateState::Passed;
        status.phase = Phase::Ready;
        status.blocked.clear();
        status.step.bake_left_s = None;
        assert_eq!(outcome(Goal::Ready, &status), Some(Exit::Reached));
        status.stale = true;
        assert_eq!(outcome(Goal::Ready, &status), None, "old is not now");
    }

    #[tokio::test]
    async fn ready_waits_for_the_bake() {
        let mut status = status();
        status.blocked.clear();
        for (left, expected) in [(Some(0.5), None), (Some(0.0), Some(Exit::Reached)), (None, Some(Exit::Reached))] {
            status.step.bake_left_s = left;
            assert_eq!(outcome(Goal::Ready, &status), expected, "{left:?} s of bake left");
        }
        status.step.bake_left_s = Some(252.0);
        let (mut context, seen) = context(Format::Text, None);
        let second = Duration::from_secs(1);
        let exit = wait(&mut Script::new(status), &mut context, Goal::Ready, second).await;
        assert_eq!(exit, Ok(Exit::TimedOut));
        assert!(seen.messages().contains("the bake has 4m12s left"), "{}", seen.messages());
    }

    #[tokio::test]
    async fn time_runs_out_with_exit_10() {
        let (mut context, seen) = context(Format::Text, None);
        let minute = Duration::from_secs(60);
        let exit = wait(&mut Script::new(status()), &mut context, Goal::Finalized, minute).await.unwrap();
        assert_eq!(exit, Exit::TimedOut);
        assert!(seen.messages().contains("not finalized after 1m00s"), "{}", seen.messages());
    }
}

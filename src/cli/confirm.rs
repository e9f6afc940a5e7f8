//! The question before an act: what it would do, what stands in the way, and the one answer that means yes.
//!
//! The weight follows the act: pause asks nothing, a switch wants the candidate's version typed. The
//! engine goes on while the question is open; when the state digest moves, consent to it is void.

use std::time::Duration;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::input::Input;
use super::session::{Session, Update, present};
use super::span;
use crate::domain::{OnFailure, Role, Side, Split};
use crate::engine::{Command, Status};

/// How long a question stays open.
fn patience(command: &Command) -> Duration {
    Duration::from_secs(match command {
        Command::Rollback | Command::Abort => 10,
        Command::Promote | Command::Resume => 20,
        _ => 60,
    })
}

/// The candidate: the side that is not live.
fn candidate(status: &Status) -> Side {
    status.sides.iter().find(|(_, side)| side.role == Role::Candidate).map_or_else(
        || status.sides.iter().find(|(_, side)| side.role == Role::Live).map_or(Side::Green, |(side, _)| side.other()),
        |(side, _)| side,
    )
}

/// `GREEN v42`.
fn named(status: &Status, side: Side) -> String {
    match &status.sides[side].version {
        Some(version) => format!("{} {}", side.title(), version.name),
        None => format!("{} (version unknown)", side.title()),
    }
}

/// What has to be typed to agree to `command`.
fn word(command: &Command, status: &Status) -> String {
    let side = candidate(status);
    match command {
        _ if *command == Command::Switch || status.wants_typed(command) => {
            status.sides[side].version.as_ref().map_or_else(|| side.name().to_owned(), |version| version.name.clone())
        }
        _ => "y".into(),
    }
}

/// What `command` would do, in lines.
pub(crate) fn effect(command: &Command, status: &Status) -> Vec<String> {
    let side = candidate(status);
    let now = status.split.observed.map_or_else(|| "unknown".to_owned(), show);
    let to_candidate = |share: u8| show(Split::toward(side, share));
    let change = match command {
        Command::Promote => match status.step.next {
            Some(next) => format!(
                "PROMOTE step {} > {}   {} to {next}%   ({now} > {})",
                status.step.index,
                status.step.index + 1,
                named(status, side),
                to_candidate(next)
            ),
            None => "PROMOTE   no step is left".into(),
        },
        Command::Switch => {
            format!("SWITCH 100% OF TRAFFIC TO {}   ({now} > {})", named(status, side), to_candidate(100))
        }
        Command::Abort => {
            let live = side.other();
            format!("ABORT   100% to {}   ({now} > {})", named(status, live), show(Split::all(live)))
        }
        Command::Rollback => {
            let to = status.rollback.to;
            format!("ROLL BACK NOW?   100% to {}   ({now} > {})", named(status, to), show(Split::all(to)))
        }
        Command::Pause => "PAUSE the plan where it is; moves no traffic".into(),
        Command::Resume => format!("RESUME the plan at {now}"),
        Command::Override { gate, reason } => format!("OVERRIDE gate {gate} for {}: {reason}", named(status, side)),
        Command::Approve { gate, reason } => format!("SIGN for gate {gate} of {}: {reason}", named(status, side)),
        Command::Finalize => "FINALIZE: end the rollback window and let the standby go; there is no way back".into(),
        Command::Auto { on: true } => format!("AUTO ON   {}", plan(status)),
        Command::TakeOver => {
            let other = status.driver.holder.as_deref().unwrap_or("nobody else");
            format!("TAKE OVER: this console drives; {other} looks on")
        }
        other => other.verb().into(),
    };
    let environment = if status.environment.is_empty() { String::new() } else { format!("{} ", status.environment) };
    let age = status.data_age_s.map_or_else(|| "never seen".to_owned(), span::show);
    vec![change, format!("{environment}{}   state {}   data {age}", status.service, status.digest)]
}

/// `blue 90 green 10`.
fn show(split: Split) -> String {
    format!("blue {} green {}", split.share(Side::Blue), split.share(Side::Green))
}

/// What a plan walked unattended will do, in a line.
pub(crate) fn plan(status: &Status) -> String {
    let left: Vec<String> = status.step.steps.iter().skip(status.step.index).map(|share| format!("{share}%")).collect();
    let steps = if left.is_empty() { "no step is left".to_owned() } else { format!("steps {}", left.join(", ")) };
    let gates = status.gates.iter().filter(|gate| gate.required).count();
    let failure = match status.step.on_failure {
        OnFailure::Pause => "stop and wait",
        OnFailure::Abort => "give up, all traffic back to the live side",
        OnFailure::Rollback => "roll back",
    };
    format!("{gates} required gates, {steps}, each after its bake; on failure: {failure}")
}

/// What stands in the way of `command`, as far as is known.
pub(crate) fn blockers(command: &Command, status: &Status) -> Vec<String> {
    status.blockers(command).map(|blocked| format!("BLOCKED   {}", blocked.because)).collect()
}

/// Asks a person; answers with the state digest that consent was given to.
pub(crate) async fn ask(
    session: &mut impl Session,
    context: &mut Context,
    command: &Command,
) -> Result<Option<String>, Failure> {
    let shown = present(session).await?;
    if matches!(command, Command::Pause) {
        return Ok(None);
    }
    for line in effect(command, &shown.status).iter().chain(&blockers(command, &shown.status)) {
        context.out.question(&format!("{line}\n"));
    }
    let word = word(command, &shown.status);
    let asked =
        if word == "y" { "y = yes, anything else = no: ".to_owned() } else { format!("type {word} to go on: ") };
    if *command != Command::Rollback {
        context.input.forget();
    }
    context.out.question(&asked);
    // Going back is absolute: no change of the state makes consent to it void.
    let is_bound = !matches!(command, Command::Rollback);
    let answer = {
        let line = context.input.line(patience(command));
        tokio::pin!(line);
        loop {
            tokio::select! {
                biased;
                answer = &mut line => break answer,
                update = session.next() => {
                    if let Update::Snapshot(now) = update
                        && is_bound && now.status.digest != shown.status.digest
                    {
                        let (old, new) = (&shown.status.digest, &now.status.digest);
                        return Err(Failure::new(
                            Exit::StateChanged,
                            format!("the state changed {old} > {new} while the question was open; nothing was sent"),
                        ));
                    }
                }
            }
        }
    };
    let agreed = answer.as_deref().is_some_and(|answer| answer == word || (word == "y" && answer == "Y"));
    if !agreed {
        return Err(Failure::usage(match answer {
            Some(_) => "not agreed to; nothing was sent",
            None => "no answer; nothing was sent",
        }));
    }
    Ok(is_bound.then(|| shown.status.digest.clone()))
}

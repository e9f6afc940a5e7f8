//! The question before a command on the command line: what the command will do, what blocks it, and the one answer
//! that sends it.
//!
//! The engine keeps running while the question is open. When the state changes to which the question is bound,
//! nothing is sent.

use std::time::Duration;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::input::Input;
use super::session::{Session, Update, present};
use super::span;
use crate::dialogue::{ARMING_MS, Answer, Question, Topic, Wants, Weight, Words};
use crate::engine::{Command, Status};

/// A long question stays open for at least this time, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// What `command` will do in the state `status`, in lines.
pub(crate) fn effect(command: &Command, status: &Status) -> Vec<String> {
    let words = Words::whole(status);
    let environment = if status.environment.is_empty() { String::new() } else { format!("{} ", status.environment) };
    let age = status.data_age_s.map_or_else(|| "never seen".to_owned(), span::show);
    let place = format!("{environment}{}   state {}   data {age}", status.service, status.digest);
    std::iter::once(words.title(command)).chain(words.effect(command)).chain([place]).collect()
}

/// The known reasons that block `command`.
pub(crate) fn blockers(command: &Command, status: &Status) -> Vec<String> {
    status.blockers(command).map(|blocked| format!("BLOCKED   {}", blocked.because)).collect()
}

/// Asks a person; returns the state digest to which the consent is bound.
pub(crate) async fn ask(
    session: &mut impl Session,
    context: &mut Context,
    command: &Command,
) -> Result<Option<String>, Failure> {
    let shown = present(session).await?;
    if Topic::from(command.clone()).terms().weight == Weight::None {
        return Ok(None);
    }
    for line in effect(command, &shown.status).iter().chain(&blockers(command, &shown.status)) {
        context.out.question(&format!("{line}\n"));
    }
    if *command != Command::Rollback {
        context.input.forget();
    }
    let mut question = Question::new(command.clone(), Some(shown), 0);
    if question.is_heavy() {
        question = question.open_until(PATIENCE_MS);
    }
    context.out.question(&match question.wants() {
        Wants::Version(word) => format!("type {word} to go on: "),
        Wants::Yes | Wants::Reason => "y = yes, anything else = no: ".to_owned(),
    });
    // Input from before the question was discarded, so an answer counts at once.
    question.shown.drawn();
    question.shown.flushed(0);
    let answer = {
        let line = context.input.line(Duration::from_millis(question.until_ms()));
        tokio::pin!(line);
        loop {
            tokio::select! {
                biased;
                answer = &mut line => break answer,
                update = session.next() => if let Update::Snapshot(now) = update
                    && let Some(change) = question.void(&now.status)
                {
                    return Err(Failure::new(
                        Exit::StateChanged,
                        format!(
                            "the state changed {} > {} while the question was open ({}); nothing was sent",
                            change.was, change.now, change.what
                        ),
                    ));
                },
            }
        }
    };
    match answer.map(|line| question.line(&line, ARMING_MS)) {
        Some(Answer::Yes) => Ok(question.expect()),
        Some(_) => Err(Failure::usage("not agreed to; nothing was sent")),
        None => Err(Failure::usage("no answer; nothing was sent")),
    }
}

//! The question before a command, on the command line: what it will do, what stands in the way, and the one answer that
//! sends it.
//!
//! The engine goes on while the question is open: when the state it is bound to changes, nothing is sent.

use std::time::Duration;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::input::Input;
use super::session::{Session, Update, present};
use super::span;
use crate::dialogue::{ARMING_MS, Answer, Question, Topic, Wants, Weight, Words};
use crate::engine::{Command, Status};

/// A question with much to read stays open at least this long, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// What `command` will do, in lines, and the state that is said about.
pub(crate) fn effect(command: &Command, status: &Status) -> Vec<String> {
    let words = Words::whole(status);
    let environment = if status.environment.is_empty() { String::new() } else { format!("{} ", status.environment) };
    let age = status.data_age_s.map_or_else(|| "never seen".to_owned(), span::show);
    let place = format!("{environment}{}   state {}   data {age}", status.service, status.digest);
    std::iter::once(words.title(command)).chain(words.effect(command)).chain([place]).collect()
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
    // What was typed before the question is thrown away, so an answer counts at once.
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

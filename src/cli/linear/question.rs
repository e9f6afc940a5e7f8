//! A question that is open, and what a typed line means to it.
//!
//! The rules are the console's: rollback and abort take no time; everything that moves forward counts an answer only
//! from 400 ms after its question was shown, and is bound to the state digest. In lines, an answer that came too early
//! closes the question: it was typed or pasted along with the verb, unread.

use std::sync::Arc;

use super::words::{self, Word};
use crate::engine::{Command, Snapshot};
use crate::ui::view::prompt::{ARMING_MS, Ask, REASON_MIN, candidate};

/// The shortest time a question stays open, in milliseconds: a screen reader has to read it aloud first.
const PATIENCE_MS: u64 = 60_000;

/// What a line means to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Do it.
    Yes,
    /// Do not; why, if there is more to say than that.
    No(String),
    /// Not, and the line is a word of its own.
    Instead(Word),
    /// The question goes on: what to say.
    Again(String),
}

/// What was asked, of which state, and how far the answer is.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// What is asked.
    pub(super) ask: Ask,
    /// The state it was asked of.
    pub(super) seen: Option<Arc<Snapshot>>,
    /// The reason of an override, once it was given.
    pub(super) reason: String,
    /// When it had left for the terminal, in milliseconds; `None` before that.
    pub(super) shown_ms: Option<u64>,
    /// When it becomes "no", in milliseconds.
    pub(super) until_ms: u64,
}

impl Question {
    /// A question that is about to be shown.
    pub(super) fn new(ask: Ask, seen: Option<Arc<Snapshot>>, reason: String, now_ms: u64) -> Self {
        let until_ms = now_ms + ask.lives_ms(true).max(PATIENCE_MS);
        Self { ask, seen, reason, shown_ms: None, until_ms }
    }

    /// The digest consent is given to.
    pub(super) fn expect(&self) -> Option<String> {
        Some(self.seen.as_ref().filter(|_| self.ask.is_bound())?.status.digest.clone())
    }

    /// What has to be typed to switch: the candidate's version, or its side where the version is unknown.
    fn wanted(&self) -> Option<String> {
        let (side, status) = candidate(self.seen.as_deref()?);
        Some(status.version.as_ref().map_or_else(|| side.name().to_owned(), |version| version.name.clone()))
    }

    /// Whether the candidate's version is the answer: a switch, and what the config adds.
    fn wants_version(&self) -> bool {
        let added = |snapshot: &Arc<Snapshot>| snapshot.status.wants_typed(&Command::Promote);
        self.ask == Ask::Switch || (self.ask == Ask::Promote && self.seen.as_ref().is_some_and(added))
    }

    fn wants_reason(&self) -> bool {
        matches!(self.ask, Ask::Override { .. }) && self.reason.is_empty()
    }

    /// What is asked of the engine; `None` for leaving.
    pub(super) fn command(&self) -> Option<Command> {
        self.ask.command(&self.reason)
    }

    /// The last line of the question: what to type.
    pub(super) fn how(&self) -> String {
        let name = self.ask.name();
        match &self.ask {
            _ if self.wants_version() => match self.wanted() {
                Some(version) => format!("to {name}, type the version: {version}; an empty line = no"),
                None => format!("{name}: nothing was read yet"),
            },
            Ask::Override { gate } if self.reason.is_empty() => {
                format!("why may {gate} pass? type a reason of at least {REASON_MIN} characters; an empty line = no")
            }
            _ => format!("type yes to {name}; anything else = no"),
        }
    }

    /// What `line`, read at `at_ms`, means.
    pub(super) fn answer(&mut self, line: &str, at_ms: u64) -> Answer {
        let word = words::parse(line);
        if let Ok(Word::Ask(again)) = &word
            && *again == self.ask
        {
            return Answer::Again(self.how());
        }
        match word {
            // Reason: what makes things safer is never taken for an answer, not even for a reason.
            Ok(word @ (Word::Ask(Ask::Rollback | Ask::Abort) | Word::Pause)) => return Answer::Instead(word),
            Ok(Word::Nothing) => return Answer::No(String::new()),
            _ if self.ask.is_forward() && self.shown_ms.is_none_or(|at| at_ms < at + ARMING_MS) => {
                return Answer::No("the answer came before the question could be read".into());
            }
            _ => {}
        }
        let typed = line.trim();
        let no = matches!(typed.to_lowercase().as_str(), "n" | "no");
        if self.wants_version() && self.wanted().as_deref() == Some(typed) {
            return Answer::Yes;
        }
        if self.wants_reason() && !no {
            return self.take_reason(typed);
        }
        match word {
            _ if no => Answer::No(String::new()),
            _ if !self.wants_version() && matches!(typed.to_lowercase().as_str(), "y" | "yes") => Answer::Yes,
            Ok(word) => Answer::Instead(word),
            Err(_) if self.wants_version() => Answer::No("that is not its version".into()),
            Err(_) => Answer::No("that is not yes".into()),
        }
    }

    fn take_reason(&mut self, typed: &str) -> Answer {
        if typed.chars().count() < REASON_MIN {
            return Answer::No(format!("a reason has at least {REASON_MIN} characters"));
        }
        typed.clone_into(&mut self.reason);
        self.shown_ms = None;
        Answer::Again(self.how())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{Script, status};

    fn question(ask: Ask) -> Question {
        let mut question = Question::new(ask, Some(Script::new(status()).snapshot()), String::new(), 0);
        question.shown_ms = Some(1_000);
        question
    }

    #[test]
    fn t51_each_question_has_one_answer_that_means_yes() {
        let version = question(Ask::Switch).wanted().unwrap();
        let golden = || Ask::Override { gate: "golden".into() };
        for (ask, line, at, want) in [
            (Ask::Rollback, "y", 0, Answer::Yes),
            (Ask::Rollback, "YES", 0, Answer::Yes),
            (Ask::Rollback, "", 0, Answer::No(String::new())),
            (Ask::Abort, "yes", 0, Answer::Yes),
            (Ask::Promote, "yes", 1_400, Answer::Yes),
            (Ask::Promote, "yes", 1_399, Answer::No("the answer came before the question could be read".into())),
            (Ask::Promote, "no", 9_000, Answer::No(String::new())),
            (Ask::Promote, "perhaps", 9_000, Answer::No("that is not yes".into())),
            (Ask::Promote, "status", 9_000, Answer::Instead(Word::Status)),
            (Ask::Promote, "rollback", 0, Answer::Instead(Word::Ask(Ask::Rollback))),
            (Ask::Switch, "yes", 9_000, Answer::No("that is not its version".into())),
            (Ask::Switch, version.as_str(), 9_000, Answer::Yes),
            (
                Ask::Switch,
                version.as_str(),
                1_000,
                Answer::No("the answer came before the question could be read".into()),
            ),
            (Ask::Switch, "pause", 0, Answer::Instead(Word::Pause)),
            (golden(), "too short", 9_000, Answer::No("a reason has at least 10 characters".into())),
        ] {
            assert_eq!(question(ask.clone()).answer(line, at), want, "{ask:?} {line:?} at {at}");
        }
    }

    #[test]
    fn a_question_not_yet_shown_takes_no_answer_but_rollback() {
        for (ask, yes) in [(Ask::Rollback, true), (Ask::Abort, true), (Ask::Promote, false), (Ask::TakeOver, false)] {
            let mut question = question(ask.clone());
            question.shown_ms = None;
            assert_eq!(question.answer("yes", 99_000) == Answer::Yes, yes, "{ask:?}");
        }
    }

    #[test]
    fn an_override_takes_a_reason_and_then_a_yes_that_was_read_for() {
        let mut question = question(Ask::Override { gate: "golden".into() });
        assert!(matches!(question.answer("the labels are late", 9_000), Answer::Again(_)));
        assert!(matches!(question.answer("yes", 9_000), Answer::No(_)), "the second question was not shown yet");
        question.shown_ms = Some(10_000);
        assert_eq!(question.answer("yes", 10_400), Answer::Yes);
        let Some(Command::Override { gate, reason }) = question.command() else { panic!() };
        assert_eq!((gate.as_str(), reason.as_str()), ("golden", "the labels are late"));
    }

    #[test]
    fn a_line_that_repeats_the_verb_never_confirms() {
        let mut question = question(Ask::Rollback);
        assert!(matches!(question.answer("rollback", 0), Answer::Again(_)));
    }
}

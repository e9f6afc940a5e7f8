//! An open question, and what each key or line means to it.
//!
//! A light question (rollback, abort, leaving) accepts its answer at once. A heavy one accepts it only
//! [`ARMING_MS`](super::ARMING_MS) after it reached the terminal, and becomes void when its state changes. A switch requires the candidate's version
//! as typed text; an override requires a reason and then a separate yes. The key or word that opened a question never
//! confirms it.

use std::sync::Arc;

use super::answer::{Answer, Press, Refused, Shown, Wants};
use super::changes::Change;
use super::commands::{Topic, Weight};
use crate::engine::snapshot::Status;
use crate::engine::{Command, MIN_REASON, Snapshot};

/// An open question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    topic: Topic,
    /// The state when it was opened; `None` before the first reading.
    seen: Option<Arc<Snapshot>>,
    wants: Wants,
    until_ms: u64,
    /// Since when it is on the terminal.
    pub shown: Shown,
}

impl Question {
    /// A question about `topic` in the state `seen`, opened at `now_ms`.
    pub(crate) fn new(topic: impl Into<Topic>, seen: Option<Arc<Snapshot>>, now_ms: u64) -> Self {
        let topic = topic.into();
        let wants = wants(&topic, seen.as_deref());
        let lives_ms = match (topic.terms().weight, &wants) {
            (Weight::None | Weight::Light, _) => 10_000,
            (Weight::Heavy, Wants::Yes) => 20_000,
            (Weight::Heavy, Wants::Version(_) | Wants::Reason) => 60_000,
        };
        Self { topic, seen, wants, until_ms: now_ms + lives_ms, shown: Shown::default() }
    }

    /// The same question, open until at least `at_ms`.
    #[must_use]
    pub(crate) fn open_until(mut self, at_ms: u64) -> Self {
        self.until_ms = self.until_ms.max(at_ms);
        self
    }

    /// What it is about.
    pub(crate) const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The state when it was opened.
    pub(crate) fn seen(&self) -> Option<&Snapshot> {
        self.seen.as_deref()
    }

    /// What it waits for.
    pub(crate) const fn wants(&self) -> &Wants {
        &self.wants
    }

    /// Whether the whole effect is shown before it, and the answer must wait.
    pub(crate) fn is_heavy(&self) -> bool {
        self.topic.terms().weight == Weight::Heavy
    }

    /// Whether it accepts typed text now.
    pub(crate) fn is_typing(&self) -> bool {
        self.wants != Wants::Yes
    }

    /// The given reason, if the command has one.
    pub(crate) fn reason(&self) -> Option<&str> {
        match &self.topic {
            Topic::Command(command) => command.reason().filter(|reason| !reason.is_empty()),
            Topic::Leave => None,
        }
    }

    /// The command that a yes sends; `None` for leaving.
    pub(crate) const fn command(&self) -> Option<&Command> {
        match &self.topic {
            Topic::Command(command) => Some(command),
            Topic::Leave => None,
        }
    }

    /// The digest to which the consent is bound.
    pub(crate) fn expect(&self) -> Option<String> {
        let seen = self.seen.as_ref().filter(|_| self.topic.terms().bound)?;
        Some(seen.status.digest.clone())
    }

    /// What has changed by `now`, if that makes the consent void.
    pub(crate) fn void(&self, now: &Status) -> Option<Change> {
        let seen = self.seen.as_ref().filter(|_| self.topic.terms().bound)?;
        Change::between(&seen.status, now)
    }

    /// When it closes with "no", in milliseconds.
    pub(crate) const fn until_ms(&self) -> u64 {
        self.until_ms
    }

    /// Seconds until it closes with "no", rounded up.
    pub(crate) const fn left_s(&self, now_ms: u64) -> u64 {
        self.until_ms.saturating_sub(now_ms).div_ceil(1000)
    }

    /// When its text changes without input.
    pub(crate) fn next_change(&self, now_ms: u64) -> u64 {
        let second = self.until_ms.saturating_sub((self.left_s(now_ms).saturating_sub(1)) * 1000).min(self.until_ms);
        match self.shown.armed_at() {
            Some(at) if self.is_heavy() && at > now_ms => second.min(at),
            _ => second,
        }
    }

    /// Whether `text` is the required text.
    pub(crate) fn is_complete(&self, text: &str) -> bool {
        match &self.wants {
            Wants::Yes => false,
            Wants::Version(word) => word == text,
            Wants::Reason => text.trim().chars().count() >= MIN_REASON,
        }
    }

    /// The effect of a key while no text is typed.
    pub(crate) fn press(&self, press: Press, now_ms: u64) -> Answer {
        match press {
            Press::Opener => Answer::Nothing,
            Press::Escape => Answer::No(Refused::Said),
            Press::Rollback => Answer::Instead(Command::Rollback),
            Press::Pause => Answer::Instead(Command::Pause),
            press if self.is_heavy() => self.press_heavy(press, now_ms),
            Press::Yes => Answer::Yes,
            // Reason: with Caps Lock on, `a` `y` must not end a rollout, but a rollback must still work.
            Press::CapitalYes if self.command() == Some(&Command::Rollback) => Answer::Yes,
            _ => Answer::No(Refused::Said),
        }
    }

    fn press_heavy(&self, press: Press, now_ms: u64) -> Answer {
        match press {
            Press::Abort => Answer::Instead(Command::Abort),
            _ if !self.shown.is_armed(now_ms) => Answer::Nothing,
            Press::Yes => Answer::Yes,
            Press::No => Answer::No(Refused::Said),
            // Reason: Enter confirmed the reason. A second Enter must not discard it.
            Press::Enter if self.reason().is_none() => Answer::No(Refused::Said),
            _ => Answer::Nothing,
        }
    }

    /// The typed text is submitted.
    pub(crate) fn enter(&mut self, text: &str) -> Answer {
        if !self.is_complete(text) {
            return Answer::Nothing;
        }
        if self.wants != Wants::Reason {
            return Answer::Yes;
        }
        if let Topic::Command(Command::Override { reason, .. } | Command::Approve { reason, .. }) = &mut self.topic {
            text.trim().clone_into(reason);
        }
        self.wants = Wants::Yes;
        self.shown = Shown::default();
        Answer::GoOn
    }

    /// The effect of a whole line that was read at `at_ms`. An answer that comes too early is a no: it was typed or
    /// pasted together with the command, without reading the question.
    pub(crate) fn line(&mut self, line: &str, at_ms: u64) -> Answer {
        let typed = line.trim();
        if typed.is_empty() {
            return Answer::No(Refused::Said);
        }
        if self.is_heavy() && !self.shown.is_armed(at_ms) {
            return Answer::No(Refused::TooEarly);
        }
        if self.is_complete(typed) {
            return self.enter(typed);
        }
        match (typed.to_lowercase().as_str(), &self.wants) {
            ("n" | "no", _) => Answer::No(Refused::Said),
            ("y" | "yes", Wants::Yes) => Answer::Yes,
            (_, Wants::Yes) => Answer::No(Refused::NotYes),
            (_, Wants::Version(_)) => Answer::No(Refused::NotTheVersion),
            (_, Wants::Reason) => Answer::No(Refused::ShortReason),
        }
    }

    /// What to type, in one line.
    pub(crate) fn how(&self) -> String {
        let name = self.topic.name();
        match (&self.wants, self.command()) {
            (Wants::Version(word), _) => format!("to {name}, type the version: {word}; an empty line = no"),
            (Wants::Reason, Some(Command::Override { gate, .. } | Command::Approve { gate, .. })) => {
                format!("why may {gate} pass? type a reason of at least {MIN_REASON} characters; an empty line = no")
            }
            _ => format!("type yes to {name}; anything else = no"),
        }
    }
}

fn wants(topic: &Topic, seen: Option<&Snapshot>) -> Wants {
    let Topic::Command(command) = topic else { return Wants::Yes };
    if command.reason().is_some_and(str::is_empty) {
        return Wants::Reason;
    }
    let typed = |status: &&Status| *command == Command::Switch || status.wants_typed(command);
    match seen.map(|seen| &seen.status).filter(typed) {
        Some(status) => Wants::Version(version_word(status).to_owned()),
        None => Wants::Yes,
    }
}

/// The word that names the candidate: its version, or its side if the version is unknown.
pub fn version_word(status: &Status) -> &str {
    let side = status.candidate;
    status.sides[side].version.as_ref().map_or(side.name(), |version| version.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{Script, status};

    fn question(command: Command) -> Question {
        let mut question = Question::new(command, Some(Script::new(status()).snapshot()), 0);
        question.shown.drawn();
        question.shown.flushed(1_000);
        question
    }

    fn golden() -> Command {
        Command::Override { gate: "golden".into(), reason: String::new() }
    }

    #[test]
    fn t51_each_question_has_one_line_that_means_yes() {
        let status = status();
        let version = version_word(&status);
        for (command, line, at, want) in [
            (Command::Rollback, "y", 0, Answer::Yes),
            (Command::Rollback, "YES", 0, Answer::Yes),
            (Command::Rollback, "", 0, Answer::No(Refused::Said)),
            (Command::Abort, "yes", 0, Answer::Yes),
            (Command::Promote, "yes", 1_400, Answer::Yes),
            (Command::Promote, "yes", 1_399, Answer::No(Refused::TooEarly)),
            (Command::Promote, "no", 9_000, Answer::No(Refused::Said)),
            (Command::Promote, "perhaps", 9_000, Answer::No(Refused::NotYes)),
            (Command::Switch, "yes", 9_000, Answer::No(Refused::NotTheVersion)),
            (Command::Switch, version, 9_000, Answer::Yes),
            (Command::Switch, version, 1_000, Answer::No(Refused::TooEarly)),
            (golden(), "too short", 9_000, Answer::No(Refused::ShortReason)),
        ] {
            assert_eq!(question(command.clone()).line(line, at), want, "{command:?} {line:?} at {at}");
        }
    }

    #[test]
    fn a_question_not_yet_shown_takes_no_answer_but_to_go_back() {
        for (command, yes) in
            [(Command::Rollback, true), (Command::Abort, true), (Command::Promote, false), (Command::TakeOver, false)]
        {
            let mut question = question(command.clone());
            question.shown = Shown::default();
            assert_eq!(question.line("yes", 99_000) == Answer::Yes, yes, "{command:?}");
            assert_eq!(question.press(Press::Yes, 99_000) == Answer::Yes, yes, "{command:?}");
        }
    }

    #[test]
    fn an_override_takes_a_reason_and_then_a_yes_that_was_read_for() {
        let mut question = question(golden());
        assert_eq!(question.line("the labels are late", 9_000), Answer::GoOn);
        assert_eq!(question.line("yes", 9_000), Answer::No(Refused::TooEarly), "the second question was not shown yet");
        question.shown.drawn();
        question.shown.flushed(10_000);
        assert_eq!(question.line("yes", 10_400), Answer::Yes);
        let Some(Command::Override { gate, reason }) = question.command() else { panic!() };
        assert_eq!((gate.as_str(), reason.as_str()), ("golden", "the labels are late"));
    }

    #[test]
    fn only_a_rollback_takes_a_capital_yes_and_no_change_makes_it_void() {
        let mut moved = status();
        moved.digest = "b207".into();
        for (command, capital, void) in
            [(Command::Rollback, true, false), (Command::Abort, false, true), (Command::Promote, false, true)]
        {
            let question = question(command.clone());
            assert_eq!(question.press(Press::CapitalYes, 9_000) == Answer::Yes, capital, "{command:?}");
            assert_eq!(question.void(&moved).is_some(), void, "{command:?}");
            assert_eq!(question.expect().is_some(), void, "{command:?}");
            assert_eq!(question.void(&status()), None, "{command:?}");
        }
    }
}

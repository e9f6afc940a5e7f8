//! The console in lines, without terminal and clock: takes events and typed lines, returns lines and requests.

use std::collections::VecDeque;
use std::sync::Arc;

use super::sentences;
use super::words::{self, Word};
use crate::cli::changes::Comparable;
use crate::cli::confirm;
use crate::dialogue::{
    Answer, Answered, Obstacle, Question, Refused, Requests, Topic, Weight, gate_to_override, obstacle,
};
use crate::domain::{Actor, LogLine};
use crate::engine::{Command, MIN_REASON, RefusalKind, Reply, Request, Snapshot, Status};

/// The most log lines that are kept.
const LOG: usize = 500;
/// The shortest time a question stays open, in milliseconds.
const PATIENCE_MS: u64 = 60_000;
/// A second Ctrl-C within this time leaves, in milliseconds.
const INTERRUPT_MS: u64 = 2_000;

/// An action for the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Print this line. News may be left out when the terminal is too slow; answers may not.
    Say {
        /// The line.
        text: String,
        /// Whether it is news.
        news: bool,
    },
    /// Send this request to the engine.
    Ask(Request),
    /// Start another scenario of the demo.
    Scenario(String),
    /// Leave with this exit code.
    Leave(u8),
}

/// The exact request that a command would send.
pub(super) type Preview<'a> = &'a dyn Fn(&Command) -> Vec<String>;

/// The last state read, the last state printed, and the open question.
pub(super) struct LineConsole {
    requests: Requests,
    scenarios: Vec<String>,
    snapshot: Option<Arc<Snapshot>>,
    reported: Option<(Comparable, String)>,
    question: Option<Question>,
    interrupted_ms: Option<u64>,
    log: VecDeque<LogLine>,
    out: Vec<Action>,
}

impl LineConsole {
    /// A console that has printed nothing yet. `scenarios` are those of a demo.
    pub(super) fn new(me: Actor, scenarios: Vec<String>) -> Self {
        Self {
            requests: Requests::new(me),
            scenarios,
            snapshot: None,
            reported: None,
            question: None,
            interrupted_ms: None,
            log: VecDeque::new(),
            out: Vec::new(),
        }
    }

    /// Takes the actions for the loop.
    pub(super) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.out)
    }

    /// Whether a question has not reached the terminal yet.
    pub(super) fn awaits_flush(&self) -> bool {
        self.question.as_ref().is_some_and(|question| !question.shown.is_seen())
    }

    /// Everything printed so far has reached the terminal.
    pub(super) fn flushed(&mut self, now_ms: u64) {
        if let Some(question) = &mut self.question {
            question.shown.drawn();
            question.shown.flushed(now_ms);
        }
    }

    /// When the open question closes with "no", in milliseconds.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.question.as_ref().map(Question::until_ms)
    }

    /// Closes a question that was not answered in time.
    pub(super) fn expire(&mut self, now_ms: u64) {
        if self.next_deadline().is_some_and(|at| at <= now_ms) {
            self.close("no answer in time");
        }
    }

    /// Keeps the newest state without printing it.
    pub(super) fn know(&mut self, new: &Arc<Snapshot>) {
        self.snapshot = Some(Arc::clone(new));
        self.close_if_changed();
    }

    /// Prints what has changed since the last report; the first time, the whole state.
    pub(super) fn tell(&mut self, new: &Arc<Snapshot>) {
        let status = &new.status;
        let (seen, driver) = (Comparable::of(&worth_reporting(status)), sentences::driver(status));
        match self.reported.take() {
            None => self.say_all(sentences::status(status)),
            Some((before, told)) => {
                if told != driver {
                    self.news(driver.clone());
                }
                for change in seen.changes(Some(&before)) {
                    self.news(format!("{} {change}", status.time.format("%H:%M:%S")));
                }
            }
        }
        self.reported = Some((seen, driver));
        self.know(new);
        if self.requests.rolled_back(status.last_order.as_ref()).is_some() {
            self.say("why was it rolled back? type note and the reason, for the journal");
        }
    }

    /// Handles a line of a gate or an event of the journal. Old lines and lines of gates are only kept for the word
    /// `log`: the result of a gate is printed as a change.
    pub(super) fn log(&mut self, line: LogLine, old: bool) {
        let gates = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.status.gates);
        if !old && !gates.iter().any(|gate| gate.name == line.source) {
            self.news(sentences::log_line(&line));
        }
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// The engine's answer to a request.
    pub(super) fn reply(&mut self, id: u64, reply: &Reply) {
        match self.requests.answered(id, reply) {
            Some(Answered::Sent(text) | Answered::Done(text) | Answered::Refused(text)) => self.say(&text),
            None => {}
        }
    }

    /// Handles Ctrl-C: the first one closes the question and says so, the second one leaves.
    pub(super) fn interrupt(&mut self, now_ms: u64) {
        if self.interrupted_ms.replace(now_ms).is_some_and(|at| now_ms.saturating_sub(at) <= INTERRUPT_MS) {
            return self.out.push(Action::Leave(130));
        }
        if self.question.is_some() {
            self.close("interrupted");
        }
        self.say("Ctrl-C again within 2 s leaves; traffic stays where it is");
    }

    /// Handles a typed line that was read at `at_ms`.
    pub(super) fn line(&mut self, text: &str, at_ms: u64, now_ms: u64, preview: Preview<'_>) {
        self.expire(now_ms);
        let word = words::parse(text);
        let Some(mut question) = self.question.take() else {
            return match word {
                Ok(word) => self.word(word, now_ms, preview),
                Err(why) => self.say(&why),
            };
        };
        let (answer, word) = match word {
            Ok(Word::Ask(again)) if question.command() == Some(&again) => return self.put(question),
            // Reason: a word that makes things safer is never an answer, and never a reason.
            Ok(Word::Ask(safer @ (Command::Rollback | Command::Abort | Command::Pause))) => {
                (Answer::Instead(safer.clone()), Some(Word::Ask(safer)))
            }
            Ok(Word::Nothing) => (question.line("", at_ms), None),
            word => (question.line(text, at_ms), word.ok()),
        };
        match (answer, word) {
            (Answer::Yes, _) => self.agreed(&question),
            (Answer::GoOn | Answer::Nothing, _) => self.put(question),
            (Answer::Instead(_) | Answer::No(Refused::NotYes | Refused::NotTheVersion), Some(word)) => {
                self.cancel(&question, "cancelled");
                self.word(word, now_ms, preview);
            }
            (Answer::Instead(_), None) => self.cancel(&question, "cancelled"),
            (Answer::No(why), _) => self.cancel(&question, &why.text()),
        }
    }

    fn agreed(&mut self, question: &Question) {
        match question.command() {
            Some(command) => self.ask(command.clone(), question.expect()),
            None => self.out.push(Action::Leave(0)),
        }
    }

    fn close(&mut self, why: &str) {
        if let Some(question) = self.question.take() {
            self.cancel(&question, why);
        }
    }

    fn cancel(&mut self, question: &Question, why: &str) {
        self.say(&format!("{}: {why}; nothing was sent", question.topic().name()));
    }

    /// Closes the question if the consent was for another state.
    fn close_if_changed(&mut self) {
        let Some(now) = self.snapshot.clone() else { return };
        if let Some(change) = self.question.as_ref().and_then(|question| question.void(&now.status)) {
            self.close(&format!("STATE CHANGED {} > {}: {}, cancelled", change.was, change.now, change.what));
        }
    }

    fn word(&mut self, word: Word, now_ms: u64, preview: Preview<'_>) {
        match word {
            Word::Nothing => {}
            Word::Ask(Command::Pause) => self.ask(Command::Pause, None),
            Word::Ask(command) => self.open(&command, now_ms, preview),
            Word::Override { gate, reason } => self.open_override(gate.as_deref(), reason, now_ms, preview),
            Word::AutoOff => self.ask(Command::Auto { on: false }, None),
            Word::RunGates(only) => self.ask(Command::RunGates { only }, None),
            Word::Note(text) => self.ask(Command::Note { text }, None),
            Word::Help => {
                let words = words::all().filter(|(word, _)| *word != "scenario" || !self.scenarios.is_empty());
                let lines: Vec<String> =
                    words.enumerate().map(|(at, (word, does))| format!("{}. {word}: {does}", at + 1)).collect();
                self.say_all(lines);
            }
            Word::Quit => self.quit(now_ms),
            Word::Log(count) => self.last_lines(count),
            Word::Scenario(name) => self.scenario(name),
            Word::Status | Word::Gates(_) | Word::Blocked => self.look(&word),
        }
    }

    fn look(&mut self, word: &Word) {
        let Some(snapshot) = self.snapshot.clone() else { return self.say("nothing was read yet") };
        let status = &snapshot.status;
        let lines = match word {
            Word::Gates(None) => sentences::gates(&status.gates),
            Word::Gates(Some(named)) => {
                sentences::find(&status.gates, named).map_or_else(|why| vec![why], sentences::gate)
            }
            Word::Blocked => sentences::blocked(status),
            _ => sentences::status(status),
        };
        self.say_all(lines);
    }

    fn last_lines(&mut self, count: usize) {
        let last = self.log.iter().skip(self.log.len().saturating_sub(count)).enumerate();
        let lines: Vec<String> = last.map(|(at, line)| format!("{}. {}", at + 1, sentences::log_line(line))).collect();
        self.say_all(if lines.is_empty() { vec!["the log is empty".into()] } else { lines });
    }

    fn scenario(&mut self, name: String) {
        if self.scenarios.contains(&name) {
            return self.out.push(Action::Scenario(name));
        }
        let known = if self.scenarios.is_empty() {
            "only a demo has scenarios".to_owned()
        } else {
            format!("there are: {}", self.scenarios.join(", "))
        };
        self.say(&format!("no scenario {name:?}: {known}"));
    }

    fn quit(&mut self, now_ms: u64) {
        let order = self.snapshot.as_ref().and_then(|snapshot| snapshot.status.last_order.as_ref());
        let Some(order) = order.filter(|order| !order.state.is_settled()) else {
            return self.out.push(Action::Leave(0));
        };
        let text = format!("order {} ({}) is {}: it goes on without you", order.id, order.command, order.state.title());
        self.say(&text);
        self.put(question(Topic::Leave, None, now_ms));
    }

    /// Opens the question before `command`, or says why that is not possible.
    fn open(&mut self, command: &Command, now_ms: u64, preview: Preview<'_>) {
        let topic = Topic::from(command.clone());
        let snapshot = self.snapshot.clone();
        let status = snapshot.as_ref().map(|snapshot| &snapshot.status);
        let obstacle = obstacle(&topic, status);
        if let Some(obstacle @ (Obstacle::Unread | Obstacle::Drives)) = obstacle {
            return self.say(&format!("{}: {obstacle}", topic.name()));
        }
        let mut lines = status.map_or_else(Vec::new, |status| confirm::effect(command, status));
        if topic.terms().weight == Weight::Heavy {
            lines.extend(preview(command).into_iter().map(|line| format!("would send: {line}")));
        }
        if let Some(obstacle) = obstacle {
            lines.push(format!("{} is blocked: {obstacle}; type blocked for all of it", command.verb()));
            return self.say_all(lines);
        }
        self.say_all(lines);
        self.put(question(topic, snapshot, now_ms));
    }

    fn open_override(&mut self, named: Option<&str>, reason: String, now_ms: u64, preview: Preview<'_>) {
        let Some(snapshot) = self.snapshot.clone() else { return self.say("nothing was read yet") };
        match gate_to_override(&snapshot.status.gates, named) {
            Err(why) => self.say(&why),
            Ok(_) if !reason.is_empty() && reason.chars().count() < MIN_REASON => {
                self.say(&format!("override: {}; nothing was done", Refused::ShortReason.text()));
            }
            Ok(gate) => self.open(&Command::Override { gate: gate.name.clone(), reason }, now_ms, preview),
        }
    }

    fn put(&mut self, question: Question) {
        self.say(&question.how());
        self.question = Some(question);
    }

    fn ask(&mut self, command: Command, expect: Option<String>) {
        let request = self.requests.make(command, expect, 0);
        self.out.push(Action::Ask(request));
    }

    pub(super) fn say(&mut self, text: &str) {
        self.out.push(Action::Say { text: text.to_owned(), news: false });
    }

    fn say_all(&mut self, lines: Vec<String>) {
        self.out.extend(lines.into_iter().map(|text| Action::Say { text, news: false }));
    }

    fn news(&mut self, text: String) {
        self.out.push(Action::Say { text, news: true });
    }
}

/// A question that stays open long enough for a screen reader.
fn question(topic: Topic, seen: Option<Arc<Snapshot>>, now_ms: u64) -> Question {
    Question::new(topic, seen, now_ms).open_until(now_ms + PATIENCE_MS)
}

/// `status` without the parts that are printed in another way: orders are events, gates have their own lines, and
/// blockers that only wait for an order in flight end soon.
fn worth_reporting(status: &Status) -> Status {
    let mut kept = status.clone();
    kept.last_order = None;
    kept.blocked.retain(|blocked| {
        let tells = match blocked.kind {
            RefusalKind::Journal | RefusalKind::Stale => true,
            RefusalKind::Blocked => blocked.gate.is_none(),
            _ => false,
        };
        blocked.command == Command::Promote && tells
    });
    kept
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;

//! The console in lines, without its terminal and its clock: what happened goes in, lines and requests come out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::question::{Answer, Question};
use super::tell;
use super::words::{self, Word};
use crate::cli::changes::Seen;
use crate::cli::confirm;
use crate::domain::{Actor, LogLine, OrderId, OrderState};
use crate::engine::snapshot::GateState;
use crate::engine::{Command, RefusalKind, Reply, Request, Snapshot, Status};
use crate::ui::view::prompt::Ask;

/// Lines of the log that are kept.
const LOG: usize = 500;
/// Requests whose answer is waited for at most; older ones are forgotten.
const PENDING: usize = 32;
/// Within this time a second Ctrl-C leaves, in milliseconds.
const INTERRUPT_MS: u64 = 2_000;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Do {
    /// Print this line; news may be left out where nobody reads as fast, the rest may not.
    Say {
        /// The line.
        text: String,
        /// Whether it is news.
        news: bool,
    },
    /// Ask the engine.
    Ask(Request),
    /// Play another scenario of the demo.
    Scenario(String),
    /// Leave with this exit code.
    Leave(u8),
}

/// The exact request a command would be.
pub(super) type Preview<'a> = &'a dyn Fn(&Command) -> Vec<String>;

/// The state of the conversation.
pub(super) struct Desk {
    me: Actor,
    scenarios: Vec<String>,
    snapshot: Option<Arc<Snapshot>>,
    told: Option<(Seen, String)>,
    question: Option<Question>,
    pending: VecDeque<(u64, Command)>,
    next_id: u64,
    interrupted_ms: Option<u64>,
    /// A rollback of ours whose reason is asked for once it is read back.
    rollback: Option<OrderId>,
    log: VecDeque<LogLine>,
    out: Vec<Do>,
}

impl Desk {
    /// A desk at which nothing was said yet; `scenarios` are those a demo knows.
    pub(super) fn new(me: Actor, scenarios: Vec<String>) -> Self {
        Self {
            me,
            scenarios,
            snapshot: None,
            told: None,
            question: None,
            pending: VecDeque::new(),
            next_id: 1,
            interrupted_ms: None,
            rollback: None,
            log: VecDeque::new(),
            out: Vec::new(),
        }
    }

    /// What is to be done by now, once.
    pub(super) fn take(&mut self) -> Vec<Do> {
        std::mem::take(&mut self.out)
    }

    /// Whether a question waits to be seen.
    pub(super) fn awaits_flush(&self) -> bool {
        self.question.as_ref().is_some_and(|question| question.shown_ms.is_none())
    }

    /// Everything said so far has left for the terminal.
    pub(super) fn flushed(&mut self, now_ms: u64) {
        if let Some(question) = &mut self.question {
            question.shown_ms.get_or_insert(now_ms);
        }
    }

    /// When something happens by itself, in milliseconds.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.question.as_ref().map(|question| question.until_ms)
    }

    /// A question that nobody answered becomes "no".
    pub(super) fn expire(&mut self, now_ms: u64) {
        if self.question.as_ref().is_some_and(|question| question.until_ms <= now_ms) {
            self.close("no answer in time");
        }
    }

    /// Keeps the newest state without telling it.
    pub(super) fn know(&mut self, new: &Arc<Snapshot>) {
        self.snapshot = Some(Arc::clone(new));
        self.close_if_changed();
    }

    /// Tells what is other than when it was told last; the first time, how things stand.
    pub(super) fn tell(&mut self, new: &Arc<Snapshot>) {
        let status = &new.status;
        let (seen, driver) = (Seen::of(&heard(status)), tell::driver(status));
        match self.told.take() {
            None => self.out.extend(tell::status(status).into_iter().map(|text| Do::Say { text, news: false })),
            Some((before, told)) => {
                if told != driver {
                    self.news(driver.clone());
                }
                for change in seen.changes(Some(&before)) {
                    self.news(format!("{} {change}", status.time.format("%H:%M:%S")));
                }
            }
        }
        self.told = Some((seen, driver));
        self.know(new);
        let order = status.last_order.as_ref().filter(|order| self.rollback.as_ref() == Some(&order.id));
        if let Some(state) = order.map(|order| order.state).filter(|state| state.is_settled()) {
            self.rollback = None;
            if state == OrderState::Verified {
                self.say("why was it rolled back? type note and the reason, for the journal");
            }
        }
    }

    /// A line of a gate, or an event of the journal. Old ones and those of gates are only kept for the word `log`: what
    /// a gate comes to is told as a change.
    pub(super) fn log(&mut self, line: LogLine, old: bool) {
        let gates = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.status.gates);
        if !old && !gates.iter().any(|gate| gate.name == line.source) {
            self.news(tell::log_line(&line));
        }
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// The engine's answer to a request.
    pub(super) fn reply(&mut self, id: u64, reply: &Reply) {
        let Some(at) = self.pending.iter().position(|(pending, _)| *pending == id) else { return };
        let Some((_, command)) = self.pending.remove(at) else { return };
        let verb = command.verb();
        match reply {
            Reply::Ordered { id } => {
                self.say(&format!("{verb} {id} SENT"));
                if command == Command::Rollback {
                    self.rollback = Some(id.clone());
                }
            }
            Reply::Done if command == Command::Pause => {
                self.say("paused: the plan stays where it is, traffic does not move");
            }
            Reply::Done => self.say(&format!("{verb}: done")),
            Reply::AlreadySo { text } => self.say(&format!("{verb}: {text}")),
            Reply::Refused(refusal) => self.say(&format!("REFUSED {verb}: {}", refusal.text)),
        }
    }

    /// Ctrl-C: the first closes the question and says so, the second leaves.
    pub(super) fn interrupt(&mut self, now_ms: u64) {
        if self.interrupted_ms.replace(now_ms).is_some_and(|at| now_ms.saturating_sub(at) <= INTERRUPT_MS) {
            return self.out.push(Do::Leave(130));
        }
        if self.question.is_some() {
            self.close("interrupted");
        }
        self.say("Ctrl-C again within 2 s leaves; traffic stays where it is");
    }

    /// A line was typed, read at `at_ms`.
    pub(super) fn line(&mut self, text: &str, at_ms: u64, now_ms: u64, preview: Preview<'_>) {
        self.expire(now_ms);
        let Some(mut question) = self.question.take() else {
            return match words::parse(text) {
                Ok(word) => self.word(word, now_ms, preview),
                Err(why) => self.say(&why),
            };
        };
        match question.answer(text, at_ms) {
            Answer::Yes => self.agreed(&question),
            Answer::Again(how) => {
                self.question = Some(question);
                self.say(&how);
            }
            Answer::No(why) => {
                self.question = Some(question);
                self.close(if why.is_empty() { "no" } else { &why });
            }
            Answer::Instead(word) => {
                self.question = Some(question);
                self.close("cancelled");
                self.word(word, now_ms, preview);
            }
        }
    }

    fn agreed(&mut self, question: &Question) {
        match question.command() {
            Some(command) => self.ask(command, question.expect()),
            None => self.out.push(Do::Leave(0)),
        }
    }

    fn close(&mut self, why: &str) {
        if let Some(question) = self.question.take() {
            self.say(&format!("{}: {why}; nothing was sent", question.ask.name()));
        }
    }

    /// Consent was for another state: the question closes.
    fn close_if_changed(&mut self) {
        let Some(now) = self.snapshot.as_ref().map(|snapshot| snapshot.status.digest.clone()) else { return };
        let Some(was) = self.question.as_ref().and_then(Question::expect).filter(|was| *was != now) else { return };
        self.close(&format!("STATE CHANGED {was} > {now}: cancelled"));
    }

    fn word(&mut self, word: Word, now_ms: u64, preview: Preview<'_>) {
        match word {
            Word::Nothing => {}
            Word::Ask(ask) => self.open(ask, String::new(), now_ms, preview),
            Word::Override { gate, reason } => self.open_override(gate.as_deref(), reason, now_ms, preview),
            Word::Pause => self.ask(Command::Pause, None),
            Word::AutoOff => self.ask(Command::Auto { on: false }, None),
            Word::RunGates(only) => self.ask(Command::RunGates { only }, None),
            Word::Note(text) => self.ask(Command::Note { text }, None),
            Word::Help => {
                let words = words::WORDS.iter().filter(|(word, _)| *word != "scenario" || !self.scenarios.is_empty());
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
            Word::Gates(None) => tell::gates(&status.gates),
            Word::Gates(Some(named)) => tell::find(&status.gates, named).map_or_else(|why| vec![why], tell::gate),
            Word::Blocked => tell::blocked(status),
            _ => tell::status(status),
        };
        self.say_all(lines);
    }

    fn last_lines(&mut self, count: usize) {
        let last = self.log.iter().skip(self.log.len().saturating_sub(count)).enumerate();
        let lines: Vec<String> = last.map(|(at, line)| format!("{}. {}", at + 1, tell::log_line(line))).collect();
        self.say_all(if lines.is_empty() { vec!["the log is empty".into()] } else { lines });
    }

    fn scenario(&mut self, name: String) {
        if self.scenarios.contains(&name) {
            return self.out.push(Do::Scenario(name));
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
            return self.out.push(Do::Leave(0));
        };
        let text = format!("order {} ({}) is {}: it goes on without you", order.id, order.command, order.state.title());
        self.say(&text);
        self.put(Question::new(Ask::Quit, None, String::new(), now_ms));
    }

    /// Asks, or says why it cannot be asked now.
    fn open(&mut self, ask: Ask, reason: String, now_ms: u64, preview: Preview<'_>) {
        let Some(command) = ask.command(&reason) else { return };
        let Some(snapshot) = self.snapshot.clone() else {
            if ask == Ask::Rollback {
                return self.put(Question::new(ask, None, reason, now_ms));
            }
            return self.say(&format!("{}: nothing was read yet", ask.name()));
        };
        let status = &snapshot.status;
        let mut lines = confirm::effect(&command, status);
        if ask.is_forward() {
            lines.extend(preview(&command).into_iter().map(|line| format!("would send: {line}")));
        }
        let verb = command.verb();
        let because = if status.driver.read_only {
            Some("this console was started read-only".to_owned())
        } else if ask == Ask::Rollback {
            None
        } else {
            status.blockers(&command).next().map(|blocked| blocked.because.clone())
        };
        if let Some(because) = because {
            lines.push(format!("{verb} is blocked: {because}; type blocked for all of it"));
            return self.say_all(lines);
        }
        self.say_all(lines);
        self.put(Question::new(ask, Some(snapshot), reason, now_ms));
    }

    fn open_override(&mut self, named: Option<&str>, reason: String, now_ms: u64, preview: Preview<'_>) {
        let Some(snapshot) = self.snapshot.clone() else { return self.say("nothing was read yet") };
        let gates = &snapshot.status.gates;
        let failing: Vec<&str> =
            gates.iter().filter(|gate| gate.status == GateState::Failed).map(|gate| gate.name.as_str()).collect();
        let gate = match (named, failing.as_slice()) {
            (Some(named), _) => tell::find(gates, named),
            (None, [only]) => tell::find(gates, only),
            (None, []) => Err("override: no gate fails".into()),
            (None, _) => Err(format!("override: several gates fail: override NAME, of {}", failing.join(", "))),
        };
        match gate {
            Err(why) => self.say(&why),
            Ok(gate) if gate.status != GateState::Failed => {
                let state = gate.status.title();
                self.say(&format!("override: gate {} is {state}, only a failed one can be overridden", gate.name));
            }
            Ok(_) if !reason.is_empty() && reason.chars().count() < crate::ui::view::prompt::REASON_MIN => {
                self.say("override: a reason has at least 10 characters; nothing was done");
            }
            Ok(gate) => self.open(Ask::Override { gate: gate.name.clone() }, reason, now_ms, preview),
        }
    }

    fn put(&mut self, question: Question) {
        self.say(&question.how());
        self.question = Some(question);
    }

    fn ask(&mut self, command: Command, expect: Option<String>) {
        let id = self.next_id;
        self.next_id += 1;
        if self.pending.len() == PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back((id, command.clone()));
        self.out.push(Do::Ask(Request { id, by: self.me.clone(), command, expect, why: None }));
    }

    pub(super) fn say(&mut self, text: &str) {
        self.out.push(Do::Say { text: text.to_owned(), news: false });
    }

    fn say_all(&mut self, lines: Vec<String>) {
        self.out.extend(lines.into_iter().map(|text| Do::Say { text, news: false }));
    }

    fn news(&mut self, text: String) {
        self.out.push(Do::Say { text, news: true });
    }
}

/// `status` without what is told in another way: orders are events, gates have lines of their own, and what waits for
/// an order under way will not wait long.
fn heard(status: &Status) -> Status {
    let mut heard = status.clone();
    heard.last_order = None;
    heard.blocked.retain(|blocked| {
        let tells = match blocked.kind {
            RefusalKind::Journal | RefusalKind::Stale => true,
            RefusalKind::Blocked => blocked.gate.is_none(),
            _ => false,
        };
        blocked.command == Command::Promote && tells
    });
    heard
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;

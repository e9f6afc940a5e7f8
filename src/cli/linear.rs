//! The console in lines: for screen readers, and for terminals that cannot move their cursor.
//!
//! It appends one line per change. Nothing is redrawn, moved or coloured, and only text is sent. Commands and answers
//! are words. Otherwise it works like the full-screen console: it holds the driver's lease, runs missing gates, lets
//! guards act, and reacts in the same way when its operator is disconnected. [`lines`] decides what to print and what
//! to ask for; it has no clock and no terminal.

mod lines;
mod sentences;
#[cfg(test)]
pub(super) mod testing;
mod typed;
mod words;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use self::lines::{Action, LineConsole};
use self::typed::KeyboardInput;
use super::exit::Exit;
use super::failure::Failure;
use super::out::Out;
use super::session::FIRST_LOOK;
use crate::domain::{Actor, Closing, LogLine, Service};
use crate::engine::{Access, Event, Reply};
use crate::runtime::console::{self, after_loss};
use crate::runtime::{Core, Incoming, Outcome, Systems};
use crate::terminal::{Signal, Signals};

/// In place of "no deadline".
const NEVER: Duration = Duration::from_secs(3600);

/// The parts of the console in lines.
pub(super) struct Setup {
    /// The service.
    pub(super) service: Service,
    /// Its traffic system and checks.
    pub(super) systems: Systems,
    /// The operator.
    pub(super) me: Actor,
    /// What this process may do.
    pub(super) access: Access,
    /// The scenarios of a demo, and where the chosen name is sent.
    pub(super) scenarios: Option<(Vec<String>, mpsc::Sender<String>)>,
    /// Log lines of a demo; a closed channel when there is no demo.
    pub(super) story: mpsc::Receiver<LogLine>,
}

/// Runs the console until the operator leaves or is disconnected.
pub(super) async fn run(setup: Setup, out: &mut Out) -> Result<Exit, Failure> {
    let mut signals =
        Signals::listen().map_err(|error| Failure::error(format!("signals cannot be handled: {error}")))?;
    let mut typed = typed::listen().map_err(|error| Failure::error(format!("the keyboard cannot be read: {error}")))?;
    let Setup { service, systems, me, access, scenarios, mut story } = setup;
    let (names, sink) = scenarios.map_or((Vec::new(), None), |(names, sink)| (names, Some(sink)));
    let head = format!("cutover, {}: lines only. Type help for the words, rollback to go back.", service.name);
    let console = LineConsole::new(me.clone(), names);
    let mut core = Core::open(&Arc::new(service), &systems, me, access).map_err(Failure::error)?;
    let start = core.clock().now().wall;
    let mut running = LineLoop { core: &mut core, console, out, sink, start, greeted: false, moved: true, left_out: 0 };
    running.out.line(&head);
    let first = Instant::now() + FIRST_LOOK;
    let exit = loop {
        running.report(first);
        if let Some(exit) = running.carry_out() {
            break exit;
        }
        let wake = running.wake(first);
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Interrupt => running.console.interrupt(running.core.clock().elapsed_ms()),
                signal => break left(signal.exit_code(), other(signal.name()), signal == Signal::HangUp),
            },
            Some(typed) = typed.recv() => if let Some(exit) = running.typed(typed) { break exit },
            incoming = running.core.next() => running.incoming(incoming),
            Some(line) = story.recv() => running.console.log(line, false),
            () = running.out.idle(), if running.console.awaits_flush() => running.console.flushed(running.core.clock().elapsed_ms()),
            () = tokio::time::sleep_until(wake) => running.console.expire(running.core.clock().elapsed_ms()),
        }
    };
    drop(running);
    if exit.lost {
        after_loss(&mut core, &exit).await;
    }
    core.close(exit.why).await;
    Ok(Exit::of_code(exit.code))
}

fn left(code: u8, why: Closing, lost: bool) -> console::Exit {
    console::Exit { code, why, lost }
}

fn other(why: &str) -> Closing {
    Closing::Other(why.into())
}

/// The running console.
struct LineLoop<'a> {
    core: &'a mut Core,
    console: LineConsole,
    out: &'a mut Out,
    sink: Option<mpsc::Sender<String>>,
    /// Older lines are history.
    start: chrono::DateTime<chrono::Utc>,
    /// Whether the first report was printed.
    greeted: bool,
    /// Whether the engine has news since the last report.
    moved: bool,
    /// The number of news lines left out because the terminal was too slow.
    left_out: u64,
}

impl LineLoop<'_> {
    /// Prints what is new, as soon as everything was read or the time limit for that has passed.
    fn report(&mut self, first: Instant) {
        if !std::mem::take(&mut self.moved) {
            return;
        }
        let snapshot = Arc::new(self.core.snapshot());
        self.greeted |= self.core.is_met() || Instant::now() >= first;
        if self.greeted {
            self.console.tell(&snapshot);
        } else {
            self.console.know(&snapshot);
        }
    }

    /// Carries out the console's actions.
    fn carry_out(&mut self) -> Option<console::Exit> {
        loop {
            let wanted = self.console.take();
            if wanted.is_empty() {
                return None;
            }
            for one in wanted {
                match one {
                    Action::Say { news: true, .. } if self.out.is_full() => self.left_out += 1,
                    Action::Say { text, .. } => self.say(&text),
                    Action::Ask(request) => {
                        let outcomes = self.core.submit(Event::Asked(request));
                        self.outcomes(outcomes);
                    }
                    Action::Scenario(name) => {
                        if let Some(sink) = &self.sink {
                            // Reason: a demo with a full queue takes the next choice.
                            let _ = sink.try_send(name);
                        }
                    }
                    Action::Leave(code) => {
                        self.say("left; traffic stays where it is");
                        return Some(left(code, if code == 0 { Closing::Quit } else { other("SIGINT") }, false));
                    }
                }
            }
        }
    }

    fn say(&mut self, text: &str) {
        if self.left_out > 0 && !self.out.is_full() {
            let count = std::mem::take(&mut self.left_out);
            self.out.line(&format!("{count} lines were left out: the terminal did not keep up; type status"));
        }
        let text = if self.out.style.ascii { text.replace(|c: char| !c.is_ascii(), "?") } else { text.to_owned() };
        self.out.line(&text);
    }

    fn typed(&mut self, typed: KeyboardInput) -> Option<console::Exit> {
        match typed {
            KeyboardInput::Line { text, at, lost } => {
                if lost > 0 {
                    self.console.say(&format!("{lost} lines came at once and were thrown away"));
                }
                // Reason: an answer is judged by the current state, not by the last printed line.
                let snapshot = Arc::new(self.core.snapshot());
                self.console.know(&snapshot);
                let now = self.core.clock().elapsed_ms();
                let ago = Instant::now().saturating_duration_since(at).as_millis() as u64;
                let core = &self.core;
                self.console.line(&text, now.saturating_sub(ago), now, &|command| core.preview(command));
                None
            }
            KeyboardInput::End { gone: false } => {
                self.say("end of input: left; traffic stays where it is");
                Some(left(0, other("end of input"), false))
            }
            KeyboardInput::End { gone: true } => Some(left(129, other("terminal gone"), true)),
        }
    }

    fn incoming(&mut self, incoming: Incoming) {
        let is_sample = incoming.is_sample();
        let outcomes = self.core.take(incoming);
        // Reason: a snapshot for each reading is expensive. The next tick shows all readings.
        self.moved |= !is_sample || (!self.greeted && self.core.is_met());
        self.outcomes(outcomes);
    }

    fn outcomes(&mut self, outcomes: Vec<Outcome>) {
        self.moved |= !outcomes.is_empty();
        for outcome in outcomes {
            match outcome {
                Outcome::Reply { id, reply } => self.reply(id, &reply),
                Outcome::Line(line) | Outcome::Event(line) => {
                    let old = line.at < self.start;
                    self.console.log(line, old);
                }
            }
        }
    }

    fn reply(&mut self, id: u64, reply: &Reply) {
        self.console.reply(id, reply);
    }

    fn wake(&self, first: Instant) -> Instant {
        let now = Instant::now();
        let far = if self.greeted { now + NEVER } else { first };
        let now_ms = self.core.clock().elapsed_ms();
        let due = self.console.next_deadline().map(|at| now + Duration::from_millis(at.saturating_sub(now_ms) + 1));
        due.map_or(far, |due| due.min(far))
    }
}

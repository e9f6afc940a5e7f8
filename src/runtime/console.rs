//! The full-screen console: one loop over signals, keys, the engine and the terminal.
//!
//! The loop only ever waits for the next input. It draws a frame when something has changed: at once after a key,
//! otherwise at most ten times a second, and only after the terminal has taken the last frame. A slow connection
//! therefore gets fewer frames, each complete, and never delays a key.

mod copies;
pub(crate) mod full_screen;
mod keys;
mod options;
mod ports;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::core::{Core, Incoming, Outcome};
use super::themes;
use crate::domain::{Closing, LogLine, Move, OrderState};
use crate::engine::{Command, Event, Phase, Snapshot};
use crate::logs::Followers;
use crate::terminal::{self, DrawOutcome, Signal};
use crate::ui::{self, View};
pub use options::ConsoleOptions;
pub(crate) use ports::ConsoleSource;
pub use ports::ConsoleTerminal;

/// How long a console without an operator follows the order that `on_disconnect` gave.
const LAST_ORDER: Duration = Duration::from_secs(5);

/// What the loop reads, from the terminal or from a test.
pub struct Inputs {
    /// Keys and other input of the terminal.
    pub keys: mpsc::Receiver<terminal::Input>,
    /// Signals to the process.
    pub signals: mpsc::Receiver<Signal>,
    /// Where the name of a chosen demo scenario is sent.
    pub scenarios: Option<mpsc::Sender<String>>,
    /// Lines of a demo's own story come in here; closed elsewhere.
    pub story: mpsc::Receiver<LogLine>,
    /// The user's own logs.
    pub logs: Followers,
    /// How it treats the terminal.
    pub options: ConsoleOptions,
}

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The process's exit code.
    pub code: u8,
    /// For the journal: `quit`, `SIGTERM`, `terminal gone`.
    pub why: Closing,
    /// Whether the operator was disconnected instead of leaving.
    pub lost: bool,
}

/// The loop's own state.
struct Loop<'a, C, S> {
    core: &'a mut C,
    view: &'a mut View,
    stage: &'a mut S,
    scenarios: Option<mpsc::Sender<String>>,
    options: ConsoleOptions,
    /// Tasks outside the loop send their results here.
    side_results: mpsc::Sender<ui::Input>,
    /// The engine has changed since the view's snapshot.
    moved: bool,
    /// The commands whose requests are in the view's snapshot.
    previewed: Vec<Command>,
    /// The view has changed since the last frame.
    dirty: bool,
    /// A key was pressed: the next frame does not wait.
    at_once: bool,
    last_frame: Option<Instant>,
    awaiting_flush: bool,
    title: String,
}

/// Runs the console until the operator leaves. The terminal is still taken when this returns.
pub async fn run<C: ConsoleSource, S: ConsoleTerminal>(
    core: &mut C,
    view: &mut View,
    stage: &mut S,
    inputs: Inputs,
) -> Exit {
    let Inputs { mut keys, mut signals, scenarios, mut story, mut logs, options } = inputs;
    let (side_results, mut finished) = mpsc::channel(4);
    let mut looped = Loop {
        core,
        view,
        stage,
        scenarios,
        options,
        side_results,
        moved: true,
        previewed: Vec::new(),
        dirty: true,
        at_once: true,
        last_frame: None,
        awaiting_flush: false,
        title: String::new(),
    };
    loop {
        looped.draw();
        let wake = looped.wake();
        let written = looped.stage.screen().written();
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => return exit_of(signal),
            Some(input) = keys.recv() => {
                if let Some(exit) = looped.input(input) {
                    return exit;
                }
            }
            incoming = looped.core.next() => looped.incoming(incoming),
            Some(line) = story.recv() => {
                looped.core.record_line(&line);
                looped.tell(ui::Input::Line(line));
            }
            batch = logs.next() => drop(looped.tell(ui::Input::Lines { lines: batch.lines, dropped: batch.dropped })),
            Some(input) = finished.recv() => {
                // The message answers a key, so it is shown at once.
                looped.at_once = true;
                looped.tell(input);
            }
            () = written, if looped.awaiting_flush => {
                // Reason: the message may belong to the previous frame, because the writer may send it just after the
                // next frame was drawn. Then a question would count as seen although the terminal does not show it
                // yet.
                if looped.stage.screen().is_idle() {
                    looped.flushed();
                }
            }
            () = tokio::time::sleep_until(wake) => looped.woke(),
        }
    }
}

impl<C: ConsoleSource, S: ConsoleTerminal> Loop<'_, C, S> {
    fn now_ms(&self) -> u64 {
        self.core.elapsed_ms()
    }

    /// Gives one input to the view and carries out its actions.
    fn tell(&mut self, input: ui::Input) -> Option<Exit> {
        let mut inbox = VecDeque::from([input]);
        let mut exit = None;
        while let Some(input) = inbox.pop_front() {
            let now = self.now_ms();
            for action in self.view.update(input, now) {
                match action {
                    ui::Action::Ask(request) => {
                        let outcomes = self.core.ask(request);
                        self.moved = true;
                        inbox.extend(outcomes.into_iter().filter_map(input_of));
                    }
                    ui::Action::Seek(seek) => {
                        inbox.extend(self.core.seek(seek));
                        self.moved = true;
                    }
                    ui::Action::Quit { code } => exit = Some(left(code)),
                    ui::Action::Redraw => self.stage.screen().invalidate(),
                    ui::Action::Suspend => inbox.extend(self.stop()),
                    ui::Action::Copy(text) => self.copy(text),
                    ui::Action::Scenario(name) => {
                        if let Some(to) = &self.scenarios {
                            let _ = to.try_send(name);
                        }
                    }
                    ui::Action::LoadTheme(name) => themes::load_later(name, self.side_results.clone()),
                    ui::Action::Notify(text) => self.stage.screen().notify(&text),
                }
            }
        }
        self.dirty |= self.view.is_dirty();
        exit
    }

    fn input(&mut self, input: terminal::Input) -> Option<Exit> {
        // Reason: a key must be judged against the engine's present state, not against the last frame.
        self.refresh();
        self.at_once = true;
        self.dirty = true;
        match input {
            terminal::Input::HangUp => {
                Some(Exit { code: 129, why: Closing::Other("terminal gone".into()), lost: true })
            }
            terminal::Input::Resize(width, height) => {
                self.stage.screen().resize(width, height);
                self.tell(ui::Input::Resize(width, height))
            }
            terminal::Input::Stop => {
                let inputs = self.stop();
                inputs.into_iter().find_map(|input| self.tell(input))
            }
            terminal::Input::Continued => {
                let went = self.stage.continued();
                went.is_ok().then(|| self.resized()).and_then(|input| self.tell(input))
            }
            other => keys::view_input(other).and_then(|input| self.tell(input)),
        }
    }

    fn incoming(&mut self, incoming: Incoming) {
        let is_news = !incoming.is_sample() && !matches!(incoming, Incoming::Event(Event::Observed { .. }));
        for outcome in self.core.take(incoming) {
            self.dirty = true;
            if let Some(input) = input_of(outcome) {
                self.tell(input);
            }
        }
        self.moved = true;
        // Reason: single readings change no figure on the screen; the next tick does.
        self.dirty |= is_news;
    }

    /// Gives the view the current state, with request previews only for the open question or preview: each one costs
    /// a digest.
    fn refresh(&mut self) {
        let shown: Vec<_> = self.view.shown_requests().cloned().collect();
        if std::mem::take(&mut self.moved) || shown != self.previewed {
            let mut snapshot = self.core.snapshot();
            for command in &shown {
                let lines = self.core.preview(command);
                if !lines.is_empty() {
                    snapshot.previews.insert(command.verb().into(), lines);
                }
            }
            self.previewed = shown;
            self.title = title_of(&snapshot);
            self.tell(ui::Input::Snapshot(std::sync::Arc::new(snapshot)));
            if let Some(replay) = self.core.replay() {
                self.tell(ui::Input::Replay(replay));
            }
        }
    }

    fn draw(&mut self) {
        let due = self.at_once || self.last_frame.is_none_or(|at| at.elapsed() >= self.options.frame());
        if !self.dirty || !due || !self.stage.screen().is_idle() {
            return;
        }
        self.refresh();
        let now = self.now_ms();
        let title = std::mem::take(&mut self.title);
        let screen = self.stage.screen();
        screen.set_title(&title);
        let outcome = screen.draw(|buffer| ui::draw(self.view, buffer, now));
        self.title = title;
        self.last_frame = Some(Instant::now());
        self.dirty = false;
        self.at_once = false;
        self.tell(ui::Input::Drawn);
        match outcome {
            DrawOutcome::Sent(_) => self.awaiting_flush = true,
            DrawOutcome::Unchanged => self.flushed(),
            DrawOutcome::Busy => self.dirty = true,
            DrawOutcome::HungUp => {}
        }
        if outcome != DrawOutcome::Busy {
            self.dirty = false;
        }
    }

    fn flushed(&mut self) {
        self.awaiting_flush = false;
        let was = self.dirty;
        self.tell(ui::Input::Flushed);
        self.dirty = was || self.view.is_dirty();
    }

    fn wake(&self) -> Instant {
        let now = Instant::now();
        let frame = if self.dirty {
            self.last_frame.map_or(now, |at| at + self.options.frame())
        } else {
            now + Duration::from_secs(3600)
        };
        let deadline = self
            .view
            .next_deadline(self.now_ms())
            .map_or(frame, |at| now + Duration::from_millis(at.saturating_sub(self.now_ms()).max(1)));
        // Reason: a frame that waits for the terminal is drawn when the terminal is ready, not by the clock.
        let frame = if self.awaiting_flush { now + Duration::from_secs(3600) } else { frame };
        frame.min(deadline)
    }

    fn woke(&mut self) {
        // Reason: only the view knows which of its deadlines has passed.
        self.tell(ui::Input::Tick);
        if self.view.is_dirty() {
            self.refresh();
            self.dirty = true;
            self.at_once = true;
        }
    }

    /// Stops as a shell's job. Returns the message for the view when that fails.
    fn stop(&mut self) -> Option<ui::Input> {
        self.stage.stop().err().map(|error| ui::Input::Told { text: error.to_string(), warn: true })
    }

    /// After a stop the terminal may have another size, and the snapshot may be old.
    fn resized(&mut self) -> ui::Input {
        self.moved = true;
        self.dirty = true;
        self.at_once = true;
        let (width, height) = self.stage.screen().size();
        ui::Input::Resize(width, height)
    }

    /// Copies to the terminal's clipboard, and to a file in another task.
    fn copy(&mut self, text: String) {
        let sent = self.stage.screen().copy(&text);
        let results = self.side_results.clone();
        let dir = self.options.copies.clone();
        tokio::task::spawn_blocking(move || {
            let (text, warn) = copies::message(sent, dir.map(|dir| copies::keep(&dir, &text)));
            // The console may have ended.
            let _ = results.blocking_send(ui::Input::Told { text, warn });
        });
    }
}

/// Records that the operator is gone, and follows the order that `on_disconnect` may have given.
pub(crate) async fn after_loss(core: &mut Core, exit: &Exit) {
    core.submit(Event::OperatorGone { why: exit.why.to_string() });
    let deadline = Instant::now() + LAST_ORDER;
    while is_rolling_back(&core.snapshot()) {
        match tokio::time::timeout_at(deadline, core.next()).await {
            Ok(incoming) => drop(core.take(incoming)),
            Err(_) => return,
        }
    }
}

fn is_rolling_back(snapshot: &Snapshot) -> bool {
    let order = snapshot.status.last_order.as_ref();
    order.is_some_and(|order| {
        order.command == Move::Rollback && !matches!(order.state, OrderState::Verified | OrderState::Failed)
    })
}

/// The view's input for an outcome. The view reads journal events from the snapshot instead.
fn input_of(outcome: Outcome) -> Option<ui::Input> {
    match outcome {
        Outcome::Reply { id, reply } => Some(ui::Input::Reply { id, reply }),
        Outcome::Line(line) => Some(ui::Input::Line(line)),
        Outcome::Event(_) => None,
    }
}

fn left(code: u8) -> Exit {
    Exit { code, why: Closing::Quit, lost: false }
}

fn exit_of(signal: Signal) -> Exit {
    Exit { code: signal.exit_code(), why: Closing::Other(signal.name().into()), lost: signal == Signal::HangUp }
}

/// The window's title: `cutover PROD fraud-scorer 90/10 SHIFT`.
fn title_of(snapshot: &Snapshot) -> String {
    let status = &snapshot.status;
    let split = status.split.observed.map_or_else(|| "?/?".into(), |split| split.to_string());
    let state = if status.phase == Phase::Unknown { "UNKNOWN" } else { status.phase.title() };
    let failed = if status.gates.iter().any(|gate| gate.status.title() == "FAIL") { " FAIL" } else { "" };
    format!("cutover {} {} {split} {state}{failed}", status.environment.to_uppercase(), status.service)
}

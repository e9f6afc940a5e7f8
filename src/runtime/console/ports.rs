//! What the console's loop needs from outside: a terminal, and a source of states.

use crate::domain::LogLine;
use crate::engine::{Command, Event, Request, Snapshot};
use crate::runtime::core::{Core, Incoming, Outcome};
use crate::terminal::Screen;
use crate::ui;

/// The terminal as the loop uses it.
pub trait ConsoleTerminal {
    /// The screen to draw on.
    fn screen(&mut self) -> &mut Screen;
    /// Gives the terminal back to the shell and stops the process.
    fn stop(&mut self) -> std::io::Result<()>;
    /// Takes the terminal again after the process was stopped.
    fn continued(&mut self) -> std::io::Result<()>;
}

/// The data of the console: the engine of this process, or a recording.
pub trait ConsoleSource {
    /// Waits for the next input. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = Incoming>;
    /// Handles an input.
    fn take(&mut self, incoming: Incoming) -> Vec<Outcome>;
    /// Sends a request.
    fn ask(&mut self, request: Request) -> Vec<Outcome>;
    /// Everything that the screen shows now.
    fn snapshot(&mut self) -> Snapshot;
    /// The exact request that `command` would send, secrets masked; empty when it would send nothing.
    fn preview(&self, _: &Command) -> Vec<String> {
        Vec::new()
    }
    /// Milliseconds of the screen's clock.
    fn elapsed_ms(&self) -> u64;
    /// Keeps a line that did not come from the engine.
    fn record_line(&mut self, _: &LogLine) {}
    /// The position of a replay; `None` for an engine.
    fn replay(&self) -> Option<ui::Replay> {
        None
    }
    /// Moves a replay; returns inputs for the view.
    fn seek(&mut self, _: ui::Seek) -> Vec<ui::Input> {
        Vec::new()
    }
}

impl ConsoleSource for Core {
    async fn next(&mut self) -> Incoming {
        self.next().await
    }

    fn take(&mut self, incoming: Incoming) -> Vec<Outcome> {
        self.take(incoming)
    }

    fn ask(&mut self, request: Request) -> Vec<Outcome> {
        self.submit(Event::Asked(request))
    }

    fn snapshot(&mut self) -> Snapshot {
        self.snapshot()
    }

    fn preview(&self, command: &Command) -> Vec<String> {
        self.preview(command)
    }

    fn elapsed_ms(&self) -> u64 {
        self.clock().elapsed_ms()
    }

    fn record_line(&mut self, line: &LogLine) {
        self.record_line(line);
    }
}

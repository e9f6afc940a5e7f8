//! The edge to the terminal: modes, keys, frames, signals, and the way back out of all of it.
//!
//! | module | for |
//! |---|---|
//! | [`capability`] | colours and characters the terminal can show, from the environment |
//! | [`guard`] | the modes, undone exactly once on every way out |
//! | [`crash`] | the panic hook: terminal back, report, exit code 101 |
//! | [`signals`] | SIGHUP, SIGINT, SIGQUIT, SIGTERM as values |
//! | [`input`] | keys, pastes, focus; split sequences and unmarked pastes filtered out |
//! | [`watchdog`] | the terminal is gone |
//! | [`screen`] | cells, one write a frame, by a thread that may be slow |
//! | [`output`] | writing to a tty that may take nothing |
//!
//! A console does, in this order: [`crash::install`], [`signals::Signals::listen`], [`Session::start`]; then its loop
//! over `session.inputs`, the signals and [`screen::Screen::written`]; at the end [`Session::finish`] or a drop.

pub mod capability;
pub mod crash;
pub mod guard;
pub mod input;
pub mod output;
pub mod screen;
pub mod signals;
pub mod watchdog;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

pub use capability::{Capability, ColorChoice, Depth};
pub use guard::{Guard, Modes};
pub use input::{Input, Key, KeyCode, KeyKind, Mods};
pub use screen::{DrawOutcome, Screen, ScreenOptions};
pub use signals::{Signal, Signals};

/// What a session on the terminal is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The modes to set.
    pub modes: Modes,
    /// How frames are sent.
    pub screen: ScreenOptions,
}

impl Options {
    /// The usual ones, as far as the terminal can.
    pub fn for_terminal(capability: Capability) -> Self {
        Self { modes: Modes::default(), screen: ScreenOptions::for_terminal(capability) }
    }
}

/// The terminal, taken: draw on `screen`, read from `inputs`; dropping it gives the terminal back.
#[derive(Debug)]
pub struct Session {
    /// What is shown.
    pub screen: Screen,
    /// What the person does, with [`Input::HangUp`] when the terminal is gone. At most [`input::QUEUE`] wait.
    pub inputs: mpsc::Receiver<Input>,
    guard: Guard,
}

impl Session {
    /// Takes the terminal on stdin and stdout. Needs a tokio runtime with its I/O driver.
    ///
    /// # Errors
    /// When either is no terminal, when a session runs already, or when a mode cannot be set or a thread not started;
    /// the terminal is then as before.
    pub fn start(options: Options) -> io::Result<Self> {
        let guard = Guard::take(options.modes)?;
        let output = guard.output();
        Self::over(guard, options, Tty(output))
    }

    /// Like [`Session::start`], with the frames going to `out`; for tests of what a failing output does.
    ///
    /// # Errors
    /// As for [`Session::start`].
    pub fn over(guard: Guard, options: Options, out: impl Write + Send + 'static) -> io::Result<Self> {
        let (to, inputs) = mpsc::channel(input::QUEUE);
        forward_sizes(to.clone())?;
        let hang_up = |to: mpsc::Sender<Input>| move || drop(to.blocking_send(Input::HangUp));
        let stdin = io::stdin();
        watchdog::start(stdin.as_fd().try_clone_to_owned()?, hang_up(to.clone()))?;
        let screen = Screen::new(size(), options.screen, out, hang_up(to.clone()))?;
        input::start(stdin.as_fd().try_clone_to_owned()?, to)?;
        Ok(Self { screen, inputs, guard })
    }

    /// Gives the terminal back for a while; frames drawn meanwhile are dropped.
    ///
    /// # Errors
    /// When the terminal took longer than half a second for the last bytes.
    pub fn suspend(&self) -> io::Result<()> {
        self.guard.suspend()
    }

    /// Takes the terminal again after [`Session::suspend`], with the size it has now; the next frame is painted whole.
    ///
    /// # Errors
    /// When a mode cannot be set.
    pub fn resume(&mut self) -> io::Result<()> {
        self.guard.resume()?;
        let (width, height) = size();
        self.screen.resize(width, height);
        self.screen.invalidate();
        Ok(())
    }

    /// Gives the terminal back and says how that went; a drop does the same silently.
    ///
    /// # Errors
    /// When the terminal took longer than half a second for the last bytes. One that is gone is no error.
    pub fn finish(self) -> io::Result<()> {
        self.guard.give_back()
    }
}

/// The terminal's columns and rows, at least one each; 80x24 when it does not know (a serial line).
pub fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// Sizes come by signal and not by crossterm, which is only asked when there is input. Signals coalesce by themselves:
/// a storm of them costs as many events as the loop has time for.
fn forward_sizes(to: mpsc::Sender<Input>) -> io::Result<()> {
    let mut changes = signal(SignalKind::window_change())?;
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            let (width, height) = size();
            if to.send(Input::Resize(width, height)).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// The shared output as a writer of its own.
#[derive(Debug)]
struct Tty(Arc<output::Output>);

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

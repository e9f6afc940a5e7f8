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

pub(crate) mod capability;
pub(crate) mod crash;
pub(crate) mod guard;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod screen;
pub(crate) mod signals;
pub(crate) mod watchdog;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::process;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

pub use capability::Depth;
pub(crate) use capability::{Capability, ColorChoice};
pub use guard::{Guard, Modes};
pub use input::{Input, Key, KeyCode, KeyKind, Mods};
pub use screen::{DrawOutcome, Notices, Screen, ScreenOptions};
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
    /// Given back by [`Session::stop`].
    stopped: bool,
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
        forward(SignalKind::window_change(), to.clone(), || {
            let (width, height) = size();
            Input::Resize(width, height)
        })?;
        forward(SignalKind::from_raw(process::Signal::TSTP.as_raw()), to.clone(), || Input::Stop)?;
        forward(SignalKind::from_raw(process::Signal::CONT.as_raw()), to.clone(), || Input::Continued)?;
        let hang_up = |to: mpsc::Sender<Input>| move || drop(to.blocking_send(Input::HangUp));
        let stdin = io::stdin();
        watchdog::start(stdin.as_fd().try_clone_to_owned()?, hang_up(to.clone()))?;
        let screen = Screen::new(size(), options.screen, out, hang_up(to.clone()))?;
        input::start(stdin.as_fd().try_clone_to_owned()?, to)?;
        Ok(Self { screen, inputs, guard, stopped: false })
    }

    /// Gives the terminal back for a while; frames drawn meanwhile are dropped.
    ///
    /// # Errors
    /// When the terminal took longer than half a second for the last bytes.
    pub fn suspend(&self) -> io::Result<()> {
        self.guard.suspend()
    }

    /// Gives the terminal back and stops as a shell's job (Ctrl-Z; raw mode makes that a byte). [`Input::Continued`] tells
    /// when the shell lets the process go on; until [`Session::continued`] is called then, frames are dropped.
    ///
    /// # Errors
    /// When no shell is there to let it go on, or when the terminal cannot be given back.
    pub fn stop(&mut self) -> io::Result<()> {
        // The group of a session's first process has no parent to continue it: once stopped, it would stay stopped for ever
        // (`ssh -t host cutover`).
        if process::getpgrp() == process::getsid(None)? {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no shell is there to go on from: not stopped"));
        }
        self.suspend()?;
        self.stopped = true;
        // With more than one thread this one may run on for a moment: so nothing is taken back here.
        Ok(process::kill_process(process::getpid(), process::Signal::STOP)?)
    }

    /// After [`Input::Continued`]: takes the terminal again with the size it has now; the next frame is painted whole.
    ///
    /// # Errors
    /// When a mode cannot be set.
    pub fn continued(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.stopped) {
            return self.resume();
        }
        // Whoever stopped the process (SIGSTOP cannot be seen coming) may have set other modes.
        self.guard.renew()?;
        self.repaint();
        Ok(())
    }

    /// Takes the terminal again after [`Session::suspend`], with the size it has now; the next frame is painted whole.
    ///
    /// # Errors
    /// When a mode cannot be set.
    pub fn resume(&mut self) -> io::Result<()> {
        self.guard.resume()?;
        self.repaint();
        Ok(())
    }

    fn repaint(&mut self) {
        let (width, height) = size();
        self.screen.resize(width, height);
        self.screen.invalidate();
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
pub(crate) fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// Hands a signal on as an input. Signals coalesce by themselves: a storm of them costs as many events as the loop has
/// time for.
fn forward(kind: SignalKind, to: mpsc::Sender<Input>, input: impl Fn() -> Input + Send + 'static) -> io::Result<()> {
    let mut signals = signal(kind)?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if to.send(input()).await.is_err() {
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

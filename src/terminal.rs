//! The terminal: modes, keys, frames, signals, and restoring it on exit.
//!
//! | module | for |
//! |---|---|
//! | [`capability`] | colours and characters the terminal can show, from the environment |
//! | [`guard`] | the modes, undone exactly once at every exit |
//! | [`crash`] | the panic hook: restore the terminal, report, exit code 101 |
//! | [`signals`] | SIGHUP, SIGINT, SIGQUIT, SIGTERM as values |
//! | [`input`] | keys, pastes, focus; filters split sequences and unmarked pastes |
//! | [`watchdog`] | detects that the terminal is gone |
//! | [`screen`] | cells, one write a frame, by a thread that may be slow |
//! | [`output`] | writing to a tty that may accept nothing |
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
pub(crate) mod writer_thread;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::process;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

pub use capability::Depth;
pub(crate) use capability::{Capability, ColorChoice};
pub use guard::{Guard, Modes};
pub use input::{Code, Input, Key};
pub use screen::{DrawOutcome, Notices, Screen, ScreenOptions};
pub use signals::{Signal, Signals};

/// The options of a session on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The modes to set.
    pub modes: Modes,
    /// How frames are sent.
    pub screen: ScreenOptions,
}

impl Options {
    /// The usual options, as far as the terminal supports them.
    pub fn for_terminal(capability: Capability) -> Self {
        Self { modes: Modes::default(), screen: ScreenOptions::for_terminal(capability) }
    }
}

/// A terminal session: draw on `screen`, read from `inputs`. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Session {
    /// The screen.
    pub screen: Screen,
    /// Keys and other input, and [`Input::HangUp`] when the terminal is gone. At most [`input::QUEUE`] wait.
    pub inputs: mpsc::Receiver<Input>,
    guard: Guard,
    /// The terminal was given back by [`Session::stop`].
    stopped: bool,
}

impl Session {
    /// Takes the terminal on stdin and stdout. Needs a tokio runtime with its I/O driver.
    ///
    /// # Errors
    /// One of them is not a terminal, another session is running, a mode cannot be set, or a thread cannot start. The
    /// terminal is then as before.
    pub fn start(options: Options) -> io::Result<Self> {
        let guard = Guard::take(options.modes)?;
        let output = guard.output();
        Self::over(guard, options, Tty(output))
    }

    /// Like [`Session::start`], but frames go to `out`. For tests with an output that fails.
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

    /// Gives the terminal back for a while. Frames drawn meanwhile are dropped.
    ///
    /// # Errors
    /// The terminal took longer than half a second for the last bytes.
    pub fn suspend(&self) -> io::Result<()> {
        self.guard.suspend()
    }

    /// Gives the terminal back and stops the process as a job of the shell. (Ctrl-Z is only a byte in raw mode.)
    /// [`Input::Continued`] arrives when the shell continues the process. Until [`Session::continued`] is called,
    /// frames are dropped.
    ///
    /// # Errors
    /// There is no shell that can continue the process, or the terminal cannot be given back.
    pub fn stop(&mut self) -> io::Result<()> {
        // The first process of a session has no parent that could continue it: once stopped, it would stay stopped
        // for ever (`ssh -t host cutover`).
        if process::getpgrp() == process::getsid(None)? {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no shell is there to go on from: not stopped"));
        }
        self.suspend()?;
        self.stopped = true;
        // With several threads this one may run on for a moment, so the terminal is not taken again here.
        Ok(process::kill_process(process::getpid(), process::Signal::STOP)?)
    }

    /// After [`Input::Continued`]: takes the terminal again with its current size. The next frame is painted
    /// completely.
    ///
    /// # Errors
    /// A mode cannot be set.
    pub fn continued(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.stopped) {
            return self.resume();
        }
        // Another program may have set other modes while the process was stopped. (SIGSTOP cannot be caught.)
        self.guard.renew()?;
        self.repaint();
        Ok(())
    }

    /// Takes the terminal again after [`Session::suspend`], with its current size. The next frame is painted
    /// completely.
    ///
    /// # Errors
    /// A mode cannot be set.
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

    /// Gives the terminal back and returns the result. A drop does the same but ignores errors.
    ///
    /// # Errors
    /// The terminal took longer than half a second for the last bytes. A terminal that is gone is not an error.
    pub fn finish(self) -> io::Result<()> {
        self.guard.give_back()
    }
}

/// The terminal's columns and rows, at least one each; 80x24 if the terminal does not know (a serial line).
pub(crate) fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// Passes a signal on as an input. Signals coalesce, so many of them cost only as many events as the loop can handle.
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

/// The shared output as a separate writer.
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

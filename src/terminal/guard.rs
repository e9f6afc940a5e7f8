//! The terminal's modes: each is registered before it is set, and undone exactly once at every exit.
//!
//! The list of what to undo is global, because the panic hook must find it from any thread; in a build that aborts on
//! panic nothing else runs. The first one to restore (a drop, a call, the hook) takes the list.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

use super::output::Output;

/// How long a terminal that accepts no bytes may delay the exit.
const LIMIT: Duration = Duration::from_millis(500);

/// Full screen, hidden cursor, bracketed paste, focus reports.
fn modes(bytes: &mut Vec<u8>) -> io::Result<()> {
    queue!(bytes, EnterAlternateScreen, Hide, EnableBracketedPaste, EnableFocusChange)
}

/// Optional modes besides the full screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Ask for the kitty keyboard protocol's unambiguous escape codes.
    pub kitty: bool,
    /// Save the window title, so that it can be changed.
    pub title: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self { kitty: false, title: true }
    }
}

/// The steps of taking the terminal; [`Guard::take_observed`] calls its observer after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The restoring is registered; nothing was changed yet.
    Registered,
    /// Raw mode is on.
    Raw,
    /// Full screen, cursor, paste, focus and title modes are on.
    Modes,
}

/// Everything that must be undone.
#[derive(Debug)]
struct Held {
    output: Arc<Output>,
    input: OwnedFd,
    before: Termios,
    raw: Option<Termios>,
    modes: Modes,
    termios_changed: bool,
    modes_set: bool,
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);

fn held() -> MutexGuard<'static, Option<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds the terminal. Dropping it restores the terminal.
#[derive(Debug)]
#[must_use = "dropping the guard gives the terminal back"]
pub struct Guard {
    output: Arc<Output>,
}

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, hidden cursor, bracketed paste, focus events; no mouse.
    ///
    /// # Errors
    /// Stdin or stdout is not a terminal, it is already taken, or a mode cannot be set. Everything is then as before.
    pub fn take(modes: Modes) -> io::Result<Self> {
        Self::take_observed(modes, |_| {})
    }

    /// Like [`Guard::take`], and reports each step. For tests that die between two steps.
    ///
    /// # Errors
    /// As for [`Guard::take`].
    pub fn take_observed(modes: Modes, mut observe: impl FnMut(Step)) -> io::Result<Self> {
        let output = Arc::new(Output::to(io::stdout())?);
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&input)?;
        {
            let mut slot = held();
            if slot.is_some() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the terminal is held already"));
            }
            let output = Arc::clone(&output);
            *slot = Some(Held { output, input, before, raw: None, modes, termios_changed: false, modes_set: false });
        }
        // From here on every exit, also an error, goes through the guard's drop or the panic hook.
        let guard = Self { output };
        observe(Step::Registered);
        with_held(Held::set_raw)?;
        observe(Step::Raw);
        with_held(Held::set_modes)?;
        observe(Step::Modes);
        Ok(guard)
    }

    /// The output for frames. It refuses frames after the terminal was given back.
    pub fn output(&self) -> Arc<Output> {
        Arc::clone(&self.output)
    }

    /// Gives the terminal back for a while (a stop by Ctrl-Z, a pager). [`Guard::resume`] takes it again.
    ///
    /// # Errors
    /// The terminal took longer than half a second for the last bytes.
    pub fn suspend(&self) -> io::Result<()> {
        with_held(Held::undo)
    }

    /// Takes the terminal again after [`Guard::suspend`]. The whole screen must be painted again.
    ///
    /// # Errors
    /// A mode cannot be set.
    pub fn resume(&self) -> io::Result<()> {
        with_held(Held::set_raw)?;
        with_held(Held::set_modes)
    }

    /// Sets all modes again, after another program may have changed them.
    ///
    /// # Errors
    /// A mode cannot be set.
    pub fn renew(&self) -> io::Result<()> {
        with_held(|held| {
            held.set_raw()?;
            // Modes that are pushed on a stack (title, kitty's flags) are still there.
            let mut bytes = Vec::with_capacity(64);
            modes(&mut bytes)?;
            held.output.open_with(&bytes, LIMIT)
        })
    }

    /// Gives the terminal back and returns the result.
    ///
    /// # Errors
    /// The terminal took longer than half a second for the last bytes. A terminal that is gone is not an error.
    pub fn give_back(self) -> io::Result<()> {
        give_back()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The terminal is gone or too slow. There is no place to report this.
        let _ = give_back();
    }
}

/// Gives the terminal back if it is taken. The first caller does it; a second caller waits for the first and does
/// nothing.
///
/// # Errors
/// The terminal took longer than half a second for the last bytes. A terminal that is gone is not an error.
pub(crate) fn give_back() -> io::Result<()> {
    let mut slot = held();
    slot.take().map_or(Ok(()), |mut held| held.undo())
}

fn with_held(act: impl FnOnce(&mut Held) -> io::Result<()>) -> io::Result<()> {
    held().as_mut().map_or_else(|| Err(io::Error::other("the terminal was given back already")), act)
}

/// A hung-up tty answers everything with EIO.
fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::IO, Errno::NXIO, Errno::PIPE].into_iter().any(|gone| error.raw_os_error() == Some(gone.raw_os_error()))
}

impl Held {
    fn set_raw(&mut self) -> io::Result<()> {
        self.termios_changed = true;
        if let Some(raw) = &self.raw {
            tcsetattr(&self.input, OptionalActions::Now, raw)?;
        } else {
            crossterm::terminal::enable_raw_mode()?;
            self.raw = Some(tcgetattr(&self.input)?);
        }
        Ok(())
    }

    fn set_modes(&mut self) -> io::Result<()> {
        self.modes_set = true;
        let mut bytes = Vec::with_capacity(64);
        if self.modes.title {
            bytes.write_all(b"\x1b[22;0t")?;
        }
        modes(&mut bytes)?;
        if self.modes.kitty {
            bytes.write_all(b"\x1b[>1u")?;
        }
        self.output.open_with(&bytes, LIMIT)
    }

    /// Undoes every step that was started. A terminal that is gone needs no undo.
    fn undo(&mut self) -> io::Result<()> {
        match self.try_undo() {
            Err(e) if is_gone(&e) => Ok(()),
            other => other,
        }
    }

    /// Restores termios even when no byte can be written.
    fn try_undo(&mut self) -> io::Result<()> {
        let mut written = Ok(());
        if std::mem::take(&mut self.modes_set) {
            let mut bytes = Vec::with_capacity(96);
            // Also ends an unfinished frame. Mouse reports are turned off although they are never turned on.
            queue!(bytes, EndSynchronizedUpdate, SetAttribute(Attribute::Reset))?;
            queue!(bytes, DisableBracketedPaste, DisableFocusChange, DisableMouseCapture)?;
            if self.modes.kitty {
                // The stack of flags belongs to the screen, so it is popped before leaving the screen.
                bytes.write_all(b"\x1b[<u")?;
            }
            queue!(bytes, LeaveAlternateScreen, Show)?;
            if self.modes.title {
                bytes.write_all(b"\x1b[23;0t")?;
            }
            written = self.output.close_with(&bytes, LIMIT);
        }
        if std::mem::take(&mut self.termios_changed) {
            // Keys meant for the console must not reach the shell. The flushing variant of tcsetattr is no use: it
            // waits for the output to drain, which never happens on a stuck terminal.
            let flushed = tcflush(&self.input, QueueSelector::IFlush);
            tcsetattr(&self.input, OptionalActions::Now, &self.before)?;
            flushed?;
        }
        written
    }
}

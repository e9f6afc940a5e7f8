//! Keys, pastes, focus and size from the terminal, made safe to act on.
//!
//! A thread of its own reads, since reading blocks; what comes out goes through two pure filters ([`framing`] and
//! [`burst`]) into a bounded channel. A full channel stops the reading: the terminal's own queue then holds the rest.

pub(crate) mod burst;
mod decode;
pub(crate) mod framing;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::watchdog::{self, Ready};

/// Inputs that wait at most; a person types ten a second.
pub(crate) const QUEUE: usize = 256;

/// Bytes taken together at most before they are passed on.
const BATCH: usize = 4096;

/// One thing the person or the terminal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down or repeats; releases are never passed on.
    Key(Key),
    /// Text pasted into a terminal that marks pastes, at most [`framing::PASTE_MAX`] bytes of it. It may hold anything.
    Paste(String),
    /// Keys came faster than fingers move, from a terminal that does not mark pastes. They were dropped.
    LooksLikePaste,
    /// The terminal's window got the focus.
    FocusGained,
    /// The terminal's window lost the focus.
    FocusLost,
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Somebody asks the process to stop as a job (SIGTSTP).
    Stop,
    /// The process was stopped and goes on (SIGCONT).
    Continued,
    /// The terminal is gone. Told at least once, and the last there is.
    HangUp,
}

/// A key as pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// What was held with it.
    pub mods: Mods,
    /// Pressed or repeating.
    pub kind: KeyKind,
}

impl Key {
    /// A press of `code` with nothing held.
    pub const fn press(code: KeyCode) -> Self {
        Self { code, mods: Mods { ctrl: false, alt: false, shift: false }, kind: KeyKind::Press }
    }

    /// A press of the character `c`.
    pub const fn char(c: char) -> Self {
        Self::press(KeyCode::Char(c))
    }

    /// Ctrl and the character `c`.
    pub const fn ctrl(c: char) -> Self {
        Self { mods: Mods { ctrl: true, alt: false, shift: false }, ..Self::char(c) }
    }
}

/// The keys a terminal can distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyCode {
    /// A character; Shift is in the character itself, not in the modifiers.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// A function key by its number.
    F(u8),
}

/// Modifiers held with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mods {
    /// Ctrl.
    pub ctrl: bool,
    /// Alt or Meta.
    pub alt: bool,
    /// Shift, for keys that are no characters.
    pub shift: bool,
}

impl Mods {
    /// Whether nothing is held.
    pub const fn none(self) -> bool {
        !self.ctrl && !self.alt && !self.shift
    }
}

/// How a key came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// It went down.
    Press,
    /// It is held and repeats; good for movement, never for an act.
    Repeat,
}

/// Both filters, in the order the bytes need: first what is no key at all, then what no finger typed.
#[derive(Debug, Default)]
pub struct Filters {
    framer: framing::Framer,
    burst: burst::Burst,
}

impl Filters {
    /// What `bytes` come to, which were there together at time `at` (since any fixed moment).
    pub fn feed(&mut self, at: Duration, bytes: &[u8]) -> Vec<Input> {
        let whole = self.framer.feed(at, bytes);
        self.burst.feed(at, whole)
    }
}

/// Starts the reading thread on the terminal behind `tty` (the process's stdin).
///
/// # Errors
/// When the thread cannot be started.
pub(crate) fn start(tty: OwnedFd, to: mpsc::Sender<Input>) -> io::Result<()> {
    std::thread::Builder::new().name("tty-input".into()).spawn(move || {
        read_until_gone(&tty, &to);
        // The receiver may be gone before the terminal is.
        let _ = to.blocking_send(Input::HangUp);
    })?;
    Ok(())
}

fn read_until_gone(tty: &OwnedFd, to: &mpsc::Sender<Input>) {
    let start = Instant::now();
    let mut filters = Filters::default();
    let mut bytes = Vec::with_capacity(BATCH);
    // Read only when there is something: a read that waits would not notice the end.
    while watchdog::wait_readable(tty.as_fd()) == Ready::Readable {
        bytes.clear();
        if !matches!(read_all(tty, &mut bytes), Ok(true)) {
            return;
        }
        for input in filters.feed(start.elapsed(), &bytes) {
            if to.blocking_send(input).is_err() {
                return;
            }
        }
    }
}

/// What is there, about [`BATCH`] bytes at most: a sequence must not be cut for the size of one read. False at the end.
fn read_all(tty: &OwnedFd, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 1024];
    while bytes.len() < BATCH && (bytes.is_empty() || watchdog::is_readable(tty.as_fd())) {
        match rustix::io::read(tty, &mut part) {
            Ok(0) => return Ok(false),
            Ok(n) => bytes.extend_from_slice(&part[..n]),
            Err(rustix::io::Errno::INTR) => {}
            // Another program made the shared descriptor one that does not wait, and somebody took the bytes first.
            Err(rustix::io::Errno::AGAIN) => break,
            Err(e) => return Err(e.into()),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_filters_work_together() {
        let mut filters = Filters::default();
        let keys = |text: &str| text.chars().map(|c| Input::Key(Key::char(c))).collect::<Vec<_>>();
        let at = Duration::from_millis;
        assert_eq!(filters.feed(at(0), b"\x1b").len(), 1);
        assert_eq!(filters.feed(at(100), b"[1;2R"), []);
        assert_eq!(filters.feed(at(900), b"Ry"), keys("Ry"));
        assert_eq!(filters.feed(at(2000), b"hello world"), [Input::LooksLikePaste]);
    }
}

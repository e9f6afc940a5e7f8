//! Keys, pastes, focus and size from the terminal, filtered so that they are safe to act on.
//!
//! Reading blocks, so a thread of its own reads. Its input passes two pure filters ([`framing`] and [`burst`]) and
//! goes into a bounded channel. A full channel stops the reading; the rest then stays in the terminal's own queue.

pub(crate) mod burst;
mod decode;
pub(crate) mod framing;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::watchdog::{self, Ready};
pub use crate::ui::input::{Code, Key};

/// The most inputs that wait. A person types about ten a second.
pub(crate) const QUEUE: usize = 256;

/// The most bytes that are read together before they are passed on.
const BATCH: usize = 4096;

/// One action of the person or the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeats. Releases are not passed on.
    Key(Key),
    /// Pasted text, from a terminal that marks pastes; at most [`framing::PASTE_MAX`] bytes. It may contain any
    /// characters.
    Paste(String),
    /// Keys came faster than a person types, from a terminal that does not mark pastes. They were dropped.
    LooksLikePaste,
    /// The terminal's window got the focus.
    FocusGained,
    /// The terminal's window lost the focus.
    FocusLost,
    /// The terminal has this new number of columns and rows.
    Resize(u16, u16),
    /// A request to stop the process as a job (SIGTSTP).
    Stop,
    /// The process was stopped and continues (SIGCONT).
    Continued,
    /// The terminal is gone. Sent at least once; it is the last input.
    HangUp,
}

/// Both filters in the right order: first remove bytes that are not keys, then keys that nobody typed.
#[derive(Debug, Default)]
pub struct Filters {
    framer: framing::Framer,
    burst: burst::Burst,
}

impl Filters {
    /// The inputs in `bytes`, which arrived together at time `at` (since any fixed moment).
    pub fn feed(&mut self, at: Duration, bytes: &[u8]) -> Vec<Input> {
        let whole = self.framer.feed(at, bytes);
        self.burst.feed(at, whole)
    }
}

/// Starts the reading thread on the terminal `tty` (the process's stdin).
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn start(tty: OwnedFd, to: mpsc::Sender<Input>) -> io::Result<()> {
    std::thread::Builder::new().name("tty-input".into()).spawn(move || {
        read_until_gone(&tty, &to);
        // The receiver may be dropped before the terminal is gone.
        let _ = to.blocking_send(Input::HangUp);
    })?;
    Ok(())
}

fn read_until_gone(tty: &OwnedFd, to: &mpsc::Sender<Input>) {
    let start = Instant::now();
    let mut filters = Filters::default();
    let mut bytes = Vec::with_capacity(BATCH);
    // Reads only when bytes are ready: a blocking read would not notice that the terminal is gone.
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

/// Reads the ready bytes, about [`BATCH`] at most, so that a sequence is not split by the size of one read. False at
/// the end.
fn read_all(tty: &OwnedFd, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 1024];
    while bytes.len() < BATCH && (bytes.is_empty() || watchdog::is_readable(tty.as_fd())) {
        match rustix::io::read(tty, &mut part) {
            Ok(0) => return Ok(false),
            Ok(n) => bytes.extend_from_slice(&part[..n]),
            Err(rustix::io::Errno::INTR) => {}
            // Another program made the shared descriptor non-blocking, and another reader took the bytes first.
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

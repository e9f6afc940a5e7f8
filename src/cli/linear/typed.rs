//! Lines from the terminal, each with the time it was read.
//!
//! Reading blocks, so a thread reads; it ends with the process. The time matters: an answer that was typed before its
//! question could be read does not count.

use std::os::fd::AsFd;

use tokio::sync::mpsc;
use tokio::time::Instant;

/// The most waiting lines; more are dropped and counted.
const LINES: usize = 64;
/// The longest line, in bytes: the limit of the terminal's own line editor.
const LONGEST: usize = 4096;

/// Input from the keyboard.
#[derive(Debug, PartialEq)]
pub(super) enum KeyboardInput {
    /// A line without its line end.
    Line {
        /// The text.
        text: String,
        /// When it was read.
        at: Instant,
        /// The number of dropped lines before it.
        lost: u64,
    },
    /// The end of input.
    End {
        /// Whether the terminal is gone; otherwise Ctrl-D was pressed.
        gone: bool,
    },
}

/// Starts to read standard input.
pub(super) fn listen() -> std::io::Result<mpsc::Receiver<KeyboardInput>> {
    let (to, from) = mpsc::channel(LINES);
    std::thread::Builder::new().name("keyboard".into()).spawn(move || read(std::io::stdin(), &to))?;
    Ok(from)
}

fn read(from: impl AsFd, to: &mpsc::Sender<KeyboardInput>) {
    let mut cutter = Cutter { partial: Vec::new(), lost: 0, to };
    let mut buffer = [0; LONGEST];
    loop {
        let read = rustix::io::read(from.as_fd(), &mut buffer);
        let at = Instant::now();
        match read {
            Ok(0) => break,
            Ok(count) if cutter.feed(&buffer[..count], at) => {}
            Ok(_) => return,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => {
                let _ = to.blocking_send(KeyboardInput::End { gone: true });
                return;
            }
        }
    }
    let _ = to.blocking_send(KeyboardInput::End { gone: is_gone(from) });
}

/// Splits the input into lines.
struct Cutter<'a> {
    partial: Vec<u8>,
    lost: u64,
    to: &'a mpsc::Sender<KeyboardInput>,
}

impl Cutter<'_> {
    /// Sends every whole line; false when the receiver is gone.
    fn feed(&mut self, bytes: &[u8], at: Instant) -> bool {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend_from_slice(piece);
            self.partial.truncate(LONGEST);
            if !piece.ends_with(b"\n") {
                continue;
            }
            let text = String::from_utf8_lossy(&self.partial).trim_end_matches(['\n', '\r']).to_owned();
            self.partial.clear();
            match self.to.try_send(KeyboardInput::Line { text, at, lost: self.lost }) {
                Ok(()) => self.lost = 0,
                Err(mpsc::error::TrySendError::Full(_)) => self.lost += 1,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
            }
        }
        true
    }
}

/// Whether the other side of a terminal was closed.
fn is_gone(fd: impl AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_a_flood_is_counted() {
        let (to, mut from) = mpsc::channel(2);
        let mut cutter = Cutter { partial: Vec::new(), lost: 0, to: &to };
        let at = Instant::now();
        let line = |text: &str, lost| KeyboardInput::Line { text: text.into(), at, lost };
        assert!(cutter.feed(b"one\r\ntw", at));
        assert_eq!(from.try_recv(), Ok(line("one", 0)));
        assert!(cutter.feed(b"o\nthree\nfour\nfive\n", at));
        assert_eq!((from.try_recv(), from.try_recv()), (Ok(line("two", 0)), Ok(line("three", 0))));
        assert!(cutter.feed(b"six\n\xff\n", at));
        assert_eq!(from.try_recv(), Ok(line("six", 2)));
        assert_eq!(from.try_recv(), Ok(line("\u{fffd}", 0)));
        drop(from);
        assert!(!cutter.feed(b"seven\n", at));
    }

    #[test]
    fn the_end_of_a_pipe_is_told() {
        let (reader, writer) = std::io::pipe().unwrap();
        let (to, mut from) = mpsc::channel(2);
        drop(writer);
        read(reader, &to);
        assert!(matches!(from.try_recv(), Ok(KeyboardInput::End { .. })));
    }
}

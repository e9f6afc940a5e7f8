//! Output to the terminal with writes that cannot block for ever.
//!
//! The tty is opened a second time, non-blocking. So neither Ctrl-S nor a dead connection can keep the program from
//! exiting, and the flag does not affect the shell's descriptor.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

/// How long to wait for room before the gate is checked again.
const ROOM_WAIT: Duration = Duration::from_millis(100);

/// A terminal's output with a gate. While it is closed, frames are dropped.
#[derive(Debug)]
pub struct Output {
    file: File,
    open: Mutex<bool>,
}

impl Output {
    /// Opens the terminal of `fd` again, non-blocking.
    ///
    /// # Errors
    /// `fd` is not a terminal, or none of its names can be opened for writing.
    pub fn to(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self { file: File::from(reopen(fd.as_fd())?), open: Mutex::new(true) })
    }

    fn gate(&self) -> MutexGuard<'_, bool> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the gate and then writes `last`, for at most `limit`. The rest of an unfinished frame is dropped; the
    /// escape character at the start of `last` ends a sequence that was cut in half.
    ///
    /// # Errors
    /// The terminal is gone, or took longer than `limit`.
    pub fn close_with(&self, last: &[u8], limit: Duration) -> io::Result<()> {
        let mut open = self.gate();
        *open = false;
        write_within(&self.file, last, limit)
    }

    /// Writes `first` and opens the gate again.
    ///
    /// # Errors
    /// As for [`Output::close_with`]; the gate is open in any case.
    pub fn open_with(&self, first: &[u8], limit: Duration) -> io::Result<()> {
        let mut open = self.gate();
        *open = true;
        write_within(&self.file, first, limit)
    }
}

impl Write for &Output {
    /// Waits for room while the gate is open. When it is closed, the rest is dropped: it must not be shown.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            {
                let open = self.gate();
                if !*open {
                    return Ok(bytes.len());
                }
                match (&self.file).write(bytes) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    other => return other,
                }
            }
            wait_for_room(self.file.as_fd(), ROOM_WAIT)?;
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all of `bytes` to a non-blocking `file` or gives up after `limit`.
///
/// # Errors
/// The error of the write, or `TimedOut`.
pub(crate) fn write_within(mut file: &File, mut bytes: &[u8], limit: Duration) -> io::Result<()> {
    let end = Instant::now() + limit;
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                wait_for_room(file.as_fd(), left)?;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Opens the terminal of `fd` again for writing, non-blocking.
///
/// # Errors
/// `fd` is not a terminal, or neither its name nor `/dev/tty` can be opened (a container may hide the first).
pub(crate) fn reopen(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::termios::tcgetattr(fd)?;
    let named = rustix::termios::ttyname(fd, Vec::new()).and_then(|name| rustix::fs::open(name, flags, Mode::empty()));
    Ok(named.or_else(|_| rustix::fs::open("/dev/tty", flags, Mode::empty()))?)
}

fn wait_for_room(fd: BorrowedFd<'_>, limit: Duration) -> io::Result<()> {
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use pty_process::blocking::{Pts, Pty, open};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    fn terminal() -> (Pty, Pts, Output) {
        let (master, pts) = open().unwrap();
        let output = Output::to(&pts).unwrap();
        (master, pts, output)
    }

    fn read(master: &mut Pty) -> String {
        let mut buffer = [0; 64];
        let n = master.read(&mut buffer).unwrap();
        String::from_utf8(buffer[..n].to_vec()).unwrap()
    }

    #[test]
    fn a_closed_gate_lets_only_the_last_word_through() {
        let (mut master, _pts, output) = terminal();
        (&output).write_all(b"frame").unwrap();
        assert_eq!(read(&mut master), "frame");
        output.close_with(b"last", SHORT).unwrap();
        (&output).write_all(b"late frame").unwrap();
        assert_eq!(read(&mut master), "last");
        output.open_with(b"again", SHORT).unwrap();
        assert_eq!(read(&mut master), "again", "and not the late frame");
        (&output).write_all(b"frame").unwrap();
        assert_eq!(read(&mut master), "frame");
    }

    #[test]
    fn t26_a_terminal_that_takes_nothing_holds_nobody_for_ever() {
        let (_master, _pts, output) = terminal();
        let output = Arc::new(output);
        let theirs = Arc::clone(&output);
        let writer = std::thread::spawn(move || (&*theirs).write_all(&vec![b'x'; 1 << 20]));
        // More than fits, so that this write must give up even if it runs before the writer.
        let last = vec![b'y'; 1 << 20];
        assert_eq!(output.close_with(&last, SHORT).unwrap_err().kind(), io::ErrorKind::TimedOut);
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn what_is_no_terminal_is_refused() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(Output::to(ours).is_err());
    }

    #[test]
    fn t10_a_terminal_that_is_gone_is_an_error() {
        let (master, _pts, output) = terminal();
        drop(master);
        assert!((&output).write_all(b"x").is_err());
        assert!(output.close_with(b"x", SHORT).is_err());
    }
}

//! Detects that the terminal is gone.
//!
//! crossterm 0.29 reads from a vanished terminal for ever without an error (crossterm issue 793). SIGHUP may be
//! ignored (`nohup`) or go only to the shell. So a thread of its own waits for the hang-up of the tty, which costs
//! nothing.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The result of waiting for input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// There are bytes to read.
    Readable,
    /// The terminal is gone.
    HungUp,
}

/// Blocks until the terminal behind `fd` has input or is gone.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>) -> Ready {
    wait(fd, PollFlags::IN)
}

/// Whether bytes can be read now.
pub(crate) fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok() && fds[0].revents().contains(PollFlags::IN)
}

/// Starts the thread. It calls `on_hang_up` once, when the terminal of `fd` is gone.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn start(fd: OwnedFd, on_hang_up: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("tty-watchdog".into()).spawn(move || {
        wait(fd.as_fd(), PollFlags::empty());
        on_hang_up();
    })?;
    Ok(())
}

fn wait(fd: BorrowedFd<'_>, wanted: PollFlags) -> Ready {
    loop {
        let mut fds = [PollFd::from_borrowed_fd(fd, wanted)];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            // A descriptor that cannot be polled is no longer a terminal.
            Err(_) => return Ready::HungUp,
            Ok(_) => {
                let got = fds[0].revents();
                if got.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                    return Ready::HungUp;
                }
                if got.contains(PollFlags::IN) {
                    return Ready::Readable;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t04_a_closed_peer_is_a_hang_up_and_fires_once() {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let (tx, rx) = std::sync::mpsc::sync_channel(4);
        start(ours.into(), move || tx.send(()).unwrap()).unwrap();
        assert!(rx.try_recv().is_err());
        drop(theirs);
        rx.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        assert!(rx.recv().is_err(), "once");
    }

    #[test]
    fn input_is_seen_before_the_end() {
        use std::io::Write;
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        theirs.write_all(b"x").unwrap();
        assert_eq!(wait_readable(ours.as_fd()), Ready::Readable);
        drop(theirs);
        assert_eq!(wait_readable(ours.as_fd()), Ready::HungUp);
    }
}

//! Standard output written by a thread. A reader that stops reading blocks the thread, but never a signal, a key or
//! the engine.
//!
//! The waiting bytes are bounded. Loops wait for room with [`Pen::ready`], which a signal can end. A caller that
//! writes without waiting for room blocks, like any program.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// From this many waiting bytes on, loops wait.
const FULL: usize = 64 << 10;
/// From this many waiting bytes on, every caller waits.
const MOST: usize = 1 << 20;

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    /// Bytes were added, or the writer was closed.
    work: Condvar,
    /// Bytes were written; wakes waiting threads.
    room: Condvar,
    /// The same; wakes waiting tasks.
    moved: Notify,
}

#[derive(Default)]
struct Desk {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
    closed: bool,
    ended: bool,
    fault: Option<io::Error>,
}

impl Desk {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.writing
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Vec<u8>> {
        let mut desk = self.desk();
        loop {
            if let Some(bytes) = desk.waiting.pop_front() {
                desk.writing = true;
                return Some(bytes);
            }
            if desk.ended {
                return None;
            }
            desk = self.work.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wrote(&self, bytes: usize, result: io::Result<()>) {
        {
            let mut desk = self.desk();
            desk.writing = false;
            desk.bytes = desk.bytes.saturating_sub(bytes);
            if let Err(error) = result {
                desk.waiting.clear();
                desk.bytes = 0;
                match error.kind() {
                    io::ErrorKind::BrokenPipe => desk.closed = true,
                    _ => desk.fault = Some(error),
                }
            }
        }
        self.room.notify_all();
        self.moved.notify_waiters();
    }
}

/// Writes from its own thread.
pub(super) struct Pen {
    shared: Arc<Shared>,
}

impl Pen {
    /// Starts the thread.
    pub(super) fn start(mut to: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("stdout".into()).spawn(move || {
            while let Some(bytes) = theirs.take() {
                let result = to.write_all(&bytes).and_then(|()| to.flush());
                theirs.wrote(bytes.len(), result);
            }
        })?;
        Ok(Self { shared })
    }

    /// Adds `bytes` to the queue; blocks when the queue is very long. Drops them after a write has failed.
    pub(super) fn write(&self, bytes: Vec<u8>) {
        let mut desk = self.shared.desk();
        while desk.bytes >= MOST {
            desk = self.shared.room.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        if desk.closed || desk.fault.is_some() {
            return;
        }
        desk.bytes += bytes.len();
        desk.waiting.push_back(bytes);
        drop(desk);
        self.shared.work.notify_one();
    }

    /// Whether a loop should wait.
    pub(super) fn is_full(&self) -> bool {
        self.shared.desk().bytes >= FULL
    }

    /// Whether everything was written.
    pub(super) fn is_idle(&self) -> bool {
        self.shared.desk().is_idle()
    }

    /// Whether the reader is gone.
    pub(super) fn closed(&self) -> bool {
        self.shared.desk().closed
    }

    /// The write error; returned once.
    pub(super) fn fault(&self) -> Option<io::Error> {
        self.shared.desk().fault.take()
    }

    /// Waits until there is room.
    pub(super) async fn ready(&self) {
        self.until(|| !self.is_full()).await;
    }

    /// Waits until everything was written.
    pub(super) async fn idle(&self) {
        self.until(|| self.is_idle()).await;
    }

    /// Blocks until everything was written.
    pub(super) fn wait(&self) {
        let mut desk = self.shared.desk();
        while !desk.is_idle() {
            desk = self.shared.room.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    async fn until(&self, holds: impl Fn() -> bool) {
        loop {
            // Reason: created before the check, so that a write between the two still wakes it.
            let moved = self.shared.moved.notified();
            if holds() {
                return;
            }
            moved.await;
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.shared.desk().ended = true;
        self.shared.work.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A reader that accepts one write each time a test asks for it.
    struct Slow(mpsc::Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_sleeps_holds_up_nobody_and_its_end_is_quiet() {
        let (go, slow) = mpsc::channel();
        let pen = Pen::start(Slow(slow)).unwrap();
        pen.write(vec![b'x'; FULL]);
        pen.write(vec![b'y'; 10]);
        assert!(pen.is_full() && !pen.is_idle());
        let brief = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(brief, pen.ready()).await.is_err(), "nothing was read yet");
        go.send(()).unwrap();
        pen.ready().await;
        drop(go);
        pen.idle().await;
        assert!(pen.closed() && pen.fault().is_none());
        pen.write(b"to nobody".to_vec());
        pen.wait();
    }
}

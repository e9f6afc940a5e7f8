//! Standard output written by a thread. A reader that stops reading blocks the thread, but never a signal, a key or
//! the engine.
//!
//! The waiting bytes are bounded. Loops wait for room with [`StdoutThread::ready`], which a signal can end. A caller that
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
    queue: Mutex<Queue>,
    /// Bytes were added, or the writer was closed.
    work: Condvar,
    /// Bytes were written; wakes waiting threads.
    room: Condvar,
    /// The same; wakes waiting tasks.
    moved: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
    closed: bool,
    ended: bool,
    fault: Option<io::Error>,
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.writing
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Vec<u8>> {
        let mut queue = self.queue();
        loop {
            if let Some(bytes) = queue.waiting.pop_front() {
                queue.writing = true;
                return Some(bytes);
            }
            if queue.ended {
                return None;
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wrote(&self, bytes: usize, result: io::Result<()>) {
        {
            let mut queue = self.queue();
            queue.writing = false;
            queue.bytes = queue.bytes.saturating_sub(bytes);
            if let Err(error) = result {
                queue.waiting.clear();
                queue.bytes = 0;
                match error.kind() {
                    io::ErrorKind::BrokenPipe => queue.closed = true,
                    _ => queue.fault = Some(error),
                }
            }
        }
        self.room.notify_all();
        self.moved.notify_waiters();
    }
}

/// Writes from its own thread.
pub(super) struct StdoutThread {
    shared: Arc<Shared>,
}

impl StdoutThread {
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
        let mut queue = self.shared.queue();
        while queue.bytes >= MOST {
            queue = self.shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.closed || queue.fault.is_some() {
            return;
        }
        queue.bytes += bytes.len();
        queue.waiting.push_back(bytes);
        drop(queue);
        self.shared.work.notify_one();
    }

    /// Whether a loop should wait.
    pub(super) fn is_full(&self) -> bool {
        self.shared.queue().bytes >= FULL
    }

    /// Whether everything was written.
    pub(super) fn is_idle(&self) -> bool {
        self.shared.queue().is_idle()
    }

    /// Whether the reader is gone.
    pub(super) fn closed(&self) -> bool {
        self.shared.queue().closed
    }

    /// The write error; returned once.
    pub(super) fn fault(&self) -> Option<io::Error> {
        self.shared.queue().fault.take()
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
        let mut queue = self.shared.queue();
        while !queue.is_idle() {
            queue = self.shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
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

impl Drop for StdoutThread {
    fn drop(&mut self) {
        self.shared.queue().ended = true;
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
        let stdout_thread = StdoutThread::start(Slow(slow)).unwrap();
        stdout_thread.write(vec![b'x'; FULL]);
        stdout_thread.write(vec![b'y'; 10]);
        assert!(stdout_thread.is_full() && !stdout_thread.is_idle());
        let brief = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(brief, stdout_thread.ready()).await.is_err(), "nothing was read yet");
        go.send(()).unwrap();
        stdout_thread.ready().await;
        drop(go);
        stdout_thread.idle().await;
        assert!(stdout_thread.closed() && stdout_thread.fault().is_none());
        stdout_thread.write(b"to nobody".to_vec());
        stdout_thread.wait();
    }
}

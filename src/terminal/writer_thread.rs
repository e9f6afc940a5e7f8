//! A thread that writes bytes. A reader that stops reading blocks the thread, but never a signal, a key or the engine.
//!
//! The waiting bytes are bounded. Loops wait for room with [`WriterThread::ready`], which a signal can end. A caller that
//! writes without waiting for room blocks, like any program. The first write that fails ends the thread.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// From this many waiting bytes on, loops wait.
const FULL: usize = 64 << 10;
/// From this many waiting bytes on, every caller waits.
const MOST: usize = 1 << 20;

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Bytes were added, or the owner is gone.
    work: Condvar,
    /// Bytes were written; wakes waiting threads.
    room: Condvar,
    /// The same for one task. At most one permit waits.
    written: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
    ended: bool,
    has_failed: bool,
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

    /// The next bytes; `None` when the owner is gone.
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

    fn wrote(&self, bytes: usize, fault: Option<io::Error>) {
        {
            let mut queue = self.queue();
            queue.writing = false;
            queue.bytes = queue.bytes.saturating_sub(bytes);
            if fault.is_some() {
                (queue.bytes, queue.has_failed, queue.fault) = (0, true, fault);
                queue.waiting.clear();
            }
        }
        self.room.notify_all();
        self.written.notify_one();
    }
}

/// Writes from its own thread. One task at a time may wait for it.
#[derive(Debug)]
pub(crate) struct WriterThread {
    shared: Arc<Shared>,
}

impl WriterThread {
    /// Starts the thread. It calls `on_fault` once, when a write fails.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start<W, F>(name: &str, mut to: W, on_fault: F) -> io::Result<Self>
    where
        W: Write + Send + 'static,
        F: FnOnce() + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            while let Some(bytes) = theirs.take() {
                let fault = to.write_all(&bytes).and_then(|()| to.flush()).err();
                let has_failed = fault.is_some();
                theirs.wrote(bytes.len(), fault);
                if has_failed {
                    return on_fault();
                }
            }
        })?;
        Ok(Self { shared })
    }

    /// Adds `bytes` to the queue; blocks when the queue is very long. Drops them after a write has failed.
    pub(crate) fn write(&self, bytes: Vec<u8>) {
        let mut queue = self.shared.queue();
        while queue.bytes >= MOST {
            queue = self.shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.has_failed {
            return;
        }
        queue.bytes += bytes.len();
        queue.waiting.push_back(bytes);
        drop(queue);
        self.shared.work.notify_one();
    }

    /// Whether a loop should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.queue().bytes >= FULL
    }

    /// Whether everything was written.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.queue().is_idle()
    }

    /// Whether a write has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.queue().has_failed
    }

    /// Whether the reader is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.queue().fault.as_ref().is_some_and(is_closed)
    }

    /// The error of the write that failed; returned once. A reader that is gone is not an error.
    pub(crate) fn fault(&self) -> Option<io::Error> {
        self.shared.queue().fault.take_if(|error| !is_closed(error))
    }

    /// Resolves when bytes were written since the last time it resolved, or a write has failed. Cancel-safe. It borrows
    /// nothing.
    pub(crate) fn written(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.written.notified().await }
    }

    /// Waits until there is room.
    pub(crate) async fn ready(&self) {
        while self.is_full() {
            self.written().await;
        }
    }

    /// Waits until everything was written.
    pub(crate) async fn idle(&self) {
        while !self.is_idle() {
            self.written().await;
        }
    }

    /// Blocks until everything was written, but not longer than `limit`.
    pub(crate) fn wait_for(&self, limit: Duration) {
        let queue = self.shared.queue();
        let waits = |queue: &mut Queue| !queue.is_idle() && !queue.has_failed;
        drop(self.shared.room.wait_timeout_while(queue, limit, waits));
    }

    /// Blocks until everything was written.
    pub(crate) fn wait(&self) {
        let mut queue = self.shared.queue();
        while !queue.is_idle() {
            queue = self.shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

impl Drop for WriterThread {
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
        let thread = WriterThread::start("slow", Slow(slow), || {}).unwrap();
        thread.write(vec![b'x'; FULL]);
        thread.write(vec![b'y'; 10]);
        assert!(thread.is_full() && !thread.is_idle());
        let brief = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(brief, thread.ready()).await.is_err(), "nothing was read yet");
        go.send(()).unwrap();
        thread.ready().await;
        drop(go);
        thread.idle().await;
        assert!(thread.is_closed() && thread.fault().is_none());
        thread.write(b"to nobody".to_vec());
        let long = std::time::Duration::from_secs(5);
        tokio::time::timeout(long, thread.idle()).await.expect("what comes after a fault is dropped");
        thread.wait();
    }
}

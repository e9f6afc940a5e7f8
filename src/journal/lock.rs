//! Advisory file locks with an end to the wait.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::{JournalError, Problem};

/// How long a lock is waited for. An append holds it for one write and one sync; a process that holds it longer
/// is stopped or hangs on its disk.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(2);

/// A lock held on an open file until this is dropped, or the process dies.
#[derive(Debug)]
pub(super) struct Locked(Arc<File>);

impl Drop for Locked {
    fn drop(&mut self) {
        // Said aloud rather than left to close: the descriptor may be shared with a child between fork and exec.
        let _ = self.0.unlock();
    }
}

/// The lock on `file`, alone; an error after `wait`.
pub(super) fn exclusive(file: &Arc<File>, path: &Path, wait: Duration) -> Result<Locked, JournalError> {
    let began = Instant::now();
    loop {
        if let Some(locked) = try_exclusive(file, path)? {
            return Ok(locked);
        }
        if began.elapsed() >= wait {
            let detail = format!("another process has held its lock for {} ms", wait.as_millis());
            return Err(JournalError::new(Problem::Busy, "lock", path, detail));
        }
        pause();
    }
}

/// Waits a moment for a lock to become free.
///
/// The system knows no lock with a deadline; jitter keeps several waiters from trying in step.
pub(super) fn pause() {
    std::thread::park_timeout(Duration::from_micros(fastrand::u64(300..3_000)));
}

/// The lock on `file` if it is free this moment.
pub(super) fn try_exclusive(file: &Arc<File>, path: &Path) -> Result<Option<Locked>, JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(Some(Locked(Arc::clone(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", path, &error)),
    }
}

/// The shared lock on `file` if no one writes this moment.
pub(super) fn try_shared(file: &Arc<File>, path: &Path) -> Result<Option<Locked>, JournalError> {
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(Locked(Arc::clone(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", path, &error)),
    }
}

//! Advisory file locks with a time limit.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::{JournalError, Problem};

/// How long to wait for a lock. An append holds it for one write and one sync. A process that holds it longer is
/// stopped or hangs on its disk.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(2);

/// A lock on an open file, held until this is dropped or the process dies.
#[derive(Debug)]
pub(super) struct Locked(Arc<File>);

impl Drop for Locked {
    fn drop(&mut self) {
        // Unlocks explicitly, since closing may not unlock: a child may share the descriptor between fork and exec.
        let _ = self.0.unlock();
    }
}

/// The exclusive lock on `file`; an error after `wait`.
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

/// Sleeps for a moment before the next try.
///
/// The system has no lock with a deadline. Jitter keeps several waiters from trying at the same moments.
pub(super) fn pause() {
    std::thread::park_timeout(Duration::from_micros(fastrand::u64(300..3_000)));
}

/// The exclusive lock on `file` if it is free now.
pub(super) fn try_exclusive(file: &Arc<File>, path: &Path) -> Result<Option<Locked>, JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(Some(Locked(Arc::clone(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", path, &error)),
    }
}

/// The shared lock on `file` if it is free now.
pub(super) fn try_shared(file: &Arc<File>, path: &Path) -> Result<Option<Locked>, JournalError> {
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(Locked(Arc::clone(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", path, &error)),
    }
}

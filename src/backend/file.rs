//! Changes a file that cutover owns: one writer at a time, completely or not at all. Can also restore its old content
//! and time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use tokio::time::{Instant, sleep};

use super::BackendError;
use crate::domain::text::clean;

/// The largest file, in bytes. A larger one is not ours.
const MAX_FILE: u64 = 16 * 1024;
/// The pause between tries to take a lock that another console holds.
const AGAIN: Duration = Duration::from_millis(20);

/// The file as read.
#[derive(Debug, Clone)]
pub(super) struct Before {
    pub(super) text: String,
    pub(super) written: SystemTime,
}

/// Reads `path`, with a size limit.
pub(super) fn read(path: &Path) -> Result<Before, BackendError> {
    let read = || -> io::Result<(String, SystemTime)> {
        let file = File::open(path)?;
        let written = file.metadata()?.modified()?;
        let mut raw = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut raw)?;
        Ok((String::from_utf8_lossy(&raw).into_owned(), written))
    };
    let (text, written) = read().map_err(|error| io_error(path, "read", &error))?;
    if text.len() as u64 > MAX_FILE {
        let path = shown(path);
        return Err(BackendError::Garbled(format!("{path} is longer than {MAX_FILE} bytes: is it the right file?")));
    }
    Ok(Before { text, written })
}

/// Writes `path` so that a reader finds the old or the new text, also after a crash. `written` sets an older time.
pub(super) fn write(path: &Path, text: &str, written: Option<SystemTime>) -> Result<(), BackendError> {
    // Follows a link, so that the link stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    write_by(&path, &beside(&path, "new"), text, written)
}

/// The same, writing to `fresh` first, which is on the same file system.
pub(super) fn write_by(path: &Path, fresh: &Path, text: &str, written: Option<SystemTime>) -> Result<(), BackendError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(fresh)?;
        file.write_all(text.as_bytes())?;
        if let Ok(meta) = fs::metadata(path) {
            file.set_permissions(meta.permissions())?;
        }
        if let Some(written) = written {
            file.set_modified(written)?;
        }
        file.sync_all()?;
        fs::rename(fresh, path)?;
        // Makes the name durable too. Not every file system supports this.
        let _ = path.parent().map(|dir| File::open(dir).and_then(|dir| dir.sync_all()));
        Ok(())
    };
    write().or_else(|error| {
        let _ = fs::remove_file(fresh);
        match error.kind() {
            // There is room for what is there already.
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => in_place(path, text, written),
            _ => Err(error),
        }
        .map_err(|error| io_error(path, "written", &error))
    })
}

/// Writes over the text of `path`, where there is no room for a second file. A reader may find a part of it.
pub(super) fn in_place(path: &Path, text: &str, written: Option<SystemTime>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    if let Some(written) = written {
        file.set_modified(written)?;
    }
    file.sync_all()
}

/// Whether `path` can be replaced by this user.
pub(super) fn may_write(path: &Path) -> Result<(), BackendError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (rights, flags) = (Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    accessat(CWD, dir, rights, flags).map_err(|error| io_error(dir, "written to", &error.into()))
}

/// While this is held, other consoles on this machine cannot write.
#[derive(Debug)]
pub(super) struct Lock {
    _held: Option<File>,
}

impl Lock {
    /// Waits at most `limit` for the lock. A file that cannot be locked needs no lock.
    ///
    /// # Errors
    /// Another console holds it all that time.
    pub(super) async fn take(path: &Path, limit: Duration) -> Result<Self, BackendError> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(beside(path, "lock"));
        let Ok(file) = file else { return Ok(Self { _held: None }) };
        let deadline = Instant::now() + limit;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _held: Some(file) }),
                Err(TryLockError::Error(_)) => return Ok(Self { _held: None }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(AGAIN).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(BackendError::Conflict("another console is changing it at this moment".into()));
                }
            }
        }
    }

    /// No lock: a rollback does not wait.
    pub(super) const fn none() -> Self {
        Self { _held: None }
    }
}

/// A hidden file beside `path`; `include *.conf` does not match it.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

pub(super) fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy(), 200)
}

fn io_error(path: &Path, what: &str, error: &io::Error) -> BackendError {
    let text = format!("{} cannot be {what}: {error}", shown(path));
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => BackendError::Denied(text),
        io::ErrorKind::NotFound => {
            BackendError::Unreachable(format!("{text}; write the first one as the set-up page of its kind shows"))
        }
        _ => BackendError::Unreachable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_room_for_a_second_file_the_old_one_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let (path, fresh) = (dir.path().join("split.conf"), dir.path().join("fresh"));
        fs::write(&path, "a longer text than the new one").unwrap();
        // Writing there ends as on a full disk.
        std::os::unix::fs::symlink("/dev/full", &fresh).unwrap();
        write_by(&path, &fresh, "new", None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/full", &fresh).unwrap();
        let error = write_by(&path, &fresh, "new", None).unwrap_err();
        assert!(matches!(error, BackendError::Unreachable(_)), "nothing is there to write over: {error}");
    }

    #[test]
    fn a_directory_that_may_not_be_written_is_told() {
        let dir = tempfile::tempdir().unwrap();
        assert!(may_write(&dir.path().join("x")).is_ok());
        assert!(may_write(Path::new("/nonexistent/x")).is_err());
    }
}

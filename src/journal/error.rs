//! Errors of the files in a state directory, sorted by what the operator can do about them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The kinds of trouble, each with its own remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// No space, no quota, or a limit on file sizes.
    Full,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The user has no permission.
    Denied,
    /// A file or directory does not exist.
    Missing,
    /// Another process held the lock for too long.
    Busy,
    /// The record does not fit a line, or would not be read back unchanged.
    Unfit,
    /// The content was not written by this program.
    Foreign,
    /// Any other error of the system.
    System,
}

impl Problem {
    /// The kind of a system error.
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::WriteZero => Self::Full,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::System,
        }
    }

    /// What the operator can do.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Full => "free space there (or raise the quota or file size limit); the next attempt goes on",
            Self::ReadOnly => "mount it writable, or name another state directory",
            Self::Denied => "give this user the right to write there, or name another state directory",
            Self::Missing => "create the directory, or name another state directory",
            Self::Busy => "see which process holds it with `fuser -v` on that file, and let it go on or end it",
            Self::Unfit => "shorten the text; this is a fault of cutover if there was none",
            Self::Foreign => "move the file aside, or name another state directory",
            Self::System => "look at the file system and the kernel log of this machine",
        }
    }
}

/// Why a file of the state directory could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalError {
    /// The kind of the error.
    pub problem: Problem,
    /// The file or directory.
    pub path: PathBuf,
    /// What was attempted: `write the journal`.
    pub doing: &'static str,
    /// The system's message.
    pub detail: String,
}

impl JournalError {
    /// A system error that happened while `doing` something with `path`.
    pub(super) fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::new(Problem::of(error), doing, path, error.to_string())
    }

    pub(super) fn new(problem: Problem, doing: &'static str, path: &Path, detail: impl Into<String>) -> Self {
        Self { problem, path: path.to_owned(), doing, detail: detail.into() }
    }

    /// What the operator can do about it.
    pub const fn remedy(&self) -> &'static str {
        self.problem.remedy()
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}; {}", self.doing, self.path.display(), self.detail, self.remedy())
    }
}

impl std::error::Error for JournalError {}

/// A place where a journal differs from what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// What the operator can do.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

impl std::error::Error for Fault {}

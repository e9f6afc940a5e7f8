//! What can go wrong with the files of a state directory, by what the operator can do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The kinds of trouble, each with its own remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// No space, no quota, or a limit on the size of files.
    Full,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The user may not.
    Denied,
    /// A file or directory is not there.
    Missing,
    /// Another process held the lock for longer than we wait.
    Busy,
    /// The record does not fit a line, or would not read back as what it is.
    Unfit,
    /// What is there is not what this program writes.
    Foreign,
    /// Anything else the system said.
    System,
}

impl Problem {
    /// The kind behind an error of the system.
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
    /// Of what kind.
    pub problem: Problem,
    /// Which file or directory.
    pub path: PathBuf,
    /// What was attempted: `write the journal`.
    pub doing: &'static str,
    /// What the system said.
    pub detail: String,
}

impl JournalError {
    /// An error of the system met while `doing` something with `path`.
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

/// A place where a journal is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which file.
    pub file: PathBuf,
    /// Which line, from 1; 0 where the file as a whole is meant.
    pub line: u64,
    /// What is wrong with it.
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

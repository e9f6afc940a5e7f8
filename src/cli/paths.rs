//! The files and directories of this user and of a service.

use std::path::{Path, PathBuf};

use crate::domain::Service;
use crate::journal;

/// The journal of a service.
pub(crate) fn journal_file(service: &Service) -> PathBuf {
    service.state_dir.join(journal::FILE_NAME)
}

/// The directory for this user's state: crash reports and the last copied text. `None` without a home.
pub(crate) fn state_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "cutover").and_then(|dirs| dirs.state_dir().map(Path::to_path_buf))
}

/// The directory for crash reports.
pub(crate) fn crash_dir() -> Option<PathBuf> {
    state_dir().map(|dir| dir.join("crash"))
}

//! Opens and replaces files with the modes and the durability that records need.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::error::{JournalError, Problem};

/// Creates `dir` and its parents, mode 0700. An existing directory stays unchanged.
pub(super) fn make_dir(dir: &Path) -> Result<(), JournalError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| JournalError::io("create the state directory", dir, &e))
}

/// Options for a file to append to: read and append, created with mode 0600.
pub(super) fn append_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options
}

/// Makes the names in `dir` durable. Without this, a crash can lose a file that was just created.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Replaces `path` by `bytes`, completely or not at all, mode 0600. The caller holds the lock that guards it.
pub(super) fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_dir(dir)
}

/// Identifies a file independent of its name: device and inode.
pub(super) fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// Whether `path` still names the open `file`.
pub(super) fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(&open) == identity(&named),
        _ => false,
    }
}

/// Refuses a device or a pipe under the journal's name: reading it would never end.
pub(super) fn must_be_regular(file: &File, path: &Path) -> Result<(), JournalError> {
    let meta = file.metadata().map_err(|e| JournalError::io("read the journal", path, &e))?;
    if meta.is_file() {
        return Ok(());
    }
    Err(JournalError::new(Problem::Foreign, "use the journal", path, "it is not a regular file"))
}

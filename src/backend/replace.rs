//! Replaces a file that other programs own too: writes a new one beside it with the same owner and mode and renames
//! it. So a reader finds the old or the new text, never a part of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::file::in_place;
use crate::domain::text::clean;

/// The largest file, in bytes. A larger one is not a map of ours.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The mode of the file if it did not exist before.
const MODE: u32 = 0o644;

/// What is wrong with a file.
#[derive(Debug)]
pub(super) struct Fault {
    /// In words: cleaned, with the path.
    pub(super) text: String,
    /// The kind of the system's error, if that is the cause.
    pub(super) io: Option<io::ErrorKind>,
}

impl Fault {
    /// A fault of what the file is.
    pub(super) fn of(path: &Path, why: &str) -> Self {
        Self { text: format!("{} {why}", clean(&path.to_string_lossy(), 200)), io: None }
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.text
    }
}

fn fault(path: &Path, error: &io::Error) -> Fault {
    Fault { text: clean(&format!("{}: {error}", path.display()), 300), io: Some(error.kind()) }
}

/// The text of `path`; empty if there is no such file.
pub(super) fn text(path: &Path) -> Result<String, Fault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(fault(path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| fault(path, &error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Fault::of(path, &format!("is larger than {} MiB", MAX_FILE >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| Fault::of(path, "is not UTF-8"))
}

/// Replaces the file at `path` by `content`.
pub(super) fn replace(path: &Path, content: &str) -> Result<(), Fault> {
    let full = [Some(io::ErrorKind::StorageFull), Some(io::ErrorKind::QuotaExceeded)];
    match by_rename(path, content) {
        // There is room for what is there already.
        Err(error) if full.contains(&error.io) => in_place(path, content, None).map_err(|error| fault(path, &error)),
        done => done,
    }
}

fn by_rename(path: &Path, content: &str) -> Result<(), Fault> {
    let mut staged = Staged::beside(path)?;
    staged.file.write_all(content.as_bytes()).map_err(|error| fault(path, &error))?;
    staged.file.sync_all().map_err(|error| fault(path, &error))?;
    fs::rename(&staged.temporary, &staged.place).map_err(|error| fault(path, &error))?;
    if let Some(dir) = staged.place.parent().and_then(|dir| File::open(dir).ok()) {
        // Reason: the new name is already in effect. A directory that cannot be synced does not change that.
        let _ = dir.sync_all();
    }
    Ok(())
}

/// Whether the file at `path` can be replaced now. Leaves nothing behind.
pub(super) fn can_replace(path: &Path) -> Result<(), Fault> {
    Staged::beside(path).map(drop)
}

/// A new file beside the one it will replace. Dropping it removes the new file.
struct Staged {
    /// The real file, with links resolved.
    place: PathBuf,
    temporary: PathBuf,
    file: File,
}

impl Staged {
    fn beside(path: &Path) -> Result<Self, Fault> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let told = |error: io::Error| fault(path, &error);
        let old = match fs::metadata(path) {
            Ok(old) if !old.is_file() => return Err(Fault::of(path, "is not a file")),
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(told(error)),
        };
        let place = if old.is_some() { fs::canonicalize(path).map_err(told)? } else { path.to_owned() };
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let temporary = place.with_file_name(format!(".{name}.cutover-{}-{n}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        let file = file.map_err(|error| {
            let Fault { text, io } = fault(path, &error);
            Fault { text: format!("its directory must be writable: {text}"), io }
        })?;
        let staged = Self { place, temporary, file };
        staged.like(old.as_ref()).map_err(told)?;
        Ok(staged)
    }

    /// Sets the owner first: changing the owner clears bits of the mode.
    fn like(&self, old: Option<&fs::Metadata>) -> io::Result<()> {
        let mode = old.map_or(MODE, |old| old.mode() & 0o7777);
        let own = self.file.metadata()?;
        if let Some(old) = old.filter(|old| (old.uid(), old.gid()) != (own.uid(), own.gid())) {
            std::os::unix::fs::fchown(&self.file, Some(old.uid()), Some(old.gid())).map_err(|error| {
                io::Error::new(error.kind(), format!("its owner {}:{} cannot be kept: {error}", old.uid(), old.gid()))
            })?;
        }
        self.file.set_permissions(fs::Permissions::from_mode(mode))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename this file no longer exists.
        let _ = fs::remove_file(&self.temporary);
    }
}

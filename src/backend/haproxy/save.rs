//! What a reload would read: map files and server state files, written after a change and compared at every look.
//!
//! A file is replaced by a new one beside it, under the same owner and mode: a reload reads the old or the new, never
//! half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::router::haproxy::MapEntry;
use crate::domain::text::clean;

/// Larger files are no map of ours.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What a new file gets where there was none.
const MODE: u32 = 0o644;

/// Why a file is not as it should be: cleaned, with its path.
pub(in crate::backend) type Fault = String;

fn fault(path: &Path, error: &io::Error) -> Fault {
    clean(&format!("{}: {error}", path.display()), 300)
}

/// The text of `path`; empty where there is no such file.
pub(in crate::backend) fn text(path: &Path) -> Result<String, Fault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(fault(path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| fault(path, &error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("{} is larger than {} MiB", clean(&path.to_string_lossy(), 200), MAX_FILE >> 20));
    }
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", clean(&path.to_string_lossy(), 200)))
}

/// The value that a map file gives the key; the first counts, as in HAProxy.
pub(super) fn value_in(map: &str, key: &str) -> Option<String> {
    map.lines().find_map(|line| {
        let (found, value) = line.trim().split_once([' ', '\t'])?;
        (found == key).then(|| value.trim().to_owned())
    })
}

/// Sets the entry in the map file at `path` and leaves every other line as it is.
pub(super) fn set_entry(path: &Path, entry: &MapEntry, value: &str) -> Result<(), Fault> {
    let old = text(path)?;
    let mut new = String::with_capacity(old.len() + 64);
    let line = format!("{} {value}\n", entry.key);
    let mut is_set = false;
    for kept in old.split_inclusive('\n') {
        if kept.split_ascii_whitespace().next() == Some(entry.key.as_str()) {
            new.push_str(if is_set { "" } else { &line });
            is_set = true;
        } else {
            new.push_str(kept);
        }
    }
    if !is_set {
        if !new.is_empty() && !new.ends_with('\n') {
            new.push('\n');
        }
        new.push_str(&line);
    }
    if new == old {
        return Ok(());
    }
    replace(path, &new)
}

/// Puts `content` in the place of the file at `path`.
pub(in crate::backend) fn replace(path: &Path, content: &str) -> Result<(), Fault> {
    let mut staged = Staged::beside(path)?;
    staged.file.write_all(content.as_bytes()).map_err(|error| fault(path, &error))?;
    staged.file.sync_all().map_err(|error| fault(path, &error))?;
    fs::rename(&staged.temporary, &staged.place).map_err(|error| fault(path, &error))?;
    if let Some(dir) = staged.place.parent().and_then(|dir| File::open(dir).ok()) {
        // Reason: the new name is in force already; a directory that cannot be synced is no reason to say otherwise.
        let _ = dir.sync_all();
    }
    Ok(())
}

/// Whether the file at `path` could be replaced now. Leaves nothing behind.
pub(in crate::backend) fn can_replace(path: &Path) -> Result<(), Fault> {
    Staged::beside(path).map(drop)
}

/// A new file beside the one it will replace; gone again when it is dropped before.
struct Staged {
    /// The file itself, behind links.
    place: PathBuf,
    temporary: PathBuf,
    file: File,
}

impl Staged {
    fn beside(path: &Path) -> Result<Self, Fault> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let told = |error: io::Error| fault(path, &error);
        let old = match fs::metadata(path) {
            Ok(old) if !old.is_file() => return Err(format!("{} is not a file", clean(&path.to_string_lossy(), 200))),
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(told(error)),
        };
        let place = if old.is_some() { fs::canonicalize(path).map_err(told)? } else { path.to_owned() };
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let temporary = place.with_file_name(format!(".{name}.cutover-{}-{n}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        let file = file.map_err(|error| format!("its directory must be writable: {}", fault(path, &error)))?;
        let staged = Self { place, temporary, file };
        staged.like(old.as_ref()).map_err(told)?;
        Ok(staged)
    }

    /// The owner first: another owner clears bits of the mode.
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
        // After the rename there is no such file any more.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> MapEntry {
        MapEntry { map: "m".into(), key: "active".into() }
    }

    #[test]
    fn one_line_is_changed_and_mode_and_link_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real.map");
        let link = dir.path().join("active.map");
        fs::write(&real, "# sides\nother x\n  active\tblue  \nactive twice").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        set_entry(&link, &entry(), "green").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "# sides\nother x\nactive green\n");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(value_in(&text(&link).unwrap(), "active").as_deref(), Some("green"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn what_cannot_be_replaced_is_told_beforehand() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("new.map");
        can_replace(&new).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
        assert!(can_replace(dir.path()).unwrap_err().contains("not a file"));
        assert!(can_replace(&dir.path().join("no/such.map")).is_err());
        set_entry(&new, &entry(), "green").unwrap();
        assert_eq!(fs::read_to_string(&new).unwrap(), "active green\n");
    }
}

//! The state file: it keeps the split across a restart and a `kill -9`.
//!
//! A new state is written to a second file, synced and renamed. So the file holds one complete state at any moment. A
//! lock file keeps a second gateway from using the same state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::error::GatewayError;
use crate::domain::{OrderId, Split};

/// The longest state file, in bytes. A longer one was not written by this program.
const MAX_BYTES: u64 = 256 * 1024;
const FORMAT: u32 = 1;

/// An order that was carried out. It is kept so that a retry does not act twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) id: OrderId,
    pub(super) split: Split,
    pub(super) revision: u64,
}

/// The state kept across restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved {
    format: u32,
    pub(super) split: Split,
    pub(super) revision: u64,
    pub(super) orders: Vec<Done>,
}

impl Saved {
    pub(super) fn new(split: Split, revision: u64, orders: Vec<Done>) -> Self {
        Self { format: FORMAT, split, revision, orders }
    }
}

/// The state file and its lock.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    /// Held while the store lives; `None` if the directory is read-only.
    _lock: Option<File>,
}

impl Store {
    /// Opens and reads the state file; also returns why it cannot be written, if so.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Saved>, Option<String>), GatewayError> {
        let fault = |reason: String| GatewayError::State { path: path.to_owned(), reason };
        if path.file_name().is_none() {
            return Err(fault("is not the name of a file".into()));
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
            made.map_err(|error| {
                fault(format!("has no directory, and {} cannot be made ({error})", parent.display()))
            })?;
        }
        let (lock, warning) = match lock(&beside(path, "lock")) {
            Ok(lock) => (Some(lock), None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(GatewayError::StateLocked(path.to_owned()));
            }
            Err(error) => (
                None,
                Some(format!(
                    "the state file {} cannot be written ({error}): only rollbacks are accepted, and the split does not survive a restart",
                    path.display()
                )),
            ),
        };
        let saved = read(path).map_err(fault)?;
        Ok((Self { path: path.to_owned(), _lock: lock }, saved, warning))
    }

    /// Writes `saved` to a second file. After this only the disk itself can still fail.
    pub(super) fn stage(&self, saved: &Saved) -> io::Result<Staged> {
        let temporary = beside(&self.path, "tmp");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&serde_json::to_vec(saved).map_err(io::Error::other)?)?;
        Ok(Staged { path: self.path.clone(), file, temporary })
    }
}

/// A state that is written but not active yet.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
    file: File,
    temporary: PathBuf,
}

impl Staged {
    /// Syncs it, moves it into place, and syncs the directory.
    pub(super) fn commit(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

fn read(path: &Path) -> Result<Option<Saved>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read ({error})")),
    };
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| format!("cannot be read ({error})"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes"));
    }
    let saved: Saved = serde_json::from_slice(&text).map_err(|error| format!("makes no sense ({error})"))?;
    if saved.format == FORMAT { Ok(Some(saved)) } else { Err(format!("has format {}, not {FORMAT}", saved.format)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Side;

    #[test]
    fn what_is_committed_is_read_back_and_a_staged_state_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/state.json");
        let saved = Saved::new(Split::toward(Side::Green, 10), 7, vec![]);
        {
            let (store, before, warning) = Store::open(&path).unwrap();
            assert_eq!((before, warning), (None, None));
            store.stage(&saved).unwrap().commit().unwrap();
            store.stage(&Saved::new(Split::all(Side::Green), 8, vec![])).unwrap();
            assert!(matches!(Store::open(&path), Err(GatewayError::StateLocked(_))));
        }
        assert_eq!(Store::open(&path).unwrap().1, Some(saved));
    }

    #[test]
    fn a_state_that_makes_no_sense_stops_the_start_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        for (text, why) in [
            ("", "makes no sense"),
            ("{\"format\":1,\"split\":{\"blue\":60,\"green\":60},\"revision\":1,\"orders\":[]}", "sum to 100"),
            ("{\"format\":9,\"split\":{\"blue\":60,\"green\":40},\"revision\":1,\"orders\":[]}", "format 9"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Store::open(&path).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("move it away"), "{error}");
        }
    }
}

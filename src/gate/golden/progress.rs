//! The cases that were answered already, kept in a file: a run that was stopped or killed goes on where it was.
//!
//! Its first line says what the answers belong to: the versions, the set's content and the gate as configured. When
//! that is not the same any more, or the answers are older than a result may be, it begins anew.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use super::answer::Graded;
use crate::domain::Digest;

/// A larger file is none of ours, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    key: Digest,
    since: DateTime<Utc>,
}

/// A case that was answered: its place in the set, from 0.
#[derive(Serialize, Deserialize)]
struct Entry {
    case: u64,
    #[serde(flatten)]
    graded: Graded,
}

/// What the answers belong to, and for how long they count.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) digest: Digest,
    pub(super) now: DateTime<Utc>,
    pub(super) valid_for_ms: u64,
}

/// The open file. Without a file nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Progress {
    file: Option<(PathBuf, tokio::fs::File)>,
}

impl Progress {
    /// Opens the file and gives back what it holds for `key`; a second run at the same time keeps nothing.
    pub(super) async fn open(path: Option<&Path>, key: Key) -> (Self, Vec<(u64, Graded)>, Option<String>) {
        let Some(path) = path.map(Path::to_owned) else { return Default::default() };
        let at = path.clone();
        match tokio::task::spawn_blocking(move || open(&at, &key)).await {
            Ok(Ok((file, known))) => (Self { file: Some((path, tokio::fs::File::from_std(file))) }, known, None),
            Ok(Err(why)) => (Self::default(), Vec::new(), Some(format!("a run that is stopped begins anew: {why}"))),
            Err(_) => Default::default(),
        }
    }

    /// Keeps one more; what cannot be kept any more is told once.
    pub(super) async fn add(&mut self, case: u64, graded: &Graded) -> Option<String> {
        let (_, file) = self.file.as_mut()?;
        let Ok(mut line) = serde_json::to_vec(&Entry { case, graded: graded.clone() }) else { return None };
        line.push(b'\n');
        let written = match file.write_all(&line).await {
            Ok(()) => file.flush().await,
            Err(err) => Err(err),
        };
        let err = written.err()?;
        self.file = None;
        Some(format!("answers are not kept any more: {err}"))
    }

    /// The run has its verdict: the next one begins anew.
    pub(super) async fn finish(self) {
        if let Some((path, file)) = self.file {
            // Emptied first: what cannot be removed must not be taken up again.
            let _ = file.set_len(0).await;
            let _ = tokio::fs::remove_file(path).await;
        }
    }
}

fn open(path: &Path, key: &Key) -> Result<(File, Vec<(u64, Graded)>), String> {
    let told = |err: &std::io::Error| format!("{err}");
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|err| told(&err))?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path).map_err(|err| told(&err))?;
    file.try_lock().map_err(|_| "another run of this gate is under way".to_owned())?;
    let mut bytes = Vec::new();
    (&mut file).take(MAX_FILE).read_to_end(&mut bytes).map_err(|err| told(&err))?;
    let (good, known) = read(&bytes, key);
    let restart = (|| {
        file.set_len(good as u64)?;
        file.seek(SeekFrom::End(0))?;
        if good == 0 {
            let head = serde_json::to_vec(&Head { key: key.digest.clone(), since: key.now })?;
            file.write_all(&[head.as_slice(), b"\n"].concat())?;
        }
        Ok(())
    })();
    restart.map_err(|err: std::io::Error| told(&err))?;
    Ok((file, known))
}

/// How many bytes are good, and what they say; the last line of a run that was killed may be half a line.
fn read(bytes: &[u8], key: &Key) -> (usize, Vec<(u64, Graded)>) {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let head = lines.next().and_then(|line| serde_json::from_slice::<Head>(line).ok().map(|head| (line.len(), head)));
    let oldest = key.now - TimeDelta::milliseconds(i64::try_from(key.valid_for_ms).unwrap_or(i64::MAX / 4));
    let Some((mut good, _)) =
        head.filter(|(_, head)| head.key == key.digest && head.since >= oldest && head.since <= key.now)
    else {
        return (0, Vec::new());
    };
    let mut known = Vec::new();
    for line in lines {
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else { break };
        known.push((entry.case, entry.graded));
        good += line.len();
    }
    (good, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digest: &str) -> Key {
        Key {
            digest: Digest::of([digest]),
            now: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            valid_for_ms: 60_000,
        }
    }

    fn graded(told: &str) -> Graded {
        Graded { right: Some(told.is_empty()), told: told.into(), ..Graded::default() }
    }

    #[tokio::test]
    async fn what_was_answered_is_there_again_for_the_same_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gates/golden.progress");
        let (mut progress, known, told) = Progress::open(Some(&path), key("a")).await;
        assert_eq!((known.len(), told), (0, None));
        assert_eq!(progress.add(4, &graded("")).await, None);
        assert_eq!(progress.add(0, &graded("case 1: no")).await, None);
        let (_, known, told) = Progress::open(Some(&path), key("a")).await;
        assert_eq!(known, [], "it is locked");
        assert_eq!(told.unwrap(), "a run that is stopped begins anew: another run of this gate is under way");
        drop(progress);

        let late = Key { now: key("a").now + TimeDelta::seconds(59), ..key("a") };
        let (progress, known, _) = Progress::open(Some(&path), late).await;
        assert_eq!(known, [(4, graded("")), (0, graded("case 1: no"))]);
        drop(progress);
        let later = Key { now: key("a").now + TimeDelta::seconds(61), ..key("a") };
        for other in [key("b"), later] {
            let bytes = std::fs::read(&path).unwrap();
            let (progress, known, _) = Progress::open(Some(&path), other).await;
            assert_eq!(known, []);
            drop(progress);
            std::fs::write(&path, bytes).unwrap();
        }
        let (progress, ..) = Progress::open(Some(&path), key("a")).await;
        progress.finish().await;
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn half_a_line_is_cut_off_and_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("golden.progress");
        let (mut progress, ..) = Progress::open(Some(&path), key("a")).await;
        progress.add(7, &graded("")).await;
        drop(progress);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"case\":8,\"ri");
        std::fs::write(&path, &bytes).unwrap();
        let (mut progress, known, _) = Progress::open(Some(&path), key("a")).await;
        assert_eq!(known, [(7, graded(""))]);
        progress.add(8, &graded("x")).await;
        drop(progress);
        let (_progress, known, _) = Progress::open(Some(&path), key("a")).await;
        assert_eq!(known, [(7, graded("")), (8, graded("x"))]);
    }

    #[tokio::test]
    async fn where_nothing_can_be_kept_it_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("gates"), "").unwrap();
        let path = dir.path().join("gates/golden.progress");
        let (mut progress, known, told) = Progress::open(Some(&path), key("a")).await;
        assert!(known.is_empty() && told.unwrap().starts_with("a run that is stopped begins anew: "));
        assert_eq!(progress.add(1, &graded("")).await, None);
    }
}

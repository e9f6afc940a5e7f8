//! The output of each gate in its own file, for reading after the screen is gone.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::text::clean;
use crate::domain::{Digest, LogLine};

use super::error::{JournalError, Problem};
use super::{files, lock};

/// A file of this many bytes is renamed to `<name>.log.1`, replacing the previous one. So a gate takes at most twice
/// this.
pub const ROTATE_AT: u64 = 5 << 20;

/// The longest text of a line, in characters.
const MAX_TEXT: usize = 4_000;

/// How long to wait for another process that rotates.
const ROTATE_WAIT: Duration = Duration::from_millis(200);

const WRITE: &str = "write the gate's log";

/// The log file of one gate. Several processes may append to the same one.
#[derive(Debug)]
pub struct GateLog {
    path: PathBuf,
    file: Arc<File>,
}

/// The path of the log of the gate `gate`: `<dir>/gates/<name>.log`.
///
/// The user chooses the name. A character that is not a letter, a digit, `-`, `_` or an inner `.` is replaced. Then a
/// part of the name's digest is added, so that two such names stay different.
pub fn log_path(dir: &Path, gate: &str) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name: String = gate.chars().take(60).map(|c| if is_plain(c) { c } else { '_' }).collect();
    if name != gate || name.is_empty() || name.starts_with('.') {
        let digest = Digest::of([gate]);
        name = format!("{}-{}", name.trim_start_matches('.'), digest.as_str().get(..8).unwrap_or_default());
    }
    dir.join("gates").join(format!("{name}.log"))
}

/// Opens the log of the gate `gate` under the state directory `dir`; creates what is missing.
pub fn log_file(dir: &Path, gate: &str) -> Result<GateLog, JournalError> {
    let path = log_path(dir, gate);
    files::make_dir(&dir.join("gates"))?;
    let file = open(&path)?;
    Ok(GateLog { path, file })
}

impl GateLog {
    /// The path of the log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one line: `2026-01-01T00:00:00.000Z WARN golden: text`. It is not synced, since it is not a record.
    pub fn append(&mut self, line: &LogLine) -> Result<(), JournalError> {
        self.rotate()?;
        let at = line.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let (source, text) = (clean(&line.source, 60), clean(&line.text, MAX_TEXT));
        let whole = format!("{at} {} {source}: {text}\n", line.level.title());
        let fail = |e: &std::io::Error| JournalError::io(WRITE, &self.path, e);
        match (&*self.file).write(whole.as_bytes()) {
            Ok(n) if n == whole.len() => Ok(()),
            Ok(n) => {
                let detail = format!("only {n} of {} bytes fitted", whole.len());
                Err(JournalError::new(Problem::Full, WRITE, &self.path, detail))
            }
            Err(error) => Err(fail(&error)),
        }
    }

    /// Starts a new file when this one is full, or when another process has started one.
    fn rotate(&mut self) -> Result<(), JournalError> {
        let fail = |e: &std::io::Error| JournalError::io("rotate the gate's log", &self.path, e);
        let is_full = self.file.metadata().map_err(|e| fail(&e))?.len() >= ROTATE_AT;
        if is_full {
            let _locked = lock::exclusive(&self.file, &self.path, ROTATE_WAIT)?;
            // The previous holder of the lock may have renamed the file. Then this is the old one.
            if files::is_same(&self.file, &self.path) {
                std::fs::rename(&self.path, self.path.with_extension("log.1")).map_err(|e| fail(&e))?;
            }
        }
        if is_full || !files::is_same(&self.file, &self.path) {
            self.file = open(&self.path)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<Arc<File>, JournalError> {
    let file = files::append_options().open(path).map_err(|e| JournalError::io("open the gate's log", path, &e))?;
    files::must_be_regular(&file, path)?;
    Ok(Arc::new(file))
}

//! The figures measured during a rollout, in a file beside the journal: `series.jsonl`.
//!
//! Unlike the journal this file is not synced, not chained and not complete: it is only for plots. It has one
//! [`Sample`] a line, about 230 bytes. At [`ROTATE_AT`] bytes the file is renamed to `series.jsonl.1` and replaces
//! the previous one. So it takes at most twice that, which holds the last dozens of rollouts.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::Sample;

use super::error::{JournalError, Problem};
use super::lines::{Lines, Piece};
use super::{files, lock};

/// The file's name in the state directory.
pub const SERIES_NAME: &str = "series.jsonl";

/// At this length a file is rotated, in bytes.
pub(super) const ROTATE_AT: u64 = 4 << 20;

/// How long to wait for another process that rotates.
const ROTATE_WAIT: Duration = Duration::from_millis(200);

const WRITE: &str = "write the series";
const READ: &str = "read the series";

/// The file, open for appending. Several processes may append to the same one.
#[derive(Debug)]
pub struct SeriesFile {
    path: PathBuf,
    file: Arc<File>,
}

impl SeriesFile {
    /// Opens the series in `dir`; creates what is missing.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        files::make_dir(dir)?;
        let path = dir.join(SERIES_NAME);
        let file = open(&path)?;
        let series = Self { path, file };
        series.end_line().map_err(|e| series.error(WRITE, &e))?;
        Ok(series)
    }

    /// Appends one sample with a single write. It is not synced: a crash leaves a gap in a plot.
    pub fn append(&mut self, sample: &Sample) -> Result<(), JournalError> {
        self.rotate()?;
        let unfit = |e: &dyn std::fmt::Display| JournalError::new(Problem::Unfit, WRITE, &self.path, e.to_string());
        let mut line = serde_json::to_string(sample).map_err(|e| unfit(&e))?;
        line.push('\n');
        match (&*self.file).write(line.as_bytes()) {
            Ok(n) if n == line.len() => Ok(()),
            Ok(n) => {
                let detail = format!("only {n} of {} bytes fitted", line.len());
                Err(JournalError::new(Problem::Full, WRITE, &self.path, detail))
            }
            Err(error) => Err(self.error(WRITE, &error)),
        }
    }

    /// Ends a line that a crash left incomplete, so that it does not spoil the next one.
    fn end_line(&self) -> io::Result<()> {
        let mut file = &*self.file;
        if file.metadata()?.len() == 0 {
            return Ok(());
        }
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let is_full = self.file.metadata().map_err(|e| self.error(WRITE, &e))?.len() >= ROTATE_AT;
        if is_full {
            let _locked = lock::exclusive(&self.file, &self.path, ROTATE_WAIT)?;
            // The previous holder of the lock may have renamed the file. Then this is already the old one.
            if files::is_same(&self.file, &self.path) {
                std::fs::rename(&self.path, aside(&self.path)).map_err(|e| self.error("rotate the series", &e))?;
            }
        }
        if is_full || !files::is_same(&self.file, &self.path) {
            self.file = open(&self.path)?;
        }
        Ok(())
    }

    fn error(&self, doing: &'static str, error: &io::Error) -> JournalError {
        JournalError::io(doing, &self.path, error)
    }
}

/// The content of a series.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Series {
    /// Oldest first.
    pub samples: Vec<Sample>,
    /// The number of unreadable lines; they are left out.
    pub bad_lines: u64,
}

/// Reads the series in `dir` and creates nothing. A missing series is empty.
pub(crate) fn read_series(dir: &Path) -> Result<Series, JournalError> {
    let path = dir.join(SERIES_NAME);
    let mut series = Series::default();
    for path in [aside(&path), path] {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(JournalError::io(READ, &path, &error)),
        };
        files::must_be_regular(&file, &path)?;
        // A file may be slightly longer than its limit, never much.
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file.take(2 * ROTATE_AT)), 0);
        while let Some(piece) = lines.next().map_err(|e| JournalError::io(READ, &path, &e))? {
            match piece {
                Piece::Line(line) => match serde_json::from_slice(line) {
                    Ok(sample) => series.samples.push(sample),
                    Err(_) => series.bad_lines += 1,
                },
                Piece::TooLong(_) => series.bad_lines += 1,
                // It is being written now, or a crash left it.
                Piece::Torn(_) => break,
            }
        }
    }
    // Several processes may have written, each with its own clock.
    series.samples.sort_by_key(|sample| sample.at);
    Ok(series)
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("jsonl.1")
}

fn open(path: &Path) -> Result<Arc<File>, JournalError> {
    let file = files::append_options().open(path).map_err(|e| JournalError::io("open the series", path, &e))?;
    files::must_be_regular(&file, path)?;
    Ok(Arc::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Side;
    use crate::domain::{Pair, SideSample, Split, Stamp};

    fn sample(n: u64) -> Sample {
        let side = SideSample { n, rps: 10.5, error_rate: 0.01, p50: Some(3.0), p99: None };
        Sample {
            at: Stamp::epoch().plus_ms(n as i64 * 1000).wall,
            over_s: 10,
            split: Some(Split::toward(Side::Green, 10)),
            sides: Pair { blue: Some(side), green: None },
        }
    }

    #[test]
    fn what_was_written_is_read_again_and_a_torn_line_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_series(dir.path()).unwrap(), Series::default(), "one that is not there is empty");
        SeriesFile::open(dir.path()).unwrap().append(&sample(1)).unwrap();
        let path = dir.path().join(SERIES_NAME);
        let torn = br#"{"at":"2026-01-"#;
        File::options().append(true).open(&path).unwrap().write_all(torn).unwrap();
        assert_eq!(read_series(dir.path()).unwrap().samples, [sample(1)]);
        SeriesFile::open(dir.path()).unwrap().append(&sample(0)).unwrap();
        let series = read_series(dir.path()).unwrap();
        assert_eq!(series.samples, [sample(0), sample(1)], "oldest first");
        assert_eq!(series.bad_lines, 1);
    }

    #[test]
    fn it_takes_a_bounded_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SERIES_NAME);
        let line = format!("{}\n", serde_json::to_string(&sample(1)).unwrap());
        assert!(line.len() < 260, "{} bytes", line.len());
        std::fs::write(&path, line.repeat(ROTATE_AT as usize / line.len() + 1)).unwrap();
        let mut first = SeriesFile::open(dir.path()).unwrap();
        let mut second = SeriesFile::open(dir.path()).unwrap();
        first.append(&sample(2)).unwrap();
        second.append(&sample(3)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2, "both went on in the new file");
        assert!(aside(&path).metadata().unwrap().len() >= ROTATE_AT);
        assert_eq!(read_series(dir.path()).unwrap().samples.last(), Some(&sample(3)));
    }
}

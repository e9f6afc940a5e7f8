//! Reads a journal without changing it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::error::JournalError;
use super::files;
use super::line::{Chain, Entry};
use super::store::{FILE_NAME, Journal, Opened};

/// How much of the end of a journal [`tail`] reads, in bytes.
const TAIL_BYTES: u64 = 16 << 20;

/// The size of one read when going backwards, in bytes.
const STEP: u64 = 1 << 16;

/// The end of a journal.
#[derive(Debug, Default, PartialEq)]
pub struct Tail {
    /// The last lines, oldest first.
    pub entries: Vec<Entry>,
    /// The number of lines that were changed since they were written; they are left out.
    pub bad_lines: u64,
}

/// Reads the whole journal in `dir`. Creates and repairs nothing; a torn last line is left out.
///
/// A journal that does not exist is an error of the kind [`Problem::Missing`](super::Problem::Missing).
pub fn read(dir: &Path) -> Result<Opened, JournalError> {
    let mut journal = Journal::closed(dir);
    journal.file = Some(Arc::new(open(&journal.path)?));
    let mut opened = Opened::default();
    journal.follow(&mut |entry| opened.records.push(entry.record))?;
    opened.broken = journal.broken;
    opened.bad_lines = journal.bad_lines;
    Ok(opened)
}

/// The last `n` lines of the journal in `dir`, if they are within its last 16 MiB.
///
/// Each line is checked by its own hash, not by its place in the chain: see [`verify`](super::verify()).
pub fn tail(dir: &Path, n: usize) -> Result<Tail, JournalError> {
    let path = dir.join(FILE_NAME);
    let file = open(&path)?;
    let bytes = last_lines(&file, n).map_err(|e| JournalError::io("read the journal", &path, &e))?;
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
    let lines = bytes.get(..whole).unwrap_or_default().split_inclusive(|b| *b == b'\n');
    let mut out = Tail::default();
    for line in lines {
        // From the middle of a file the chain is unknown, so only the line itself can be checked.
        match Chain::new().take(line.strip_suffix(b"\n").unwrap_or(line)) {
            Ok(entry) => out.entries.push(entry),
            Err(bad) => match bad.entry {
                Some(entry) => out.entries.push(*entry),
                None => out.bad_lines += 1,
            },
        }
    }
    Ok(out)
}

fn open(path: &Path) -> Result<File, JournalError> {
    let file = File::open(path).map_err(|e| JournalError::io("read the journal", path, &e))?;
    files::must_be_regular(&file, path)?;
    Ok(file)
}

/// The last `n` whole lines of `file`, and a torn line after them.
fn last_lines(file: &File, n: usize) -> io::Result<Vec<u8>> {
    let end = file.metadata()?.len();
    let floor = end.saturating_sub(TAIL_BYTES);
    let (mut start, mut ends, mut steps) = (end, 0_usize, Vec::new());
    while start > floor && ends <= n {
        let from = start.saturating_sub(STEP).max(floor);
        let mut step = vec![0; (start - from) as usize];
        file.read_exact_at(&mut step, from)?;
        ends += step.split(|b| *b == b'\n').count() - 1;
        steps.push(step);
        start = from;
    }
    let bytes: Vec<u8> = steps.into_iter().rev().flatten().collect();
    // A line starts after each line end except the last, and at the start of the file.
    let drop = if start == 0 && ends <= n { 0 } else { ends.saturating_sub(n).max(1) };
    let cut = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    let from = if drop == 0 { 0 } else { cut.take(drop).last().unwrap_or(bytes.len()) };
    Ok(bytes.get(from..).unwrap_or_default().to_vec())
}

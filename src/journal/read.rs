//! Reads a journal without changing it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::error::JournalError;
use super::files;
use super::store::{Journal, Opened};

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

fn open(path: &Path) -> Result<File, JournalError> {
    let file = File::open(path).map_err(|e| JournalError::io("read the journal", path, &e))?;
    files::must_be_regular(&file, path)?;
    Ok(file)
}

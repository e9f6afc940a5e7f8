//! The loop's end of a recording.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Entry, FORMAT};
use super::writer::Writer;
use crate::domain::{LogLine, Stamp};
use crate::engine::{Event, State};

/// Bytes of a file of a recording where nothing else is said; there are two files at most.
pub(crate) const DEFAULT_LIMIT: u64 = 64 << 20;

/// Writes down what the engine takes. Nothing here waits for the disk.
#[derive(Debug)]
pub struct Recorder {
    writer: Writer<Entry>,
    path: PathBuf,
    recording: u64,
    /// Entries dropped in all, and since the last that was not.
    lost: u64,
    gap: u64,
}

impl Recorder {
    /// Begins a recording in `path` with all that is known now.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(path: &Path, limit: u64, now: Stamp, state: &State) -> io::Result<Self> {
        let writer = Writer::start(path, limit)?;
        let mut recorder = Self { writer, path: path.to_owned(), recording: fastrand::u64(..), lost: 0, gap: 0 };
        recorder.put_state(now, state);
        Ok(recorder)
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down an event that `state` is about to take.
    pub fn event(&mut self, now: Stamp, event: &Event, state: &State) {
        self.put(Entry::Event { at: now, event: event.clone() }, state);
    }

    /// Writes down a line of the log that is not the engine's own.
    pub fn line(&mut self, now: Stamp, line: &LogLine, state: &State) {
        self.put(Entry::Line { at: now, line: line.clone() }, state);
    }

    /// Why the recording is not whole, in words.
    pub fn fault(&self) -> Option<String> {
        let lost = || format!("recording: {} entries are lost, the disk does not keep up", self.lost);
        self.writer.fault().map(|fault| format!("recording: {fault}")).or_else(|| (self.lost > 0).then(lost))
    }

    /// Waits a moment for the disk.
    pub fn flush(&self) {
        self.writer.flush(Duration::from_millis(500));
    }

    fn put(&mut self, entry: Entry, state: &State) {
        // After a gap, and in a new file, the state comes first: from there on a replay is exact.
        if self.writer.wants_opening() || self.gap > 0 {
            self.put_state(entry.at(), state);
        }
        if self.gap > 0 || !self.writer.put(entry) {
            self.gap += 1;
            self.lost += 1;
        }
    }

    fn put_state(&mut self, at: Stamp, state: &State) {
        let cutover = env!("CARGO_PKG_VERSION").into();
        let state = Box::new(state.clone());
        let entry = Entry::State { format: FORMAT, cutover, recording: self.recording, at, lost: self.gap, state };
        if self.writer.put(entry) {
            self.gap = 0;
        } else {
            self.gap = self.gap.max(1);
        }
    }
}

//! Writes a recording. The loop of the console calls this.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Entry, FORMAT};
use super::writer::Writer;
use crate::domain::{LogLine, Stamp};
use crate::engine::{Event, State};

/// The default size limit of a recording's file, in bytes. There are at most two files.
pub(crate) const DEFAULT_LIMIT: u64 = 64 << 20;

/// Records the events of the engine. Never waits for the disk.
#[derive(Debug)]
pub struct Recorder {
    writer: Writer<Entry>,
    path: PathBuf,
    recording: u64,
    /// The number of dropped entries in all, and since the last recorded one.
    lost: u64,
    gap: u64,
}

impl Recorder {
    /// Starts a recording in `path` with the current state.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn start(path: &Path, limit: u64, now: Stamp, state: &State) -> io::Result<Self> {
        let writer = Writer::start(path, limit)?;
        let mut recorder = Self { writer, path: path.to_owned(), recording: fastrand::u64(..), lost: 0, gap: 0 };
        recorder.put_state(now, state);
        Ok(recorder)
    }

    /// The path of the recording.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records an event that `state` is about to take.
    pub fn event(&mut self, now: Stamp, event: &Event, state: &State) {
        self.put(Entry::Event { at: now, event: event.clone() }, state);
    }

    /// Records a line of the log that does not come from the engine.
    pub fn line(&mut self, now: Stamp, line: &LogLine, state: &State) {
        self.put(Entry::Line { at: now, line: line.clone() }, state);
    }

    /// Why the recording is not complete, in words.
    pub fn fault(&self) -> Option<String> {
        let lost = || format!("recording: {} entries are lost, the disk does not keep up", self.lost);
        self.writer.fault().map(|fault| format!("recording: {fault}")).or_else(|| (self.lost > 0).then(lost))
    }

    /// Waits a moment for the disk.
    pub fn flush(&self) {
        self.writer.flush(Duration::from_millis(500));
    }

    fn put(&mut self, entry: Entry, state: &State) {
        // After a gap and in a new file the state comes first. A replay is exact from there on.
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

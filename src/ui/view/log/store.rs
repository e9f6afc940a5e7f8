//! The lines that are kept: of each source its newest, of all together no more than a fixed amount of text.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

use crate::domain::{LogLevel, LogLine};

/// Lines kept of one source; older ones are dropped and counted.
pub(crate) const CAPACITY: usize = 5_000;
/// Text kept of all sources, in bytes, with what a line costs besides; beyond it the largest source loses lines.
pub(crate) const BYTES: usize = 12 << 20;
/// What a line costs besides its text, in bytes, roughly.
const OVERHEAD: usize = 64;

/// A line's place among all: its time in microseconds since 1970, then the order of arrival.
pub(super) type Key = (i64, u64);

/// The smallest key at or after a time.
pub(super) fn key_at(time: DateTime<Utc>) -> Key {
    (time.timestamp_micros(), 0)
}

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Which source; see [`Store::name`].
    pub source: usize,
    /// How important it is.
    pub level: LogLevel,
    /// From the journal: not shown where the events have a pane of their own.
    pub event: bool,
    /// A note or a mark: shown wherever the log is.
    pub note: bool,
    /// What it says.
    pub text: Box<str>,
}

#[derive(Debug, Clone, Default)]
struct Source {
    name: Box<str>,
    keys: VecDeque<Key>,
    bytes: usize,
}

/// All lines, in the order of their times.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    lines: BTreeMap<Key, Entry>,
    sources: Vec<Source>,
    bytes: usize,
    seq: u64,
    dropped: u64,
}

impl Store {
    /// Takes a line in; what it pushed out goes to `gone`.
    pub(super) fn push(&mut self, line: LogLine, event: bool, note: bool, gone: &mut Vec<Key>) -> Key {
        let source = self.source_of(&line.source);
        let key = (line.at.timestamp_micros(), self.seq);
        self.seq += 1;
        let text = line.text.into_boxed_str();
        let cost = text.len() + OVERHEAD;
        self.bytes += cost;
        if let Some(of) = self.sources.get_mut(source) {
            // A source's lines come in order, as a rule.
            let at = of.keys.partition_point(|before| *before < key);
            of.keys.insert(at, key);
            of.bytes += cost;
        }
        self.lines.insert(key, Entry { source, level: line.level, event, note, text });
        while self.sources.get(source).is_some_and(|of| of.keys.len() > CAPACITY) {
            self.drop_oldest(source, gone);
        }
        while self.bytes > BYTES && self.lines.len() > 1 {
            let largest = (0..self.sources.len()).max_by_key(|at| self.sources[*at].bytes).unwrap_or(0);
            self.drop_oldest(largest, gone);
        }
        key
    }

    fn drop_oldest(&mut self, source: usize, gone: &mut Vec<Key>) {
        let Some(of) = self.sources.get_mut(source) else { return };
        let Some(key) = of.keys.pop_front() else { return };
        if let Some(entry) = self.lines.remove(&key) {
            let cost = entry.text.len() + OVERHEAD;
            of.bytes -= cost;
            self.bytes -= cost;
        }
        self.dropped += 1;
        gone.push(key);
    }

    fn source_of(&mut self, name: &str) -> usize {
        if let Some(at) = self.find(name) {
            return at;
        }
        let new = Source { name: name.into(), ..Source::default() };
        // A source without lines gives its place away: names come and go, their number does not grow.
        if let Some(at) = self.sources.iter().position(|source| source.keys.is_empty()) {
            self.sources[at] = new;
            return at;
        }
        self.sources.push(new);
        self.sources.len() - 1
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.sources.iter().position(|source| *source.name == *name)
    }

    /// The name of a source.
    pub(super) fn name(&self, source: usize) -> &str {
        self.sources.get(source).map_or("", |source| &source.name)
    }

    /// The lines in the order of their times.
    pub(super) const fn lines(&self) -> &BTreeMap<Key, Entry> {
        &self.lines
    }

    /// How many lines were dropped because there were too many.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What the next line will be numbered.
    pub(super) const fn next_seq(&self) -> u64 {
        self.seq
    }
}

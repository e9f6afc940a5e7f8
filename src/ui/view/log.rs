//! The log pane: the newest lines of every source, followed until somebody scrolls.
//!
//! What is shown is kept as a set of keys that is updated with every line, so a frame costs what it shows and
//! not what is kept. When filter, gate or level change the set is made anew, newest lines first and a piece at
//! a time, so that no key waits for it.

mod filter;
mod store;
mod window;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound::Unbounded;

use chrono::{DateTime, Utc};

use self::filter::Filter;
use self::store::{Entry, Key, Store};
use self::window::after;
use crate::domain::{LogLevel, LogLine};

/// Text looked at in one go while a filter is applied, in bytes.
const PIECE: usize = 64 << 10;
/// Marks kept for the events.
const MARKS: usize = 50;
/// What events that are notes begin with.
const NOTE: &str = "note: ";

/// The time shown before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stamps {
    /// Hours, minutes and seconds, UTC.
    #[default]
    Clock,
    /// How long ago.
    Age,
    /// None.
    Off,
}

/// A line of the window.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How important it is.
    pub level: LogLevel,
    /// Who wrote it.
    pub source: &'a str,
    /// What it says, as it came.
    pub text: &'a str,
    /// The cursor is on it.
    pub selected: bool,
    /// The search found it.
    pub hit: bool,
    /// A note or a mark.
    pub note: bool,
}

/// The pane's place while it does not follow.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// The line the cursor is on.
    at: Key,
    /// The newest line shown.
    bottom: Key,
    /// Lines numbered from here on have come since.
    seq: u64,
    /// How many of them would be shown.
    came: u64,
}

/// What the filter lets through.
#[derive(Debug, Clone, Default)]
struct Hits {
    keys: BTreeSet<Key>,
    /// Lines before this are still to be looked at; `None` when all were.
    before: Option<Key>,
}

/// The lines and how they are looked at. Whatever is set here takes effect with [`LogPane::settle`].
#[derive(Debug, Clone, Default)]
pub struct LogPane {
    store: Store,
    /// Lines that were lost before they came here.
    pub dropped: u64,
    /// Only lines that match this (or with `!` in front do not).
    pub filter: String,
    /// Only lines of this gate or source.
    pub gate: Option<String>,
    /// Only lines at least as important.
    pub least: LogLevel,
    /// All lines are shown and the filter's are marked, to be stepped through.
    pub search: bool,
    /// Long lines go on in the next row.
    pub wrap: bool,
    /// The time before lines.
    pub stamps: Stamps,
    /// Whether the journal's events are among the lines.
    events: bool,
    /// What `built`, `base` and `hits` were made for.
    settled: (String, Option<String>, LogLevel),
    built: Filter,
    /// The lines of the gate and level, where either is set.
    base: Option<BTreeSet<Key>>,
    /// Of these, the lines the filter lets through, where one is set.
    hits: Option<Hits>,
    held: Option<Held>,
    gone: Vec<Key>,
    /// Marks that are in no journal, for the events.
    marks: VecDeque<LogLine>,
}

impl LogPane {
    /// A pane without lines that is looked at in the same way.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let (filter, gate, least, wrap, stamps) =
            (self.filter.clone(), self.gate.clone(), self.least, self.wrap, self.stamps);
        Self { filter, gate, least, wrap, stamps, ..Self::default() }
    }

    /// Takes in a line; `event` says that the journal's events have it too.
    pub fn push(&mut self, line: LogLine, event: bool) {
        let note = event && line.text.starts_with(NOTE);
        self.take(line, event, note);
    }

    /// Takes in a mark that is in no journal.
    pub fn mark(&mut self, line: LogLine) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(line.clone());
        self.take(line, false, true);
    }

    /// Marks that are in no journal, oldest first.
    pub fn marks(&self) -> impl Iterator<Item = &LogLine> {
        self.marks.iter()
    }

    fn take(&mut self, line: LogLine, event: bool, note: bool) {
        let mut gone = std::mem::take(&mut self.gone);
        let key = self.store.push(line, event, note, &mut gone);
        for key in gone.drain(..) {
            if let Some(base) = &mut self.base {
                base.remove(&key);
            }
            if let Some(hits) = &mut self.hits {
                hits.keys.remove(&key);
            }
        }
        self.gone = gone;
        let Some(entry) = self.store.lines().get(&key).filter(|entry| self.in_base(entry)) else { return };
        // What lies before the piece that is being looked at will be looked at with it.
        let looked = self.hits.as_ref().is_some_and(|hits| hits.before.is_none_or(|before| key >= before));
        let hit = looked && self.built.matches(self.store.name(entry.source), entry.level, &entry.text);
        let shown = self.is_listed(entry) && (hit || self.hits.is_none() || self.search);
        if let Some(base) = &mut self.base {
            base.insert(key);
        }
        if let Some(hits) = self.hits.as_mut().filter(|_| hit) {
            hits.keys.insert(key);
        }
        if let Some(held) = self.held.as_mut().filter(|_| shown) {
            held.came += 1;
        }
    }

    fn in_base(&self, entry: &Entry) -> bool {
        let (_, gate, least) = &self.settled;
        let of_gate = gate.as_ref().is_none_or(|gate| *gate == self.store.name(entry.source));
        (of_gate && entry.level >= *least) || entry.note
    }

    /// Events have a pane of their own where there is room for it; notes are in both.
    fn is_listed(&self, entry: &Entry) -> bool {
        self.events || !entry.event || entry.note
    }

    /// Brings what is shown up to date with filter, gate and level; `events` says whether events are among the lines.
    /// Whether something changed.
    pub fn settle(&mut self, events: bool) -> bool {
        self.events = events;
        let (filter, gate, least) = &self.settled;
        if *filter == self.filter && *gate == self.gate && *least == self.least {
            return self.look_further(PIECE);
        }
        let base_changed = *gate != self.gate || *least != self.least;
        if *filter != self.filter {
            self.built = Filter::new(&self.filter);
            self.search = false;
        }
        self.settled = (self.filter.clone(), self.gate.clone(), self.least);
        if base_changed {
            self.make_base();
        }
        self.hits = (!self.built.is_none()).then(|| Hits { keys: BTreeSet::new(), before: Some((i64::MAX, u64::MAX)) });
        if let Some(seq) = self.held.as_ref().map(|held| held.seq) {
            let came = if self.hits.is_some() {
                0
            } else {
                self.shown(Unbounded, Unbounded).filter(|((_, n), _)| *n >= seq).count() as u64
            };
            self.held.iter_mut().for_each(|held| held.came = came);
        }
        self.look_further(PIECE);
        true
    }

    fn make_base(&mut self) {
        let (_, gate, least) = &self.settled;
        self.base = (gate.is_some() || *least > LogLevel::Info).then(|| {
            let lines = self.store.lines().iter();
            lines.filter(|(_, entry)| self.in_base(entry)).map(|(key, _)| *key).collect()
        });
    }

    /// Applies the filter to the next `piece` bytes of older lines. Whether there were any.
    fn look_further(&mut self, piece: usize) -> bool {
        let Some(mut hits) = self.hits.take() else { return false };
        let Some(before) = hits.before else {
            self.hits = Some(hits);
            return false;
        };
        let (mut seen, mut came, mut next) = (0, 0, None);
        let seq = self.held.map_or(u64::MAX, |held| held.seq);
        for (key, entry) in self.store.lines().range(..before).rev() {
            if seen >= piece {
                next = Some((key.0, key.1 + 1));
                break;
            }
            seen += 32;
            if self.in_base(entry) {
                seen += entry.text.len();
                if self.built.matches(self.store.name(entry.source), entry.level, &entry.text) {
                    hits.keys.insert(*key);
                    came += u64::from(key.1 >= seq && self.is_listed(entry));
                }
            }
        }
        hits.before = next;
        self.hits = Some(hits);
        self.held.iter_mut().for_each(|held| held.came += came);
        true
    }

    /// Whether older lines are still to be looked at.
    pub fn is_looking(&self) -> bool {
        self.hits.as_ref().is_some_and(|hits| hits.before.is_some())
    }

    /// What is wrong with the filter's expression.
    pub fn fault(&self) -> Option<&str> {
        self.built.fault()
    }

    /// Whether new lines are shown as they come.
    pub const fn follows(&self) -> bool {
        self.held.is_none()
    }

    /// Follows the end again.
    pub const fn follow(&mut self) {
        self.held = None;
    }

    /// Stops following; `upto` is the time cursor.
    pub fn hold(&mut self, upto: Option<DateTime<Utc>>) {
        let last = self.shown(Unbounded, after(upto)).next_back().map(|(key, _)| key);
        let bottom = last.unwrap_or((0, 0));
        self.held = Some(Held { at: bottom, bottom, seq: self.store.next_seq(), came: 0 });
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.store.lines().len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of lines that pass the filter, the gate and the level; `None` when all three are off.
    pub fn found(&self) -> Option<usize> {
        self.hits.as_ref().map(|hits| hits.keys.len()).or(self.base.as_ref().map(BTreeSet::len))
    }

    /// Lines that were dropped, here or before.
    pub const fn lost(&self) -> u64 {
        self.store.dropped() + self.dropped
    }

    /// How many lines have come in since it stopped.
    pub fn new_lines(&self) -> u64 {
        self.held.map_or(0, |held| held.came)
    }
}

#[cfg(test)]
mod tests;

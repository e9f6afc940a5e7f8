//! The log pane: the newest lines of every source, followed until somebody scrolls.
//!
//! What is shown is kept as a set of keys that is updated with every line, so a frame costs what it shows and
//! not what is kept. When filter, gate or level change the set is made anew, newest lines first and a piece at
//! a time, so that no key waits for it.

mod filter;
mod store;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use chrono::{DateTime, Utc};

use self::filter::Filter;
pub use self::store::{BYTES, CAPACITY};
use self::store::{Entry, Key, Store, key_at};
use crate::domain::{LogLevel, LogLine};

/// Text looked at in one go while a filter is applied, in bytes.
const PIECE: usize = 64 << 10;
/// Marks kept for the events.
const MARKS: usize = 50;
/// What events that are notes begin with.
const NOTE: &str = "note: ";

/// The time that stands before a line.
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

/// Where the pane stands while it does not follow.
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

    /// Stops where it is; `upto` is where the time cursor stands.
    pub fn hold(&mut self, upto: Option<DateTime<Utc>>) {
        let last = self.shown(Unbounded, after(upto)).next_back().map(|(key, _)| key);
        let bottom = last.unwrap_or((0, 0));
        self.held = Some(Held { at: bottom, bottom, seq: self.store.next_seq(), came: 0 });
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.store.lines().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many lines filter, gate and level let through; `None` where none of them is set.
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

    /// The lines to be shown within a range of keys.
    fn shown(&self, from: Bound<Key>, to: Bound<Key>) -> Box<dyn DoubleEndedIterator<Item = (Key, &Entry)> + '_> {
        let lines = self.store.lines();
        if let (Included(a) | Excluded(a), Included(b) | Excluded(b)) = (from, to)
            && (a > b || (a == b && (from == Excluded(a) || to == Excluded(b))))
        {
            return Box::new(std::iter::empty());
        }
        let set = self.hits.as_ref().filter(|_| !self.search).map(|hits| &hits.keys).or(self.base.as_ref());
        match set {
            Some(set) => Box::new(
                set.range((from, to))
                    .filter_map(|key| lines.get(key).map(|entry| (*key, entry)))
                    .filter(|(_, entry)| self.is_listed(entry)),
            ),
            None => Box::new(
                lines.range((from, to)).map(|(key, entry)| (*key, entry)).filter(|(_, entry)| self.is_listed(entry)),
            ),
        }
    }

    /// The line the cursor is on among those before `end`, or the nearest that is shown.
    fn nearest(&self, at: Key, end: Bound<Key>) -> Option<Key> {
        let before = match end {
            Included(last) if last < at => end,
            Excluded(last) if last <= at => end,
            _ => Included(at),
        };
        let older = self.shown(Unbounded, before).next_back();
        older.or_else(|| self.shown(Excluded(at), end).next()).map(|(key, _)| key)
    }

    /// The end of the window: where it was stopped, or where the time cursor stands.
    fn end(&self, upto: Option<DateTime<Utc>>) -> Bound<Key> {
        let end = after(upto);
        match (self.held, end) {
            (Some(held), Excluded(time)) if held.bottom >= time => end,
            (Some(held), _) => Included(held.bottom),
            (None, _) => end,
        }
    }

    /// The `rows` lines to show, oldest first; none after `upto`, the time cursor.
    pub fn window(&self, rows: usize, upto: Option<DateTime<Utc>>) -> Vec<Row<'_>> {
        let end = self.end(upto);
        let Some(held) = self.held else {
            let mut keys: Vec<_> = self.shown(Unbounded, end).rev().take(rows).collect();
            keys.reverse();
            return keys.into_iter().map(|(key, entry)| self.row(key, entry, None)).collect();
        };
        let Some(at) = self.nearest(held.at, end) else {
            // All that was shown was pushed out: the oldest that is left.
            return self
                .shown(Unbounded, after(upto))
                .take(rows)
                .map(|(key, entry)| self.row(key, entry, None))
                .collect();
        };
        // The cursor stays in the middle, except near either end.
        let below = self.shown(Excluded(at), end).take(rows / 2).count();
        let mut keys: Vec<_> = self.shown(Unbounded, Included(at)).rev().take(rows.saturating_sub(below)).collect();
        keys.reverse();
        let left = rows.saturating_sub(keys.len());
        keys.extend(self.shown(Excluded(at), end).take(left));
        keys.into_iter().map(|(key, entry)| self.row(key, entry, Some(at))).collect()
    }

    fn row<'a>(&'a self, key: Key, entry: &'a Entry, selected: Option<Key>) -> Row<'a> {
        Row {
            at: DateTime::from_timestamp_micros(key.0).unwrap_or_default(),
            level: entry.level,
            source: self.store.name(entry.source),
            text: &entry.text,
            selected: selected == Some(key),
            hit: self.search && self.hits.as_ref().is_some_and(|hits| hits.keys.contains(&key)),
            note: entry.note,
        }
    }

    /// The line the cursor is on; the last one while it follows.
    pub fn current(&self, upto: Option<DateTime<Utc>>) -> Option<Row<'_>> {
        let end = self.end(upto);
        let at = match self.held {
            Some(held) => self.nearest(held.at, end)?,
            None => self.shown(Unbounded, end).next_back()?.0,
        };
        self.store.lines().get(&at).map(|entry| self.row(at, entry, Some(at)))
    }

    /// Moves the cursor by `lines`: up where negative, which stops the following.
    pub fn scroll(&mut self, lines: isize, upto: Option<DateTime<Utc>>) {
        if self.follows() {
            if lines >= 0 {
                return;
            }
            self.hold(upto);
        }
        let Some(at) = self.held.and_then(|held| self.nearest(held.at, after(upto))) else { return };
        let n = lines.unsigned_abs().saturating_sub(1);
        let next = if lines < 0 {
            let mut up = self.shown(Unbounded, Excluded(at)).rev();
            up.nth(n).or_else(|| self.shown(Unbounded, Excluded(at)).next())
        } else {
            let mut down = self.shown(Excluded(at), after(upto));
            down.nth(n).or_else(|| self.shown(Excluded(at), after(upto)).next_back())
        };
        self.go(next.map_or(at, |(key, _)| key));
    }

    fn go(&mut self, at: Key) {
        if let Some(held) = &mut self.held {
            held.at = at;
            held.bottom = held.bottom.max(at);
        }
    }

    /// To the oldest line.
    pub fn first(&mut self, upto: Option<DateTime<Utc>>) {
        if self.follows() {
            self.hold(upto);
        }
        let first = self.shown(Unbounded, after(upto)).next().map(|(key, _)| key);
        if let Some(first) = first {
            self.go(first);
        }
    }

    /// To the next or the last line the filter finds, among all lines. Which of how many it is, or `None` where there
    /// is no further one.
    pub fn step(&mut self, forward: bool, upto: Option<DateTime<Utc>>) -> Option<(usize, usize)> {
        let from = self.held.map(|held| held.at);
        self.search = true;
        let end = after(upto);
        let keys = &self.hits.as_ref()?.keys;
        let listed = |key: &&Key| self.store.lines().get(*key).is_some_and(|entry| self.is_listed(entry));
        let next = match (from, forward) {
            (Some(from), true) => keys.range((Excluded(from), Unbounded)).find(listed),
            (Some(from), false) => keys.range(..from).rfind(listed),
            (None, _) => keys.range((Unbounded, end)).rfind(listed),
        };
        let next = *next.filter(|key| !matches!(end, Excluded(end) if **key >= end))?;
        let (number, of) = (keys.range(..=next).count(), keys.len());
        if self.follows() {
            self.hold(upto);
        }
        self.go(next);
        Some((number, of))
    }
}

/// The end of the range that a time cursor leaves.
fn after(upto: Option<DateTime<Utc>>) -> Bound<Key> {
    upto.map_or(Unbounded, |time| {
        let (micros, seq) = key_at(time);
        Excluded((micros.saturating_add(1), seq))
    })
}

#[cfg(test)]
mod tests;

//! Which lines are on the screen, and how the cursor moves through them.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use chrono::{DateTime, Utc};

use super::store::{Entry, Key, key_at};
use super::{LogPane, Row};

impl LogPane {
    /// The lines to be shown within a range of keys.
    pub(super) fn shown(
        &self,
        from: Bound<Key>,
        to: Bound<Key>,
    ) -> Box<dyn DoubleEndedIterator<Item = (Key, &Entry)> + '_> {
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

    /// The end of the window: where it was stopped, or the time cursor.
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
pub(super) fn after(upto: Option<DateTime<Utc>>) -> Bound<Key> {
    upto.map_or(Unbounded, |time| {
        let (micros, seq) = key_at(time);
        Excluded((micros.saturating_add(1), seq))
    })
}

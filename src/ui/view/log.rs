//! The log pane: a bounded list of lines that follows the end until somebody scrolls.

use std::collections::VecDeque;

use crate::domain::LogLine;
use crate::ui::text::contains;

/// Lines kept; older ones are dropped and counted.
pub const CAPACITY: usize = 5_000;

/// A line, and whether it is one of the journal's events.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it says.
    pub line: LogLine,
    /// From the journal: not shown twice where the events have a pane of their own.
    pub event: bool,
}

/// The lines and how they are looked at.
#[derive(Debug, Clone, Default)]
pub struct LogPane {
    entries: VecDeque<Entry>,
    /// Lines that were dropped because the list was full.
    pub dropped: u64,
    /// The newest line shown while not following.
    held: Option<usize>,
    /// Only lines that contain this (or with `!` in front do not).
    pub filter: String,
    /// Only lines of this gate.
    pub gate: Option<String>,
}

impl LogPane {
    /// Takes in a line.
    pub fn push(&mut self, line: LogLine, event: bool) {
        let at = self.entries.iter().rposition(|entry| entry.line.at <= line.at).map_or(0, |before| before + 1);
        if let Some(held) = self.held.as_mut().filter(|held| at <= **held) {
            *held += 1;
        }
        self.entries.insert(at, Entry { line, event });
        if self.entries.len() > CAPACITY {
            self.entries.pop_front();
            self.dropped += 1;
            self.held = self.held.map(|held| held.saturating_sub(1));
        }
    }

    /// Whether new lines are shown as they come.
    pub const fn follows(&self) -> bool {
        self.held.is_none()
    }

    /// Follows the end again.
    pub const fn follow(&mut self) {
        self.held = None;
    }

    /// Stops where it is.
    pub fn hold(&mut self) {
        self.held = Some(self.bottom());
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn bottom(&self) -> usize {
        self.held.unwrap_or(self.entries.len().saturating_sub(1)).min(self.entries.len().saturating_sub(1))
    }

    fn matches(&self, entry: &Entry, events: bool) -> bool {
        if (entry.event && !events) || self.gate.as_ref().is_some_and(|gate| *gate != entry.line.source) {
            return false;
        }
        let found = |text: &str| {
            contains(&entry.line.text, text)
                || contains(&entry.line.source, text)
                || entry.line.level.title().eq_ignore_ascii_case(text)
        };
        match self.filter.strip_prefix('!') {
            Some("") => true,
            Some(unwanted) => !found(unwanted),
            None => found(&self.filter),
        }
    }

    /// The `rows` lines to show, oldest first; events among them where `events` says so.
    pub fn window(&self, rows: usize, events: bool) -> Vec<&LogLine> {
        let upto = self.held.map_or(self.entries.len(), |held| (held + 1).min(self.entries.len()));
        let mut lines: Vec<_> = self
            .entries
            .range(..upto)
            .rev()
            .filter(|entry| self.matches(entry, events))
            .take(rows)
            .map(|entry| &entry.line)
            .collect();
        lines.reverse();
        lines
    }

    /// How many lines have come in below the window since it stopped.
    pub fn new_lines(&self, events: bool) -> usize {
        self.held
            .map_or(0, |held| self.entries.iter().skip(held + 1).filter(|entry| self.matches(entry, events)).count())
    }

    /// Moves the window by `lines`: up where negative.
    pub fn scroll(&mut self, lines: isize, events: bool) {
        let mut at = self.bottom();
        if self.follows() && lines >= 0 {
            return;
        }
        for _ in 0..lines.unsigned_abs().min(CAPACITY) {
            let next = if lines < 0 {
                self.entries.range(..at).rposition(|entry| self.matches(entry, events))
            } else {
                self.entries.range(at + 1..).position(|entry| self.matches(entry, events)).map(|n| at + 1 + n)
            };
            match next {
                Some(next) => at = next,
                None if lines > 0 => return self.follow(),
                None => break,
            }
        }
        self.held = Some(at);
    }

    /// To the oldest line; `rows` of them stay in the window.
    pub fn first(&mut self, rows: usize, events: bool) {
        let mut matching = self.entries.iter().enumerate().filter(|(_, entry)| self.matches(entry, events));
        self.held = matching.nth(rows.saturating_sub(1)).map(|(at, _)| at);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::LogLevel;

    fn line(n: i64) -> LogLine {
        let at = DateTime::from_timestamp(1_767_225_600, 0).unwrap() + TimeDelta::seconds(n);
        LogLine { at, level: LogLevel::Info, source: "golden".into(), text: format!("line {n}") }
    }

    fn texts(pane: &LogPane, rows: usize) -> Vec<&str> {
        pane.window(rows, true).into_iter().map(|line| line.text.as_str()).collect()
    }

    fn pane(n: i64) -> LogPane {
        let mut pane = LogPane::default();
        (0..n).for_each(|i| pane.push(line(i), false));
        pane
    }

    #[test]
    fn scrolling_stops_the_following_and_the_end_starts_it_again() {
        let mut pane = pane(10);
        assert_eq!(texts(&pane, 2), ["line 8", "line 9"]);
        pane.scroll(-3, true);
        assert_eq!(texts(&pane, 2), ["line 5", "line 6"]);
        pane.push(line(10), false);
        assert_eq!(texts(&pane, 2), ["line 5", "line 6"]);
        assert_eq!(pane.new_lines(true), 4);
        pane.scroll(9, true);
        assert!(pane.follows());
        assert_eq!(texts(&pane, 1), ["line 10"]);
        pane.first(3, true);
        assert_eq!(texts(&pane, 3), ["line 0", "line 1", "line 2"]);
    }

    #[test]
    fn the_list_is_bounded_and_drops_are_counted() {
        let mut pane = pane(CAPACITY as i64);
        pane.scroll(-10, true);
        let before = texts(&pane, 1).join("");
        pane.push(line(9_999), false);
        assert_eq!((pane.len(), pane.dropped), (CAPACITY, 1));
        assert_eq!(texts(&pane, 1).join(""), before, "a dropped line does not move the window");
    }

    #[test]
    fn filters_work_while_following_and_not() {
        let mut pane = pane(30);
        pane.filter = "LINE 2".into();
        assert_eq!(texts(&pane, 3), ["line 27", "line 28", "line 29"]);
        pane.filter = "!line 2".into();
        assert_eq!(texts(&pane, 2), ["line 18", "line 19"]);
        pane.scroll(-1, true);
        pane.scroll(-1, true);
        pane.filter = "golden".into();
        pane.gate = Some("smoke".into());
        assert_eq!(texts(&pane, 2), Vec::<&str>::new());
    }

    #[test]
    fn events_are_put_where_their_time_is() {
        let mut pane = pane(3);
        let mut late = line(1);
        late.text = "event".into();
        pane.push(late, true);
        assert_eq!(texts(&pane, 4), ["line 0", "line 1", "event", "line 2"]);
        assert_eq!(pane.window(9, false).len(), 3);
    }
}

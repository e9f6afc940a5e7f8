//! Replay: computes the engine's states again from a recording. Pure: effects of the engine are dropped.

use std::collections::VecDeque;

use super::entry::Entry;
use super::read::Recording;
use crate::domain::{LogLine, Service, Stamp};
use crate::engine::{Effect, Snapshot, State};

/// The number of entries between two kept states.
const KEPT_EVERY: usize = 20_000;

/// The most lines of the log that [`Player::seek`] returns.
const LINES: usize = 5_000;

/// The result of one entry.
#[derive(Debug, Default)]
pub struct Played {
    /// Lines for the log.
    pub lines: Vec<LogLine>,
    /// Whether the screen may change. Single samples change nothing until the next tick.
    pub is_news: bool,
}

/// A recording and the position in it.
#[derive(Debug)]
pub struct Player {
    entries: Vec<Entry>,
    /// The index of the next entry.
    next: usize,
    state: Box<State>,
    now: Stamp,
    /// Kept states to go back to, each with the index of its next entry and its time.
    kept: Vec<(usize, Stamp, Box<State>)>,
}

impl Player {
    /// A player at the start of `recording`; `None` if the recording does not start with a state.
    pub fn new(recording: Recording) -> Option<Self> {
        let (at, state) = match recording.entries.first()? {
            Entry::State { at, state, .. } => (*at, state.clone()),
            _ => return None,
        };
        let kept = vec![(1, at, state.clone())];
        Some(Self { entries: recording.entries, next: 1, state, now: at, kept })
    }

    /// The service of the rollout.
    pub fn service(&self) -> &Service {
        self.state.service()
    }

    /// The time of the last played entry.
    pub const fn now(&self) -> Stamp {
        self.now
    }

    /// The first and the last time.
    pub fn span(&self) -> (Stamp, Stamp) {
        let first = self.kept.first().map_or(self.now, |(_, at, _)| *at);
        (first, self.entries.last().map_or(first, Entry::at))
    }

    /// The time of the next entry; `None` at the end.
    pub fn next_at(&self) -> Option<Stamp> {
        self.entries.get(self.next).map(Entry::at)
    }

    /// The snapshot at the current moment.
    pub fn snapshot(&mut self) -> Snapshot {
        self.state.snapshot()
    }

    /// Plays one entry; `None` at the end.
    pub fn step(&mut self) -> Option<Played> {
        let entry = self.entries.get(self.next)?;
        self.next += 1;
        self.now = entry.at();
        let mut played = Played { lines: Vec::new(), is_news: true };
        match entry {
            Entry::State { state, .. } => self.state.clone_from(state),
            Entry::Line { line, .. } => played.lines.push(line.clone()),
            Entry::Event { at, event } => {
                played.is_news = !event.is_sample();
                let effects = self.state.apply(*at, event.clone());
                played.lines.extend(effects.into_iter().filter_map(|effect| match effect {
                    Effect::Log(line) => Some(line),
                    _ => None,
                }));
            }
        }
        if self.kept.last().is_none_or(|(next, ..)| self.next >= next + KEPT_EVERY) {
            self.kept.push((self.next, self.now, self.state.clone()));
        }
        Some(played)
    }

    /// Goes to the last entry at or before `mono_ms`. Returns the last lines of the log on the way. After a step
    /// back, the way starts at the nearest kept state.
    pub fn seek(&mut self, mono_ms: i64) -> Vec<LogLine> {
        if mono_ms < self.now.mono_ms
            && let Some((next, at, state)) =
                self.kept.iter().rev().find(|(_, at, _)| at.mono_ms <= mono_ms).or(self.kept.first())
        {
            (self.next, self.now) = (*next, *at);
            self.state.clone_from(state);
        }
        let mut lines = VecDeque::new();
        while self.next_at().is_some_and(|at| at.mono_ms <= mono_ms)
            && let Some(played) = self.step()
        {
            lines.extend(played.lines);
            let more = lines.len().saturating_sub(LINES);
            lines.drain(..more);
        }
        lines.into()
    }
}

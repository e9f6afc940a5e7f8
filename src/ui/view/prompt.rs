//! Questions before anything is done, and what each needs before it counts as answered.
//!
//! Rollback and abort take no box and no time: two lines at the bottom, `y`, done. Everything that moves forward gets a
//! box, counts keys only from 400 ms after that box reached the terminal, is bound to the state digest it was opened
//! on, and closes when the terminal loses the focus. A switch wants the candidate's version typed. Enter and Space
//! never confirm a box, and the key that opened a question is dead in it.

mod ask;

use tui_input::{Input as Line, InputRequest};

use crate::domain::{Role, Side};
use crate::engine::Snapshot;
use crate::ui::input::{Code, Key};

pub use self::ask::Ask;

/// Keys count from this long after the box reached the terminal, in milliseconds.
pub const ARMING_MS: u64 = 400;
/// The key that opened a question is dead in its empty text field as long as it is pressed again within this time, in
/// milliseconds: then it is being held down.
pub const HELD_MS: u64 = 600;
/// The shortest reason for an override, in characters.
pub const REASON_MIN: usize = 10;
/// The longest text a field takes, in characters.
pub const TEXT_MAX: usize = 200;

/// Whether a question has been on the screen, and since when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    drawn: bool,
    flushed_ms: Option<u64>,
}

impl Shown {
    /// It is in the frame that was just made.
    pub const fn drawn(&mut self) {
        self.drawn = true;
    }

    /// The frame made last has reached the terminal.
    pub fn flushed(&mut self, now_ms: u64) {
        if self.drawn && self.flushed_ms.is_none() {
            self.flushed_ms = Some(now_ms);
        }
    }

    /// When keys begin to count; `None` while it was not seen yet.
    pub fn armed_at(self) -> Option<u64> {
        self.flushed_ms.map(|at| at + ARMING_MS)
    }

    /// Whether keys count.
    pub fn is_armed(self, now_ms: u64) -> bool {
        self.armed_at().is_some_and(|at| at <= now_ms)
    }
}

/// A question that is open.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What is asked.
    pub ask: Ask,
    /// The state it was opened on; `None` before anything was read.
    pub seen: Option<std::sync::Arc<Snapshot>>,
    /// When it was opened, in milliseconds.
    pub opened_ms: u64,
    /// When it becomes "no", in milliseconds.
    pub until_ms: u64,
    /// Since when keys count.
    pub shown: Shown,
    /// What is typed.
    pub line: Line,
    /// An override's reason is complete, and `y` is asked for.
    pub confirming: bool,
    /// Text is typed into it.
    pub typed: bool,
    /// It took the place of the field that asks why traffic was rolled back, before anything was typed there.
    pub from_reason: bool,
    /// When the key that opened it was pressed last.
    opener_ms: u64,
}

/// What a key means to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Yes,
    /// Do not.
    No,
    /// The key means nothing here.
    Nothing,
    /// Another question takes its place.
    Instead(Ask),
    /// Pause the plan, and close.
    Hold,
}

impl Prompt {
    /// A question opened at `now_ms`.
    pub fn new(ask: Ask, seen: Option<std::sync::Arc<Snapshot>>, now_ms: u64) -> Self {
        let wants_text =
            |seen: &std::sync::Arc<Snapshot>| ask.command("").is_some_and(|command| seen.status.wants_typed(&command));
        let typed = ask.is_always_typed() || seen.as_ref().is_some_and(wants_text);
        let until_ms = now_ms + ask.lives_ms(typed);
        Self {
            ask,
            seen,
            opened_ms: now_ms,
            until_ms,
            shown: Shown::default(),
            line: Line::default(),
            confirming: false,
            typed,
            from_reason: false,
            opener_ms: now_ms,
        }
    }

    /// The digest consent is given to.
    pub fn expect(&self) -> Option<String> {
        let seen = self.seen.as_ref().filter(|_| self.ask.is_bound())?;
        Some(seen.status.digest.clone())
    }

    /// What has to be typed to agree: the candidate's version, or its side where the version is unknown.
    pub fn wanted(&self) -> Option<&str> {
        let (side, status) = candidate(self.seen.as_deref()?);
        Some(status.version.as_ref().map_or(side.name(), |version| version.name.as_str()))
    }

    /// Whether what is typed is enough.
    pub fn is_complete(&self) -> bool {
        match self.ask {
            Ask::Override { .. } => self.line.value().trim().chars().count() >= REASON_MIN,
            _ if self.typed => self.wanted() == Some(self.line.value()),
            _ => true,
        }
    }

    /// Whether keys go into the text field.
    pub const fn is_typing(&self) -> bool {
        self.typed && !self.confirming
    }

    /// Seconds until it becomes "no", rounded up.
    pub const fn left_s(&self, now_ms: u64) -> u64 {
        self.until_ms.saturating_sub(now_ms).div_ceil(1000)
    }

    /// When what it shows changes by itself.
    pub fn next_change(&self, now_ms: u64) -> u64 {
        let second = self.until_ms.saturating_sub((self.left_s(now_ms).saturating_sub(1)) * 1000).min(self.until_ms);
        match self.shown.armed_at() {
            Some(at) if self.ask.is_forward() && at > now_ms => second.min(at),
            _ => second,
        }
    }

    /// What `key` means now.
    pub fn key(&mut self, key: Key, now_ms: u64) -> Answer {
        if !self.ask.is_forward() {
            return self.bottom_key(key);
        }
        if key.code == Code::Esc {
            return Answer::No;
        }
        if self.is_typing() {
            if !self.is_held_opener(key, now_ms) && self.shown.is_armed(now_ms) {
                return self.typed_key(key);
            }
            return Answer::Nothing;
        }
        self.box_key(key, now_ms)
    }

    /// Whether `key` is the opener, still held down: a version may begin with the same letter, a held key is no text.
    fn is_held_opener(&mut self, key: Key, now_ms: u64) -> bool {
        if key.plain_char() != Some(self.ask.opener()) || !self.line.value().is_empty() {
            return false;
        }
        let before = std::mem::replace(&mut self.opener_ms, now_ms);
        key.repeat || now_ms.saturating_sub(before) < HELD_MS
    }

    /// Rollback, abort, quit: no box, no waiting.
    fn bottom_key(&self, key: Key) -> Answer {
        if key.repeat {
            return Answer::Nothing;
        }
        match key.plain_char() {
            Some(c) if c == self.ask.opener() => Answer::Nothing,
            Some('y') => Answer::Yes,
            // Reason: with Caps Lock on, `a` `y` must not give a rollout up, but the way back must still work.
            Some('Y') if self.ask == Ask::Rollback => Answer::Yes,
            Some('R') => Answer::Instead(Ask::Rollback),
            Some('H') => Answer::Hold,
            _ => Answer::No,
        }
    }

    fn box_key(&self, key: Key, now_ms: u64) -> Answer {
        match key.plain_char() {
            _ if key.repeat => Answer::Nothing,
            Some(c) if c == self.ask.opener() => Answer::Nothing,
            Some('R') => Answer::Instead(Ask::Rollback),
            Some('A') => Answer::Instead(Ask::Abort),
            Some('H') => Answer::Hold,
            _ if !self.shown.is_armed(now_ms) => Answer::Nothing,
            Some('y') => Answer::Yes,
            Some('n') => Answer::No,
            // After a typed reason Enter brought us here: pressing it twice must not throw the reason away.
            None if key.code == Code::Enter && !self.confirming => Answer::No,
            _ => Answer::Nothing,
        }
    }

    fn typed_key(&mut self, key: Key) -> Answer {
        if key.code != Code::Enter {
            edit(&mut self.line, key);
            return Answer::Nothing;
        }
        if key.repeat || !self.is_complete() {
            return Answer::Nothing;
        }
        if matches!(self.ask, Ask::Override { .. }) {
            self.confirming = true;
            self.shown = Shown::default();
            return Answer::Nothing;
        }
        Answer::Yes
    }
}

/// Tells that a question was closed by the world; any key closes it.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What happened.
    pub lines: Vec<String>,
    /// Text was being typed: characters are thrown away until this has been seen for a while.
    pub after_text: bool,
    /// Since when it has been seen.
    pub shown: Shown,
}

impl Notice {
    /// A notice not yet seen.
    pub fn new(lines: Vec<String>, after_text: bool) -> Self {
        Self { lines, after_text, shown: Shown::default() }
    }

    /// Whether the rest of a typed word may still be coming in.
    pub fn swallows(&self, key: Key, now_ms: u64) -> bool {
        self.after_text && key.code != Code::Esc && !self.shown.is_armed(now_ms)
    }
}

/// The side that is being rolled out.
pub fn candidate(snapshot: &Snapshot) -> (Side, &crate::engine::snapshot::SideStatus) {
    let sides = &snapshot.status.sides;
    let side = sides.iter().find(|(_, s)| s.role == Role::Candidate).map(|(side, _)| side);
    let side = side.unwrap_or_else(|| {
        sides.iter().find(|(_, s)| s.role == Role::Standby).map_or(Side::Green, |(side, _)| side.other())
    });
    (side, &sides[side])
}

/// Edits a line with a key; keys that mean nothing there do nothing.
pub fn edit(line: &mut Line, key: Key) {
    let request = match (key.code, key.ctrl) {
        _ if key.alt => return,
        (Code::Char('a'), true) | (Code::Home, _) => InputRequest::GoToStart,
        (Code::Char('e'), true) | (Code::End, _) => InputRequest::GoToEnd,
        (Code::Char('u'), true) => InputRequest::DeleteFromStart,
        (Code::Char('w'), true) => InputRequest::DeletePrevWord,
        (Code::Char('k'), true) => InputRequest::DeleteTillEnd,
        (Code::Char(c), false) if !c.is_control() && line.value().chars().count() < TEXT_MAX => {
            InputRequest::InsertChar(c)
        }
        (Code::Backspace, _) => InputRequest::DeletePrevChar,
        (Code::Delete, _) => InputRequest::DeleteNextChar,
        (Code::Left, _) => InputRequest::GoToPrevChar,
        (Code::Right, _) => InputRequest::GoToNextChar,
        _ => return,
    };
    line.handle(request);
}

//! A question on the full screen: its keys, and the line of text that is typed into it.

use std::sync::Arc;

use tui_input::{Input as Line, InputRequest};

use crate::dialogue::{Answer, Press, Question, Refused, Shown, Topic};
use crate::engine::Snapshot;
use crate::ui::input::{Code, Key};

/// The key that opened a question is ignored in its empty text field while it is pressed again within this time, in
/// milliseconds: then it is being held down.
pub(crate) const HELD_MS: u64 = 600;
/// The longest text a field takes, in characters.
pub(crate) const TEXT_MAX: usize = 200;

/// A question that is open.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    /// What is asked, and how far the answer is.
    pub question: Question,
    /// What is typed.
    pub line: Line,
    /// It took the place of the field that asks why traffic was rolled back, before anything was typed there.
    pub from_reason: bool,
    /// When the key that opened it was pressed last.
    opener_ms: u64,
}

impl Prompt {
    /// A question opened at `now_ms`.
    pub(crate) fn new(topic: impl Into<Topic>, seen: Option<Arc<Snapshot>>, now_ms: u64) -> Self {
        let question = Question::new(topic, seen, now_ms);
        Self { question, line: Line::default(), from_reason: false, opener_ms: now_ms }
    }

    /// What messages call it.
    pub(crate) const fn name(&self) -> &'static str {
        self.question.topic().name()
    }

    /// Whether what is typed is enough.
    pub(crate) fn is_complete(&self) -> bool {
        self.question.is_complete(self.line.value())
    }

    /// Whether text was typed into it, or is.
    pub(crate) fn takes_text(&self) -> bool {
        self.question.is_typing() || self.question.reason().is_some()
    }

    /// What `key` means now.
    pub(crate) fn key(&mut self, key: Key, now_ms: u64) -> Answer {
        if self.question.is_typing() {
            return self.typed_key(key, now_ms);
        }
        if key.repeat && !(key.code == Code::Esc && self.question.is_heavy()) {
            return Answer::Nothing;
        }
        self.question.press(self.press(key), now_ms)
    }

    fn press(&self, key: Key) -> Press {
        match (key.plain_char(), key.code) {
            (Some(c), _) if c == self.question.topic().terms().key => Press::Opener,
            (Some('y'), _) => Press::Yes,
            (Some('Y'), _) => Press::CapitalYes,
            (Some('n'), _) => Press::No,
            (Some('R'), _) => Press::Rollback,
            (Some('A'), _) => Press::Abort,
            (Some('H'), _) => Press::Pause,
            (None, Code::Esc) => Press::Escape,
            (None, Code::Enter) => Press::Enter,
            _ => Press::Other,
        }
    }

    fn typed_key(&mut self, key: Key, now_ms: u64) -> Answer {
        match key.code {
            Code::Esc => Answer::No(Refused::Said),
            _ if self.is_held_opener(key, now_ms) || !self.question.shown.is_armed(now_ms) => Answer::Nothing,
            Code::Enter if key.repeat => Answer::Nothing,
            Code::Enter => self.question.enter(self.line.value()),
            _ => {
                edit(&mut self.line, key);
                Answer::Nothing
            }
        }
    }

    /// Whether `key` is the opener, still held down: a version may begin with the same letter, a held key is no text.
    fn is_held_opener(&mut self, key: Key, now_ms: u64) -> bool {
        if key.plain_char() != Some(self.question.topic().terms().key) || !self.line.value().is_empty() {
            return false;
        }
        let before = std::mem::replace(&mut self.opener_ms, now_ms);
        key.repeat || now_ms.saturating_sub(before) < HELD_MS
    }
}

/// Says why a question was closed by something else than an answer; any key closes it.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// What happened.
    pub lines: Vec<String>,
    /// Text was being typed: characters are thrown away until this has been seen for a while.
    pub after_text: bool,
    /// Since when it has been seen.
    pub shown: Shown,
}

impl Notice {
    /// A notice not yet seen.
    pub(crate) fn new(lines: Vec<String>, after_text: bool) -> Self {
        Self { lines, after_text, shown: Shown::default() }
    }

    /// Whether the rest of a typed word may still be coming in.
    pub(crate) fn swallows(&self, key: Key, now_ms: u64) -> bool {
        self.after_text && key.code != Code::Esc && !self.shown.is_armed(now_ms)
    }
}

/// Edits a line with a key; keys that mean nothing there do nothing.
pub(crate) fn edit(line: &mut Line, key: Key) {
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

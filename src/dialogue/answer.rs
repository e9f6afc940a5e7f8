//! What a question waits for, and what can come of it: keys, answers, and the moment from which they count.

use crate::engine::{Command, MIN_REASON};

/// Answers to a heavy question count this long after it reached the terminal, in milliseconds.
pub(crate) const ARMING_MS: u64 = 400;

/// Whether something is on the terminal, and since when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    drawn: bool,
    flushed_ms: Option<u64>,
}

impl Shown {
    /// It is in the next frame or the next lines.
    pub(crate) const fn drawn(&mut self) {
        self.drawn = true;
    }

    /// The last drawn frame has reached the terminal.
    pub(crate) fn flushed(&mut self, now_ms: u64) {
        if self.drawn && self.flushed_ms.is_none() {
            self.flushed_ms = Some(now_ms);
        }
    }

    /// Whether it has reached the terminal.
    pub(crate) const fn is_seen(self) -> bool {
        self.flushed_ms.is_some()
    }

    /// When answers start to count; `None` while it is not on the terminal.
    pub(crate) fn armed_at(self) -> Option<u64> {
        self.flushed_ms.map(|at| at + ARMING_MS)
    }

    /// Whether answers count.
    pub(crate) fn is_armed(self, now_ms: u64) -> bool {
        self.armed_at().is_some_and(|at| at <= now_ms)
    }
}

/// What a question waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A yes.
    Yes,
    /// This word: the candidate's version, or its side if the version is unknown.
    Version(String),
    /// A reason of at least [`MIN_REASON`] characters; after it a yes is needed.
    Reason,
}

/// The meaning of a key to a question, independent of its binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    /// The key that opened the question.
    Opener,
    /// `y`.
    Yes,
    /// `Y`.
    CapitalYes,
    /// `n`.
    No,
    /// Esc.
    Escape,
    /// Enter.
    Enter,
    /// The key that asks for a rollback.
    Rollback,
    /// The key that asks for an abort.
    Abort,
    /// The key that pauses.
    Pause,
    /// Any other key.
    Other,
}

/// The effect of a key or a line on a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes: do it.
    Yes,
    /// No: do not do it.
    No(Refused),
    /// No effect; the question stays open.
    Nothing,
    /// The reason is accepted; the question now asks for the yes.
    GoOn,
    /// The question closes, and this command is asked for instead.
    Instead(Command),
}

/// Why an answer is a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The person answered no.
    Said,
    /// The answer came before the question could be read.
    TooEarly,
    /// A yes was required.
    NotYes,
    /// The version was required.
    NotTheVersion,
    /// The reason is too short.
    ShortReason,
}

impl Refused {
    /// One clause for the person.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Said => "no".into(),
            Self::TooEarly => "the answer came before the question could be read".into(),
            Self::NotYes => "that is not yes".into(),
            Self::NotTheVersion => "that is not its version".into(),
            Self::ShortReason => format!("a reason has at least {MIN_REASON} characters"),
        }
    }
}

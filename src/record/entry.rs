//! The lines of a recording.

use serde::{Deserialize, Serialize};

use super::writer::Item;
use crate::domain::{LogLine, Stamp};
use crate::engine::{Event, State};

/// Rises when a recording of before cannot be read any more.
pub(super) const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Everything that was known at one moment; replay can begin here.
    State {
        /// The version of the format.
        format: u32,
        /// The version of the program.
        cutover: String,
        /// Names the recording: the files of one recording have the same.
        recording: u64,
        /// The moment.
        at: Stamp,
        /// Entries lost since the entry before.
        lost: u64,
        /// What was known, secrets masked.
        state: Box<State>,
    },
    /// What the engine took.
    Event {
        /// When.
        at: Stamp,
        /// What happened.
        event: Event,
    },
    /// A line of the log that is not the engine's own: a gate's, the demo's.
    Line {
        /// When it came in.
        at: Stamp,
        /// The line.
        line: LogLine,
    },
}

impl Entry {
    /// When it came in.
    pub const fn at(&self) -> Stamp {
        match self {
            Self::State { at, .. } | Self::Event { at, .. } | Self::Line { at, .. } => *at,
        }
    }
}

impl Item for Entry {
    fn text(&self) -> String {
        // Every part has a form in JSON: this cannot fail, and an empty line is skipped by readers.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn can_open_a_file(&self) -> bool {
        matches!(self, Self::State { .. })
    }
}

//! The lines of a recording.

use serde::{Deserialize, Serialize};

use super::writer::Item;
use crate::domain::{LogLine, Stamp};
use crate::engine::{Event, State};

/// The version of the format. Raise it when older recordings can no longer be read.
pub(super) const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The whole state at one moment. A replay can start here.
    State {
        /// The version of the format.
        format: u32,
        /// The version of the program.
        cutover: String,
        /// The id of the recording: all files of one recording have the same id.
        recording: u64,
        /// The time.
        at: Stamp,
        /// The number of entries lost since the previous entry.
        lost: u64,
        /// The state, with secrets masked.
        state: Box<State>,
    },
    /// An event that the engine took.
    Event {
        /// Its time.
        at: Stamp,
        /// The event.
        event: Event,
    },
    /// A line of the log that does not come from the engine, for example from a gate or the demo.
    Line {
        /// The time it arrived.
        at: Stamp,
        /// The line.
        line: LogLine,
    },
}

impl Entry {
    /// The time of the entry.
    pub const fn at(&self) -> Stamp {
        match self {
            Self::State { at, .. } | Self::Event { at, .. } | Self::Line { at, .. } => *at,
        }
    }
}

impl Item for Entry {
    fn text(&self) -> String {
        // Every part can be written as JSON, so this does not fail. Readers skip an empty line.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn can_open_a_file(&self) -> bool {
        matches!(self, Self::State { .. })
    }
}

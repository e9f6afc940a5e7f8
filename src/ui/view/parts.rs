//! What the screen is made of: panes, what lies over them, and the line at the bottom.

use tui_input::Input as Line;

use crate::domain::OrderId;
use crate::engine::Command;

/// A pane that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pane {
    /// The blue side.
    Blue,
    /// The green side.
    Green,
    /// The gates.
    Gates,
    /// The log.
    Log,
    /// The journal's events.
    Events,
}

impl Pane {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 5] = [Self::Blue, Self::Green, Self::Gates, Self::Log, Self::Events];
}

/// What lies over the panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// The keys; lines scrolled away, and what is searched for.
    Help {
        /// Lines scrolled away.
        scroll: usize,
        /// Only rows that contain this.
        search: String,
        /// Whether keys go into the search.
        typing: bool,
    },
    /// Everything that blocks, and every fault.
    Explain {
        /// Lines scrolled away.
        scroll: usize,
    },
    /// What a command would do.
    Preview(Command),
    /// Why a gate has its state.
    Gate {
        /// Its name.
        name: String,
        /// Lines scrolled away.
        scroll: usize,
    },
    /// The whole of a log line.
    Record {
        /// Who wrote it, and when.
        title: String,
        /// What it says, a JSON object one key a row; cleaned.
        lines: Vec<String>,
        /// Lines scrolled away.
        scroll: usize,
    },
}

/// A line of text being typed at the bottom.
#[derive(Debug, Clone)]
pub(crate) enum Field {
    /// After `:`.
    Command(Line),
    /// After `/`.
    Filter(Line),
    /// Why traffic was rolled back, asked for afterwards.
    Reason(Line, OrderId),
}

/// One line for the operator, at the bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// What to say.
    pub text: String,
    /// Whether it deserves attention.
    pub warn: bool,
    /// Goes away at this time, in milliseconds.
    pub until_ms: u64,
}

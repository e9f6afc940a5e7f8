//! What comes into the view and what comes out of it. The types are our own: no library of a terminal decides them.

use std::sync::Arc;

use crate::domain::LogLine;
use crate::engine::{Reply, Request, Snapshot};
use crate::ui::theme::Theme;

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character as typed: Shift is already in it.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key or any other key: nothing is bound to it.
    Other,
}

/// A key press. Releases never come in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// Ctrl was held.
    pub ctrl: bool,
    /// Alt or another modifier besides Shift and Ctrl was held; such keys do nothing.
    pub alt: bool,
    /// The terminal says that the key is being held down; only movement listens to that.
    pub repeat: bool,
}

impl Key {
    /// A plain key.
    pub const fn new(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, repeat: false }
    }

    /// A plain character.
    pub const fn char(c: char) -> Self {
        Self::new(Code::Char(c))
    }

    /// A character with Ctrl.
    pub const fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c), ctrl: true, alt: false, repeat: false }
    }

    /// The character of a key without Ctrl and Alt.
    pub const fn plain_char(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Everything the view listens to.
#[derive(Debug, Clone)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The terminal says that this was pasted.
    Paste(String),
    /// The terminal window has the focus again.
    FocusGained,
    /// The terminal window lost the focus.
    FocusLost,
    /// Keys came in faster than anyone types, and were dropped.
    LooksLikePaste,
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The engine's state.
    Snapshot(Arc<Snapshot>),
    /// A log line.
    Line(LogLine),
    /// Log lines that came in together.
    Lines {
        /// The lines, oldest first within each source.
        lines: Vec<LogLine>,
        /// Lines that were lost before they came here.
        dropped: u64,
    },
    /// The engine's answer to a request.
    Reply {
        /// The request's id.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// What came of [`Action::LoadTheme`].
    Theme {
        /// As it was asked for.
        name: String,
        /// The theme with all its colours, or what is wrong with it in one line.
        theme: Result<Box<Theme>, String>,
    },
    /// The names of all themes there are.
    Themes(Vec<String>),
    /// A frame was just made with [`draw()`](super::draw()). One frame is on its way at a time.
    Drawn,
    /// The frame made last has reached the terminal.
    Flushed,
    /// What came of something the loop was asked to do: one line for the operator.
    Told {
        /// What to say.
        text: String,
        /// Whether it deserves attention.
        warn: bool,
    },
    /// What is shown is a recording, and this is how it plays.
    Replay(Replay),
    /// A replay went back: what was logged after that is gone.
    Rewound,
    /// Nothing happened but time; see [`View::next_deadline`](super::View::next_deadline).
    Tick,
}

/// How a recording plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    /// How many times as fast as it was.
    pub speed: f64,
    /// Whether it waits for a key.
    pub is_paused: bool,
    /// Whether the end is reached.
    pub is_over: bool,
}

/// How a replay is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// Stops it, or lets it go on.
    PauseOrGo,
    /// Back: a second while it is paused, else a twentieth of the recording.
    Back,
    /// Forward by as much.
    Forward,
}

/// What the loop is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Hand this to the engine; its answer comes back as [`Input::Reply`].
    Ask(Request),
    /// Move the replay.
    Seek(Seek),
    /// Leave.
    Quit {
        /// The exit code of the process.
        code: u8,
    },
    /// Paint every cell again.
    Redraw,
    /// Stop as a shell job.
    Suspend,
    /// Put this text on the clipboard.
    Copy(String),
    /// Change the scenario of a running demo.
    Scenario(String),
    /// Tell the operator through the terminal, who may look elsewhere: the bell and, where it can, a notice.
    Notify(String),
    /// Read this theme of the user's, by name or file; the answer comes back as [`Input::Theme`].
    LoadTheme(String),
}

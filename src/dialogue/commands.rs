//! How each command is asked for: one row a command.

use crate::engine::Command;

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// Send this command?
    Command(Command),
    /// Leave while an order is on its way?
    Leave,
}

impl From<Command> for Topic {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// How much stands before a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Nothing: it is sent at once.
    None,
    /// A yes, which counts at once.
    Light,
    /// The whole effect is shown, the answer counts only once it could be read, and a lost focus closes the question.
    Heavy,
}

/// How something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What messages call it.
    pub name: &'static str,
    /// The key that opens its question on the screen; the question ignores it.
    pub key: char,
    /// How much stands before it.
    pub weight: Weight,
    /// Whether a change of the state digest makes the consent void.
    pub bound: bool,
}

impl Terms {
    const fn of(name: &'static str, key: char, weight: Weight, bound: bool) -> Self {
        Self { name, key, weight, bound }
    }
}

impl Topic {
    /// How it is asked for.
    pub const fn terms(&self) -> Terms {
        use Weight::{Heavy, Light};
        let command = match self {
            Self::Leave => return Terms::of("quit", 'q', Light, false),
            Self::Command(command) => command,
        };
        match command {
            // Reason: "all traffic back" means the same in every state, so no change makes this consent void.
            Command::Rollback => Terms::of(command.verb(), 'R', Light, false),
            Command::Abort => Terms::of(command.verb(), 'A', Light, true),
            Command::Promote => Terms::of(command.verb(), 'P', Heavy, true),
            Command::Switch => Terms::of(command.verb(), 'S', Heavy, true),
            Command::Override { .. } => Terms::of(command.verb(), 'O', Heavy, true),
            Command::Resume => Terms::of(command.verb(), 'H', Heavy, true),
            Command::TakeOver => Terms::of(command.verb(), 'W', Heavy, false),
            Command::Approve { .. } | Command::Finalize => Terms::of(command.verb(), ':', Heavy, true),
            Command::Auto { on: true } => Terms::of("auto on", ':', Heavy, true),
            Command::Pause => Terms::of("hold", 'H', Weight::None, false),
            Command::Auto { on: false } | Command::RunGates { .. } | Command::Note { .. } => {
                Terms::of(command.verb(), ':', Weight::None, false)
            }
        }
    }

    /// What messages call it.
    pub const fn name(&self) -> &'static str {
        self.terms().name
    }
}

/// The commands that are a single word, with what the word does.
pub const WORDS: [(&str, Command, &str); 8] = [
    ("promote", Command::Promote, "one step forward in the plan; asks for yes"),
    ("switch", Command::Switch, "all traffic to the candidate at once; asks for its version"),
    ("abort", Command::Abort, "give the rollout up: back to the live side; asks for yes"),
    ("rollback", Command::Rollback, "all traffic back, now; asks for yes"),
    ("pause", Command::Pause, "stop the plan where it is; asks nothing"),
    ("resume", Command::Resume, "go on with the plan; asks for yes"),
    ("finalize", Command::Finalize, "end the rollback window; asks for yes"),
    ("takeover", Command::TakeOver, "drive instead of another console; asks for yes"),
];

/// The command that is this single word.
pub fn command_of(word: &str) -> Option<Command> {
    let word = if word == "hold" { "pause" } else { word };
    WORDS.into_iter().find(|(known, ..)| *known == word).map(|(_, command, _)| command)
}

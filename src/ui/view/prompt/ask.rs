//! What can be asked, and what the table of confirmations says of each.

use crate::engine::snapshot::{Blocked, Status};
use crate::engine::{Command, RefusalKind};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// All traffic back?
    Rollback,
    /// Give the rollout up?
    Abort,
    /// Leave while an order is on its way?
    Quit,
    /// One step forward?
    Promote,
    /// Everything to the candidate?
    Switch,
    /// Let this gate pass?
    Override {
        /// The gate's name.
        gate: String,
    },
    /// Go on with the plan?
    Resume,
    /// End the rollback window?
    Finalize,
    /// Walk the plan unattended?
    AutoOn,
    /// Take the driver's place?
    TakeOver,
}

impl Ask {
    /// What it is called in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Abort => "abort",
            Self::Quit => "quit",
            Self::Promote => "promote",
            Self::Switch => "switch",
            Self::Override { .. } => "override",
            Self::Resume => "resume",
            Self::Finalize => "finalize",
            Self::AutoOn => "auto on",
            Self::TakeOver => "take over",
        }
    }

    /// Whether it has a box, is armed late and closes when the focus is lost.
    pub const fn is_forward(&self) -> bool {
        !matches!(self, Self::Rollback | Self::Abort | Self::Quit)
    }

    /// Whether consent is bound to the state digest.
    pub const fn is_bound(&self) -> bool {
        !matches!(self, Self::Rollback | Self::Quit | Self::TakeOver)
    }

    /// Whether text is typed into it whatever the config says.
    pub(super) const fn is_always_typed(&self) -> bool {
        matches!(self, Self::Switch | Self::Override { .. })
    }

    /// The key that opens it; dead while it is open.
    pub const fn opener(&self) -> char {
        match self {
            Self::Rollback => 'R',
            Self::Abort => 'A',
            Self::Quit => 'q',
            Self::Promote => 'P',
            Self::Switch => 'S',
            Self::Override { .. } => 'O',
            Self::Resume => 'H',
            Self::TakeOver => 'W',
            Self::Finalize | Self::AutoOn => ':',
        }
    }

    /// After this long without an answer it is "no", in milliseconds.
    pub const fn lives_ms(&self, typed: bool) -> u64 {
        match self {
            Self::Rollback | Self::Abort | Self::Quit => 10_000,
            _ if typed => 60_000,
            _ => 20_000,
        }
    }

    /// What stands in its way before it is even asked. For what the status document does not list, that is what a
    /// promote would be told first of the lease, the journal and the age of data, as far as it matters here.
    pub fn blocked_by<'a>(&self, status: &'a Status) -> Option<&'a Blocked> {
        use RefusalKind::{Journal, ReadOnly, Stale};
        let of = |command: Command, kinds: &[RefusalKind]| {
            let mut mine = status.blocked.iter().filter(|blocked| blocked.command == command);
            mine.find(|blocked| kinds.is_empty() || kinds.contains(&blocked.kind))
        };
        match self {
            Self::Override { .. } => of(Command::Promote, &[ReadOnly, Journal, Stale]),
            Self::Resume | Self::AutoOn => of(Command::Promote, &[ReadOnly, Journal]),
            Self::TakeOver | Self::Quit | Self::Rollback => None,
            Self::Abort => of(Command::Abort, &[]),
            Self::Promote => of(Command::Promote, &[]),
            Self::Switch => of(Command::Switch, &[]),
            Self::Finalize => of(Command::Finalize, &[]),
        }
    }

    /// What is asked of the engine on "yes"; `None` for leaving.
    pub fn command(&self, typed: &str) -> Option<Command> {
        Some(match self {
            Self::Rollback => Command::Rollback,
            Self::Abort => Command::Abort,
            Self::Promote => Command::Promote,
            Self::Switch => Command::Switch,
            Self::Override { gate } => Command::Override { gate: gate.clone(), reason: typed.trim().to_owned() },
            Self::Resume => Command::Resume,
            Self::Finalize => Command::Finalize,
            Self::AutoOn => Command::Auto { on: true },
            Self::TakeOver => Command::TakeOver,
            Self::Quit => return None,
        })
    }
}

//! What can be asked of the engine, and what it answers.

use serde::{Deserialize, Serialize};

use crate::domain::{Actor, Move, OrderId};

/// A wish of an operator or a script. The keys and the CLI send the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// One step forward in the plan.
    Promote,
    /// All traffic to the candidate at once.
    Switch,
    /// Give up the rollout before it is complete: back to the live side.
    Abort,
    /// All traffic back to where the rollout began, now.
    Rollback,
    /// Stop the plan where it is; moves no traffic.
    Pause,
    /// Go on with the plan; after drift, accept what the router says.
    Resume,
    /// Let a controller begin again after it gave up.
    Retry,
    /// Let one failing gate pass for this candidate version.
    Override {
        /// The gate's name.
        gate: String,
        /// Why, at least 10 characters.
        reason: String,
    },
    /// Sign for a manual gate, for this candidate version.
    Approve {
        /// The gate's name.
        gate: String,
        /// Why, at least 10 characters.
        reason: String,
    },
    /// End the rollback window and let the standby go.
    Finalize,
    /// Run gates on the candidate.
    RunGates {
        /// Only these; all where empty.
        only: Vec<String>,
    },
    /// Write a line into the journal.
    Note {
        /// The text.
        text: String,
    },
    /// Walk the plan unattended, or stop doing so.
    Auto {
        /// On or off.
        on: bool,
    },
    /// Take the driver's place from another console.
    TakeOver,
}

impl Command {
    /// The commands that a snapshot lists blockers of.
    pub const BLOCKABLE: [Self; 8] = [
        Self::Promote,
        Self::Switch,
        Self::Abort,
        Self::Rollback,
        Self::Finalize,
        Self::Pause,
        Self::Resume,
        Self::Retry,
    ];

    /// Whether it asks the traffic system to move traffic now.
    pub const fn moves_traffic(&self) -> bool {
        matches!(self, Self::Promote | Self::Switch | Self::Abort | Self::Rollback)
    }

    /// The move it asks the traffic system for; `None` where it asks for none. Those that move no traffic are asked of
    /// a controller only.
    pub const fn as_move(&self) -> Option<Move> {
        match self {
            Self::Promote => Some(Move::Promote),
            Self::Switch => Some(Move::Switch),
            Self::Abort => Some(Move::Abort),
            Self::Rollback => Some(Move::Rollback),
            Self::Pause => Some(Move::Pause),
            Self::Resume => Some(Move::Resume),
            Self::Retry => Some(Move::Retry),
            Self::Finalize => Some(Move::Finish),
            _ => None,
        }
    }

    /// The reason that goes with it; `None` where it takes none.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Override { reason, .. } | Self::Approve { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The verb, as the CLI spells it.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Promote => Move::Promote.verb(),
            Self::Switch => Move::Switch.verb(),
            Self::Abort => Move::Abort.verb(),
            Self::Rollback => Move::Rollback.verb(),
            Self::Pause => Move::Pause.verb(),
            Self::Resume => Move::Resume.verb(),
            Self::Retry => Move::Retry.verb(),
            Self::Override { .. } => "override",
            Self::Approve { .. } => "approve",
            Self::Finalize => "finalize",
            Self::RunGates { .. } => "gates run",
            Self::Note { .. } => "note",
            Self::Auto { .. } => "auto",
            Self::TakeOver => "take over",
        }
    }
}

/// A command with who sends it and what he saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the sender; the reply carries it.
    pub id: u64,
    /// Who.
    pub by: Actor,
    /// What.
    #[serde(flatten)]
    pub command: Command,
    /// The state digest the consent was given to (four characters or more).
    pub expect: Option<String>,
    /// The reason, where one was given.
    pub why: Option<String>,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// An order is on its way; its progress is in the snapshot's `last_order`.
    Ordered {
        /// Which.
        id: OrderId,
    },
    /// Done, no order was needed.
    Done,
    /// Nothing to do: what was asked for is already so.
    AlreadySo {
        /// What is so.
        text: String,
    },
    /// Not done, and why.
    Refused(Refusal),
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind of reason; decides the exit code.
    pub kind: RefusalKind,
    /// One line for the operator.
    pub text: String,
}

/// What kind of reason a refusal has. In the order in which an operator has to solve them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// Another console drives, or this one may only look.
    ReadOnly,
    /// The journal cannot be written or is broken.
    Journal,
    /// The router cannot be read, or the data is old.
    Stale,
    /// The state is another than the one consent was given to.
    StateChanged,
    /// Another order is under way.
    Busy,
    /// The plan is paused and waits for a person.
    Paused,
    /// A gate, a fault of a side, or drift blocks it.
    Blocked,
    /// The request makes no sense here.
    Usage,
}

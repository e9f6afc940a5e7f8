//! Orders: commands on their way to a traffic system.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fault::BackendError;
use super::goal::Goal;
use super::observation::Observation;
use super::side::Side;
use super::split::Split;

/// Identifies one act. A retry carries the same id and is the same act.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A router's own token for the state it is in; changes whenever the split may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

/// What an order means. A direct router only looks at the target split; a controller with a plan of
/// its own (Argo Rollouts, Flagger, `CodeDeploy`) maps the meaning to its own verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// One step forward in the plan.
    Promote,
    /// All traffic to the candidate.
    Switch,
    /// Back to the live side before the rollout is complete.
    Abort,
    /// All traffic back, during or after anything.
    Rollback,
    /// A controller stops its own plan where it is.
    Pause,
    /// A controller goes on with its own plan.
    Resume,
    /// A controller begins again after it gave up.
    Retry,
    /// A controller lets the old side go.
    Finish,
}

impl Move {
    /// Whether traffic moves toward the candidate, now or later: such orders need consent and carry a revision.
    pub const fn is_forward(self) -> bool {
        matches!(self, Self::Promote | Self::Switch | Self::Resume | Self::Retry | Self::Finish)
    }

    /// Whether traffic goes back to the live side.
    pub const fn is_back(self) -> bool {
        matches!(self, Self::Abort | Self::Rollback)
    }

    /// Whether it moves traffic; the other ones stop a controller, or let it go on.
    pub const fn moves(self) -> bool {
        matches!(self, Self::Promote | Self::Switch | Self::Abort | Self::Rollback)
    }

    /// The verb, as the CLI and the journal spell it.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Switch => "switch",
            Self::Abort => "abort",
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Finish => "finish",
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.verb())
    }
}

/// A command on its way to a traffic system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Same id on retry = same act.
    pub id: OrderId,
    /// What the order means.
    #[serde(rename = "move")]
    pub kind: Move,
    /// The split that was observed when the order was made; `None` if none was known.
    pub from: Option<Split>,
    /// The split that is asked for: absolute, so that a retry can do no harm.
    pub target: Split,
    /// The side that gains traffic by it.
    pub toward: Side,
    /// The revision that was on the screen. Forward orders carry it; abort and rollback never do.
    pub expected: Option<Revision>,
}

impl Order {
    /// Whether `seen` shows the traffic that the order asks for. A controller may have taken it further since.
    pub fn is_shown_by(&self, seen: &Observation) -> bool {
        match self.kind {
            Move::Abort | Move::Rollback => seen.split == self.target && seen.mixed.is_none(),
            Move::Promote | Move::Switch => {
                let is_there = seen.split.share(self.toward) >= self.target.share(self.toward);
                is_there && seen.mixed.is_none()
            }
            Move::Pause | Move::Resume | Move::Retry | Move::Finish => true,
        }
    }
}

/// A traffic system took an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// What will show that it took effect.
    pub goal: Goal,
    /// How long that may take, in milliseconds; `None`: as long as is usual for the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_within_ms: Option<u64>,
}

impl Accepted {
    /// `order` was accepted, and is read back as it was asked.
    pub const fn as_asked(order: &Order) -> Self {
        Self { goal: Goal::of(order), settle_within_ms: None }
    }
}

/// The progress of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Handed to the backend; no answer yet.
    Sent,
    /// The traffic system took it; not yet read back.
    Accepted,
    /// Read back from the router.
    Verified,
    /// Timed out or the line broke: it may have happened. The next observations settle it.
    Unknown,
    /// Refused, or certainly not carried out.
    Failed,
}

impl OrderState {
    /// Whether nothing more will come of the order.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Verified | Self::Failed)
    }

    /// `SENT`, `ACCEPTED`, ... as the screen spells it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sent => "SENT",
            Self::Accepted => "ACCEPTED",
            Self::Verified => "VERIFIED",
            Self::Unknown => "UNKNOWN",
            Self::Failed => "FAILED",
        }
    }
}

/// What kept an order from being carried out, or from being known to be. Exit codes and alerts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderFault {
    /// The traffic system cannot be reached; it did not act.
    Unreachable,
    /// The answer did not come: it may have happened.
    Unknown,
    /// The traffic system had changed since the screen was drawn; it did not act.
    Conflict,
    /// The credentials do not allow it.
    Denied,
    /// The traffic system refused the request itself.
    Refused,
    /// The traffic system was busy, or asked too often; it did not act.
    Busy,
    /// The answer makes no sense: it may have happened.
    Garbled,
    /// The traffic system took it and gave it up by itself.
    GivenUp,
    /// A newer order took its place.
    Superseded,
    /// It was not sent: the journal could not be written first.
    Journal,
    /// The router was read and did not show it in time.
    NotSeen,
}

impl From<&BackendError> for OrderFault {
    fn from(error: &BackendError) -> Self {
        match error {
            BackendError::Unreachable(_) => Self::Unreachable,
            BackendError::Unknown(_) => Self::Unknown,
            BackendError::Conflict(_) => Self::Conflict,
            BackendError::Denied(_) => Self::Denied,
            BackendError::Refused(_) => Self::Refused,
            BackendError::Busy(_) => Self::Busy,
            BackendError::Garbled(_) => Self::Garbled,
        }
    }
}

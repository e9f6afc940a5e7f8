//! The lines of the journal, as data.
//!
//! Records are the only thing that moves a rollout's recorded state. The engine folds all of them: its own, those of
//! a CLI command in another process, those of yesterday's console. So every process that has read the same journal
//! holds the same state of the rollout.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::controller::ControllerState;
use super::digest::Digest;
use super::gate::Evidence;
use super::guard::Breach;
use super::order::{Accepted, Order, OrderFault, OrderId, OrderState};
use super::side::{Pair, Side};
use super::split::Split;
use super::version::Version;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user's login name, or `auto` for the engine itself.
    pub name: String,
    /// How it came in: `console`, `cli`, `auto`, `demo`.
    pub via: String,
}

impl Actor {
    /// The engine acting by itself: a guard, the plan walked unattended, on_disconnect.
    pub fn auto() -> Self {
        Self { name: "auto".into(), via: "auto".into() }
    }
}

/// Why the engine or a person made a record, where something depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A person asked for it.
    Operator,
    /// A guard was breached.
    Guard,
    /// The plan is walked unattended: its next step is due, or it failed.
    Plan,
    /// The operator's console lost its terminal or its line.
    Disconnect,
}

/// Why a console or a command ended. The journal holds it as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Closing {
    /// The operator left.
    Quit,
    /// The command did what was asked.
    Done,
    /// The command failed.
    Failed,
    /// Something else ended it: `SIGTERM`, `terminal gone`, ...
    Other(String),
}

impl From<String> for Closing {
    fn from(text: String) -> Self {
        match text.as_str() {
            "quit" => Self::Quit,
            "done" => Self::Done,
            "failed" => Self::Failed,
            _ => Self::Other(text),
        }
    }
}

impl From<Closing> for String {
    fn from(why: Closing) -> Self {
        match why {
            Closing::Quit => "quit".into(),
            Closing::Done => "done".into(),
            Closing::Failed => "failed".into(),
            Closing::Other(text) => text,
        }
    }
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

/// One line of the journal, without the chain around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, by the wall clock of the writer.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Actor,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A console or command began.
    Opened {
        /// Process id.
        pid: u32,
        /// cutover's version.
        cutover: String,
    },
    /// A console ended: `quit`, `SIGHUP`, `SIGTERM`, `terminal gone`, ...
    Closed {
        /// Why.
        why: Closing,
        /// [`Cause::Disconnect`] where the operator was lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// The journal's last line was torn by a crash and was cut away.
    Recovered {
        /// How many bytes were cut.
        bytes: u64,
    },
    /// A console took the driver's place from another.
    TookOver {
        /// Whose.
        from: String,
    },
    /// A rollout began: the first forward order of it follows.
    Started {
        /// The side that was live.
        live: Side,
        /// Versions at that time.
        versions: Pair<Option<Version>>,
    },
    /// An order is about to be sent. On disk before it is.
    Ordered {
        /// The order, whole.
        order: Order,
        /// The state digest the consent was given to.
        digest: Option<Digest>,
        /// The reason in words, where a person gave one or the engine had one.
        why: Option<String>,
        /// Why it was made; `None` in records of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// An order came further.
    OrderIs {
        /// Which.
        id: OrderId,
        /// How far.
        state: OrderState,
        /// What the backend said, cleaned.
        detail: Option<String>,
        /// What went wrong; `None` where nothing did, and in records of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<OrderFault>,
        /// What the backend answered, where it accepted the order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted: Option<Accepted>,
    },
    /// A gate run ended.
    Gate {
        /// What it saw.
        evidence: Evidence,
    },
    /// A failing gate was overridden for one version.
    Overridden {
        /// The gate's name.
        gate: String,
        /// The candidate digest it counts for.
        version: Digest,
        /// At least 10 characters.
        reason: String,
    },
    /// A person signed for a gate, for one version.
    Approved {
        /// The gate's name.
        gate: String,
        /// The candidate digest it counts for.
        version: Digest,
        /// At least 10 characters.
        reason: String,
    },
    /// The plan was stopped where it is.
    Paused {
        /// The reason in words.
        why: Option<String>,
        /// Why it was stopped; `None` in records of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// The plan goes on.
    Resumed,
    /// The console that drove is gone while a rollout is under way; noted by another one.
    Undriven,
    /// A guard was breached often enough to act.
    Guard(Breach),
    /// The router reports a split that no order asked for.
    Drift {
        /// What was asked.
        desired: Split,
        /// What the router says.
        observed: Split,
    },
    /// A controller took a step of its own plan, or gave the rollout up by itself.
    Progress {
        /// What the router says.
        split: Split,
        /// The side that was live before.
        origin: Side,
        /// What the controller does.
        state: ControllerState,
        /// How many of its steps it has reached, and how many there are.
        step: (usize, usize),
        /// Its own words, cleaned.
        message: String,
    },
    /// The side that traffic would go back to answers nothing any more, or answers again.
    Standby {
        /// Which side.
        side: Side,
        /// Replicas that can take traffic.
        ready: u32,
        /// Replicas there are.
        total: u32,
        /// What is wrong with the first of them; empty where nothing is.
        why: String,
    },
    /// A person accepted what the router says after drift; it is what is asked for from now on.
    Adopted {
        /// The split accepted.
        split: Split,
        /// The side that counts as live from now on where no rollout had named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Side>,
    },
    /// The rollback window was ended; the standby may go.
    Finalized {
        /// The side that is live from now on.
        live: Side,
    },
    /// An alert was delivered to a place, or given up.
    Alerted {
        /// The alert's id.
        alert: String,
        /// The place's name.
        to: String,
        /// Whether it arrived.
        delivered: bool,
        /// How many tries it took.
        tries: u32,
        /// What the last try came to, cleaned.
        detail: String,
    },
    /// A person's note, or the reason for a rollback given afterwards.
    Note {
        /// The text, cleaned.
        text: String,
    },
}

//! A traffic system that is driven by the user's commands or HTTP calls.

use std::path::PathBuf;

use crate::domain::capabilities::Weights;
use crate::domain::{Call, Transport};

/// The placeholders in a command's words, a URL, a header or a body.
pub(crate) const PLACEHOLDERS: [&str; 9] =
    ["blue", "green", "from", "to", "move", "order", "expected", "revision", "service"];

/// How to read and drive the traffic system.
#[derive(Debug, Clone, PartialEq)]
pub struct HookSpec {
    /// The service's name, for `{{service}}`.
    pub service: String,
    /// Reads the split.
    pub read: Act,
    /// Sets any split; `None` if only `switch` exists.
    pub set: Option<Act>,
    /// Moves all traffic to one side; without it `set` is used.
    pub switch: Option<Act>,
    /// Used for rollback and abort; without it, the act that moves traffic to that side.
    pub rollback: Option<Act>,
    /// The places of the values in the answer of `read`.
    pub answer: AnswerAt,
    /// What the system supports, as its user says.
    pub can: HookCan,
    /// The directory for commands.
    pub dir: PathBuf,
    /// How calls reach their server.
    pub transport: Transport,
    /// The time limit of one act, in milliseconds.
    pub timeout_ms: u64,
    /// The exit code of a command when the state is not the expected one.
    pub conflict_code: u8,
}

impl HookSpec {
    /// Its name in `[backend] kind`.
    pub const fn kind(&self) -> &'static str {
        match self.read {
            Act::Run(_) => "exec",
            Act::Call(_) => "http",
        }
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A program and its arguments, without a shell.
    Run(Vec<String>),
    /// A request.
    Call(Call),
}

/// The places of the values in an answer, as JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerAt {
    /// Green's share in percent; its weight if `blue` is set too.
    pub green: String,
    /// Blue's weight.
    pub blue: Option<String>,
    /// The revision. If the answer has none, the split is the revision.
    pub revision: String,
    /// The response header that holds the revision instead, e.g. `etag`.
    pub revision_header: Option<String>,
}

/// What the system supports, as its user says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCan {
    /// The shares that can be set.
    pub weights: Weights,
    /// A change takes effect some time after it was accepted.
    pub asynchronous: bool,
    /// The split survives a restart of the router.
    pub survives_restart: bool,
    /// An act itself refuses when `{{expected}}` is no longer the revision.
    pub compare_and_set: bool,
}

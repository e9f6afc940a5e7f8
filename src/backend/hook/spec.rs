//! A traffic system that is driven by commands or HTTP calls of its user's.

use std::path::PathBuf;

use crate::domain::capabilities::Weights;
use crate::domain::{Call, Transport};

/// What can stand between the braces of a command's words, a URL, a header or a body.
pub(crate) const PLACEHOLDERS: [&str; 9] =
    ["blue", "green", "from", "to", "move", "order", "expected", "revision", "service"];

/// How the traffic system is read and driven.
#[derive(Debug, Clone, PartialEq)]
pub struct HookSpec {
    /// The service's name, for `{{service}}`.
    pub service: String,
    /// Tells the split.
    pub read: Act,
    /// Sets any split; `None` where only `switch` is there.
    pub set: Option<Act>,
    /// Moves all traffic to one side; `set` does it without one.
    pub switch: Option<Act>,
    /// Goes back, on rollback and abort; without one, what would move traffic there.
    pub rollback: Option<Act>,
    /// Where the answer of `read` holds what.
    pub answer: AnswerAt,
    /// What the system can, as its user says.
    pub can: HookCan,
    /// Where commands run.
    pub dir: PathBuf,
    /// How calls reach their server.
    pub transport: Transport,
    /// How long one act may take, in milliseconds.
    pub timeout_ms: u64,
    /// The exit code by which a command says that the state is another than expected.
    pub conflict_code: u8,
}

impl HookSpec {
    /// The word for it in `[backend] kind`.
    pub const fn kind(&self) -> &'static str {
        match self.read {
            Act::Run(_) => "exec",
            Act::Call(_) => "http",
        }
    }
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A program and its arguments; no shell is between.
    Run(Vec<String>),
    /// A request.
    Call(Call),
}

/// Where an answer holds what, as JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerAt {
    /// Green's share in percent; its weight where `blue` is there too.
    pub green: String,
    /// Blue's weight.
    pub blue: Option<String>,
    /// The revision. Where the answer holds none the split itself is the revision.
    pub revision: String,
    /// The response header that holds the revision instead, e.g. `etag`.
    pub revision_header: Option<String>,
}

/// What the system can, as its user says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCan {
    /// Which shares can be set.
    pub weights: Weights,
    /// A change takes effect some time after it was accepted.
    pub asynchronous: bool,
    /// The split survives a restart of the router.
    pub survives_restart: bool,
    /// An act refuses by itself when `{{expected}}` is not the revision any more.
    pub compare_and_set: bool,
}

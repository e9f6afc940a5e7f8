//! Why a command failed: an exit code and one line with the remedy.

use std::fmt;

use serde_json::{Value, json};

use super::exit::Exit;
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::engine::{Refusal, RefusalKind};

/// A command that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Decides the exit code.
    pub exit: Exit,
    /// For people: lower case, with value and remedy; may have several lines (config faults).
    pub message: String,
}

impl Failure {
    /// A failure with `exit`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An error without a code of its own.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Exit::Error, message)
    }

    /// The `error` member of a document.
    pub(crate) fn json(&self) -> Value {
        json!({"kind": self.exit, "message": self.message, "exit_code": self.exit.code()})
    }

    /// A whole error document.
    pub(crate) fn document(&self) -> Value {
        json!({"schema_version": SCHEMA_VERSION, "error": self.json()})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        let hint = match refusal.kind {
            RefusalKind::StateChanged => "; `cutover status` shows it",
            RefusalKind::Paused => "; `cutover resume` goes on",
            _ => "",
        };
        Self::new(Exit::of_refusal(refusal.kind), format!("{}{hint}", refusal.text))
    }
}

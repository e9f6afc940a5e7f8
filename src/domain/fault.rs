//! What can go wrong between us and a traffic system, by what it means for the operator.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a backend did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum BackendError {
    /// Nothing was sent, or the system certainly did not act: it cannot be reached.
    Unreachable(String),
    /// The answer did not come: it may have happened. Never shown as "failed".
    Unknown(String),
    /// The world has moved since the screen was drawn; nothing was done.
    Conflict(String),
    /// The credentials do not allow it.
    Denied(String),
    /// The system refused the request itself (an impossible weight, an unknown server).
    Refused(String),
    /// The system is at work or was asked too often; nothing was done. It may be asked again.
    Busy(String),
    /// The answer makes no sense: HTML for JSON, a cut-off body, another version's format.
    Garbled(String),
}

impl BackendError {
    /// Whether an order that met this error may have been carried out all the same.
    pub const fn may_have_happened(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Garbled(_))
    }

    /// In words where nothing but reading was tried: no answer means nothing more then.
    pub fn when_reading(&self) -> String {
        match self {
            Self::Unknown(text) => format!("no answer: {text}"),
            other => other.to_string(),
        }
    }

    /// The text without the kind.
    pub fn detail(&self) -> &str {
        match self {
            Self::Unreachable(text)
            | Self::Unknown(text)
            | Self::Conflict(text)
            | Self::Denied(text)
            | Self::Refused(text)
            | Self::Busy(text)
            | Self::Garbled(text) => text,
        }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Unreachable(_) => "unreachable",
            Self::Unknown(_) => "no answer, it may have happened",
            Self::Conflict(_) => "the state changed",
            Self::Denied(_) => "not allowed",
            Self::Refused(_) => "refused",
            Self::Busy(_) => "busy",
            Self::Garbled(_) => "the answer makes no sense",
        };
        write!(f, "{kind}: {}", self.detail())
    }
}

impl std::error::Error for BackendError {}

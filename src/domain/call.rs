//! Requests that a gate makes of its user's other systems, and what their answers must be.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Transport;
use super::bound::Bound;

/// Where a secret is found when it is needed; never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file.
    File(PathBuf),
}

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderValue {
    /// The text as written; may hold placeholders.
    Plain(String),
    /// The secret itself.
    Secret(SecretRef),
    /// `Bearer ` and the secret.
    Bearer(SecretRef),
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// `GET`, `POST`, ...
    pub method: String,
    /// An absolute URL, or a path on every replica of the candidate; may hold placeholders.
    pub url: String,
    /// Sent with it; names in lower case.
    pub headers: Vec<(String, HeaderValue)>,
    /// The body; may hold placeholders.
    pub body: Option<String>,
    /// The answer is waited for this long, in milliseconds.
    pub timeout_ms: u64,
    /// How the server is reached; a call through the candidate goes as probes do.
    #[serde(default, skip_serializing_if = "Transport::is_default")]
    pub transport: Transport,
}

impl Call {
    /// Whether it goes to the candidate's replicas.
    pub fn is_through_candidate(&self) -> bool {
        self.url.starts_with('/')
    }
}

/// A value that can be written down and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

/// What an answer must be; what is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Expect {
    /// The status; 2xx where nothing is said.
    pub status: Option<u16>,
    /// Where the answer's JSON holds the value that is meant.
    pub pointer: Option<String>,
    /// What that value must be.
    pub equals: Option<Scalar>,
    /// The limit it must keep to.
    pub bound: Option<Bound>,
    /// A text the body must hold.
    pub contains: Option<String>,
    /// The longest the answer may take, in milliseconds.
    pub max_latency_ms: Option<u64>,
}

/// One named call of an integration gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// For people.
    pub name: String,
    /// What is asked.
    pub call: Call,
    /// What the answer must be.
    pub expect: Expect,
}

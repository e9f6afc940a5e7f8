//! Alerts: what wakes a person up, and what that person reads first.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Transport;
use super::call::{HeaderValue, SecretRef};
use super::side::{Pair, Side};

/// What happened, as `on = [..]` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A guard was breached often enough to act.
    Guard,
    /// A required gate failed.
    Gate,
    /// The plan stopped by itself.
    Paused,
    /// A rollback or abort was ordered, by a person or because the operator was gone.
    Rollback,
    /// All traffic is back where it was.
    RolledBack,
    /// An order failed, or may have happened and cannot be read back.
    Order,
    /// The router reports a split that no order asked for.
    Drift,
    /// The side that traffic would go back to answers nothing any more.
    Standby,
    /// The operator's line went down while traffic was moving.
    Disconnect,
    /// The candidate has all traffic.
    Switched,
    /// The rollback window was ended.
    Finalized,
    /// Nothing happened: somebody tries whether alerts arrive.
    Test,
}

impl AlertKind {
    /// Every kind a config may name; those that mean trouble come first.
    pub const ALL: [Self; 11] = [
        Self::Guard,
        Self::Gate,
        Self::Paused,
        Self::Rollback,
        Self::RolledBack,
        Self::Order,
        Self::Drift,
        Self::Standby,
        Self::Disconnect,
        Self::Switched,
        Self::Finalized,
    ];

    /// What is sent where a config does not say: everything that did not go as it should.
    pub const TROUBLE: &[Self] = Self::ALL.split_at(9).0;

    /// As configs and messages spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Gate => "gate",
            Self::Paused => "paused",
            Self::Rollback => "rollback",
            Self::RolledBack => "rolled_back",
            Self::Order => "order",
            Self::Drift => "drift",
            Self::Standby => "standby",
            Self::Disconnect => "disconnect",
            Self::Switched => "switched",
            Self::Finalized => "finalized",
            Self::Test => "test",
        }
    }

    /// How much it matters.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Guard | Self::Rollback | Self::Order | Self::Drift | Self::Standby => Severity::Critical,
            Self::Gate | Self::Paused | Self::Disconnect => Severity::Warning,
            Self::RolledBack | Self::Switched | Self::Finalized | Self::Test => Severity::Info,
        }
    }
}

/// How much an alert matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For reading.
    Info,
    /// Somebody must look today.
    Warning,
    /// Somebody must look now.
    Critical,
}

/// One alert, as the generic webhook and a command's standard input hold it. What is not known is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Rises when a member is renamed.
    pub schema_version: u32,
    /// The same event always has the same id, whichever process sends it and however often.
    pub id: String,
    /// What happened.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// The service's name.
    pub service: String,
    /// The environment's name; may be empty.
    pub environment: String,
    /// Everything that matters, in one line.
    pub title: String,
    /// The side it is about.
    pub side: Option<Side>,
    /// What was measured, in `unit`.
    pub value: Option<f64>,
    /// What is allowed, in `unit`.
    pub limit: Option<f64>,
    /// Whether that is the least value allowed, not the largest.
    pub at_least: bool,
    /// `ms`, `ratio`, `count`; empty where the alert has no number.
    pub unit: String,
    /// Requests, cases or checks behind the value.
    pub samples: Option<u64>,
    /// What was seen, line by line; at most 20.
    pub evidence: Vec<String>,
    /// Who did it: a person's name, or `auto`.
    pub by: String,
    /// Versions by side, where they are known.
    pub versions: Pair<Option<String>>,
    /// Shares in percent as the router says them; `null` when it cannot be read.
    pub split: Option<Pair<u8>>,
    /// What was done about it.
    pub done: String,
    /// What to type to take all traffic back, or why nothing is needed.
    pub way_back: String,
    /// The last log lines that belong to it, oldest first; at most 10.
    pub log: Vec<String>,
}

/// The version of [`Alert`] as a document.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// A place alerts go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSpec {
    /// For people; unique.
    pub name: String,
    /// How it gets there.
    pub way: AlertWay,
    /// The alerts that are sent there.
    pub on: Vec<AlertKind>,
    /// One try may take this long, in milliseconds.
    pub timeout_ms: u64,
}

/// How an alert gets there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertWay {
    /// POST to a URL.
    Webhook {
        /// Where.
        url: AlertUrl,
        /// Sent with it.
        headers: Vec<(String, HeaderValue)>,
        /// The shape of the body.
        form: AlertForm,
        /// How the server is reached.
        #[serde(default, skip_serializing_if = "Transport::is_default")]
        transport: Transport,
    },
    /// A command that reads the alert as JSON on its standard input.
    Command {
        /// The program and its arguments; no shell reads them. Never empty.
        argv: Vec<String>,
        /// The directory it runs in.
        dir: std::path::PathBuf,
    },
}

/// A webhook's URL. Many hold the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertUrl {
    /// As written in the config.
    Plain(String),
    /// Read when it is needed.
    Secret(SecretRef),
}

/// The shape of a webhook's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertForm {
    /// [`Alert`] as JSON.
    Json,
    /// What Slack, Mattermost and Rocket.Chat take: `text` and `attachments`.
    Slack,
}

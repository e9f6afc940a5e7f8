//! What a config means: one service with its two sides.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::alert::AlertSpec;
use super::front::FrontSpec;
use super::gate::GateSpec;
use super::guard::GuardSpec;
use super::metric::MetricsSpec;
use super::pace::Pace;
use super::plan::Plan;
use super::side::Pair;
use super::transport::Transport;

/// One service, validated; the engine's and the runtime's only view of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// For people; letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// `prod`, `staging`, ...: the banner, and part of every prompt. May be empty.
    pub environment: String,
    /// The two sides.
    pub sides: Pair<SideSpec>,
    /// How the sides are polled.
    pub probe: ProbeSpec,
    /// The users' own address, where it is asked.
    #[serde(default)]
    pub front: Option<FrontSpec>,
    /// What is read of the model servers' own metrics, where anything is.
    #[serde(default)]
    pub metrics: Option<MetricsSpec>,
    /// The steps of a rollout.
    pub plan: Plan,
    /// Checks before traffic moves, in the order of the file.
    pub gates: Vec<GateSpec>,
    /// Checks while traffic moves, in the order of the file.
    pub guards: Vec<GuardSpec>,
    /// Where alerts go, in the order of the file.
    #[serde(default)]
    pub alerts: Vec<AlertSpec>,
    /// How fast the traffic system answers and acts.
    pub pace: Pace,
    /// Data older than this is stale: forward is locked, in milliseconds.
    pub stale_after_ms: u64,
    /// Where journal, lease and gate logs lie.
    pub state_dir: PathBuf,
}

/// One side as configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SideSpec {
    /// Replicas: absolute http or https URLs without query; each reaches this side at any split.
    pub urls: Vec<String>,
    /// Where the side's version is read.
    pub version: VersionSource,
}

/// Where a side's version is read from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionSource {
    /// Nobody said: the version is unknown.
    #[default]
    Unknown,
    /// A name that does not change.
    Fixed(String),
    /// A JSON pointer into the answer of a path, e.g. `/v2/models/spam` and `/versions/0`.
    Pointer {
        /// Asked with GET on every replica.
        path: String,
        /// RFC 6901.
        pointer: String,
    },
    /// A response header of a path.
    Header {
        /// Asked with GET on every replica.
        path: String,
        /// The header's name, lower case.
        header: String,
    },
}

/// How replicas are polled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// Milliseconds between two probes of a replica.
    pub interval_ms: u64,
    /// A probe is given up after this many milliseconds.
    pub timeout_ms: u64,
    /// Path asked with GET; 2xx is ready.
    pub path: String,
    /// How replicas are reached, by gates too.
    #[serde(default, skip_serializing_if = "Transport::is_default")]
    pub transport: Transport,
}

impl Default for ProbeSpec {
    fn default() -> Self {
        Self { interval_ms: 1000, timeout_ms: 800, path: "/v2/health/ready".into(), transport: Transport::default() }
    }
}

//! Gates: checks that must pass before traffic moves.

mod golden;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::call::{Call, Expect, HeaderValue, Scalar, Step};
use super::digest::Digest;
use super::load::{LoadRun, Saturation};
use super::transport::Transport;
pub use golden::{CaseFields, Compare, GoldenForm, GoldenLimits, GoldenSpec};

/// What a gate found. Not enough data is an answer of its own (law 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The check holds.
    Passed,
    /// The check does not hold.
    Failed,
    /// Too little was seen to say, or the check could not be carried out.
    NotYet,
}

impl Verdict {
    /// `PASS`, `FAIL` or `WAIT`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Failed => "FAIL",
            Self::NotYet => "WAIT",
        }
    }
}

/// One configured gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateSpec {
    /// Unique among the gates of a service; the kind unless the config names it.
    pub name: String,
    /// Whether forward commands are blocked until it passes or is overridden.
    pub required: bool,
    /// How long a result counts, in milliseconds.
    pub valid_for_ms: u64,
    /// The whole run is given up after this long, in milliseconds; the verdict is then "not yet".
    pub timeout_ms: u64,
    /// What is checked.
    #[serde(flatten)]
    pub kind: GateKind,
}

/// What a gate checks, with its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum GateKind {
    /// Every replica answers its health path within the limit, `consecutive` times in a row.
    Health {
        /// Path asked on every replica.
        path: String,
        /// Checks in a row that must succeed on each replica.
        consecutive: u32,
        /// Longest a single answer may take, in milliseconds.
        max_latency_ms: u64,
        /// Pause between two checks, in milliseconds.
        interval_ms: u64,
    },
    /// Predictions against a golden set.
    Golden(Box<GoldenSpec>),
    /// Representative requests, and adversarial ones that must be refused cleanly.
    Smoke {
        /// Where the requests come from.
        source: SmokeSource,
        /// Path the requests are posted to where a line names none.
        path: String,
        /// Longest a single answer may take, in milliseconds.
        max_latency_ms: u64,
        /// Whether the built-in adversarial requests are sent too.
        adversarial: bool,
        /// Sent with every request.
        headers: Vec<(String, HeaderValue)>,
    },
    /// A command of the user's: its exit code, and what it says as JSON.
    Exec {
        /// The program and its arguments; no shell is between.
        command: Vec<String>,
        /// Where it runs.
        dir: std::path::PathBuf,
        /// The exit code that means "not yet".
        not_yet_code: u8,
        /// What the value it tells must keep to.
        bound: Option<Bound>,
    },
    /// An endpoint that reports a status.
    Http {
        /// What is asked.
        call: Call,
        /// What the answer must be.
        expect: Expect,
        /// Values at the pointer that mean "not yet".
        pending: Vec<Scalar>,
    },
    /// The value of a PromQL query.
    Prometheus {
        /// The base of its API: absolute, without `/api/v1`.
        url: String,
        /// An instant query of one value; may hold placeholders within quotes.
        query: String,
        /// Sent with it.
        headers: Vec<(String, HeaderValue)>,
        /// What the value must keep to.
        bound: Bound,
        /// A sample older than this counts for nothing, in milliseconds.
        max_age_ms: u64,
        /// An answer is waited for this long, in milliseconds. Named apart from the whole run's, which lies beside it.
        #[serde(rename = "request_timeout_ms")]
        timeout_ms: u64,
        /// How the server is reached.
        #[serde(default, skip_serializing_if = "Transport::is_default")]
        transport: Transport,
    },
    /// Named calls up- and downstream and through the candidate, in order.
    Integration {
        /// One after the other; the first that does not hold ends it.
        steps: Vec<Step>,
    },
    /// Requests at a set rate, whatever the side makes of it.
    Load {
        /// JSON lines, as of a smoke gate; of `expect` the status alone is looked at.
        requests: std::path::PathBuf,
        /// Path the requests are posted to where a line names none.
        path: String,
        /// The rates, one after the other.
        stages: Vec<Stage>,
        /// Requests under way at once, over all replicas.
        connections: usize,
        /// What it must keep to.
        limits: LoadLimits,
        /// A metric of the replicas that is watched meanwhile.
        #[serde(default)]
        saturation: Option<Saturation>,
    },
    /// A person signs for it.
    Manual {
        /// What the person is asked to have looked at.
        ask: String,
    },
}

/// Where a smoke gate's requests come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmokeSource {
    /// JSON lines: `{"id":..,"path":..,"method":..,"request":{..},"expect":{"status":200,...}}`.
    File(std::path::PathBuf),
    /// The latest requests that the embedded gateway kept of live traffic.
    Live {
        /// At most so many.
        count: usize,
    },
}

/// A stretch of a load: from one rate to another in a straight line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Requests per second at its beginning.
    pub from_rps: f64,
    /// Requests per second at its end.
    pub to_rps: f64,
    /// How long it goes, in milliseconds.
    pub for_ms: u64,
}

/// What a side under load must keep to. Latencies count from when a request was due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadLimits {
    /// Half of the answers, in milliseconds.
    pub max_p50_ms: Option<u64>,
    /// 95 of 100 answers, in milliseconds.
    pub max_p95_ms: Option<u64>,
    /// 99 of 100 answers, in milliseconds.
    pub max_p99_ms: u64,
    /// The share of requests that may fail, 0 to 1.
    pub max_error_rate: f64,
    /// The least share of the intended rate, 0 to 1.
    pub min_rate: f64,
}

/// A limit with its direction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The limit, in the unit of the value.
    pub limit: f64,
    /// Whether the value must be at least the limit, or at most.
    pub at_least: bool,
}

impl Bound {
    /// Whether `value` keeps to it; what is not a number never does.
    pub fn holds(self, value: f64) -> bool {
        if self.at_least { value >= self.limit } else { value <= self.limit }
    }
}

impl GateKind {
    /// Whether a person signs for it, so that nothing can be run.
    pub const fn is_manual(&self) -> bool {
        matches!(self, Self::Manual { .. })
    }

    /// `health`, `golden`, `smoke`, ...: as the config spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Health { .. } => "health",
            Self::Golden(_) => "golden",
            Self::Smoke { .. } => "smoke",
            Self::Exec { .. } => "exec",
            Self::Http { .. } => "http",
            Self::Prometheus { .. } => "prometheus",
            Self::Integration { .. } => "integration",
            Self::Manual { .. } => "manual",
            Self::Load { .. } => "load",
        }
    }
}

/// What a gate saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The gate's name.
    pub gate: String,
    /// What it found.
    pub verdict: Verdict,
    /// The measured value in `unit`, when there is one.
    pub value: Option<f64>,
    /// The limit in `unit`, when there is one.
    pub limit: Option<f64>,
    /// `ratio` (0 to 1), `ms`, `count`; empty when the gate has no number.
    pub unit: String,
    /// Whether `value` must be at least `limit` (accuracy) or at most (latency).
    pub at_least: bool,
    /// How many checks, cases or requests stand behind it.
    pub samples: u64,
    /// The digest of the version it was seen on; evidence counts for no other.
    pub version: Digest,
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// How long the run took, in milliseconds.
    pub took_ms: u64,
    /// One line for the screen: `12 misses`.
    pub note: String,
    /// The first misses or faults, cleaned, at most 20.
    pub details: Vec<String>,
    /// The course of a load; `None` of other gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<std::sync::Arc<LoadRun>>,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For reading.
    #[default]
    Info,
    /// For attention.
    Warn,
    /// Something failed.
    #[serde(rename = "error")]
    Err,
}

impl LogLevel {
    /// `INFO`, `WARN` or `ERR`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Err => "ERR",
        }
    }
}

/// A line for the log pane and the gate's log file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How important it is.
    pub level: LogLevel,
    /// The gate's name, or `traffic`, `guard`, `journal`, `probe`, an actor.
    pub source: String,
    /// The text, already cleaned.
    pub text: String,
}

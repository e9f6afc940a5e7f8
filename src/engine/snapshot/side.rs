//! One side in the status document: what it serves, how fast, and which source says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::MetricStatus;
use crate::domain::observation::Replicas;
use crate::domain::{Role, Version};

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideStatus {
    /// What the side is for.
    pub role: Role,
    /// What it serves, if all replicas agree on it.
    pub version: Option<Version>,
    /// Replicas that answer our probes; `null` before the first probe.
    pub ready: Option<u32>,
    /// Replicas there are.
    pub replicas: u32,
    /// Replicas that the router sends requests to, and all that it has; `null` where it does not say.
    #[serde(default)]
    pub at_router: Option<Replicas>,
    /// Which source the four figures below are from.
    pub source: Option<Source>,
    /// Latency over the last minute.
    pub latency_ms: Latency,
    /// Share of requests that failed over the last minute.
    pub error_rate: Option<f64>,
    /// Requests a second of live traffic; `null` when the router does not count them.
    pub rps: Option<f64>,
    /// Requests (or probes) behind the figures.
    pub samples: u64,
    /// Latency of our probes over the last minute.
    pub probe_ms: Latency,
    /// Live requests under way; `null` when the router does not count them.
    pub in_flight: Option<u64>,
    /// What its servers export of themselves, by row.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricStatus>,
    /// Seconds since the newest answer of a replica; `null` when none ever answered.
    pub age_s: Option<f64>,
    /// What is wrong with it: replicas that disagree on the version, that do not answer.
    pub faults: Vec<String>,
}

/// Where figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The router's counters of production traffic.
    Traffic,
    /// Our own probes.
    Probes,
    /// What the model servers count themselves, where the router does not: of some or all of the figures.
    Metrics,
}

/// Latency quantiles, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

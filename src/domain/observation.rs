//! What a traffic system reports when it is read.

use serde::{Deserialize, Serialize};

use super::ability::{Can, WayBack};
use super::controller::Controller;
use super::order::Revision;
use super::side::Pair;
use super::split::Split;
use super::target::Target;
use super::version::Version;

/// One reading of a traffic system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// How the router shares traffic now.
    pub split: Split,
    /// Why the split is not one clean value (nodes that disagree, a half-applied pair); `None` when it is.
    pub mixed: Option<String>,
    /// The router's token for this state.
    pub revision: Revision,
    /// What it says of each side.
    #[serde(default)]
    pub sides: Pair<SideSeen>,
    /// Live traffic counters, where the router has them. Cumulative since `epoch`.
    pub traffic: Option<TrafficCounters>,
    /// What a controller or a slow platform is doing; `None` for a system that does nothing by itself.
    pub controller: Option<Controller>,
    /// How far the way back reaches now.
    #[serde(default)]
    pub rollback: WayBack,
    /// Which acts the system refuses now.
    #[serde(default)]
    pub can: Can,
    /// What the system reports that an operator should see, cleaned and few: old workers that still serve,
    /// caches that hold the old answer for 40 s, a node that is down.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Observation {
    /// A reading of `split` with everything else unknown, and a way back of one order.
    pub fn of(split: Split, revision: Revision) -> Self {
        Self {
            split,
            mixed: None,
            revision,
            sides: Pair::default(),
            traffic: None,
            controller: None,
            rollback: WayBack::default(),
            can: Can::default(),
            notes: Vec::new(),
        }
    }
}

/// One side, as the traffic system sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SideSeen {
    /// Where the side is asked now; `None` where the system does not say: the URLs of the config hold then.
    #[serde(default)]
    pub targets: Option<Vec<Target>>,
    /// Its version, where the system knows it.
    pub version: Option<Version>,
    /// Ready and wanted replicas, where the system knows them.
    pub replicas: Option<Replicas>,
    /// Which replicas get no requests and why, and what helps; `None` where all get some, or the system does not say.
    pub unready: Option<String>,
}

/// How many replicas of a side can take traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Replicas that can take traffic.
    pub ready: u32,
    /// Replicas there are.
    pub total: u32,
}

/// Cumulative counters of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficCounters {
    /// Changes when the counters start again from zero (a restart of the router).
    pub epoch: String,
    /// Per side.
    pub sides: Pair<SideTraffic>,
}

/// Cumulative counters of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideTraffic {
    /// Requests answered, by status class; index 0 is no answer at all (connect or read failed), 1 to 5 are 1xx to 5xx.
    pub by_class: [u64; 6],
    /// Requests under way now.
    pub in_flight: u64,
    /// Latency from the first byte of the request to the first byte of the answer:
    /// `(microseconds, count)`, rising, cumulative since `epoch`. The microsecond values are
    /// the bucket values of a histogram with two significant digits.
    pub latency_us: Vec<(u64, u64)>,
}

impl SideTraffic {
    /// Requests answered or failed in all.
    pub fn total(&self) -> u64 {
        self.by_class.iter().sum()
    }

    /// Requests that ended in 5xx or without an answer.
    pub fn errors(&self) -> u64 {
        self.by_class[0] + self.by_class[5]
    }
}

/// What the embedded gateway answers to `GET /v1/status` on its admin interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterStatus {
    /// The split in force.
    pub split: Split,
    /// Rises by one with every accepted change.
    pub revision: u64,
    /// The id of the last order that was carried out.
    pub last_order: Option<String>,
    /// Ready and configured replicas per side.
    pub replicas: Pair<Replicas>,
    /// Counters since the gateway started.
    pub traffic: TrafficCounters,
}

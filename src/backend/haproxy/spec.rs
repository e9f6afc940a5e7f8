//! HAProxy: its runtime API on several nodes, and what of its configuration carries the split.

use std::fmt;
use std::path::PathBuf;

use crate::domain::Pair;
use crate::domain::text::clean;

/// One HAProxy, or several that are one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxySpec {
    /// Where each process takes orders; at least one, none twice.
    pub nodes: Vec<NodeAddress>,
    /// What carries the split.
    pub method: Method,
    /// What is written after a change, so that a reload does not undo it.
    pub save: Save,
}

/// Where one process takes orders.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeAddress {
    /// A unix socket (`stats socket /run/haproxy/admin.sock level admin`).
    Unix(PathBuf),
    /// `host:port` (`stats socket ipv4@127.0.0.1:9999 level admin`): no password protects it.
    Tcp(String),
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(&clean(&path.to_string_lossy(), 200)),
            Self::Tcp(address) => f.write_str(&clean(address, 200)),
        }
    }
}

/// What carries the split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// One entry of a map names the side that takes all traffic; changed atomically.
    Switch {
        /// The entry.
        entry: MapEntry,
        /// The values that stand for the sides, as the frontend's rule knows them.
        values: Pair<String>,
        /// The backends behind the sides, for counters and sessions; `None` where they are not named.
        backends: Option<Pair<String>>,
    },
    /// One entry of a map is green's share in percent; changed atomically.
    Percent {
        /// The entry.
        entry: MapEntry,
        /// The backends behind the sides, for counters and sessions; `None` where they are not named.
        backends: Option<Pair<String>>,
    },
    /// The weights of servers in one backend.
    Weights {
        /// The backend that holds the servers of both sides.
        backend: String,
        /// The servers of each side; at least one a side, none in both.
        servers: Pair<Vec<String>>,
    },
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// The map as HAProxy knows it: the file's name in its configuration.
    pub map: String,
    /// The entry's key.
    pub key: String,
}

/// What is written after a change. Empty lists write nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Save {
    /// Map files, as this machine reaches them: the entry is set in each.
    pub maps: Vec<PathBuf>,
    /// Server state files, one a node in the order of the nodes: what `show servers state` says goes there.
    pub states: Vec<PathBuf>,
}

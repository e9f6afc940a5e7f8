//! HAProxy: its runtime API on several nodes, and the part of its configuration that carries the split.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::backend::Address;
use crate::domain::Pair;

/// One HAProxy, or several that are one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxySpec {
    /// The address of each process's runtime API; at least one, all different.
    pub nodes: Vec<Address>,
    /// What carries the split.
    pub method: Method,
    /// What to write after a change, so that a reload does not undo it.
    pub save: Save,
}

/// What carries the split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// A map entry names the side that takes all traffic. It changes atomically.
    Switch {
        /// The entry.
        entry: MapEntry,
        /// The values for the sides, as the frontend's rule knows them.
        values: Pair<String>,
        /// The backends of the sides, for counters and sessions; `None` if they are not named.
        backends: Option<Pair<String>>,
    },
    /// A map entry is green's share in percent. It changes atomically.
    Percent {
        /// The entry.
        entry: MapEntry,
        /// The backends of the sides, for counters and sessions; `None` if they are not named.
        backends: Option<Pair<String>>,
    },
    /// The weights of servers in one backend.
    Weights {
        /// The backend that holds the servers of both sides.
        backend: String,
        /// The servers of each side; at least one a side, none in both.
        servers: Pair<Vec<String>>,
        /// Where the config says that each side's replicas are, as `10.0.0.11:8080`; URLs with names are left out.
        addresses: Pair<Vec<SocketAddr>>,
    },
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// The map's name in HAProxy: the file's name in its configuration.
    pub map: String,
    /// The entry's key.
    pub key: String,
}

/// The files to write after a change. Empty lists write nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Save {
    /// Paths of map files on this machine. The entry is set in each.
    pub maps: Vec<PathBuf>,
    /// Server state files, one per node in the order of the nodes, for the output of `show servers state`.
    pub states: Vec<PathBuf>,
}

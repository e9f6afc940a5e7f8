//! Envoy: its admin interface on several processes, and the part of its configuration that carries the split.

use std::path::PathBuf;

use crate::backend::Address;
use crate::domain::Pair;

/// One Envoy, or several that are one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvoySpec {
    /// The admin interface of each process; at least one, all different.
    pub admin: Vec<Address>,
    /// The cluster of each side, named as in Envoy's own configuration.
    pub clusters: Pair<String>,
    /// What carries the split.
    pub way: EnvoyWay,
}

/// What carries the split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvoyWay {
    /// A runtime key, used as `runtime_fraction` by the route of green's cluster; lost with the process.
    Runtime {
        /// Letters, digits, `-`, `_` and `.`.
        key: String,
    },
    /// A file of routes with weighted clusters that Envoy watches (RDS from the file system); it survives a restart.
    Routes {
        /// The file that cutover writes.
        file: PathBuf,
        /// The template: the same file with `{{version}}`, `{{blue}}` and `{{green}}` in place of values.
        template: PathBuf,
    },
}

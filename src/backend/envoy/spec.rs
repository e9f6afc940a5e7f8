//! Envoy: its admin interface on several processes, and the part of its configuration that carries the split.

use std::fmt;
use std::path::PathBuf;

use crate::domain::Pair;
use crate::domain::text::clean;

/// One Envoy, or several that are one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvoySpec {
    /// The admin interface of each process; at least one, all different.
    pub admin: Vec<AdminPlace>,
    /// The cluster of each side, named as in Envoy's own configuration.
    pub clusters: Pair<String>,
    /// What carries the split.
    pub way: EnvoyWay,
}

/// The address of one process's admin interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AdminPlace {
    /// A unix socket (`address: { pipe: { path: .. } }`); its file mode protects it.
    Unix(PathBuf),
    /// A base URL without a trailing slash: only the network protects it.
    Http(String),
}

impl fmt::Display for AdminPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(&clean(&path.to_string_lossy(), 200)),
            Self::Http(url) => f.write_str(&clean(url, 200)),
        }
    }
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

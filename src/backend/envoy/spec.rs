//! Envoy: its admin interface on several processes, and what of its configuration carries the split.

use std::fmt;
use std::path::PathBuf;

use crate::domain::Pair;
use crate::domain::text::clean;

/// One Envoy, or several that are one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvoySpec {
    /// The admin interface of each process; at least one, none twice.
    pub admin: Vec<AdminPlace>,
    /// The cluster of each side, as Envoy's own configuration names it.
    pub clusters: Pair<String>,
    /// What carries the split.
    pub way: EnvoyWay,
}

/// Where one process has its admin interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AdminPlace {
    /// A unix socket (`address: { pipe: { path: .. } }`); its file mode protects it.
    Unix(PathBuf),
    /// A base URL without a slash at its end: nothing protects it but the network.
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
    /// A key of the runtime, which the route of green's cluster has as its `runtime_fraction`; gone with the process.
    Runtime {
        /// Letters, digits, `-`, `_` and `.`.
        key: String,
    },
    /// A file of routes that Envoy watches (RDS from the file system), with weighted clusters; kept over a restart.
    Routes {
        /// The file that cutover writes.
        file: PathBuf,
        /// What it is made from: the same with `{{version}}`, `{{blue}}` and `{{green}}` in place of values.
        template: PathBuf,
    },
}

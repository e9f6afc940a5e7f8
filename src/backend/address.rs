//! The address of one process of a traffic system.

use std::fmt;
use std::path::PathBuf;

use crate::domain::text::clean;

/// Where a process takes orders.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A unix socket; its file mode protects it.
    Unix(PathBuf),
    /// A base URL without a trailing slash, or `host:port` where the process does not speak HTTP. Often only the
    /// network protects it.
    Net(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(&clean(&path.to_string_lossy(), 200)),
            Self::Net(text) => f.write_str(&clean(text, 200)),
        }
    }
}

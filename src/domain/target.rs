//! Where a replica is asked.

use serde::{Deserialize, Serialize};

/// One address of a side: probes, gates and readings of metrics ask it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// An absolute http or https URL without query.
    pub url: String,
    /// Headers that choose the side, where the address alone does not: names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl Target {
    /// An address that needs no headers.
    pub const fn plain(url: String) -> Self {
        Self { url, headers: Vec::new() }
    }
}

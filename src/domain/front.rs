//! The users' own address, asked to see who answers there.

use serde::{Deserialize, Serialize};

use super::service::VersionSource;
use super::transport::Transport;

/// Where and how the front is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontSpec {
    /// The address as users have it: an absolute http or https URL without query.
    pub url: String,
    /// The name in the host header, where users reach the address by another name than its own.
    pub host: Option<String>,
    /// What in the answer says who gave it.
    pub version: VersionSource,
    /// How it is reached.
    #[serde(default, skip_serializing_if = "Transport::is_default")]
    pub transport: Transport,
}

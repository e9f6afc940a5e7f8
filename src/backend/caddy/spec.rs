//! Caddy: its admin interface, and the one reverse proxy in its configuration that carries the split.

use crate::backend::Address;
use crate::domain::{Pair, Transport};

/// One Caddy whose `reverse_proxy` handler cutover changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaddySpec {
    /// The address of its admin interface.
    pub admin: Address,
    /// How to reach it if the address is a URL.
    pub transport: Transport,
    /// The handler that carries the split.
    pub handler: HandlerAt,
    /// The `dial` of each side's upstreams, spelled as in the handler; at least one a side, all different.
    pub upstreams: Pair<Vec<String>>,
    /// The `Origin` to send. With Caddy's `enforce_origin` it must be one of its `origins`.
    pub origin: Option<String>,
    /// Caddy runs with `--resume`: a change survives a restart.
    pub survives_restart: bool,
    /// The only shares of green besides 0 and 100, if reloads should be rare.
    pub shares: Option<Vec<u8>>,
}

/// How a handler is found in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerAt {
    /// By its `"@id"`.
    Id(String),
    /// By its place: `/config/apps/http/...`.
    Path(String),
}

impl HandlerAt {
    /// Its path in the admin interface.
    pub fn path(&self) -> String {
        match self {
            Self::Id(id) => format!("/id/{id}"),
            Self::Path(path) => path.clone(),
        }
    }
}

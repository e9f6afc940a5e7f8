//! Caddy: its admin interface, and the one reverse proxy of its configuration that carries the split.

use std::path::PathBuf;

use crate::domain::{Pair, Transport};

/// One Caddy whose `reverse_proxy` handler cutover changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaddySpec {
    /// Where its admin interface listens.
    pub admin: CaddyAdmin,
    /// How a URL of it is reached.
    pub transport: Transport,
    /// Which handler carries the split.
    pub handler: HandlerAt,
    /// The `dial` of each side's upstreams, as the handler spells them; at least one a side, none twice.
    pub upstreams: Pair<Vec<String>>,
    /// The `Origin` that is sent; where Caddy's `enforce_origin` is on, one of its `origins`.
    pub origin: Option<String>,
    /// Caddy runs with `--resume`: a change outlives its process.
    pub survives_restart: bool,
    /// The only shares of green besides 0 and 100, where each reload is one too many.
    pub shares: Option<Vec<u8>>,
}

/// Where an admin interface listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaddyAdmin {
    /// A unix socket (`"listen": "unix//run/caddy/admin.sock"`).
    Unix(PathBuf),
    /// A base URL without a path.
    Url(String),
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

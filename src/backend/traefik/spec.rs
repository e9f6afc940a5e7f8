//! Traefik: its API, which shows what it serves by, and the provider that a split is written to.

use std::fmt;
use std::path::PathBuf;

use crate::domain::call::{HeaderValue, SecretRef};
use crate::domain::text::clean;
use crate::domain::{Pair, Transport};

/// One Traefik, or several that read the same file or Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraefikSpec {
    /// Base URL of each instance's API, without `/api`; at least one, none twice.
    pub apis: Vec<String>,
    /// Sent with every call of the API; names in lower case.
    pub headers: Vec<(String, HeaderValue)>,
    /// How the API is reached.
    pub transport: Transport,
    /// The weighted service that cutover owns, without `@provider`.
    pub service: String,
    /// The service of each side that it shares between, as it names them: `blue`, or `blue@docker`.
    pub names: Pair<String>,
    /// Where the weighted service is written.
    pub way: TraefikWay,
}

/// Where the weighted service is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraefikWay {
    /// A file of its own in the directory that Traefik watches.
    File {
        /// The file.
        path: PathBuf,
        /// How it is written.
        format: FileFormat,
    },
    /// Keys in the Redis that Traefik reads.
    Redis(RedisSpec),
}

/// How the file is written, as its ending says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// `.yml`, `.yaml`: JSON below a comment, which is YAML.
    Yaml,
    /// `.toml`.
    Toml,
}

/// A Redis, and where in it Traefik reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSpec {
    /// `host:port`, without TLS.
    pub address: String,
    /// The number of the database.
    pub db: u16,
    /// The user; `None` is Redis's own `default`.
    pub user: Option<String>,
    /// The password; `None` where none is asked for.
    pub password: Option<SecretRef>,
    /// Traefik's `rootKey`.
    pub root: String,
}

impl fmt::Display for RedisSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis://{}/{}", clean(&self.address, 200), self.db)
    }
}

impl TraefikWay {
    /// Traefik's name of the provider: the part after the `@` of a service.
    pub const fn provider(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Redis(_) => "redis",
        }
    }
}

impl TraefikSpec {
    /// The service as the API names it.
    pub fn full_name(&self) -> String {
        self.full(&self.service)
    }

    /// `name` with its provider.
    pub fn full(&self, name: &str) -> String {
        if name.contains('@') { name.to_owned() } else { format!("{name}@{}", self.way.provider()) }
    }
}

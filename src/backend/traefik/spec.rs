//! Traefik: its API, which shows what it serves by, and the provider that a split is written to.

use std::path::PathBuf;

#[cfg(feature = "traefik-redis")]
use super::redis::spec::RedisSpec;
use crate::domain::call::HeaderValue;
use crate::domain::{Pair, Transport};

/// One Traefik, or several that read the same file or Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraefikSpec {
    /// Base URL of each instance's API, without `/api`: at least one, and each once.
    pub apis: Vec<String>,
    /// Sent with every call of the API; names in lower case.
    pub headers: Vec<(String, HeaderValue)>,
    /// How the API is reached.
    pub transport: Transport,
    /// The weighted service that cutover owns, without `@provider`.
    pub service: String,
    /// The service of each side, as the weighted service names it: `blue`, or `blue@docker`.
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
    #[cfg(feature = "traefik-redis")]
    Redis(RedisSpec),
}

/// The format of the file; its ending says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// `.yml`, `.yaml`: JSON below a comment, which is YAML.
    Yaml,
    /// `.toml`.
    Toml,
}

impl TraefikWay {
    /// Traefik's name of the provider: the part after the `@` of a service.
    pub const fn provider(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            #[cfg(feature = "traefik-redis")]
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

//! DNS: one name whose records say which side takes traffic.

use std::fmt;
// From `core`: these are data, not sockets.
use core::net::{IpAddr, SocketAddr};

use crate::domain::call::SecretRef;
use crate::domain::{Pair, Transport};

/// One name that is moved between the sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSpec {
    /// The name that clients look up, in lower case and without the dot at its end.
    pub name: String,
    /// The zone of the name, written the same way.
    pub zone: String,
    /// What its records are.
    pub record: RecordKind,
    /// The targets of each side: at least one per side, and no target on both sides.
    pub targets: Pair<Vec<Target>>,
    /// How long caches may keep an answer, in seconds.
    pub ttl_s: u32,
    /// How it is changed and read.
    pub way: DnsWay,
}

/// The type of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Another name.
    Cname,
    /// Hosts and ports with weights.
    Srv,
}

impl RecordKind {
    /// As zone files spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Srv => "SRV",
        }
    }
}

/// What one record points at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// An address, of A and AAAA.
    Address(IpAddr),
    /// A name, of CNAME.
    Name(String),
    /// A name and a port, of SRV.
    Service(String, u16),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => write!(f, "{name}"),
            Self::Service(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// How records are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsWay {
    /// By update messages (RFC 2136) to the zone's primary.
    Update {
        /// The primary, asked over TCP.
        server: SocketAddr,
        /// Its secondaries, which must all have the same records.
        secondaries: Vec<SocketAddr>,
        /// The key that signs (TSIG, HMAC-SHA256); `None` where the server goes by the address of the client.
        key: Option<TsigKey>,
    },
    /// By the HTTP interface of PowerDNS, with LUA records.
    PowerDns {
        /// Its base, e.g. `http://127.0.0.1:8081`.
        url: String,
        /// The server's id in the interface; `localhost` as a rule.
        server_id: String,
        /// How it is reached.
        transport: Transport,
        /// The API key.
        key: SecretRef,
        /// The server itself: it is asked whether it answers as the interface says. `None`: it is not asked.
        server: Option<SocketAddr>,
    },
}

/// A key that signs messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TsigKey {
    /// Its name, lower case.
    pub name: String,
    /// Where the secret is, in base64.
    pub secret: SecretRef,
}

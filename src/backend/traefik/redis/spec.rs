//! The Redis that Traefik reads, as the config describes it.

use std::fmt;

use crate::domain::call::SecretRef;
use crate::domain::text::clean;
use crate::settings::{Node, Table, call, quote};

const EXAMPLE: &str = "write e.g. redis = \"10.0.0.5:6379\"";

/// A Redis, and where in it Traefik reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSpec {
    /// A name or an address; of IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is reached by TLS.
    pub tls: bool,
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
        let scheme = if self.tls { "rediss" } else { "redis" };
        let host = clean(&self.host, 200);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        write!(f, "{scheme}://{host}:{}/{}", self.port, self.db)
    }
}

/// Reads `redis` and the keys that go with it.
pub(in crate::backend::traefik) fn read(table: &Table<'_>, node: &Node<'_>) -> Option<RedisSpec> {
    let place = place(node);
    let db = table.number("db", 0..=16_383, 0);
    let user = table.maybe("user", |node| plain(node, "a user", b"-_.@:"));
    let password = table.maybe("password", call::secret);
    if let Some(node) = table.get("user").filter(|_| table.get("password").is_none()) {
        node.fault("a user without a password".into(), "write password = { env = \"REDIS_PASSWORD\" }");
    }
    let root = table.or("root_key", "traefik".to_owned(), |node| plain(node, "a root key", b"-_./:"));
    let (user, password) = (user?, password?);
    let root = root?.trim_matches('/').to_owned();
    let (tls, host, port) = place?;
    Some(RedisSpec { host, port, tls, db: u16::try_from(db).ok()?, user, password, root })
}

/// Whether it is reached by TLS, host and port.
fn place(node: &Node<'_>) -> Option<(bool, String, u16)> {
    let text = node.text()?;
    let (tls, place) = match text.split_once("://") {
        None => (false, text),
        Some(("redis", place)) => (false, place),
        Some(("rediss", place)) => (true, place),
        Some(_) => return node.refuse("is a URL, but not of Redis".into(), "write e.g. \"rediss://10.0.0.5:6379\""),
    };
    let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bare {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    match port.parse::<u16>() {
        Ok(port) if is_host && port > 0 => Some((tls, bare.unwrap_or(host).to_owned(), port)),
        // It may hold a password: it is not repeated.
        _ if text.contains("://") => node.refuse(
            "holds more than host and port".into(),
            "write e.g. \"rediss://10.0.0.5:6379\"; user, password and db are keys of their own",
        ),
        _ => node.refuse(format!("{} is not a host and a port", quote(text)), EXAMPLE),
    }
}

fn plain(node: &Node<'_>, what: &str, besides: &[u8]) -> Option<String> {
    let text = node.text()?;
    let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || besides.contains(&b));
    if fits && (1..=200).contains(&text.len()) && !text.trim_matches('/').is_empty() {
        return Some(text.to_owned());
    }
    let signs: Vec<String> = besides.iter().map(|b| char::from(*b).to_string()).collect();
    node.refuse(format!("{} is not {what}", quote(text)), format!("write letters, digits and {}", signs.join(" ")))
}

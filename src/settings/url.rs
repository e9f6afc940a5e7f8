//! The URLs of replicas: absolute http or https, with one spelling per address.
//!
//! Stricter than a URL library on purpose: text that a probe, a gate and the gateway could read in different ways is
//! refused.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An accepted URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    https: bool,
    /// Lower case; an IPv6 address has no brackets.
    host: String,
    port: u16,
    /// Empty, or with a leading and without a trailing slash.
    path: String,
}

/// Why a URL is refused, and what to write instead.
pub(crate) type Refusal = (String, &'static str);

const EXAMPLE: &str = "write e.g. \"http://10.0.0.11:8080\"";

impl BaseUrl {
    /// Reads `text`. The refusal never repeats a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let shown = || super::error::quote(&masked(text));
        let no = |why: &str, remedy| Err((format!("{} {why}", shown()), remedy));
        if text.is_empty() {
            return Err(("the URL is empty".into(), EXAMPLE));
        }
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return no(&format!("holds the character U+{:04X}", u32::from(odd)), "remove it, or percent-encode it");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return no("has no scheme", "write http:// or https:// in front");
        };
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return no("is neither http nor https", EXAMPLE),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return no(
                "holds a user name or password",
                "secrets never stand in the config; remove the part before the @",
            );
        }
        if path.contains(['?', '#']) {
            return no("has a query or fragment", "end the URL with its path");
        }
        if path.chars().any(|c| "\\\"<>^`{|}".contains(c)) || path.split('/').any(|part| part == "." || part == "..") {
            return no("has an unusual path", "write the path without \\ \" < > ^ ` { | } . and ..");
        }
        let Some((host, port)) = split_port(authority) else {
            return no("has a port that is not one of 1 to 65535", EXAMPLE);
        };
        let port = port.unwrap_or(if https { 443 } else { 80 });
        let Some(host) = read_host(host) else {
            return no("has no usable host", EXAMPLE);
        };
        Ok(Self { https, host, port, path: path.trim_end_matches('/').to_owned() })
    }

    /// Host and port. The port is always included.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether the URL has no path.
    pub(crate) const fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// Sets another port and removes the path.
    pub(crate) fn move_to(&mut self, port: u16) {
        self.port = port;
        self.path.clear();
    }

    /// Whether it uses TLS.
    pub(crate) const fn is_https(&self) -> bool {
        self.https
    }

    /// Whether this URL reaches a server that listens on `listen`.
    pub(crate) fn reaches(&self, listen: SocketAddr) -> bool {
        if self.port != listen.port() {
            return false;
        }
        let ip = match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical(),
            Err(_) if self.host == "localhost" || self.host.ends_with(".localhost") => listen.ip(),
            Err(_) => return false,
        };
        // Other addresses of this machine cannot be recognized from the text alone.
        let here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
        ip == listen.ip().to_canonical() || (here(ip) && here(listen.ip()))
    }
}

impl std::fmt::Display for BaseUrl {
    /// Writes the one spelling: lower-case scheme and host, no default port, no trailing slash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.https { "https://" } else { "http://" })?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if self.port != (if self.https { 443 } else { 80 }) {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

/// `text` without everything before an `@`.
fn masked(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://***@{host}")
        }
        None => text.to_owned(),
    }
}

/// Splits host and port; `None` when the port is not valid.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let colon = authority.rfind(':').filter(|&at| !authority[at..].contains(']'));
    let Some(at) = colon else { return Some((authority, None)) };
    let digits = &authority[at + 1..];
    let port = digits.parse::<u16>().ok().filter(|&port| port > 0 && digits.chars().all(|c| c.is_ascii_digit()))?;
    Some((&authority[..at], Some(port)))
}

fn read_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let ip: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(ip.to_string());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if name.is_empty() || name.len() > 253 || !name.split('.').all(label) {
        return None;
    }
    // Four numbers that are not an address (10.0.0.256), or an odd spelling of one (0x7f.1), are a typing error.
    let last_is_number =
        name.rsplit('.').next().is_some_and(|l| l.starts_with("0x") || l.bytes().all(|b| b.is_ascii_digit()));
    if last_is_number && name.parse::<IpAddr>().is_err() {
        return None;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling() {
        for (text, shown) in [
            ("HTTP://Green.Example.:80/", "http://green.example"),
            ("https://h:443/base//", "https://h/base"),
            ("http://[::0001]:8080", "http://[::1]:8080"),
            ("http://10.0.0.11:8080/v2", "http://10.0.0.11:8080/v2"),
            ("http://model_blue:8000", "http://model_blue:8000"),
        ] {
            assert_eq!(BaseUrl::parse(text).map(|url| url.to_string()), Ok(shown.into()), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "10.0.0.1:80",
            "//h",
            "http:/h",
            "http://",
            "http:///x",
            "http://:80",
            "http://h:0",
            "http://h:65536",
            "http://h:+80",
            "http://h:",
            "http://h?x",
            "http://h/#f",
            "http://u:p@h",
            "http://h\\@x",
            "http://10.0.0.256",
            "http://0x7f.1",
            "http://a..b",
            "http://-a",
            "http://[::1",
            "http://[zz]",
            "http://::1",
            "http://h/a/../b",
            "http://h /",
            "http://h\u{202e}",
            "ftp://h",
            "http://bücher",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text:?} -> {:?}", BaseUrl::parse(text));
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        for text in ["http://user:hunter2@h", "ftp://user:hunter2@h", "user:hunter2@h:80", "http://a b:hunter2@h"] {
            let (message, _) = BaseUrl::parse(text).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_loop_is_seen() {
        let listen = |text: &str| text.parse::<SocketAddr>().unwrap();
        let url = |text: &str| BaseUrl::parse(text).unwrap();
        assert!(url("http://127.0.0.1:8080").reaches(listen("127.0.0.1:8080")));
        assert!(url("http://localhost:8080").reaches(listen("0.0.0.0:8080")));
        assert!(url("http://[::1]:8080").reaches(listen("[::]:8080")));
        assert!(url("http://10.0.0.5").reaches(listen("10.0.0.5:80")));
        assert!(!url("http://10.0.0.5:8080").reaches(listen("0.0.0.0:8080")), "another machine, for all we know");
        assert!(!url("http://127.0.0.1:8081").reaches(listen("127.0.0.1:8080")));
    }
}

//! The address of a gateway's admin interface, and the token that protects it.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::docs::Section;
use super::error::quote;
use super::error::quote_path;
use super::node::Node;
use super::reader::Table;
use super::secret::Secret;
use super::values::{path, socket};
use crate::domain::text::clean;

/// The shortest token, in bytes: other users of the machine could guess a shorter one.
const MIN_TOKEN: usize = 16;
const MAX_TOKEN: usize = 4096;

/// The keys that say where a secret is, in every table with a secret.
pub(crate) const TOKEN: Section = Section::new("admin_token = { .. }", include_str!("keys.md"));

/// The address of a gateway's admin interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAddress {
    /// A unix socket; its file mode protects it.
    Unix(PathBuf),
    /// A loopback address, protected by a token.
    Tcp {
        /// The address; always loopback, never port 0.
        addr: SocketAddr,
        /// 16 or more bytes of visible ASCII.
        token: Secret,
    },
}

impl fmt::Display for AdminAddress {
    /// Shows the path or the address, without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp { addr, .. } => write!(f, "{addr}"),
        }
    }
}

/// Reads `admin` and `admin_token` of a section; `None` when `admin` is not written or has a fault.
pub(crate) fn admin(table: &Table<'_>) -> Option<AdminAddress> {
    let token = table.get("admin_token");
    let Some(node) = table.get("admin") else {
        if let Some(token) = token {
            token.fault(
                "there is no admin address that it could protect".into(),
                "write admin = \"127.0.0.1:9000\", or remove it",
            );
        }
        return None;
    };
    let text = node.text()?;
    let Ok(addr) = text.parse::<SocketAddr>() else {
        if text.contains("://") || (text.contains(':') && !text.contains('/')) {
            return node.refuse(
                format!("{} is neither a socket path nor an address", quote(text)),
                "write e.g. \"/run/cutover/gateway.sock\" or \"127.0.0.1:9000\"",
            );
        }
        if let Some(token) = token {
            token.fault("a socket path needs no token: its file mode protects it".into(), "remove it");
        }
        return socket(&node, path(&node)?).map(AdminAddress::Unix);
    };
    if !addr.ip().is_loopback() {
        return node.refuse(
            format!("{addr} is not a loopback address: the token would cross the network in clear"),
            "write 127.0.0.1 or [::1] and reach it through an SSH tunnel",
        );
    }
    if addr.port() == 0 {
        return node.refuse("port 0 is a different port at each start".into(), "write a fixed port");
    }
    let Some(token) = token else {
        return node.refuse(
            "an admin address needs a token".into(),
            "add admin_token = { env = \"CUTOVER_GATEWAY_TOKEN\" }, or use a socket path",
        );
    };
    Some(AdminAddress::Tcp { addr, token: secret(&token)? })
}

/// Reads a secret from the environment or a file; never from the config's text.
fn secret(node: &Node<'_>) -> Option<Secret> {
    let remedy = "write { env = \"CUTOVER_GATEWAY_TOKEN\" } or { file = \"/run/secrets/cutover\" }";
    if node.is_text() {
        return node.refuse("a secret must not stand in the config".into(), remedy);
    }
    let table = node.table()?.keys_of(&[&TOKEN]);
    match (table.get("env"), table.get("file")) {
        (Some(env), None) => from_env(&env),
        (None, Some(file)) => from_file(&file),
        _ => node.refuse("must name either env or file".into(), remedy),
    }
}

fn from_env(node: &Node<'_>) -> Option<Secret> {
    let name = node.text()?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        // This text may be the secret itself, so it is not repeated.
        return node.refuse(
            "is not the name of an environment variable".into(),
            "write e.g. { env = \"CUTOVER_GATEWAY_TOKEN\" }",
        );
    }
    if let Some(value) = (node.report.env)(name) {
        return usable(node, &value);
    }
    // A token pasted here by mistake usually has lower-case letters. Only text that can be a variable name is shown.
    let shown = if name.bytes().any(|b| b.is_ascii_lowercase()) { "named here".into() } else { clean(name, 60) };
    node.refuse(format!("the environment variable {shown} is not set"), "set it, or name another")
}

fn from_file(node: &Node<'_>) -> Option<Secret> {
    let path = path(node)?;
    match read_bounded(&path) {
        Ok(text) => usable(node, &text),
        Err(err) => node.refuse(
            format!("{} cannot be read: {err}", quote_path(&path)),
            "write the token there, readable for this user",
        ),
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_TOKEN as u64 + 3).read_to_string(&mut text)?;
    Ok(text)
}

/// Checks a token: it is sent in a header, so it must be visible ASCII, and it must be too long to guess.
fn usable(node: &Node<'_>, text: &str) -> Option<Secret> {
    let token = text.trim();
    if !(MIN_TOKEN..=MAX_TOKEN).contains(&token.len()) {
        let message = format!("the token is {} bytes long; it must be {MIN_TOKEN} to {MAX_TOKEN}", token.len());
        return node.refuse(message, "make one with: openssl rand -hex 16");
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return node.refuse(
            "the token holds blanks or other than visible ASCII characters".into(),
            "make one with: openssl rand -hex 16",
        );
    }
    Some(Secret::new(token))
}

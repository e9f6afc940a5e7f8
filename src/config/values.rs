//! Rules for single values that several sections share: names, paths, pointers, addresses, secrets.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::error::{quote, quote_path};
use super::reader::{Node, Table};
use super::{AdminSpec, Secret, keys};
use crate::domain::text::clean;

/// Unix socket addresses hold 108 bytes with the closing zero on Linux, 104 on the BSDs and macOS.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// Shorter tokens could be guessed by another user of the machine.
const MIN_TOKEN: usize = 16;
const MAX_TOKEN: usize = 4096;

/// A name: letters, digits, `-`, `_` and `.`, safe as part of a path.
pub(super) fn name(node: &Node<'_>, max: usize) -> Option<String> {
    let text = node.text()?;
    let remedy = format!("write 1 to {max} letters, digits, - _ and . that begin with a letter or digit");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > max || !text.chars().all(fits) || text.starts_with(['-', '_', '.']) {
        return node.refuse(format!("{} is not a name", quote(text)), remedy);
    }
    Some(text.to_owned())
}

/// The path of a request: begins with a slash, no blanks, no fragment.
pub(super) fn http_path(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let remedy = "write e.g. \"/v2/health/ready\"";
    if text.contains("://") {
        return node.refuse(format!("{} is a URL, not a path", quote(text)), remedy);
    }
    if !text.starts_with('/') || text.starts_with("//") {
        return node.refuse(format!("{} does not begin with one slash", quote(text)), remedy);
    }
    if text.contains('#') || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return node
            .refuse(format!("{} holds a blank, a # or a letter that must be percent-encoded", quote(text)), remedy);
    }
    Some(text.to_owned())
}

/// A JSON pointer (RFC 6901).
pub(super) fn pointer(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (text.is_empty() || text.starts_with('/')) && escapes {
        return Some(text.to_owned());
    }
    node.refuse(format!("{} is not a JSON pointer", quote(text)), "write e.g. \"/outputs/0/data/0\"")
}

/// The name of a response header, in lower case.
pub(super) fn header(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
        return Some(text.to_ascii_lowercase());
    }
    node.refuse(format!("{} is not a header name", quote(text)), "write e.g. \"x-model-version\"")
}

/// A path on this machine; a relative one starts from the config file's directory.
pub(super) fn path(node: &Node<'_>) -> Option<PathBuf> {
    let text = node.text()?;
    if text.is_empty() {
        return node.refuse("the path is empty".into(), "write a path, or remove the key");
    }
    if text.starts_with('~') {
        return node.refuse(format!("{}: ~ is not expanded here", quote(text)), "write the whole path");
    }
    Some(node.report.base.join(text))
}

/// A file that can be read now.
pub(super) fn readable_file(node: &Node<'_>) -> Option<PathBuf> {
    let path = path(node)?;
    let shown = quote_path(&path);
    match std::fs::metadata(&path) {
        Err(err) => {
            return node.refuse(format!("{shown} cannot be read: {err}"), "relative paths start from the config file");
        }
        Ok(meta) if !meta.is_file() => {
            return node.refuse(format!("{shown} is not a file"), "name a file of JSON lines");
        }
        Ok(_) => {}
    }
    match std::fs::File::open(&path) {
        Ok(_) => Some(path),
        Err(err) => node.refuse(format!("{shown} cannot be read: {err}"), "give this user the right to read it"),
    }
}

/// IP address and port.
pub(super) fn address(node: &Node<'_>) -> Option<SocketAddr> {
    let text = node.text()?;
    text.parse().ok().or_else(|| {
        node.refuse(
            format!("{} is not an address", quote(text)),
            "write an IP address and a port, e.g. \"127.0.0.1:8080\"",
        )
    })
}

/// `admin` and `admin_token` of a section; `None` when `admin` is not written or at fault.
pub(super) fn admin(table: &Table<'_>) -> Option<AdminSpec> {
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
        return socket(&node, path(&node)?);
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
    Some(AdminSpec::Tcp { addr, token: secret(&token)? })
}

/// A socket path that fits the kernel's structure.
pub(super) fn socket(node: &Node<'_>, path: PathBuf) -> Option<AdminSpec> {
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        let message = format!("the socket path is {length} bytes long; the system allows {MAX_SOCKET_PATH}");
        return node.refuse(message, "write a shorter path");
    }
    Some(AdminSpec::Unix(path))
}

/// A secret, from the environment or a file; never from the config's text.
fn secret(node: &Node<'_>) -> Option<Secret> {
    let remedy = "write { env = \"CUTOVER_GATEWAY_TOKEN\" } or { file = \"/run/secrets/cutover\" }";
    if node.is_text() {
        return node.refuse("a secret must not stand in the config".into(), remedy);
    }
    let table = node.table()?.keys_of(&[keys::TOKEN]);
    match (table.get("env"), table.get("file")) {
        (Some(env), None) => from_env(&env),
        (None, Some(file)) => from_file(&file),
        _ => node.refuse("must name either env or file".into(), remedy),
    }
}

fn from_env(node: &Node<'_>) -> Option<Secret> {
    let name = node.text()?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        // What stands here may be the secret itself: it is not repeated.
        return node.refuse(
            "is not the name of an environment variable".into(),
            "write e.g. { env = \"CUTOVER_GATEWAY_TOKEN\" }",
        );
    }
    if let Some(value) = (node.report.env)(name) {
        return usable(node, &value);
    }
    // A token pasted here by mistake has lower-case letters, as a rule: only what looks like a name is shown.
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

/// A token is sent in a header: visible ASCII, long enough not to be guessed.
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

//! Rules for single values that several sections share: names, paths, pointers, addresses, commands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::error::{quote, quote_path};
use super::node::Node;
use super::reader::Table;
use super::url::BaseUrl;

/// Unix socket addresses hold 108 bytes with the closing zero on Linux, 104 on the BSDs and macOS.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// The most arguments of a command.
const MAX_ARGUMENTS: usize = 256;

/// A name: letters, digits, `-`, `_` and `.`; safe as part of a path.
pub(crate) fn name(node: &Node<'_>, max: usize) -> Option<String> {
    let text = node.text()?;
    let remedy = format!("write 1 to {max} letters, digits, - _ and . that begin with a letter or digit");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > max || !text.chars().all(fits) || text.starts_with(['-', '_', '.']) {
        return node.refuse(format!("{} is not a name", quote(text)), remedy);
    }
    Some(text.to_owned())
}

/// The path of a request: starts with a slash, has no blanks and no fragment.
pub(crate) fn http_path(node: &Node<'_>) -> Option<String> {
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
pub(crate) fn pointer(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (text.is_empty() || text.starts_with('/')) && escapes {
        return Some(text.to_owned());
    }
    node.refuse(format!("{} is not a JSON pointer", quote(text)), "write e.g. \"/outputs/0/data/0\"")
}

/// The name of a response header, in lower case.
pub(crate) fn header(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
        return Some(text.to_ascii_lowercase());
    }
    node.refuse(format!("{} is not a header name", quote(text)), "write e.g. \"x-model-version\"")
}

/// A path on this machine, relative to the config file's directory.
pub(crate) fn path(node: &Node<'_>) -> Option<PathBuf> {
    let text = node.text()?;
    if text.is_empty() {
        return node.refuse("the path is empty".into(), "write a path, or remove the key");
    }
    if text.starts_with('~') {
        return node.refuse(format!("{}: ~ is not expanded here", quote(text)), "write the whole path");
    }
    Some(node.report.base.join(text))
}

/// A file that is readable now.
pub(crate) fn readable_file(node: &Node<'_>) -> Option<PathBuf> {
    let path = path(node)?;
    let shown = quote_path(&path);
    match std::fs::metadata(&path) {
        Err(err) => {
            let message = format!("{shown} cannot be read: {err}");
            return node.unusable(path, message, "relative paths start from the config file");
        }
        Ok(meta) if !meta.is_file() => {
            return node.unusable(path, format!("{shown} is not a file"), "name a file of JSON lines");
        }
        Ok(_) => {}
    }
    match std::fs::File::open(&path) {
        Ok(_) => Some(path),
        Err(err) => {
            node.unusable(path, format!("{shown} cannot be read: {err}"), "give this user the right to read it")
        }
    }
}

/// The base URL of a server.
pub(crate) fn base_url(node: &Node<'_>) -> Option<BaseUrl> {
    match BaseUrl::parse(node.text()?) {
        Ok(url) => Some(url),
        Err((message, remedy)) => node.refuse(message, remedy),
    }
}

/// The text of a URL that may have a query.
pub(crate) fn url_with_query<'a>(node: &Node<'_>, text: &'a str) -> Option<&'a str> {
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    if let Err((why, remedy)) = BaseUrl::parse(base) {
        return node.refuse(why, remedy);
    }
    let fits = !query.contains('#') && query.bytes().all(|b| b.is_ascii_graphic());
    let message = "has a query with a blank, a # or a letter that must be percent-encoded";
    node.fitting(text, fits, message.into(), "encode it")
}

/// IP address and port.
pub(crate) fn address(node: &Node<'_>) -> Option<SocketAddr> {
    let text = node.text()?;
    text.parse().ok().or_else(|| {
        node.refuse(
            format!("{} is not an address", quote(text)),
            "write an IP address and a port, e.g. \"127.0.0.1:8080\"",
        )
    })
}

/// A socket path that is short enough for the kernel.
pub(crate) fn socket(node: &Node<'_>, path: PathBuf) -> Option<PathBuf> {
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        let message = format!("the socket path is {length} bytes long; the system allows {MAX_SOCKET_PATH}");
        return node.refuse(message, "write a shorter path");
    }
    Some(path)
}

/// `dir` of a table: the directory for its commands. Defaults to the config file's directory.
pub(crate) fn dir(table: &Table<'_>) -> Option<PathBuf> {
    let Some(node) = table.get("dir") else { return Some(table.base().to_owned()) };
    let dir = path(&node)?;
    let shown = quote_path(&dir);
    if dir.is_dir() { Some(dir) } else { node.refuse(format!("{shown} is not a directory"), "name one that is there") }
}

/// A program that is there, and its arguments.
pub(crate) fn command(node: &Node<'_>, example: &str) -> Option<Vec<String>> {
    let words = argv(node, example)?;
    // A bare name is looked up in PATH when it runs. A path is checked now.
    let path = Path::new(&words[0]);
    if words[0].contains('/') && !path.is_file() {
        node.unusable((), format!("there is no file {}", quote_path(path)), example)?;
    }
    Some(words)
}

/// A program, which may be there later, and its arguments.
pub(crate) fn argv(node: &Node<'_>, example: &str) -> Option<Vec<String>> {
    let items = node.list(example)?;
    let words: Option<Vec<String>> = items.iter().map(|item| item.text().map(str::to_owned)).collect();
    let mut words = words?;
    if words.len() > MAX_ARGUMENTS {
        return node.refuse(format!("{} words are too many", words.len()), format!("write at most {MAX_ARGUMENTS}"));
    }
    let Some(program) = words.first_mut().filter(|program| !program.is_empty()) else {
        return node.refuse("names no program".into(), example);
    };
    if program.contains('/') {
        *program = path(&items[0])?.to_str().map(str::to_owned)?;
    }
    Some(words)
}

/// The only shares of green besides 0 and 100, in percent.
pub(crate) fn shares(node: &Node<'_>) -> Option<Vec<u8>> {
    let items = node.list("write e.g. [10, 50]")?;
    items.iter().map(|item| u8::try_from(item.number(1..=99)?).ok()).collect()
}

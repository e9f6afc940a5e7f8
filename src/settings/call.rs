//! The keys of tables that describe a call: URL, method, headers, body, and where the secrets are.

use super::admin::TOKEN;
use super::error::quote;
use super::node::Node;
use super::reader::Table;
use super::values;
use crate::domain::{Call, HeaderValue, SecretRef, Transport, placeholder};

/// The most headers of a call.
const MAX_HEADERS: usize = 100;
/// Headers that hold secrets: their value may not be written in the config.
const SECRET_HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"];

const METHODS: [(&str, &str); 6] =
    [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE"), ("HEAD", "HEAD")];

/// Reads `url`, `method`, `headers`, `bearer` and `body`, with the placeholders `names`. The time limit is not read
/// here.
pub(crate) fn call_of(table: &Table<'_>, may_be_path: bool, names: &[&str]) -> Option<Call> {
    let url = table
        .need("url", "write e.g. url = \"http://ci.internal/status\"")
        .and_then(|node| url(&node, may_be_path, names));
    let body = table.maybe("body", |node| {
        let text = node.lines()?;
        match placeholder::check_of(names, text) {
            Ok(()) => Some(text.to_owned()),
            Err(why) => node.refuse(why, "or write the braces with a blank between them"),
        }
    });
    let default = if table.get("body").is_some() { "POST" } else { "GET" };
    let method = table.or("method", default, |node| node.choice(&METHODS));
    let headers = headers_of(table, names);
    Some(Call {
        method: method?.to_owned(),
        url: url?,
        headers: headers?,
        body: body?,
        timeout_ms: 0,
        transport: Transport::default(),
    })
}

/// Reads a path on every replica, or an absolute URL. Placeholders are not filled in.
pub(crate) fn place(node: &Node<'_>) -> Option<String> {
    let text = url(node, true, &placeholder::NAMES)?;
    if text.contains("{{") { node.refuse("holds a placeholder".into(), "write it out") } else { Some(text) }
}

/// Reads an absolute URL that may have a query and placeholders; also a path if `may_be_path`.
fn url(node: &Node<'_>, may_be_path: bool, names: &[&str]) -> Option<String> {
    let text = node.text()?;
    let filled = match placeholder::fill_of(names, text, |_| Ok("x".into())) {
        Ok(filled) => filled,
        Err(why) => return node.refuse(why, "correct the name"),
    };
    if may_be_path && text.starts_with('/') {
        let fits = !text.starts_with("//") && !filled.contains('#') && filled.bytes().all(|b| b.is_ascii_graphic());
        return if fits {
            Some(text.to_owned())
        } else {
            node.refuse(format!("{} is not a path", quote(text)), "write e.g. \"/v2/models/spam/ready\"")
        };
    }
    values::url_with_query(node, &filled)?;
    Some(text.to_owned())
}

/// Reads `headers` and `bearer`.
pub(crate) fn headers(table: &Table<'_>) -> Option<Vec<(String, HeaderValue)>> {
    headers_of(table, &placeholder::NAMES)
}

/// The same with the placeholders `names`.
fn headers_of(table: &Table<'_>, names: &[&str]) -> Option<Vec<(String, HeaderValue)>> {
    let bearer = table.get("bearer").map(|node| secret(&node).map(HeaderValue::Bearer));
    let mut headers = Vec::new();
    let mut is_whole = true;
    if let Some(node) = table.get("headers") {
        for (name, node) in node.table()?.entries().into_iter().take(MAX_HEADERS) {
            match header(name, &node, names) {
                Some(header) => headers.push(header),
                None => is_whole = false,
            }
        }
    }
    if let Some(bearer) = bearer {
        headers.push(("authorization".to_owned(), bearer?));
    }
    is_whole.then_some(headers)
}

fn header(name: &str, node: &Node<'_>, names: &[&str]) -> Option<(String, HeaderValue)> {
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    let lower = name.to_ascii_lowercase();
    if !fits || ["host", "content-length", "connection", "transfer-encoding"].contains(&lower.as_str()) {
        return node.refuse(format!("{} is not a header to be set here", quote(name)), "remove it");
    }
    if !node.is_text() {
        return Some((lower, HeaderValue::Secret(secret(node)?)));
    }
    if SECRET_HEADERS.contains(&lower.as_str()) {
        return node
            .refuse("a secret must not stand in the config".into(), "write { env = \"NAME\" } or { file = \"PATH\" }");
    }
    let text = node.text()?;
    if !text.is_ascii() {
        return node.refuse("holds other than ASCII characters".into(), "remove them");
    }
    match placeholder::check_of(names, text) {
        Ok(()) => Some((lower, HeaderValue::Plain(text.to_owned()))),
        Err(why) => node.refuse(why, "correct the name"),
    }
}

/// Reads where a secret is. Its presence is checked now; its value is read at the time of use.
pub(crate) fn secret(node: &Node<'_>) -> Option<SecretRef> {
    let remedy = "write { env = \"NAME\" } or { file = \"PATH\" }";
    if node.is_text() {
        return node.refuse("a secret must not stand in the config".into(), remedy);
    }
    let table = node.table()?.keys_of(&[&TOKEN]);
    match (table.get("env"), table.get("file")) {
        (Some(env), None) => {
            let name = env.text()?;
            let is_name =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            if !is_name {
                // This text may be the secret itself, so it is not repeated.
                return env.refuse("is not the name of an environment variable in capitals".into(), remedy);
            }
            if (node.report.env)(name).is_none_or(|value| value.trim().is_empty()) {
                let message = format!("the environment variable {name} is not set");
                return env.unusable(SecretRef::Env(name.to_owned()), message, "set it, or name another");
            }
            Some(SecretRef::Env(name.to_owned()))
        }
        (None, Some(file)) => values::readable_file(&file).map(SecretRef::File),
        _ => node.refuse("must name either env or file".into(), remedy),
    }
}

//! What the `[[gate]]`s mean that make requests of other systems: http, prometheus, integration.

use super::error::quote;
use super::gates::bound;
use super::reader::{Node, Table};
use super::url::BaseUrl;
use super::{keys, values};
use crate::domain::{Call, Expect, GateKind, HeaderValue, Scalar, SecretRef, Step, placeholder};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
/// Steps, headers and values of one list beyond this are refused.
const MAX_ITEMS: usize = 100;
/// Headers whose plain value would be a secret in the config's text.
const SECRET_HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"];

const METHODS: [(&str, &str); 6] =
    [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE"), ("HEAD", "HEAD")];

/// A gate that asks an endpoint for a status.
pub(super) fn http(table: &Table<'_>) -> Option<GateKind> {
    let call = call(table, false);
    let expect = expect(table);
    let pending = table.get("pending").map_or(Some(Vec::new()), |node| {
        let items = few(&node, "write e.g. [\"queued\", \"running\"]")?;
        items.iter().map(Node::scalar).collect::<Option<Vec<Scalar>>>()
    });
    let expect = expect?;
    if expect == Expect::default() {
        let remedy = "write status, contains, or pointer with equals, min or max";
        table.fault("nothing is said of what the answer must be".into(), remedy);
        return None;
    }
    Some(GateKind::Http { call: call?, expect, pending: pending? })
}

/// A gate that makes named calls.
pub(super) fn integration(table: &Table<'_>) -> Option<GateKind> {
    let example = "write [[gate.steps]] below it, with name and url";
    let node = table.need("steps", example)?;
    let items = few(&node, example)?;
    if items.is_empty() {
        return node.refuse("holds no step".into(), example);
    }
    let steps: Vec<Option<Step>> = items.iter().map(step).collect();
    Some(GateKind::Integration { steps: steps.into_iter().collect::<Option<Vec<Step>>>()? })
}

fn step(node: &Node<'_>) -> Option<Step> {
    let table = node.table()?.keys_of(&[keys::STEP]);
    let name = table.need("name", "write what people call it").and_then(|node| {
        let text = node.text()?.trim();
        let fits = (1..=60).contains(&text.chars().count());
        if fits { Some(text.to_owned()) } else { node.refuse("must have 1 to 60 characters".into(), "shorten it") }
    });
    let (call, expect) = (call(&table, true), expect(&table));
    Some(Step { name: name?, call: call?, expect: expect? })
}

/// A gate that asks Prometheus.
pub(super) fn prometheus(table: &Table<'_>) -> Option<GateKind> {
    let url = table.need("url", "write e.g. url = \"http://127.0.0.1:9090\"").and_then(|node| {
        match BaseUrl::parse(node.text()?) {
            Ok(url) => Some(url.to_string()),
            Err((why, remedy)) => node.refuse(why, remedy),
        }
    });
    let example = "write e.g. query = 'max(feature_drift{version=\"{{version}}\"})'";
    let query = table.need("query", example).and_then(|node| {
        let text = node.lines()?.trim();
        if text.is_empty() {
            return node.refuse("is empty".into(), example);
        }
        match placeholder::fill_promql(text, |_| Ok("x".into())) {
            Ok(_) => Some(text.to_owned()),
            Err(why) => node.refuse(why, example),
        }
    });
    let bound = bound(table);
    let max_age_ms = table.duration("max_age", SECOND..=24 * HOUR, 300 * SECOND);
    let headers = headers(table);
    let timeout_ms = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    let Some(bound) = bound.ok()? else {
        table.fault("neither min nor max is written".into(), "write e.g. max = 0.1");
        return None;
    };
    Some(GateKind::Prometheus { url: url?, query: query?, headers: headers?, bound, max_age_ms, timeout_ms })
}

/// `url`, `method`, `headers`, `bearer`, `body` and `request_timeout`.
fn call(table: &Table<'_>, may_be_path: bool) -> Option<Call> {
    let url =
        table.need("url", "write e.g. url = \"http://ci.internal/status\"").and_then(|node| url(&node, may_be_path));
    let body = table.get("body").map(|node| {
        let text = node.lines()?;
        match placeholder::check(text) {
            Ok(()) => Some(text.to_owned()),
            Err(why) => node.refuse(why, "or write the braces with a blank between them"),
        }
    });
    let default = if body.is_some() { "POST" } else { "GET" };
    let method = table.get("method").map_or(Some(default), |node| node.choice(&METHODS));
    let headers = headers(table);
    let timeout_ms = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    Some(Call {
        method: method?.to_owned(),
        url: url?,
        headers: headers?,
        body: match body {
            Some(body) => Some(body?),
            None => None,
        },
        timeout_ms,
    })
}

/// An absolute URL that may have a query and placeholders; a path where that is allowed.
fn url(node: &Node<'_>, may_be_path: bool) -> Option<String> {
    let text = node.text()?;
    let filled = match placeholder::fill(text, |_| Ok("x".into())) {
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
    let (base, query) = filled.split_once('?').unwrap_or((&filled, ""));
    if let Err((why, remedy)) = BaseUrl::parse(base) {
        return node.refuse(why, remedy);
    }
    if query.contains('#') || !query.bytes().all(|b| b.is_ascii_graphic()) {
        return node
            .refuse("has a query with a blank, a # or a letter that must be percent-encoded".into(), "encode it");
    }
    Some(text.to_owned())
}

/// `status`, `pointer`, `equals`, `min`, `max`, `contains` and `max_latency`.
fn expect(table: &Table<'_>) -> Option<Expect> {
    let status = table.get("status").map(|node| node.number(200..=599).and_then(|n| u16::try_from(n).ok()));
    let pointer = table.get("pointer").map(|node| values::pointer(&node));
    let equals = table.get("equals").map(|node| node.scalar());
    let bound = bound(table);
    let contains = table.get("contains").map(|node| node.text().map(str::to_owned));
    let max_latency = table.get("max_latency").map(|node| node.duration(1..=HOUR));
    let (equals, bound) = (given(equals)?, bound.ok()?);
    let pointer = given(pointer)?;
    match (&pointer, equals.is_some() || bound.is_some()) {
        (None, true) => {
            table.fault("equals, min and max need a pointer".into(), "write e.g. pointer = \"/status\"");
            return None;
        }
        (Some(_), false) => {
            table.fault("a pointer needs equals, min or max".into(), "write e.g. equals = \"passed\"");
            return None;
        }
        _ => {}
    }
    let expect = Expect {
        status: given(status)?,
        pointer,
        equals,
        bound,
        contains: given(contains)?,
        max_latency_ms: given(max_latency)?,
    };
    Some(expect)
}

/// What was not written is absent; what was written and is at fault ends here.
#[expect(clippy::option_option, reason = "not written, at fault, and a value are three things")]
fn given<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}

fn few<'a>(node: &Node<'a>, example: &str) -> Option<Vec<Node<'a>>> {
    let items = node.list(example)?;
    if items.len() > MAX_ITEMS {
        return node.refuse(format!("{} items are too many", items.len()), format!("write at most {MAX_ITEMS}"));
    }
    Some(items)
}

/// `headers` and `bearer`.
pub(super) fn headers(table: &Table<'_>) -> Option<Vec<(String, HeaderValue)>> {
    let bearer = table.get("bearer").map(|node| secret(&node).map(HeaderValue::Bearer));
    let mut headers = Vec::new();
    let mut is_whole = true;
    if let Some(node) = table.get("headers") {
        for (name, node) in node.table()?.entries().into_iter().take(MAX_ITEMS) {
            match header(name, &node) {
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

fn header(name: &str, node: &Node<'_>) -> Option<(String, HeaderValue)> {
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
    match placeholder::check(text) {
        Ok(()) => Some((lower, HeaderValue::Plain(text.to_owned()))),
        Err(why) => node.refuse(why, "correct the name"),
    }
}

/// Where a secret is; that it is there is seen now, its value is read when it is needed.
pub(super) fn secret(node: &Node<'_>) -> Option<SecretRef> {
    let remedy = "write { env = \"NAME\" } or { file = \"PATH\" }";
    if node.is_text() {
        return node.refuse("a secret must not stand in the config".into(), remedy);
    }
    let table = node.table()?.keys_of(&[keys::TOKEN]);
    match (table.get("env"), table.get("file")) {
        (Some(env), None) => {
            let name = env.text()?;
            let is_name =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            if !is_name {
                // What stands here may be the secret itself: it is not repeated.
                return env.refuse("is not the name of an environment variable in capitals".into(), remedy);
            }
            if (node.report.env)(name).is_none_or(|value| value.trim().is_empty()) {
                return env.refuse(format!("the environment variable {name} is not set"), "set it, or name another");
            }
            Some(SecretRef::Env(name.to_owned()))
        }
        (None, Some(file)) => values::readable_file(&file).map(SecretRef::File),
        _ => node.refuse("must name either env or file".into(), remedy),
    }
}

//! Asking a user's other systems: secrets found when they are needed, placeholders filled in, and an answer
//! held against what it must be.

use std::time::Duration;

use serde_json::Value;

use super::MAX_REPLY;
use super::agree::shown;
use super::check::Checked;
use super::report::Report;
use crate::domain::text::clean;
use crate::domain::{Call, Expect, HeaderValue, Scalar, placeholder};
use crate::http::{Ask, Client, Headers, Reply, Target, fetch, redirect_note, split_origin};

/// How an answer stands to what it must be.
pub(super) enum Held {
    /// As it must be; with the value where there is a number.
    Yes(Option<f64>),
    /// Not so, and how.
    No(String, Option<f64>),
    /// It cannot be told, and why.
    Unclear(String),
}

/// Makes one call; `replica` and its client are for calls through the candidate.
pub(super) async fn ask(
    side: Checked<'_>,
    call: &Call,
    replica: Option<(&Client, &Target)>,
    report: &mut Report,
) -> Result<Reply, String> {
    let mut headers = headers(side, &call.headers, report)?;
    let url = placeholder::fill(&call.url, |name| value(side, name).map(|text| placeholder::escape_url(&text)))?;
    let body = call.body.as_deref().map(|body| placeholder::fill(body, |name| value(side, name).map(|v| in_json(&v))));
    let typed = headers.list.iter().position(|(name, _)| name == "content-type").map(|at| headers.list.remove(at).1);
    let content_type = typed.as_deref().unwrap_or("application/json");
    let (client, target) = match replica {
        Some((client, replica)) => (client.clone(), replica.with(&headers)),
        None => (Client::new(&call.transport)?, Target::new(split_origin(&url).0).with(&headers)),
    };
    let path = if call.is_through_candidate() { url.as_str() } else { split_origin(&url).1 };
    let method = reqwest::Method::from_bytes(call.method.as_bytes()).map_err(|err| err.to_string())?;
    let ask = Ask {
        method,
        path,
        body: body.transpose()?.map(|body| (content_type, body.into_bytes())),
        timeout: Duration::from_millis(call.timeout_ms),
        max_body: MAX_REPLY,
    };
    fetch(&client, &target, ask).await.map_err(|err| err.to_string())
}

fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What a placeholder stands for; a name nobody gave stands for nothing that could be asked for.
pub(super) fn value(side: Checked<'_>, name: &str) -> Result<String, String> {
    let value = match name {
        "version" => side.subject.version_name.clone(),
        "version_digest" => side.version.to_string(),
        "side" => side.subject.side.name().to_owned(),
        "service" => side.subject.service.clone(),
        "environment" => side.subject.environment.clone(),
        other => return Err(format!("{other} is no placeholder")),
    };
    if value.is_empty() { Err(format!("{{{{{name}}}}} is not known")) } else { Ok(value) }
}

/// The headers as they are sent; the report hides their secrets.
pub(super) fn headers(
    side: Checked<'_>,
    given: &[(String, HeaderValue)],
    report: &mut Report,
) -> Result<Headers, String> {
    let headers = Headers::read(given, |text| placeholder::fill(text, |name| value(side, name)))?;
    report.hide(&headers.mask);
    Ok(headers)
}

/// Holds an answer against what it must be. `pending` are values that mean: not yet.
pub(super) fn hold(expect: &Expect, pending: &[Scalar], reply: &Reply) -> Held {
    let got = redirect_note(reply).unwrap_or_else(|| format!("status {}", reply.status));
    let looks_inside = expect.pointer.is_some() || expect.contains.is_some();
    match expect.status {
        Some(status) if status == reply.status => {}
        Some(status) if !looks_inside && reply.status < 500 && reply.status != 429 => {
            return Held::No(format!("{got}, expected {status}"), None);
        }
        None if reply.is_success() => {}
        _ => return Held::Unclear(got),
    }
    if let Some(limit) = expect.max_latency_ms.filter(|limit| reply.took.as_millis() > u128::from(*limit)) {
        return Held::No(format!("took {} ms, limit {limit} ms", reply.took.as_millis()), None);
    }
    if let Some(text) = &expect.contains
        && !String::from_utf8_lossy(&reply.body).contains(text.as_str())
    {
        return Held::No(format!("its answer does not hold \"{}\"", clean(text, 60)), None);
    }
    match &expect.pointer {
        Some(pointer) => hold_value(expect, pending, pointer, reply),
        None => Held::Yes(None),
    }
}

fn hold_value(expect: &Expect, pending: &[Scalar], pointer: &str, reply: &Reply) -> Held {
    let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
        return Held::Unclear(format!("{} instead of JSON", what_it_is(reply)));
    };
    let at = if pointer.is_empty() { String::new() } else { format!(" at {}", clean(pointer, 60)) };
    let got = match body.pointer(pointer) {
        None => return Held::Unclear(format!("nothing{at} in the answer")),
        Some(Value::Null) => return Held::Unclear(format!("null{at}")),
        Some(got) => got,
    };
    if pending.iter().any(|scalar| is(scalar, got)) {
        return Held::Unclear(format!("{}{at}: not yet", shown(got)));
    }
    let number = got.as_f64();
    if let Some(expected) = expect.equals.as_ref().filter(|expected| !is(expected, got)) {
        return Held::No(format!("{}{at}, expected {}", shown(got), clean(&expected.to_string(), 80)), number);
    }
    match (expect.bound, number) {
        (Some(_), None) => Held::Unclear(format!("{}{at} is not a number", shown(got))),
        (Some(bound), Some(value)) if !bound.holds(value) => {
            let side = if bound.at_least { "below" } else { "above" };
            Held::No(format!("{value}{at} is {side} {}", bound.limit), number)
        }
        _ => Held::Yes(number),
    }
}

/// What an answer is that is not JSON.
pub(super) fn what_it_is(reply: &Reply) -> &'static str {
    let start = reply.body.trim_ascii_start();
    if reply.content_type().contains("html") || start.starts_with(b"<") {
        "HTML"
    } else if start.is_empty() {
        "nothing"
    } else {
        "something"
    }
}

fn is(expected: &Scalar, got: &Value) -> bool {
    match (expected, got) {
        (Scalar::Text(text), Value::String(got)) => text == got,
        (Scalar::Flag(flag), Value::Bool(got)) => flag == got,
        (Scalar::Number(number), Value::Number(_)) => super::agree::agree(&Value::from(*number), got),
        _ => false,
    }
}

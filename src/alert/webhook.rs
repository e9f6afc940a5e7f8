//! An alert as a POST.

use std::time::Duration;

use super::{Try, slack};
use crate::domain::{Alert, AlertForm, AlertUrl, HeaderValue};
use crate::probe::{Ask, FetchError, Reply, Target, fetch, redirect_note, secret};

/// Of an answer no more than this is read, in bytes: only its status counts.
const MAX_REPLY: usize = 64 * 1024;

/// Where an alert is posted, and how.
pub(super) struct Hook<'a> {
    pub(super) url: &'a AlertUrl,
    pub(super) headers: &'a [(String, HeaderValue)],
    pub(super) form: AlertForm,
    pub(super) limit: Duration,
}

pub(super) async fn post(client: &reqwest::Client, hook: &Hook<'_>, alert: &Alert) -> Try {
    let (url, headers) = match (url(hook.url), headers(hook.headers, &alert.id)) {
        (Ok(url), Ok(headers)) => (url, headers),
        (Err(why), _) | (_, Err(why)) => return Try::Again(why, None),
    };
    let body = match hook.form {
        AlertForm::Json => serde_json::to_vec(alert),
        AlertForm::Slack => serde_json::to_vec(&slack::message(alert)),
    };
    let body = match body {
        Ok(body) => body,
        Err(why) => return Try::Refused(format!("it cannot be written as JSON: {why}")),
    };
    let (base, path) = origin(&url);
    let target = Target { base: base.to_owned(), headers };
    let ask = Ask::post_json(path, body, hook.limit, MAX_REPLY);
    judge(fetch(client, &target, ask).await)
}

fn judge(answer: Result<Reply, FetchError>) -> Try {
    match answer {
        Ok(reply) if reply.is_success() => Try::Taken(format!("status {}", reply.status)),
        Ok(reply) if reply.status == 408 || reply.status == 429 || reply.status >= 500 => {
            let asked = reply.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            Try::Again(format!("status {}", reply.status), asked.map(Duration::from_secs))
        }
        Ok(reply) => Try::Refused(redirect_note(&reply).unwrap_or_else(|| format!("status {}", reply.status))),
        // Reason: the head came, and it was a success; that the body is too long to be read matters to nobody.
        Err(FetchError::TooLong(_)) => Try::Taken("an answer too long to be read".into()),
        Err(error @ FetchError::Request(_)) => Try::Refused(error.to_string()),
        Err(error) => Try::Again(error.to_string(), None),
    }
}

fn url(from: &AlertUrl) -> Result<String, String> {
    let url = match from {
        AlertUrl::Plain(url) => url.clone(),
        AlertUrl::Secret(from) => secret(from).map_err(|why| format!("no URL: {why}"))?,
    };
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(url)
    } else {
        // What stands there may be another secret: it is not repeated.
        Err("what should be its URL does not begin with https:// or http://".into())
    }
}

/// Scheme and authority, and the rest with its leading slash.
fn origin(url: &str) -> (&str, &str) {
    let from = url.find("://").map_or(0, |at| at + 3);
    match url[from..].find('/') {
        Some(at) => url.split_at(from + at),
        None => (url, "/"),
    }
}

fn headers(given: &[(String, HeaderValue)], id: &str) -> Result<Vec<(String, String)>, String> {
    let mut sent = vec![("idempotency-key".to_owned(), id.to_owned())];
    for (name, from) in given {
        let read = |from| secret(from).map_err(|why| format!("no secret for {name}: {why}"));
        let text = match from {
            HeaderValue::Plain(text) => text.clone(),
            HeaderValue::Secret(from) => read(from)?,
            HeaderValue::Bearer(from) => format!("Bearer {}", read(from)?),
        };
        sent.push((name.clone(), text));
    }
    Ok(sent)
}

//! Sends an alert as a POST.

use std::time::Duration;

use super::{Try, slack};
use crate::domain::{Alert, AlertForm, AlertUrl, HeaderValue};
use crate::http::{Ask, Client, FetchError, Headers, Reply, Target, fetch, redirect_note, secret, split_origin};

/// The most bytes read of an answer. Only its status counts.
const MAX_REPLY: usize = 64 * 1024;

/// The destination and form of a POST.
pub(super) struct Webhook<'a> {
    pub(super) url: &'a AlertUrl,
    pub(super) headers: &'a [(String, HeaderValue)],
    pub(super) form: AlertForm,
    pub(super) limit: Duration,
}

pub(super) async fn post(client: &Client, hook: &Webhook<'_>, alert: &Alert) -> Try {
    let plain = |text: &str| Ok::<_, String>(text.to_owned());
    let (url, mut headers) = match (url(hook.url), Headers::read(hook.headers, plain)) {
        (Ok(url), Ok(headers)) => (url, headers),
        (Err(why), _) | (_, Err(why)) => return Try::Again(why, None),
    };
    headers.list.push(("idempotency-key".to_owned(), alert.id.clone()));
    if matches!(hook.url, AlertUrl::Secret(_)) {
        headers.mask.add(&url);
        headers.mask.add(split_origin(&url).1);
    }
    let body = match hook.form {
        AlertForm::Json => serde_json::to_vec(alert),
        AlertForm::Slack => serde_json::to_vec(&slack::message(alert)),
    };
    let body = match body {
        Ok(body) => body,
        Err(why) => return Try::Refused(format!("it cannot be written as JSON: {why}")),
    };
    let (base, path) = split_origin(&url);
    let target = Target::new(base).with(&headers);
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
        // Reason: the head says success. A body that is too long does not change that.
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
        // The value may be another secret, so it is not repeated.
        Err("what should be its URL does not begin with https:// or http://".into())
    }
}

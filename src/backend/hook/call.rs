//! One HTTP call of the user's, with its placeholders filled in.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue as Value};
use reqwest::{Client, Method, Url};

use super::fill::Values;
use crate::backend::BackendError;
use crate::backend::exchange::{Answer, exchange, place, secret};
use crate::domain::text::clean;
use crate::domain::{Call, HeaderValue, placeholder};

/// Makes `call`; whatever is not 2xx is an error that says what it means for an order.
pub(super) async fn call(
    client: &Client,
    call: &Call,
    values: &Values,
    limit: Duration,
) -> Result<Answer, BackendError> {
    let url = values.fill(&call.url, placeholder::escape_url)?;
    let url = Url::parse(&url).map_err(|error| BackendError::Refused(format!("not a URL: {error}")))?;
    let place = place(&url);
    let method =
        Method::from_bytes(call.method.as_bytes()).map_err(|error| BackendError::Refused(error.to_string()))?;
    let mut request = client.request(method, url).headers(headers(call, values)?);
    if let Some(body) = &call.body {
        // Values are plain: they are the same in JSON as anywhere else.
        request = request.body(values.fill(body, str::to_owned)?);
    }
    exchange(request, &place, limit).await
}

/// The request as it would be sent, with its secrets masked.
pub(super) fn preview(call: &Call, values: &Values) -> Result<(String, Vec<String>), BackendError> {
    let url = values.fill(&call.url, placeholder::escape_url)?;
    let mut lines = vec![format!("{} {}", call.method, clean(&url, 300))];
    for (name, value) in &call.headers {
        let value = match value {
            HeaderValue::Plain(text) => clean(&values.fill(text, str::to_owned)?, 200),
            HeaderValue::Secret(_) => "***".into(),
            HeaderValue::Bearer(_) => "Bearer ***".into(),
        };
        lines.push(format!("{name}: {value}"));
    }
    if let Some(body) = &call.body {
        lines.extend(values.fill(body, str::to_owned)?.lines().take(40).map(|line| clean(line, 200)));
    }
    let place = Url::parse(&url).map(|url| place(&url)).unwrap_or_default();
    Ok((place, lines))
}

fn headers(call: &Call, values: &Values) -> Result<HeaderMap, BackendError> {
    let mut headers = HeaderMap::new();
    if call.body.is_some() {
        headers.insert("content-type", Value::from_static("application/json"));
    }
    for (name, value) in &call.headers {
        let (text, is_secret) = match value {
            HeaderValue::Plain(text) => (values.fill(text, str::to_owned)?, false),
            HeaderValue::Secret(from) => (secret(name, from)?, true),
            HeaderValue::Bearer(from) => (format!("Bearer {}", secret(name, from)?), true),
        };
        let refused = |what: &str| BackendError::Refused(format!("{} is no header's {what}", clean(name, 60)));
        let mut value = Value::from_str(&text).map_err(|_| refused("value"))?;
        value.set_sensitive(is_secret);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("name"))?, value);
    }
    Ok(headers)
}

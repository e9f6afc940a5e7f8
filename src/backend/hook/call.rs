//! One HTTP call of the user, with its placeholders filled in.

use std::time::Duration;

use reqwest::{Method, Url};

use super::fill::Values;
use crate::backend::BackendError;
use crate::backend::exchange::{exchange, place};
use crate::domain::text::clean;
use crate::domain::{Call, HeaderValue, placeholder};
use crate::http::{Client, Headers, Reply};

/// Makes `call`. A status other than 2xx is an error with its meaning for an order.
pub(super) async fn call(
    client: &Client,
    call: &Call,
    values: &Values,
    limit: Duration,
) -> Result<Reply, BackendError> {
    let url = values.fill(&call.url, placeholder::escape_url)?;
    let parsed = Url::parse(&url).map_err(|error| BackendError::Refused(format!("not a URL: {error}")))?;
    let place = place(&parsed);
    let method =
        Method::from_bytes(call.method.as_bytes()).map_err(|error| BackendError::Refused(error.to_string()))?;
    let headers = Headers::read_any(&call.headers, |text| values.fill(text, str::to_owned))?;
    let mut request = client.request(method, &url).headers(&headers);
    if let Some(body) = &call.body {
        if !headers.list.iter().any(|(name, _)| name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        // Values are plain, so they need no escaping in JSON.
        request = request.body(values.fill(body, str::to_owned)?);
    }
    exchange(request, &place, limit).await
}

/// The request as it would be sent, with secrets masked.
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

//! One bounded exchange: bounded in time from the first byte sent to the last byte read, and in size.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use tokio::time::{Instant, timeout};

use super::target::Target;
use crate::domain::text::clean;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The HTTP method.
    pub method: reqwest::Method,
    /// Appended to the target's base; may hold a query.
    pub path: &'a str,
    /// The body with its content type; `None` sends no body.
    pub body: Option<(&'a str, Vec<u8>)>,
    /// For the whole exchange, the body of the answer included.
    pub timeout: Duration,
    /// Longest body that is read, in bytes.
    pub max_body: usize,
}

impl<'a> Ask<'a> {
    /// GET of `path`.
    pub fn get(path: &'a str, timeout: Duration, max_body: usize) -> Self {
        Self { method: reqwest::Method::GET, path, body: None, timeout, max_body }
    }

    /// POST of a JSON body to `path`.
    pub fn post_json(path: &'a str, body: Vec<u8>, timeout: Duration, max_body: usize) -> Self {
        Self { method: reqwest::Method::POST, path, body: Some(("application/json", body)), timeout, max_body }
    }
}

/// An answer read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, raw.
    pub headers: HeaderMap,
    /// The body, raw.
    pub body: Vec<u8>,
    /// From sending to the end of the answer.
    pub took: Duration,
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The content type without parameters, lower case, cleaned; empty when there is none.
    pub fn content_type(&self) -> String {
        let raw = self.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let text = String::from_utf8_lossy(raw);
        clean(text.split(';').next().unwrap_or_default().trim(), 60).to_ascii_lowercase()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The time was up; the milliseconds allowed.
    Timeout(u64),
    /// No connection: refused, no route, name not found, TLS; in words.
    Connect(String),
    /// The connection broke before the answer was complete; in words.
    Broken(String),
    /// The body is longer than the bytes allowed.
    TooLong(usize),
    /// The request could not be made (a header or URL that is none); in words.
    Request(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(ms) => write!(f, "no answer within {ms} ms"),
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Broken(why) => write!(f, "answer cut off: {why}"),
            Self::TooLong(max) => write!(f, "answer longer than {} KiB", max / 1024),
            Self::Request(why) => write!(f, "cannot be asked: {why}"),
        }
    }
}

/// Asks `target` once and reads the whole answer.
pub async fn fetch(client: &reqwest::Client, target: &Target, ask: Ask<'_>) -> Result<Reply, FetchError> {
    let (limit, max) = (ask.timeout, ask.max_body);
    let started = Instant::now();
    let mut request = client.request(ask.method, target.url(ask.path));
    for (name, value) in &target.headers {
        request = request.header(name, value);
    }
    if let Some((content_type, body)) = ask.body {
        request = request.header(CONTENT_TYPE, content_type).body(body);
    }
    let exchange = async move {
        let mut response = request.send().await.map_err(|err| classify(&err))?;
        let mut body = Vec::new();
        if response.content_length().is_some_and(|length| length > max as u64) {
            return Err(FetchError::TooLong(max));
        }
        while let Some(chunk) = response.chunk().await.map_err(|err| classify(&err))? {
            if body.len() + chunk.len() > max {
                return Err(FetchError::TooLong(max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
            took: started.elapsed(),
        })
    };
    timeout(limit, exchange).await.unwrap_or(Err(FetchError::Timeout(limit.as_millis() as u64)))
}

/// `redirects to /login` when the answer is a redirect.
pub fn redirect_note(reply: &Reply) -> Option<String> {
    if !(300..400).contains(&reply.status) {
        return None;
    }
    let location = String::from_utf8_lossy(reply.headers.get(LOCATION)?.as_bytes()).into_owned();
    Some(clean(&format!("redirects to {location}"), 100))
}

/// What went wrong with a request.
pub(super) fn classify(err: &reqwest::Error) -> FetchError {
    if err.is_connect() {
        FetchError::Connect(root_cause(err))
    } else if err.is_builder() {
        FetchError::Request(root_cause(err))
    } else {
        FetchError::Broken(root_cause(err))
    }
}

/// The innermost cause: it says what happened, and unlike the outer ones holds no URL (which may hold
/// credentials).
pub(super) fn root_cause(err: &(dyn Error + 'static)) -> String {
    let mut cause = err;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = match cause.downcast_ref::<reqwest::Error>() {
        Some(outermost) if outermost.is_builder() => "not a valid request".to_owned(),
        Some(_) => "no cause given".to_owned(),
        None => cause.to_string(),
    };
    clean(&text, 120)
}

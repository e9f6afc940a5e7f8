//! One bounded exchange. The time limit counts from the first byte sent to the last byte read; the size of the body
//! is limited.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder};
use tokio::time::{Instant, timeout};

use super::cause::Cause;
use super::client::Route;
use super::{Client, Headers, Mask, Target};
use crate::domain::text::clean;

/// What to ask a server for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The HTTP method.
    pub method: Method,
    /// Appended to the target's base; may hold a query.
    pub path: &'a str,
    /// The body with its content type; `None` sends no body.
    pub body: Option<(&'a str, Vec<u8>)>,
    /// For the whole exchange, with the body of the answer.
    pub timeout: Duration,
    /// Longest body that is read, in bytes.
    pub max_body: usize,
}

impl<'a> Ask<'a> {
    /// GET of `path`.
    pub fn get(path: &'a str, timeout: Duration, max_body: usize) -> Self {
        Self { method: Method::GET, path, body: None, timeout, max_body }
    }

    /// POST of a JSON body to `path`.
    pub fn post_json(path: &'a str, body: Vec<u8>, timeout: Duration, max_body: usize) -> Self {
        Self { method: Method::POST, path, body: Some(("application/json", body)), timeout, max_body }
    }
}

/// An answer read to its end. Secrets that were sent are masked.
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
    /// The secrets of the request; masks texts taken from the answer.
    pub mask: Mask,
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The content type without parameters, lower case, cleaned; empty when the header is missing.
    pub fn content_type(&self) -> String {
        content_type(&self.headers)
    }

    /// A header's text without the quotes of an entity tag.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = self.headers.get(name)?.to_str().ok()?.trim();
        Some(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The time limit has passed; its milliseconds.
    Timeout(u64),
    /// No connection: refused, no route, name not found, TLS.
    Connect(Cause),
    /// The connection broke before an answer began.
    Broken(Cause),
    /// The connection broke before the answer was complete.
    CutOff(Cause),
    /// The body is longer than this many bytes, the limit.
    TooLong(usize),
    /// The request is not valid: its URL or one of its headers.
    Request(Cause),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(ms) => write!(f, "no answer within {ms} ms"),
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Broken(why) | Self::CutOff(why) => write!(f, "answer cut off: {why}"),
            Self::TooLong(max) => write!(f, "answer longer than {} KiB", max / 1024),
            Self::Request(why) => write!(f, "cannot be asked: {why}"),
        }
    }
}

/// A request under construction.
#[derive(Debug)]
pub struct Request {
    inner: RequestBuilder,
    context: Context,
}

/// What is needed to describe errors and answers of a request.
#[derive(Debug, Clone)]
struct Context {
    route: Arc<Route>,
    mask: Mask,
}

impl Request {
    pub(super) fn new(inner: RequestBuilder, route: Arc<Route>) -> Self {
        Self { inner, context: Context { route, mask: Mask::default() } }
    }

    /// Adds a header that is not secret.
    #[must_use]
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        Self { inner: self.inner.header(name.as_ref(), value.as_ref()), ..self }
    }

    /// Adds headers and masks their secrets in the answer.
    #[must_use]
    pub fn headers(mut self, headers: &Headers) -> Self {
        self.context.mask.join(&headers.mask);
        headers.list.iter().fold(self, |request, (name, value)| request.sensitive(name, value))
    }

    /// Sets headers; each replaces the headers of the same name.
    #[must_use]
    pub fn set(self, headers: HeaderMap) -> Self {
        Self { inner: self.inner.headers(headers), ..self }
    }

    /// Masks the secrets of `mask` in the answer.
    #[must_use]
    pub fn hide(mut self, mask: &Mask) -> Self {
        self.context.mask.join(mask);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self { inner: self.inner.body(body), ..self }
    }

    /// Adds a header whose value is hidden in debug output.
    fn sensitive(self, name: &str, value: &str) -> Self {
        let inner = match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                self.inner.header(name, value)
            }
            // The builder keeps the error and returns it when the request is sent.
            _ => self.inner.header(name, value),
        };
        Self { inner, ..self }
    }

    /// Sends the request and returns the answer as soon as its head has arrived.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn open(self) -> Result<Response, FetchError> {
        let Self { inner, context } = self;
        let asked = Instant::now();
        let answer = inner.send().await;
        let took_ms = asked.elapsed().as_millis() as u64;
        let error = match answer {
            Ok(inner) => {
                tracing::debug!(
                    place = place(Some(inner.url())),
                    status = inner.status().as_u16(),
                    took_ms,
                    "answered"
                );
                return Ok(Response { inner, context });
            }
            Err(error) => error,
        };
        let at = place(error.url());
        let error = if error.is_connect() {
            FetchError::Connect(context.cause(&error, true))
        } else if error.is_builder() {
            FetchError::Request(context.cause(&error, false))
        } else {
            FetchError::Broken(context.cause(&error, false))
        };
        tracing::debug!(place = at, took_ms, %error, "no answer");
        Err(error)
    }

    /// Sends the request and reads the whole answer within `limit`, at most `max` bytes of body.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(self, limit: Duration, max: usize) -> Result<Reply, FetchError> {
        let started = Instant::now();
        let exchange = async move {
            let mut response = self.open().await?;
            if response.inner.content_length().is_some_and(|length| length > max as u64) {
                return Err(FetchError::TooLong(max));
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                if body.len() + chunk.len() > max {
                    return Err(FetchError::TooLong(max));
                }
                body.extend_from_slice(&chunk);
            }
            let Context { mask, .. } = response.context;
            let headers = std::mem::take(response.inner.headers_mut());
            let status = response.inner.status().as_u16();
            Ok(Reply { status, headers, body: mask.body(body), took: started.elapsed(), mask })
        };
        timeout(limit, exchange).await.unwrap_or(Err(FetchError::Timeout(limit.as_millis() as u64)))
    }
}

/// Scheme, host and port for the log. The path is left out: it may hold a token.
fn place(url: Option<&reqwest::Url>) -> String {
    url.map_or_else(String::new, |url| url.origin().ascii_serialization())
}

/// An answer whose body is not read yet.
#[derive(Debug)]
pub struct Response {
    inner: reqwest::Response,
    context: Context,
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The headers, raw.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The content type without parameters, lower case, cleaned; empty when the header is missing.
    pub fn content_type(&self) -> String {
        content_type(self.headers())
    }

    /// The secrets of the request.
    pub fn mask(&self) -> &Mask {
        &self.context.mask
    }

    /// The next bytes of the body, raw; `None` after the last.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        self.inner.chunk().await.map_err(|error| FetchError::CutOff(self.context.cause(&error, false)))
    }
}

impl Context {
    fn cause(&self, error: &reqwest::Error, is_connecting: bool) -> Cause {
        let mut cause = self.route.explain(Cause::of(error), is_connecting);
        cause.words = self.mask.text(&cause.words);
        cause
    }
}

/// Sends one request to `target` and reads the whole answer.
///
/// # Errors
/// Why there is no answer.
pub async fn fetch(client: &Client, target: &Target, ask: Ask<'_>) -> Result<Reply, FetchError> {
    let mut request = client.request(ask.method, &target.url(ask.path)).hide(&target.mask);
    for (name, value) in &target.headers {
        request = request.sensitive(name, value);
    }
    if let Some((content_type, body)) = ask.body {
        request = request.header(CONTENT_TYPE.as_str(), content_type).body(body);
    }
    request.send(ask.timeout, ask.max_body).await
}

/// `redirects to /login` if the answer is a redirect.
pub(crate) fn redirect_note(reply: &Reply) -> Option<String> {
    if !(300..400).contains(&reply.status) {
        return None;
    }
    let location = String::from_utf8_lossy(reply.headers.get(LOCATION)?.as_bytes()).into_owned();
    Some(clean(&format!("redirects to {}", reply.mask.text(&location)), 100))
}

fn content_type(headers: &HeaderMap) -> String {
    let raw = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let text = String::from_utf8_lossy(raw);
    clean(text.split(';').next().unwrap_or_default().trim(), 60).to_ascii_lowercase()
}

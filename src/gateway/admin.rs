//! The admin interface: status, orders, drain counters and metrics, on a listener of its own.

mod metrics;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::control::{Ask, Reply};
use super::listen::AdminListener;
use super::shared::Shared;
use crate::domain::text::clean;

const MAX_CONNECTIONS: usize = 64;
const MAX_BODY: usize = 16 * 1024;
const MAX_HEAD: usize = 16 * 1024;
/// The longest accepted order id, in bytes.
const MAX_ID: usize = 128;
const HEAD_LIMIT: Duration = Duration::from_secs(5);
const BODY_LIMIT: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type AdminResponse = Response<Full<Bytes>>;

/// Accepts connections until it is dropped.
pub(super) async fn accept(listener: &AdminListener, shared: &Arc<Shared>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let shared = Arc::clone(shared);
        match listener {
            AdminListener::Unix { listener, .. } => match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(caller(stream, shared, None, place))),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            AdminListener::Tcp { listener, token } => match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(caller(stream, shared, Some(token.clone()), place))),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

async fn caller<S>(stream: S, shared: Arc<Shared>, token: Option<String>, place: tokio::sync::OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut phase = shared.phase.clone();
    let token: Option<Arc<str>> = token.map(Arc::from);
    let service = service_fn(move |request| {
        let (shared, token) = (Arc::clone(&shared), token.clone());
        async move {
            if token.is_some_and(|token| !is_authorized(&request, &token)) {
                return Ok(unauthorized());
            }
            Ok::<_, Infallible>(answer(&shared, request).await)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Errors of a caller's connection are not reported.
        _ = connection => {}
        () = phase.ended() => {}
    }
    drop(place);
}

fn is_authorized(request: &Request<Incoming>, token: &str) -> bool {
    let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    given.and_then(|given| given.strip_prefix(b"Bearer ")).is_some_and(|given| is_same(given, token.as_bytes()))
}

/// Compares in a time that depends only on the length of `given`, not on the position of the first difference.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    let mut differs = u8::from(given.len() != token.len());
    for (index, byte) in given.iter().enumerate() {
        differs |= std::hint::black_box(byte ^ token.get(index).copied().unwrap_or_default());
    }
    differs == 0
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> AdminResponse {
    let get = request.method() == Method::GET;
    match request.uri().path() {
        "/v1/status" if get => json_answer(StatusCode::OK, &shared.status()),
        "/v1/drain" if get => {
            let in_flight = shared.sides.map(|_, place| json!({ "in_flight": place.stats.in_flight() }));
            json_answer(StatusCode::OK, &in_flight)
        }
        "/metrics" if get => {
            let mut answer = Response::new(Full::from(metrics::text(shared)));
            answer.headers_mut().insert(CONTENT_TYPE, const { HeaderValue::from_static("text/plain; version=0.0.4") });
            answer
        }
        "/v1/samples" if get => samples(shared, request.uri().query()),
        "/v1/split" if request.method() == Method::PUT => order(shared, request).await,
        "/v1/split" => not_allowed("PUT"),
        "/v1/status" | "/v1/drain" | "/v1/samples" | "/metrics" => not_allowed("GET"),
        _ => error(
            StatusCode::NOT_FOUND,
            "no such path; there are /v1/status, /v1/split, /v1/drain, /v1/samples and /metrics",
        ),
    }
}

/// The latest requests of live traffic, at most `count`.
fn samples(shared: &Shared, query: Option<&str>) -> AdminResponse {
    let Some(samples) = &shared.samples else {
        return error(StatusCode::NOT_FOUND, "no requests are kept: write sample = true in [gateway] and restart it");
    };
    let count = query.and_then(|query| query.strip_prefix("count=")).map_or(Ok(100), str::parse);
    match count {
        Ok(count) => json_answer(StatusCode::OK, &json!({ "samples": samples.latest(count) })),
        Err(_) => error(StatusCode::BAD_REQUEST, "count is a number: /v1/samples?count=50"),
    }
}

async fn order(shared: &Shared, request: Request<Incoming>) -> AdminResponse {
    let body = match timeout(BODY_LIMIT, Limited::new(request.into_body(), MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return error(StatusCode::PAYLOAD_TOO_LARGE, &format!("an order has at most {MAX_BODY} bytes")),
        Err(_) => return error(StatusCode::REQUEST_TIMEOUT, "the order did not arrive in time"),
    };
    let ask: Ask = match serde_json::from_slice(&body) {
        Ok(ask) => ask,
        Err(fault) => return error(StatusCode::BAD_REQUEST, &clean(&format!("not an order: {fault}"), 300)),
    };
    let id = &ask.order.0;
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return error(StatusCode::BAD_REQUEST, &format!("an order's id has 1 to {MAX_ID} visible ASCII characters"));
    }
    match shared.control.order(&ask).await {
        Reply::Done { done, persisted } => json_answer(
            StatusCode::OK,
            &json!({ "revision": done.revision, "split": done.split, "order": done.id, "persisted": persisted }),
        ),
        Reply::Conflict { revision } => {
            let text = format!("the revision is {revision} by now: read the status and decide anew");
            json_answer(StatusCode::CONFLICT, &json!({ "error": text, "status": shared.status() }))
        }
        Reply::Reused(done) => error(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("order {} already set {}: use a new id for another split", done.id, done.split),
        ),
        Reply::NotSaved(reason) => error(
            StatusCode::INSUFFICIENT_STORAGE,
            &format!(
                "the state file cannot be written ({reason}): the split is as it was; only rollbacks are accepted until it can"
            ),
        ),
    }
}

fn unauthorized() -> AdminResponse {
    let mut answer = error(StatusCode::UNAUTHORIZED, "a bearer token is needed");
    answer.headers_mut().insert(WWW_AUTHENTICATE, const { HeaderValue::from_static("Bearer") });
    answer
}

fn not_allowed(method: &'static str) -> AdminResponse {
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, &format!("use {method}"));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    answer
}

fn error(status: StatusCode, text: &str) -> AdminResponse {
    json_answer::<Value>(status, &json!({ "error": text }))
}

fn json_answer<T: serde::Serialize>(status: StatusCode, value: &T) -> AdminResponse {
    // Plain data with string keys can always be written as JSON. If that failed, the caller would get an empty body.
    let mut answer = Response::new(Full::from(serde_json::to_vec(value).unwrap_or_default()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, const { HeaderValue::from_static("application/json") });
    answer
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_the_token_itself_is_the_token() {
        assert!(is_same(b"sesame12", b"sesame12"));
        for given in [&b""[..], b"sesame1", b"sesame123", b"sesame1\0", b"sesame13", b"Sesame12"] {
            assert!(!is_same(given, b"sesame12"), "{given:?}");
        }
        assert!(!is_same(b"\0", b""));
    }
}

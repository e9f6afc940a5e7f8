//! One HTTP exchange with a router's interface: bounded in time and size, no redirects, no proxy, and a status
//! that means something.

use std::error::Error;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Url};
use tokio::time::timeout;

use super::BackendError;
use crate::domain::SecretRef;
use crate::domain::text::clean;

/// Longest answer, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Longest secret, in bytes.
const MAX_SECRET: u64 = 16 * 1024;

/// An answer with a status that says yes.
#[derive(Debug)]
pub(super) struct Answer {
    /// The body.
    pub(super) body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    /// A header's text without the quotes of an entity tag.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let text = self.headers.get(name)?.to_str().ok()?.trim();
        Some(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned())
    }
}

/// A client for the calls of one backend.
pub(super) fn client() -> Result<Client, BackendError> {
    client_by(None)
}

/// The same; every call goes through `socket` where one is named.
pub(super) fn client_by(socket: Option<&Path>) -> Result<Client, BackendError> {
    static PROVIDER: Once = Once::new();
    // An error means that a provider is installed already, which is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = match socket {
        Some(socket) => Client::builder().unix_socket(socket),
        None => Client::builder(),
    };
    builder
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .tcp_nodelay(true)
        // Another request of the same connection must not find it closed by the server meanwhile.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| BackendError::Refused(format!("no HTTP client: {}", cause(&error))))
}

/// Why an exchange came to nothing.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// What it means for an order.
    pub(super) error: BackendError,
    /// Nobody listens there: that process is not up.
    pub(super) is_gone: bool,
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self { error, is_gone: false }
    }
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Sends `request` to `place`; whatever is not 2xx is an error that says what it means for an order.
pub(super) async fn exchange(request: RequestBuilder, place: &str, limit: Duration) -> Result<Answer, BackendError> {
    attempt(request, place, limit).await.map_err(BackendError::from)
}

/// The same, and whether anybody listens at `place`.
pub(super) async fn attempt(request: RequestBuilder, place: &str, limit: Duration) -> Result<Answer, Failure> {
    let (status, answer) = talk(request, place, limit).await?;
    judge(status, place, &answer.body)?;
    Ok(answer)
}

/// The same, where a system's own statuses are judged first: an error of `own` goes before what a status means elsewhere.
pub(super) async fn exchange_with(
    request: RequestBuilder,
    place: &str,
    limit: Duration,
    own: impl Fn(u16, &[u8]) -> Option<BackendError>,
) -> Result<Answer, BackendError> {
    let (status, answer) = talk(request, place, limit).await?;
    match own(status, &answer.body) {
        Some(error) => Err(error),
        None => judge(status, place, &answer.body).map(|()| answer),
    }
}

async fn talk(request: RequestBuilder, place: &str, limit: Duration) -> Result<(u16, Answer), Failure> {
    let exchange = async {
        let mut answer = request.send().await.map_err(|error| failed(place, &error))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| broke_off(place, &error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(
                    BackendError::Garbled(format!("{place}: the answer is longer than {MAX_ANSWER} bytes")).into()
                );
            }
            body.extend_from_slice(&chunk);
        }
        Ok::<_, Failure>((answer.status().as_u16(), std::mem::take(answer.headers_mut()), body))
    };
    let late = || BackendError::Unknown(format!("{place} did not answer within {} ms", limit.as_millis()));
    let (status, headers, body) = timeout(limit, exchange).await.map_err(|_| Failure::from(late()))??;
    Ok((status, Answer { body, headers }))
}

/// Scheme, host and port: what stands behind may hold a token.
pub(super) fn place(url: &Url) -> String {
    clean(&url.origin().ascii_serialization(), 120)
}

/// The secret that `from` names, for `header`.
pub(super) fn secret(header: &str, from: &SecretRef) -> Result<String, BackendError> {
    let text = match from {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| format!("the environment variable {name} is not set")),
        SecretRef::File(path) => {
            let mut text = String::new();
            let read = std::fs::File::open(path).and_then(|file| file.take(MAX_SECRET).read_to_string(&mut text));
            read.map(|_| text).map_err(|error| format!("{}: {error}", clean(&path.display().to_string(), 120)))
        }
    };
    let text = text.map_err(|why| BackendError::Denied(format!("no secret for {header}: {why}")))?;
    let secret = text.trim();
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err(BackendError::Denied(format!("the secret for {header} is empty, or no visible ASCII")));
    }
    Ok(secret.to_owned())
}

/// What a status means for an order.
fn judge(status: u16, place: &str, body: &[u8]) -> Result<(), BackendError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let words = clean(String::from_utf8_lossy(&body[..body.len().min(600)]).trim(), 160);
    let words = if words.is_empty() || words.starts_with('<') { String::new() } else { format!(": {words}") };
    let text = format!("{place}: status {status}{words}");
    Err(match status {
        401 | 403 | 407 => BackendError::Denied(text),
        409 | 412 => BackendError::Conflict(text),
        300..=399 => BackendError::Garbled(format!("{text}; redirects are not followed")),
        408 | 500.. => BackendError::Unknown(text),
        _ => BackendError::Refused(text),
    })
}

fn failed(place: &str, error: &reqwest::Error) -> Failure {
    let text = format!("{place}: {}", cause(error));
    if error.is_connect() {
        let kind = io_kind(error);
        let is_gone = matches!(kind, Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound));
        let error = match kind {
            // Whether this user may not use a socket.
            Some(ErrorKind::PermissionDenied) => BackendError::Denied(text),
            _ => BackendError::Unreachable(text),
        };
        Failure { error, is_gone }
    } else if error.is_builder() {
        BackendError::Refused(text).into()
    } else {
        BackendError::Unknown(text).into()
    }
}

/// What the operating system said, where it was the one that failed.
fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        cause = found.source();
    }
    None
}

fn broke_off(place: &str, error: &reqwest::Error) -> BackendError {
    BackendError::Garbled(format!("{place}: the answer broke off: {}", cause(error)))
}

/// The innermost cause; unlike the outer ones it holds no URL, which may hold credentials.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "no cause given".to_owned(),
        None => cause.to_string(),
    };
    clean(&text, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_it_means_for_the_order() {
        let of = |status| judge(status, "http://h", b"told\x1b[2J");
        assert_eq!(of(204), Ok(()));
        assert_eq!(of(409), Err(BackendError::Conflict("http://h: status 409: told".into())));
        assert!(matches!(of(412), Err(BackendError::Conflict(_))));
        assert!(matches!(of(401), Err(BackendError::Denied(_))));
        assert!(matches!(of(403), Err(BackendError::Denied(_))));
        assert!(matches!(of(404), Err(BackendError::Refused(_))));
        assert!(matches!(of(302), Err(BackendError::Garbled(_))));
        assert!(matches!(of(500), Err(BackendError::Unknown(_))));
        assert!(matches!(of(504), Err(BackendError::Unknown(_))));
        assert_eq!(judge(400, "h", b"<html>"), Err(BackendError::Refused("h: status 400".into())));
    }
}

//! The meaning of an exchange with a router's interface for an order.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use reqwest::Url;

use super::BackendError;
use crate::domain::text::clean;
use crate::domain::transport::Transport;
use crate::http::{Client, FetchError, NoSecret, Reply, Request};

/// Longest answer, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A client for the calls of one backend.
pub(super) fn client(transport: &Transport) -> Result<Client, BackendError> {
    Client::without_reuse(transport, None).map_err(BackendError::Refused)
}

/// A client that sends every call through `socket`.
pub(super) fn client_by(socket: &Path) -> Result<Client, BackendError> {
    Client::without_reuse(&Transport::default(), Some(socket)).map_err(BackendError::Refused)
}

/// Why an exchange failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Its meaning for an order.
    pub(super) error: BackendError,
    /// Nothing listens there: that process is not running.
    pub(super) is_gone: bool,
}

impl Failure {
    /// A failure of `node`, which is up.
    pub(super) fn of(node: &impl fmt::Display, error: &BackendError) -> Self {
        reworded(error, format!("{node}: {}", error.detail())).into()
    }
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

impl From<NoSecret> for BackendError {
    fn from(NoSecret(why): NoSecret) -> Self {
        Self::Denied(why)
    }
}

/// Sends `request` to `place`. A status other than 2xx is an error with its meaning for an order.
pub(super) async fn exchange(request: Request, place: &str, limit: Duration) -> Result<Reply, BackendError> {
    attempt(request, place, limit, |_, usual| usual).await.map_err(BackendError::from)
}

/// The same; the error also says whether anything listens at `place`. `meaning` gets a reply whose status is an error
/// and the usual meaning of that status, and may return another one.
pub(super) async fn attempt(
    request: Request,
    place: &str,
    limit: Duration,
    meaning: impl Fn(&Reply, BackendError) -> BackendError,
) -> Result<Reply, Failure> {
    let reply = talk(request, place, limit).await?;
    judge(&reply, place).map_err(|usual| meaning(&reply, usual))?;
    Ok(reply)
}

/// The same for a system that gives statuses its own meaning: an error from `own` has priority over the usual
/// meaning.
pub(super) async fn exchange_with(
    request: Request,
    place: &str,
    limit: Duration,
    own: impl Fn(u16, &[u8]) -> Option<BackendError>,
) -> Result<Reply, BackendError> {
    let reply = talk(request, place, limit).await?;
    match own(reply.status, &reply.body) {
        Some(error) => Err(error),
        None => judge(&reply, place).map(|()| reply),
    }
}

async fn talk(request: Request, place: &str, limit: Duration) -> Result<Reply, Failure> {
    request.send(limit, MAX_ANSWER).await.map_err(|error| failed(place, &error))
}

/// Scheme, host and port; without the path, since it may hold a token.
pub(super) fn place(url: &Url) -> String {
    clean(&url.origin().ascii_serialization(), 120)
}

/// An error of the same kind in other words.
pub(super) fn reworded(error: &BackendError, text: String) -> BackendError {
    match error {
        BackendError::Unreachable(_) => BackendError::Unreachable(text),
        BackendError::Unknown(_) => BackendError::Unknown(text),
        BackendError::Conflict(_) => BackendError::Conflict(text),
        BackendError::Denied(_) => BackendError::Denied(text),
        BackendError::Refused(_) => BackendError::Refused(text),
        BackendError::Busy(_) => BackendError::Busy(text),
        BackendError::Garbled(_) => BackendError::Garbled(text),
    }
}

/// `error` with what to look at when nothing could be reached.
pub(super) fn with_hint(error: BackendError, hint: &str) -> BackendError {
    match error {
        BackendError::Unreachable(text) => BackendError::Unreachable(format!("{text}; {hint}")),
        other => other,
    }
}

/// The meaning of a status for an order.
fn judge(reply: &Reply, place: &str) -> Result<(), BackendError> {
    if reply.is_success() {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&reply.body[..reply.body.len().min(600)]);
    let words = clean(reply.mask.text(&body).trim(), 160);
    let words = if words.is_empty() || words.starts_with('<') { String::new() } else { format!(": {words}") };
    let text = format!("{place}: status {}{words}", reply.status);
    Err(match reply.status {
        401 | 403 | 407 => BackendError::Denied(text),
        409 | 412 => BackendError::Conflict(text),
        429 => BackendError::Busy(text),
        300..=399 => BackendError::Garbled(format!("{text}; redirects are not followed")),
        408 | 500.. => BackendError::Unknown(text),
        _ => BackendError::Refused(text),
    })
}

fn failed(place: &str, error: &FetchError) -> Failure {
    let error = match error {
        FetchError::Timeout(ms) => BackendError::Unknown(format!("{place} did not answer within {ms} ms")),
        FetchError::Broken(cause) if cause.is_garbled => BackendError::Garbled(format!("{place}: {cause}")),
        FetchError::Broken(cause) => BackendError::Unknown(format!("{place}: {cause}")),
        FetchError::CutOff(cause) => BackendError::Garbled(format!("{place}: the answer broke off: {cause}")),
        FetchError::TooLong(max) => BackendError::Garbled(format!("{place}: the answer is longer than {max} bytes")),
        FetchError::Request(cause) => BackendError::Refused(format!("{place}: {cause}")),
        FetchError::Connect(cause) => {
            let text = format!("{place}: {cause}");
            let error = match cause.io {
                // This user may not use the socket.
                Some(ErrorKind::PermissionDenied) => BackendError::Denied(text),
                _ => BackendError::Unreachable(text),
            };
            let is_gone = matches!(cause.io, Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound));
            return Failure { error, is_gone };
        }
    };
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Mask;

    #[test]
    fn a_status_means_what_it_means_for_the_order() {
        let mut mask = Mask::default();
        mask.add("hunter2hunter2");
        let reply = |status, body: &str| {
            let (headers, took) = (reqwest::header::HeaderMap::new(), Duration::ZERO);
            Reply { status, headers, body: body.as_bytes().to_vec(), took, mask: mask.clone() }
        };
        let of = |status| judge(&reply(status, "told\x1b[2J hunter2hunter2"), "http://h");
        assert_eq!(of(204), Ok(()));
        assert_eq!(of(409), Err(BackendError::Conflict("http://h: status 409: told ***".into())));
        assert!(matches!(of(412), Err(BackendError::Conflict(_))));
        assert!(matches!(of(401), Err(BackendError::Denied(_))));
        assert!(matches!(of(403), Err(BackendError::Denied(_))));
        assert!(matches!(of(404), Err(BackendError::Refused(_))));
        assert!(matches!(of(302), Err(BackendError::Garbled(_))));
        assert!(matches!(of(500), Err(BackendError::Unknown(_))));
        assert!(matches!(of(504), Err(BackendError::Unknown(_))));
        assert_eq!(judge(&reply(400, "<html>"), "h"), Err(BackendError::Refused("h: status 400".into())));
    }
}

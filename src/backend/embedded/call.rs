//! One call to the gateway's admin interface: its own connection, one request, a bounded answer.
//!
//! How far the request got decides the error: before there is a connection nothing was sent; after that everything
//! may have happened.

use std::io;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};

use super::AdminAddress;
use crate::backend::BackendError;
use crate::domain::text::clean;

/// A status with two full histograms has about 60 KiB.
const MAX_ANSWER: usize = 1024 * 1024;

/// The gateway's address in messages and previews.
pub(super) fn place(admin: &AdminAddress) -> String {
    match admin {
        AdminAddress::Unix(path) => format!("unix:{}", clean(&path.to_string_lossy(), 200)),
        AdminAddress::Tcp { addr, .. } => format!("http://{addr}"),
    }
}

/// Calls the admin interface.
#[derive(Debug)]
pub(super) struct Caller {
    admin: AdminAddress,
    limit: Duration,
}

impl Caller {
    pub(super) fn new(admin: AdminAddress, limit: Duration) -> Self {
        Self { admin, limit }
    }

    pub(super) fn admin(&self) -> &AdminAddress {
        &self.admin
    }

    pub(super) async fn get(&self, path: &str) -> Result<Bytes, BackendError> {
        self.call(Method::GET, path, String::new()).await
    }

    pub(super) async fn put(&self, path: &str, body: String) -> Result<Bytes, BackendError> {
        self.call(Method::PUT, path, body).await
    }

    async fn call(&self, method: Method, path: &str, body: String) -> Result<Bytes, BackendError> {
        let request = self.request(method, path, body)?;
        let deadline = Instant::now() + self.limit;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        match &self.admin {
            AdminAddress::Unix(path) => {
                let stream = timeout_at(deadline, UnixStream::connect(path)).await.unwrap_or_else(|_| Err(late()));
                self.exchange(stream.map_err(|error| self.not_connected(&error))?, request, deadline).await
            }
            AdminAddress::Tcp { addr, .. } => {
                let stream = timeout_at(deadline, TcpStream::connect(addr)).await.unwrap_or_else(|_| Err(late()));
                self.exchange(stream.map_err(|error| self.not_connected(&error))?, request, deadline).await
            }
        }
    }

    fn request(&self, method: Method, path: &str, body: String) -> Result<Request<Full<Bytes>>, BackendError> {
        let mut request = Request::builder().method(method).uri(path).header(CONNECTION, "close");
        request = request.header(CONTENT_TYPE, "application/json");
        request = match &self.admin {
            AdminAddress::Unix(_) => request.header(HOST, "cutover"),
            AdminAddress::Tcp { addr, token } => {
                let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                    .map_err(|_| BackendError::Denied("the admin token holds characters no header can carry".into()))?;
                bearer.set_sensitive(true);
                request.header(HOST, addr.to_string()).header(AUTHORIZATION, bearer)
            }
        };
        request.body(Full::from(body)).map_err(|fault| BackendError::Refused(fault.to_string()))
    }

    fn not_connected(&self, error: &io::Error) -> BackendError {
        let text = format!("the gateway at {}: {error}", place(&self.admin));
        match error.kind() {
            io::ErrorKind::PermissionDenied => BackendError::Denied(text),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                BackendError::Unreachable(format!("{text}; is `cutover gateway` running?"))
            }
            _ => BackendError::Unreachable(text),
        }
    }

    async fn exchange<S>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Bytes, BackendError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let talk = async {
            let unknown = |error: hyper::Error| self.broken(&error);
            let (mut send, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(unknown)?;
            let talk = async {
                let response = send.send_request(request).await.map_err(unknown)?;
                read(response).await
            };
            let (mut talk, mut connection) = (pin!(talk), pin!(connection));
            tokio::select! {
                biased;
                answer = talk.as_mut() => answer,
                // The caller gets its error too.
                _ = connection.as_mut() => talk.await,
            }
        };
        let (status, body) = timeout_at(deadline, talk).await.map_err(|_| {
            BackendError::Unknown(format!(
                "the gateway at {} did not answer within {:?}",
                place(&self.admin),
                self.limit
            ))
        })??;
        judge(status, body)
    }

    fn broken(&self, error: &hyper::Error) -> BackendError {
        let text = format!("the gateway at {}: {}", place(&self.admin), clean(&error.to_string(), 120));
        if error.is_parse() { BackendError::Garbled(text) } else { BackendError::Unknown(text) }
    }
}

/// Reads an answer to its end, at most [`MAX_ANSWER`] bytes.
async fn read(response: Response<Incoming>) -> Result<(StatusCode, Bytes), BackendError> {
    let status = response.status();
    match Limited::new(response.into_body(), MAX_ANSWER).collect().await {
        Ok(body) => Ok((status, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(BackendError::Garbled(format!("the answer is longer than {MAX_ANSWER} bytes")))
        }
        Err(error) => Err(BackendError::Garbled(format!("the answer broke off: {}", clean(&error.to_string(), 120)))),
    }
}

/// What the status means for the order.
fn judge(status: StatusCode, body: Bytes) -> Result<Bytes, BackendError> {
    if status.is_success() {
        return Ok(body);
    }
    let told = serde_json::from_slice::<Value>(&body).ok();
    let told = told.as_ref().and_then(|told| told.get("error")).and_then(Value::as_str);
    let Some(told) = told else {
        let text = format!("status {status} without the gateway's own words: is this its admin interface?");
        return Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BackendError::Denied(text),
            _ => BackendError::Garbled(text),
        });
    };
    let told = clean(told, 300);
    Err(match status {
        StatusCode::CONFLICT => BackendError::Conflict(told),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BackendError::Denied(told),
        // Nothing was changed: the gateway itself says so.
        StatusCode::INSUFFICIENT_STORAGE => BackendError::Refused(told),
        status if status.is_client_error() => BackendError::Refused(told),
        _ => BackendError::Unknown(told),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_it_means_for_the_order() {
        let body = || Bytes::from_static(b"{\"error\":\"x\\u001b[2J\"}");
        let of = |status: u16| judge(StatusCode::from_u16(status).unwrap(), body());
        assert!(of(200).is_ok());
        assert_eq!(of(409), Err(BackendError::Conflict("x".into())));
        assert_eq!(of(401), Err(BackendError::Denied("x".into())));
        assert_eq!(of(403), Err(BackendError::Denied("x".into())));
        assert_eq!(of(422), Err(BackendError::Refused("x".into())));
        assert_eq!(of(507), Err(BackendError::Refused("x".into())));
        assert_eq!(of(500), Err(BackendError::Unknown("x".into())));
        let html = judge(StatusCode::NOT_FOUND, Bytes::from_static(b"<html>"));
        assert!(matches!(html, Err(BackendError::Garbled(_))));
    }
}

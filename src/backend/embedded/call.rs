//! One call to the gateway's admin interface: its own connection, one request, a bounded answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::AdminAddress;
use crate::backend::BackendError;
use crate::backend::exchange::{self, exchange_with, with_hint};
use crate::domain::Transport;
use crate::domain::text::clean;
use crate::http::{Client, Headers};

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
    client: Result<Client, BackendError>,
}

impl Caller {
    /// A caller that gives up after `limit`.
    pub(super) fn new(admin: AdminAddress, limit: Duration) -> Self {
        let client = match &admin {
            AdminAddress::Unix(path) => exchange::client_by(path),
            AdminAddress::Tcp { .. } => exchange::client(&Transport::default()),
        };
        Self { admin, limit, client }
    }

    /// The address that is called.
    pub(super) fn admin(&self) -> &AdminAddress {
        &self.admin
    }

    /// The body of a successful GET.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, BackendError> {
        self.call(Method::GET, path, String::new()).await
    }

    /// The body of the answer to a successful PUT.
    pub(super) async fn put(&self, path: &str, body: String) -> Result<Vec<u8>, BackendError> {
        self.call(Method::PUT, path, body).await
    }

    async fn call(&self, method: Method, path: &str, body: String) -> Result<Vec<u8>, BackendError> {
        let mut headers = Headers::default();
        let base = match &self.admin {
            AdminAddress::Unix(_) => "http://cutover".to_owned(),
            AdminAddress::Tcp { addr, token } => {
                headers.mask.add(token.expose());
                headers.list.push(("authorization".to_owned(), format!("Bearer {}", token.expose())));
                format!("http://{addr}")
            }
        };
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let request = client.request(method, &format!("{base}{path}")).headers(&headers).body(body);
        let request = request.header("content-type", "application/json").header("connection", "close");
        let gateway = format!("the gateway at {}", place(&self.admin));
        let answer = exchange_with(request, &gateway, self.limit, judge).await;
        answer.map(|answer| answer.body).map_err(|error| with_hint(error, "is `cutover gateway` running?"))
    }
}

/// What the gateway refuses, in its own words; `None` for a success.
fn judge(status: u16, body: &[u8]) -> Option<BackendError> {
    if (200..300).contains(&status) {
        return None;
    }
    let told = serde_json::from_slice::<Value>(body).ok();
    let Some(told) = told.as_ref().and_then(|told| told.get("error")).and_then(Value::as_str) else {
        let text = format!("status {status} without the gateway's own words: is this its admin interface?");
        return Some(match status {
            401 | 403 => BackendError::Denied(text),
            _ => BackendError::Garbled(text),
        });
    };
    let told = clean(told, 300);
    Some(match status {
        409 => BackendError::Conflict(told),
        401 | 403 => BackendError::Denied(told),
        400..500 | 507 => BackendError::Refused(told),
        _ => BackendError::Unknown(told),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_it_means_for_the_order() {
        let of = |status: u16| judge(status, b"{\"error\":\"x\\u001b[2J\"}");
        assert_eq!(of(200), None);
        assert_eq!(of(409), Some(BackendError::Conflict("x".into())));
        assert_eq!(of(401), Some(BackendError::Denied("x".into())));
        assert_eq!(of(403), Some(BackendError::Denied("x".into())));
        assert_eq!(of(422), Some(BackendError::Refused("x".into())));
        assert_eq!(of(507), Some(BackendError::Refused("x".into())));
        assert_eq!(of(500), Some(BackendError::Unknown("x".into())));
        let html = judge(404, b"<html>");
        assert!(matches!(html, Some(BackendError::Garbled(_))));
    }
}
